"""Reads the files whose paths come on standard input, one a line, and says of each in a line of JSON what came of it.

A process of its own, so that a reader that crashes or hangs takes nothing else with it. `python -m likeness.benchmarks.hostile.reader`.
"""

import json
import sys
from pathlib import Path

import cv2

from ...core.animation.live_link import read_live_link
from ...core.animation.pictures import open_pictures
from ...core.errors import InputError
from ...core.photo.decode import read_photo

_VIDEOS = (".avi", ".mkv", ".mp4")


def _read(path: Path) -> None:
    if path.suffix == ".csv":
        read_live_link(path)
    elif path.suffix in _VIDEOS:
        with open_pictures(path) as pictures:
            for _ in pictures.frames:
                pass
    else:
        read_photo(path)


def main() -> None:
    """Until standard input ends."""
    cv2.setLogLevel(0)
    for line in sys.stdin:
        path = Path(line.rstrip("\n"))
        try:
            _read(path)
            outcome, result = "fine", ""
        except InputError as error:
            result = str(error)
            sound = path.name in result and result.endswith(".") and "\n" not in result
            outcome = "refused" if sound else "speechless"
        except Exception as error:  # noqa: BLE001 - this is what we look for
            outcome, result = "speechless", f"{type(error).__name__}: {error}"
        sys.stdout.write(json.dumps([outcome, result]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

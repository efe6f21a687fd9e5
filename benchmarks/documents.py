"""The pictures of README and docs that need this checkout alone: `python -m likeness.benchmarks.documents [OUTPUT] [--only NAME ...]`.

The people in them are NASA's astronaut (scikit-image's, public domain) and people that our generator drew. `make docs` calls this.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import skimage
from PIL import Image

from ..core.pipeline import Reconstructor
from ..core.preview import preview
from ..core.settings import Settings
from .retopology_pictures import sheet
from .rig_pictures import row

_ROOT = Path(__file__).parents[1]
ASTRONAUT = Path(skimage.__path__[0]) / "data" / "astronaut.png"
FIGURE = _ROOT / "tests" / "core" / "figures" / "front.jpg"
PEOPLE = _ROOT / "tests" / "gate" / "cases"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_WINDOW = "1500,1120"


def astronaut(path: Path) -> None:
    """The head of README."""
    _write(preview(Reconstructor.load().run(ASTRONAUT, Settings())), path)


def figure(path: Path) -> None:
    """The body of README."""
    _write(preview(Reconstructor.load().run(FIGURE, Settings(quality="high", subject="body"))), path)


def rigging(path: Path) -> None:
    """The rigged heads of rigging.md."""
    reconstructor, settings = Reconstructor.load(), Settings(quality="draft", rig=True)
    photos = [ASTRONAUT, *sorted(PEOPLE.glob("*/photo.*"))]
    _write(np.concatenate([row(reconstructor.run(photo, settings)) for photo in photos]), path)


def retopology(path: Path) -> None:
    """The retopo meshes of retopology.md."""
    _write(sheet(Reconstructor.load().run(PEOPLE / "bust_1003" / "photo.jpg", Settings())), path)


def contact_sheet(path: Path) -> None:
    """The page of a batch, as a browser shows it, sorted by nothing yet."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        print(f"{path.name} is left as it is: no Chromium is installed.")
        return
    with tempfile.TemporaryDirectory() as name:
        photos, heads, shot = (Path(name) / part for part in ("photos", "heads", "page.png"))
        photos.mkdir()
        shutil.copy(ASTRONAUT, photos)
        for photo in PEOPLE.glob("*/photo.*"):
            shutil.copy(photo, photos / f"{photo.parent.name}{photo.suffix}")
        (photos / "broken.png").write_bytes(ASTRONAUT.read_bytes()[:9999])
        command = [sys.executable, "-m", "likeness.cli.main", "batch", photos, "--output", heads, "--quality", "draft", "--formats", "glb"]
        subprocess.run(command, check=False)  # the broken photo makes it end with 2
        # Root may not run it otherwise; the page is ours.
        flags = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={_WINDOW}", f"--screenshot={shot}"]
        subprocess.run([browser, *flags, (heads / "index.html").as_uri()], check=True)
        _write(np.asarray(Image.open(shot).convert("RGB")), path)


PICTURES: dict[str, Callable[[Path], None]] = {
    "astronaut": astronaut,
    "figure": figure,
    "rigging-sheet": rigging,
    "retopology": retopology,
    "contact-sheet": contact_sheet,
}


def _write(picture: np.ndarray, path: Path) -> None:
    Image.fromarray(picture).save(path, "JPEG", quality=85, optimize=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, nargs="?", default=_ROOT / "docs")
    parser.add_argument("--only", nargs="+", choices=PICTURES, default=list(PICTURES))
    options = parser.parse_args()
    for name in options.only:
        PICTURES[name](options.output / f"{name}.jpg")


if __name__ == "__main__":
    main()

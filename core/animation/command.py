"""`likeness animate`: its options, and the performance and the head's photo that they ask for. Needs neither torch nor bpy."""

import argparse
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..topology.rigged import NECK
from .live_link import read_live_link
from .performance import Performance

_RECORDING = ".csv"


def add_command(commands: Any) -> argparse.ArgumentParser:
    """Add the sub-command to an argparse parser's commands; the caller adds what a reconstruction needs."""
    command = commands.add_parser(
        "animate", help="make a head that moves like the face in a video", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    command.add_argument("source", metavar="SOURCE", type=Path, help="video, folder of pictures, photo, or CSV file of Live Link Face")
    command.add_argument("--head", metavar="PHOTO", type=Path, help="photo of the head; by default a frame of the video")
    command.add_argument("--smoothing", type=_seconds, default=0.2, help="seconds over which movement is smoothed, 0 for none")
    return command


def read_performance(options: argparse.Namespace, progress: Callable[[str, float], None]) -> Performance:
    """What the face in the source does. Raises LikenessError; InputError when there is no face to make a head of."""
    if options.source.suffix.lower() == _RECORDING:
        if options.head is None:
            raise InputError(f"{options.source.name} shows no head; give the photo of one with --head.")
        return read_live_link(options.source)
    from .track import Tracker

    return Tracker.load().run(options.source, options.smoothing, progress)


def head_photo(options: argparse.Namespace, performance: Performance, folder: Path) -> Path:
    """The photo to make the head of: the chosen one, or the frame that shows the face most from the front, in `folder`."""
    if options.head is not None:
        return options.head
    from PIL import Image

    from .pictures import open_pictures

    turned = np.linalg.norm(performance.rotations[:, NECK], axis=1)
    best = int(np.where(performance.seen, turned, np.inf).argmin())
    with open_pictures(options.source) as pictures:
        picture = next(islice(pictures.frames, best, None))
    path = folder / f"{options.source.stem}.png"
    Image.fromarray(picture).save(path)
    return path


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 2:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 2 seconds")
    return value

"""Pictures one after the other: a video, a folder of pictures, or a single photo."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from ..errors import InputError
from ..photo.decode import read_photo
from ..photo.files import MAX_PIXELS, SUFFIXES
from .performance import MAX_FRAMES

_TOLERANCE = 0.02  # share of frames by which sound files' counts, some of them computed from the duration, are off
SEQUENCE_RATE = 24.0
"""Frames a second of a folder of pictures, which does not tell its own."""


@dataclass(frozen=True)
class Pictures:
    """count: frames, as far as the source tells (at least 1). rate: frames a second. frames: (H, W, 3) uint8 sRGB, each once.
    warnings: sentences for the user, complete once all frames were taken."""

    count: int
    rate: float
    frames: Iterator[np.ndarray]
    warnings: list[str] = field(default_factory=list)


@contextmanager
def open_pictures(source: Path) -> Iterator[Pictures]:
    """A folder of pictures in the order of their names, a photo, or a video that OpenCV can read.

    Raises InputError, also while frames are taken, when the source cannot be used, has more than MAX_FRAMES frames, or is a video of which
    most is missing.
    """
    if source.is_dir():
        files = sorted(path for path in source.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
        if not files:
            raise InputError(f"{source.name or source} holds no pictures; choose a folder of PNG or JPEG files, or a video.")
        if len(files) > MAX_FRAMES:
            raise InputError(f"{source.name} holds more than {MAX_FRAMES} pictures; use a shorter sequence.")
        yield Pictures(len(files), SEQUENCE_RATE, (read_photo(path).image for path in files))
    elif source.suffix.lower() in SUFFIXES:
        yield Pictures(1, SEQUENCE_RATE, (read_photo(path).image for path in (source,)))
    else:
        if not source.exists():
            raise InputError(f"{source} does not exist; check the path.")
        video = cv2.VideoCapture(str(source))
        try:
            yield _video(video, source)
        finally:
            video.release()


def _video(video: cv2.VideoCapture, source: Path) -> Pictures:
    size = video.get(cv2.CAP_PROP_FRAME_WIDTH) * video.get(cv2.CAP_PROP_FRAME_HEIGHT)
    rate, count = video.get(cv2.CAP_PROP_FPS), video.get(cv2.CAP_PROP_FRAME_COUNT)
    if not video.isOpened() or not size > 0:
        raise InputError(f"{source.name} is not a video that can be read; save it as MP4 (H.264) or as a folder of pictures.")
    if size > MAX_PIXELS:
        raise InputError(f"{source.name} has more than {MAX_PIXELS // 1_000_000} megapixels a frame; save a smaller copy.")
    if count > MAX_FRAMES:
        raise InputError(f"{source.name} has more than {MAX_FRAMES} frames; cut a shorter piece.")
    declared, warnings = int(max(count, 1)), []
    frames = _frames(video, source, declared, warnings)
    return Pictures(declared, rate if 1 <= rate <= 1000 else SEQUENCE_RATE, frames, warnings)


def _frames(video: cv2.VideoCapture, source: Path, declared: int, warnings: list[str]) -> Iterator[np.ndarray]:
    for number in range(MAX_FRAMES + 1):
        there, picture = video.read()
        if not there:
            if number == 0:
                raise InputError(f"{source.name} is damaged or in a format that cannot be read; save it as MP4 (H.264).")
            if declared - number > max(2, _TOLERANCE * declared):
                missing = f"{number} of the {declared} frames of {source.name} could be read"
                if number < declared / 2:
                    raise InputError(f"Only {missing}; copy or export the video again.")
                warnings.append(f"{missing}; the rest is missing or damaged.")
            return
        if number == MAX_FRAMES:  # the header may lie
            raise InputError(f"{source.name} has more than {MAX_FRAMES} frames; cut a shorter piece.")
        yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)

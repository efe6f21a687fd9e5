"""A few sharp frames of a video in which a person turns, or is walked around: the photos from which one head is made."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..errors import NoFaceError
from ..photo.crop import crop_picture
from ..photo.faces import Face, MediaPipeDetector
from ..photo.intake import MIN_FACE
from .pictures import open_pictures
from .video_frames import VideoFrames

_LOOKED_AT = 200  # frames of a video, evenly spread
_BIN = 6.0  # degrees of turn of which the sharpest frame is kept
_APART = 12.0  # degrees: what lies nearer to a chosen frame adds nothing
_SHARP = 0.5  # share of the sharpest neighbour's sharpness that a frame needs
_PATCH = 128  # pixels a side of the face whose sharpness is compared
_SIDE = 2048  # longest side of a kept picture, pixels: more than any network reads
_RIGHT_EYE, _LEFT_EYE = 33, 263  # MediaPipe's outer corners


@dataclass(frozen=True)
class Candidate:
    """A frame that shows the face. turn: degrees to its own left; sharpness: higher is sharper, of frames of the same video."""

    number: int
    picture: np.ndarray
    turn: float
    sharpness: float


def turn_frames(source: Path, detector: MediaPipeDetector, count: int, step: Callable[[float], None] = lambda share: None) -> VideoFrames:
    """At most `count` frames that show the largest face as far apart as the video has it, each the sharpest of its kind; the one most from
    the front comes first. step: is given the share of the work that is done.

    Raises InputError as open_pictures does, and NoFaceError when no frame shows a usable face."""
    sharpest: dict[int, Candidate] = {}
    with open_pictures(source) as pictures:
        stride = max(1, pictures.count // _LOOKED_AT)
        for number, picture in enumerate(pictures.frames):
            step(min(number / pictures.count, 1.0))
            if number % stride:
                continue
            face = max(detector.detect(picture, closer=False), key=lambda face: face.size, default=None)
            if face is None or face.size < MIN_FACE:
                continue
            found = Candidate(number, picture, face_turn(face), _sharpness(picture, face))
            place = round(found.turn / _BIN)
            if place not in sharpest or found.sharpness > sharpest[place].sharpness:
                sharpest[place] = found
    if not sharpest:
        raise NoFaceError(f"{source.name} shows no face; use a video in which a face is seen clearly.")
    chosen = spread(sharp(list(sharpest.values())), count)
    # A folder's pictures may differ in size; one file holds pictures of one size.
    chosen = [frame for frame in chosen if frame.picture.shape == chosen[0].picture.shape]
    numbers, turns = np.array([frame.number for frame in chosen], np.int32), np.array([frame.turn for frame in chosen], np.float32)
    return VideoFrames(source.name, numbers, turns, np.stack([_bounded(frame.picture) for frame in chosen]))


def sharp(frames: list[Candidate]) -> list[Candidate]:
    """Those that are not much less sharp than another one of nearly the same side."""
    return [
        frame
        for frame in frames
        if frame.sharpness >= _SHARP * max(other.sharpness for other in frames if abs(other.turn - frame.turn) < _APART)
    ]


def spread(frames: list[Candidate], count: int) -> list[Candidate]:
    """Of some frames at most `count`, the one most from the front first, then always the one that is farthest from those before."""
    chosen = [min(frames, key=lambda frame: abs(frame.turn))]
    while len(chosen) < count:
        farthest = max(frames, key=lambda frame: _distance(frame, chosen))
        if _distance(farthest, chosen) < _APART:
            break
        chosen.append(farthest)
    return chosen


def face_turn(face: Face) -> float:
    """Degrees by which a face is turned to its own left, by the depth of its eyes' outer corners."""
    across = face.mesh[_LEFT_EYE] - face.mesh[_RIGHT_EYE]
    return float(np.degrees(np.arctan2(-across[2], np.hypot(across[0], across[1]))))


def _distance(frame: Candidate, chosen: list[Candidate]) -> float:
    return min(abs(frame.turn - other.turn) for other in chosen)


def _sharpness(picture: np.ndarray, face: Face) -> float:
    """Variance of the Laplacian of the face, as wide as _PATCH pixels in every frame."""
    left, top, right, bottom = face.box
    side = max(right - left, bottom - top)
    square = ((left + right - side) / 2, (top + bottom - side) / 2, side)
    grey = cv2.cvtColor(crop_picture(picture, square, _PATCH).astype(np.float32), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var())


def _bounded(picture: np.ndarray) -> np.ndarray:
    """A picture no larger than _SIDE."""
    share = _SIDE / max(picture.shape[:2])
    if share >= 1:
        return picture
    return cv2.resize(picture, (round(picture.shape[1] * share), round(picture.shape[0] * share)), interpolation=cv2.INTER_AREA)

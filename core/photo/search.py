"""Where faces may be in a picture of any size: in all four quarter turns, and small ones in overlapping tiles of a large picture."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

_DETECTION_SIDE = 384  # the detector picks its 192 from more without averaging, so that noise would drown a face
_RELIABLE = 0.075  # face over picture from which on the detector misses hardly any: 14 of its 192 pixels
_TILES = (2.5, 5.4)  # tiles in a row if they did not overlap; few enough that all passes take less than a second
_OVERLAP = 0.2  # of a tile; the faces that the next coarser pass may miss are whole in one of them
_MIN_TILE = 384  # in smaller ones only faces are left that are too small to use

Detections = Callable[[np.ndarray], list[tuple[float, np.ndarray, np.ndarray]]]
"""Score, box (left, top, width, height) and the right and left eye (2, 2), in pixels, of each face that is found in a picture."""


@dataclass(frozen=True)
class Candidate:
    """A place where a face may be, as a square that leans with the face: centre (2,), column and row, side in pixels, tilt in radians.
    rank: the detector's score, less the more the face leans in the quarter turn in which it was found."""

    rank: float
    centre: np.ndarray
    side: float
    tilt: float


def search_passes(image: np.ndarray, detections: Detections) -> Iterator[tuple[list[Candidate], float]]:
    """Passes of a detector over an (H, W, 3) uint8 picture, each closer than the one before.

    Each pass gives its candidates, best first, and the size of a face in pixels from which on it misses hardly any. The same face may
    come from several turns and tiles, and from several passes.
    """
    longest = max(image.shape[:2])
    found = _candidates(image, detections, 0)
    # A face that fills the frame is found only with some room around it.
    yield _best_first(found or _candidates(image, detections, longest // 2)), _RELIABLE * longest
    for count in _TILES:
        tile = round(longest / count)
        if tile < _MIN_TILE:
            return
        found = []
        for top in _starts(image.shape[0], tile):
            for left in _starts(image.shape[1], tile):
                found += _candidates(image[top : top + tile, left : left + tile], detections, 0, (left, top))
        yield _best_first(found), _RELIABLE * tile


def turn_points(points: np.ndarray, turns: int, shape: tuple[int, ...]) -> np.ndarray:
    """Where points (N, 2 or 3) of a picture of the given (rows, columns, ...) lie after np.rot90(picture, turns)."""
    height, width = shape[:2]
    points = points.copy()
    for _ in range(turns % 4):
        points[:, 0], points[:, 1] = points[:, 1].copy(), width - points[:, 0]
        height, width = width, height
    return points


def _starts(length: int, tile: int) -> list[int]:
    """Where tiles begin that cover a length and overlap by _OVERLAP or more."""
    if length <= tile:
        return [0]
    count = int(np.ceil((length - tile) / ((1 - _OVERLAP) * tile))) + 1
    return np.linspace(0, length - tile, count).round().astype(int).tolist()


def _best_first(found: list[Candidate]) -> list[Candidate]:
    return sorted(found, key=lambda candidate: -candidate.rank)


def _candidates(image: np.ndarray, detections: Detections, margin: int, corner: tuple[int, int] = (0, 0)) -> list[Candidate]:
    """The candidates in all four turns of a picture whose left top lies at `corner` of the whole, with a black margin in pixels around."""
    height, width = image.shape[:2]
    scale = min(1.0, _DETECTION_SIDE / max(height, width))
    small = image
    if scale < 1:
        small = cv2.resize(image, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA)
    margin = round(margin * scale)
    padded = cv2.copyMakeBorder(small, margin, margin, margin, margin, cv2.BORDER_CONSTANT) if margin else small
    found = []
    for turns in range(4):
        turned = np.ascontiguousarray(np.rot90(padded, turns))
        for score, box, eyes in detections(turned):
            lean = _angle(eyes[1] - eyes[0])
            centre, right, left = turn_points(np.stack([box[:2] + box[2:] / 2, *eyes]), -turns, turned.shape) - margin
            found.append(Candidate(score - abs(lean) / np.pi, centre / scale + corner, float(max(box[2:])) / scale, _angle(left - right)))
    return found


def _angle(across: np.ndarray) -> float:
    return float(np.arctan2(across[1], across[0]))

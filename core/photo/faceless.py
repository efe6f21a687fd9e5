"""The head in a photo in which no face is found: a profile, or the back of a head. A parsing network tells where hair and skin are."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from .decode import Photo
from .framing import HEAD, CropBox
from .matte import FINE_SIDE, one_piece, sharpen, square_picture, surer, with_coverage
from .parsing import CLASSES, Parser, Parsing

_HEAD = [CLASSES.index(name) for name in ("skin", "hair", "beard", "eyes", "lips", "teeth", "hat", "glasses")]
ACROSS = 0.19
"""Metres: the root of the area that a head shows, hair and skin, from any side."""
_REGION = 0.6  # metres: side of the square that the parser knows
_ROOM = 1.3  # side of the square around the head over that of its crop
_ROUNDS = 3
_LEAST = 0.004  # share of the parser's picture that a head covers
_MIN_HEAD = 96  # pixels; less tells nothing of a shape
_GUIDE_RADIUS, _MAX_HOLE, _SOFT = 0.0035, 0.03, 0.003  # metres, as in matte.py


@dataclass(frozen=True)
class HeadPicture:
    """image (H, W, 3) uint8 sRGB; matte (H, W) float32 in [0, 1]: the person; parsing: of the square around the head; head (S, S) bool:
    hair and skin of the head in that square; name: file stem; focal: pixels, or None; turn: degrees by which the head is turned to its
    own left, if landmarks tell."""

    image: np.ndarray
    matte: np.ndarray
    parsing: Parsing
    head: np.ndarray
    name: str
    focal: float | None
    turn: float | None = None

    @classmethod
    def of(cls, photo: Photo, parser: Parser, focal: float | None, turn: float | None = None) -> Self | None:
        """The largest head of an upright photo, or None where there is none that is large enough. focal, turn: if they are known."""
        height, width = photo.image.shape[:2]
        side, size = max(height, width), parser.size
        square = ((width - side) // 2, (height - side) // 2, side)
        for _ in range(_ROUNDS):
            (x0, y0, x1, y1), picture = square_picture(photo.image, square, size)
            shares, scale = parser(picture), size / square[2]
            inside = np.zeros((size, size), np.uint8)
            rows, columns = (
                slice(int((a - b) * scale), int(np.ceil((c - b) * scale))) for a, b, c in ((y0, square[1], y1), (x0, square[0], x1))
            )
            inside[rows, columns] = 1
            head = _largest((shares[..., _HEAD].sum(-1) > 0.5) & (inside > 0))
            if head.sum() < _LEAST * size * size:
                return None
            parsed, taken = square, (x0, y0, x1, y1)
            across = np.sqrt(head.sum()) / scale
            column, row = (float(np.nonzero(head)[axis].mean()) / scale + square[1 - axis] for axis in (1, 0))
            square = _within(column, row, across * _REGION / ACROSS, photo.image.shape)
        if across < _MIN_HEAD:
            return None
        matte, shares = _matte(photo, shares, head, parsed, taken, picture, (rows, columns), across)
        return cls(photo.image, matte, Parsing(shares, parsed), head, photo.name, focal, turn)

    def place(self) -> tuple[np.ndarray, float]:
        """The head's middle (2,) and the root of its area, photo pixels."""
        step = self.parsing.square[2] / len(self.head)
        rows, columns = np.nonzero(self.head)
        middle = np.array([columns.mean() + 0.5, rows.mean() + 0.5]) * step + self.parsing.square[:2]
        return middle, float(np.sqrt(len(rows)) * step)

    def box(self) -> CropBox:
        """A square of the photo that surely holds what a crop of the head (framing.HEAD) would take."""
        (column, row), across = self.place()
        half = _ROOM * HEAD.half * across / ACROSS
        return float(column - half), float(row - half), 2 * half


def _largest(mask: np.ndarray) -> np.ndarray:
    """(S, S) bool: the largest piece of a mask."""
    _, pieces, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    return pieces == 1 + int(np.argmax(statistics[1:, cv2.CC_STAT_AREA])) if len(statistics) > 1 else np.zeros_like(mask)


def _within(column: float, row: float, side: float, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Left, top and side of a square around a pixel, as small as it can be and still hold all that a picture shows of it."""
    left, top = column - side / 2, row - side / 2
    outside = min(max(-left, 0), max(left + side - shape[1], 0), max(-top, 0), max(top + side - shape[0], 0))
    return round(left + outside), round(top + outside), max(2, round(side - 2 * outside))


def _matte(
    photo: Photo,
    shares: np.ndarray,
    head: np.ndarray,
    square: tuple[int, int, int],
    taken: tuple[int, int, int, int],
    picture: np.ndarray,
    inside: tuple[slice, slice],
    across: float,
) -> tuple[np.ndarray, np.ndarray]:
    """The matte (H, W) of the person whose head (S, S) it is, as `matte.segment` makes it, and the shares that follow it."""
    x0, y0, x1, y1 = taken
    pixel = ACROSS / across * square[2] / len(shares)  # metres
    soft = surer(shares) * (1 - shares[..., CLASSES.index("object")])
    soft[inside] = one_piece(
        soft[inside], cv2.erode(head.astype(np.uint8), np.ones((5, 5), np.uint8))[inside], (_MAX_HOLE / pixel) ** 2, round(_SOFT / pixel)
    )
    part, matte = photo.image[y0:y1, x0:x1], np.zeros(photo.image.shape[:2], np.float32)
    shrink = min(1.0, FINE_SIDE / max(part.shape))
    guide = cv2.resize(part, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else part
    fine = sharpen(picture[inside], soft[inside], guide, max(1, round(_GUIDE_RADIUS / pixel)))
    matte[y0:y1, x0:x1] = cv2.resize(fine, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    return matte if photo.alpha is None else matte * photo.alpha, with_coverage(shares, soft)

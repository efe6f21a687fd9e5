"""The matte of one person's whole figure, and what each pixel of it is.

A network is shown the square around the person together with a stick figure of the pose: it tells whose figure is meant, so that in a
crowd nobody else is cut out. The outline is brought to the photo's resolution as a head's is.
"""

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np

from .matte import FINE_SIDE, sharpen, surer, with_coverage
from .parsing import CLASSES, Parsing
from .people import BodyLandmarks
from .scenery import leg_gaps, scenery

NOSE, SHOULDERS, HIPS = 0, (11, 12), (23, 24)
_LIMBS = (
    (11, 13), (13, 15), (15, 19), (12, 14), (14, 16), (16, 20), (23, 25), (25, 27), (27, 31), (24, 26), (26, 28), (28, 32),
)  # fmt: skip
_HEAD, _LIMB = 0.22, 0.09
"""Radius of the head and of limbs, lengths of the trunk."""
_SHIFT = 3  # bits of OpenCV's subpixels
_LEAST_VISIBLE = 0.3
_ROOM = 1.138  # side of the square over the longer side of the box of the whole person
_CUT, _FILLED, _FURTHER = 0.02, 0.6, 0.25
"""Share of the square's edge that a person who fits into it may cover; of its side that a person fills at least; by which one reaches over
it may go on."""
_GUIDE_RADIUS, _SOLID, _HOLE, _PIECE = 2, 3, 40, 1e-3  # pixels of the network's picture; square pixels; share of it

Square = tuple[int, int, int]
"""Left column, top row and side, photo pixels; may reach over the photo's edges."""


class FigureParser(Protocol):
    """Tells the classes of a square picture around an upright figure."""

    size: int
    """Pixels a side of the pictures that it takes."""

    def __call__(self, picture: np.ndarray, guide: np.ndarray) -> np.ndarray:
        """Shares (size, size, len(CLASSES)) float32 that sum to 1, of a (size, size, 3) uint8 sRGB picture and its `pose_guide`."""
        ...


def seen_points(landmarks: BodyLandmarks) -> np.ndarray:
    """(33, 2) photo pixels: the landmarks that the photo shows, nan for the others."""
    return np.where(landmarks.visibility[:, None] < _LEAST_VISIBLE, np.nan, landmarks.points)


def parsed_figure(
    image: np.ndarray, square: Square, parser: FigureParser, subject: np.ndarray | None = None, others: Sequence[np.ndarray] = ()
) -> tuple[np.ndarray, Parsing]:
    """Matte (H, W) float32 in [0, 1] of one upright person in an (H, W, 3) uint8 photo, and the classes in a square around them.

    square: roughly around the person; another one is taken where the figure reaches over it or fills little of it. subject: `seen_points`
    of the person; others: those of further people in the photo. Without a subject whoever fills the square is cut out.
    """
    shares, soft = _look(image, square, parser, subject, others)
    better = _better(soft, square, image.shape)
    if better is not None:
        square = better
        shares, soft = _look(image, square, parser, subject, others)
    return _fine(image, soft, square), Parsing(with_coverage(shares, soft), square)


def pose_guide(size: int, subject: np.ndarray | None, others: Sequence[np.ndarray] = ()) -> np.ndarray:
    """(size, size) float32: 1 on a stick figure of the subject, -1 on those of other people, 0 elsewhere.

    People are `people.BodyLandmarks.points` (33, 2) in pixels of the picture, nan where a point is not known.
    """
    guide = np.zeros((size, size), np.float32)
    for points, value in [*((one, -1.0) for one in others), *([] if subject is None else [(subject, 1.0)])]:
        _draw(guide, points, value)
    return guide


def _draw(guide: np.ndarray, points: np.ndarray, value: float) -> None:
    known = np.isfinite(points).all(1)
    if not known.any():
        return
    shoulders, hips = (points[list(pair)] for pair in (SHOULDERS, HIPS))
    trunk = float(np.nanmax([*np.linalg.norm(hips - shoulders, axis=1), 0.3 * np.ptp(points[known], axis=0).max()]))
    fixed = lambda values: np.round(np.asarray(values) * (1 << _SHIFT)).astype(np.int32)  # noqa: E731
    for start, end in _LIMBS:
        if known[start] and known[end]:
            wide = max(1, round(2 * _LIMB * trunk))
            cv2.line(guide, fixed(points[start]).tolist(), fixed(points[end]).tolist(), (value,), wide, cv2.LINE_8, _SHIFT)
    square = [index for index in (*SHOULDERS, *reversed(HIPS)) if known[index]]
    if len(square) > 2:
        cv2.fillPoly(guide, [fixed(points[square])], (value,), cv2.LINE_8, _SHIFT)
    if known[NOSE]:
        cv2.circle(guide, fixed(points[NOSE]).tolist(), int(fixed(_HEAD * trunk)), (value,), -1, cv2.LINE_8, _SHIFT)


def _look(
    image: np.ndarray, square: Square, parser: FigureParser, subject: np.ndarray | None, others: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Shares (S, S, C) and the person's soft mask (S, S) over a square of the photo."""
    (left, top, side), size = square, parser.size
    placed = lambda points: (points - [left, top]) * size / side  # noqa: E731
    guide = pose_guide(size, None if subject is None else placed(subject), [placed(points) for points in others])
    picture = _picture(image, square, size)
    shares = parser(picture, guide)
    soft = surer(shares) * (1 - shares[..., CLASSES.index("object")] / np.maximum(1 - shares[..., 0], 1e-3))
    height, width = image.shape[:2]
    rows, columns = ((np.arange(size) + 0.5) * side / size + start for start in (top, left))
    soft *= ((rows > 0) & (rows < height))[:, None] & ((columns > 0) & (columns < width))
    soft = _own_pieces(soft, guide > 0)
    taken = scenery(picture, soft, guide > 0)
    if subject is not None:
        taken |= leg_gaps(soft, shares, placed(subject))
    if taken.any():
        soft = _own_pieces(
            np.where(cv2.dilate(taken.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0, 0, soft).astype(np.float32), guide > 0
        )
    return shares, soft


def _picture(image: np.ndarray, square: Square, size: int) -> np.ndarray:
    """(size, size, 3) of a square that may reach over the photo's edges, where its border is repeated."""
    left, top, side = square
    height, width = image.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    padding = y0 - top, top + side - y1, x0 - left, left + side - x1
    picture = cv2.copyMakeBorder(image[y0:y1, x0:x1], *padding, cv2.BORDER_REPLICATE)
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA if side > size else cv2.INTER_CUBIC)


def _own_pieces(soft: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """The soft mask (S, S) of the pieces that lie on the guide (S, S) bool, or of the largest one if none does, without specks and small
    holes, and solid inside. A post or a table may cut a figure into pieces."""
    mask = (soft > 0.5).astype(np.uint8)
    if not mask.any():
        return soft
    pieces = cv2.connectedComponents(mask, connectivity=4)[1].astype(np.int64)
    areas = np.bincount(pieces.ravel())
    areas[0] = 0
    on = np.bincount(pieces[guide], minlength=len(areas)) > 0.05 * areas
    own = on & (areas > _PIECE * mask.size)
    if not own.any():
        own = areas == areas.max()
    piece = own[pieces].astype(np.uint8)
    holes = cv2.connectedComponents(1 - piece, connectivity=4)[1].astype(np.int64)
    filled = (np.bincount(holes.ravel())[holes] <= _HOLE) & (piece == 0)
    disc = lambda radius: cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))  # noqa: E731
    filled |= cv2.erode(piece | filled.astype(np.uint8), disc(_SOLID)) > 0
    # What is soft around the pieces belongs to them.
    around, other = cv2.dilate(piece, disc(5)) > 0, cv2.dilate(mask - piece, np.ones((3, 3), np.uint8)) > 0
    return np.where(filled, 1, np.where((around & ~other) | (piece > 0), soft, 0)).astype(np.float32)


def _better(soft: np.ndarray, square: Square, shape: tuple[int, ...]) -> Square | None:
    """Another square where the person in a soft mask (S, S) reaches over this one's edge while the photo goes on, or fills little of it."""
    left, top, side = square
    mask, (height, width) = soft > 0.5, shape[:2]
    if not mask.any():
        return None
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) * side / len(soft) + [left, top, left, top]
    edges = (mask[:, 0], left > 0), (mask[0], top > 0), (mask[:, -1], left + side < width), (mask[-1], top + side < height)
    over = np.array([goes_on and float(edge.mean()) > _CUT for edge, goes_on in edges])
    longer = max(box[2] - box[0], box[3] - box[1])
    if not over.any() and longer > _FILLED * side:
        return None
    box += over * np.array([-1, -1, 1, 1]) * _FURTHER * side
    longer = max(2, round(_ROOM * float(max(box[2] - box[0], box[3] - box[1]))))
    return round((box[0] + box[2] - longer) / 2), round((box[1] + box[3] - longer) / 2), longer


def _fine(image: np.ndarray, soft: np.ndarray, square: Square) -> np.ndarray:
    """The matte (H, W) of a soft mask (S, S) of a square, with the photo's own edges."""
    left, top, side = square
    height, width = image.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    part, scale = image[y0:y1, x0:x1], len(soft) / side
    inside = np.s_[
        int((y0 - top) * scale) : int(np.ceil((y1 - top) * scale)),
        int((x0 - left) * scale) : int(np.ceil((x1 - left) * scale)),
    ]
    shrink = min(1.0, FINE_SIDE / max(part.shape))
    guide = cv2.resize(part, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else part
    fine = sharpen(_picture(image, square, len(soft))[inside], soft[inside], guide, _GUIDE_RADIUS)
    matte = np.zeros((height, width), np.float32)
    matte[y0:y1, x0:x1] = cv2.resize(fine, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    return matte

"""A photo with the person whose body was found in it, and the matte around that whole person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from .figure_matte import FigureParser, parsed_figure, seen_points
from .hands import HandLandmarks
from .matte import FINE_SIDE, SelfieSegmenter, one_piece, sharpen, square_picture
from .parsing import Parsing
from .people import BodyLandmarks

_LIMBS = (
    (7, 8), (0, 11), (0, 12), (11, 12), (11, 13), (13, 15), (15, 19), (12, 14), (14, 16), (16, 20), (11, 23), (12, 24), (23, 24), (23, 25),
    (25, 27), (27, 31), (27, 29), (24, 26), (26, 28), (28, 32), (28, 30),
)  # fmt: skip
_TRUNK = (11, 12, 24, 23)
_ABOVE, _AROUND = 0.45, 0.2  # lengths of the torso from landmarks to the figure's edges: above the eyes, and elsewhere
_ROOM = 1.15  # side of the square over the longer side of that box
_MAX_HOLE, _SOFT, _GUIDE_RADIUS = 0.05, 0.02, 0.008  # metres, as of heads in matte.py, which are seen finer
_TORSO = 0.5  # metres
_SURE = 0.1  # lengths of the torso: thickness of limbs that the rough segmenter, which was made for portraits, must not lose


@dataclass(frozen=True)
class BodyView:
    """A photo prepared for the reconstruction of a whole body.

    image: (H, W, 3) uint8 sRGB, upright. matte: (H, W) float32 in [0, 1], the person. readings: the person's landmarks in several framings.
    focal: pixels, or None when unknown. name: file stem. parsing: what each pixel around the person is, or None where no network told.
    people: how many people of the photo can be chosen; beside: how many of them stand in the person's square. notes: sentences about
    what was chosen, warnings: about what may spoil the result. hands: those that were found, by side.
    """

    image: np.ndarray
    matte: np.ndarray
    readings: tuple[BodyLandmarks, ...]
    focal: float | None
    name: str
    parsing: Parsing | None = None
    people: int = 1
    beside: int = 0
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    hands: Mapping[str, HandLandmarks] = field(default_factory=dict)

    @property
    def principal(self) -> np.ndarray:
        """(2,) photo pixels: the point that the camera's axis passes through, the picture's middle."""
        return np.array([self.image.shape[1], self.image.shape[0]]) / 2

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the person in the photo."""
        return matte_box(self.matte)


def matte_box(matte: np.ndarray) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of what a matte (H, W) is sure of; the whole picture where that is nothing."""
    rows, columns = np.flatnonzero((matte > 0.5).any(1)), np.flatnonzero((matte > 0.5).any(0))
    if not len(rows):
        return 0.0, 0.0, float(matte.shape[1]), float(matte.shape[0])
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def figure_square(body: BodyLandmarks) -> tuple[int, int, int]:
    """Left column, top row and side of the square around a whole person; may reach over the photo's edges."""
    seen = body.points[body.visibility > 0.1] if (body.visibility > 0.1).sum() > 4 else body.points
    low, high = seen.min(0) - _AROUND * body.torso, seen.max(0) + _AROUND * body.torso
    low[1] = min(low[1], body.points[:11, 1].min() - _ABOVE * body.torso)
    side = _ROOM * float((high - low).max())
    left, top = (low + high) / 2 - side / 2
    return round(left), round(top), max(2, round(side))


def segment_figure(
    image: np.ndarray, body: BodyLandmarks, segmenter: FigureParser | SelfieSegmenter, others: Sequence[BodyLandmarks] = ()
) -> tuple[np.ndarray, Parsing | None]:
    """Matte (H, W) float32 in [0, 1] of the person with this body in an (H, W, 3) uint8 photo, and the classes in the square around that
    person if the segmenter is a parser. others: further people of the photo, who are left out."""
    left, top, side = square = figure_square(body)
    if not isinstance(segmenter, SelfieSegmenter):
        return parsed_figure(image, square, segmenter, seen_points(body), [seen_points(one) for one in others])
    size = segmenter.size
    height, width = image.shape[:2]
    (x0, y0, x1, y1), picture = square_picture(image, (left, top, side), size)
    part = image[y0:y1, x0:x1]
    scale = size / side
    to_picture = lambda one: replace(one, points=(one.points - [left, top]) * scale)  # noqa: E731
    own = _nearest(size, to_picture(body), [to_picture(one) for one in others])
    soft = np.where(own, segmenter(picture), 0).astype(np.float32)
    trunk = _drawn(size, to_picture(body), _SURE)
    inside = np.s_[
        int((y0 - top) * scale) : int(np.ceil((y1 - top) * scale)),
        int((x0 - left) * scale) : int(np.ceil((x1 - left) * scale)),
    ]
    pixel = _TORSO / (body.torso * scale)  # metres
    soft[inside] = one_piece(soft[inside], trunk[inside], (_MAX_HOLE / pixel) ** 2, max(1, round(_SOFT / pixel)))
    matte = np.zeros((height, width), np.float32)
    shrink = min(1.0, FINE_SIDE / max(part.shape))
    guide = cv2.resize(part, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else part
    fine = sharpen(picture[inside], soft[inside], guide, max(1, round(_GUIDE_RADIUS / pixel)))
    if others:
        fine = fine * cv2.resize(own[inside].astype(np.float32), fine.shape[::-1], interpolation=cv2.INTER_LINEAR)
    matte[y0:y1, x0:x1] = cv2.resize(fine, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    return matte, None


def _nearest(size: int, subject: BodyLandmarks, others: Sequence[BodyLandmarks]) -> np.ndarray:
    """(size, size) bool: pixels nearer to the subject's limbs and trunk than to anybody else's, in lengths of each one's torso."""
    if not others:
        return np.ones((size, size), bool)

    distance = lambda body: cv2.distanceTransform(1 - _drawn(size, body, 1e-6, 0.0), cv2.DIST_L2, 5) / body.torso  # noqa: E731
    own = distance(subject)
    return np.all([own <= distance(one) for one in others], axis=0)


def _drawn(size: int, body: BodyLandmarks, thick: float, least: float = 0.7) -> np.ndarray:
    """(size, size) uint8, 1 on the trunk of a body in such a picture and, where thick is more than 0, on the limbs whose ends are at least
    so visible; thick: lengths of the torso."""
    picture = np.zeros((size, size), np.uint8)
    points = np.round(body.points).astype(np.int32)
    cv2.fillConvexPoly(picture, cv2.convexHull(points[list(_TRUNK)]), (1,))
    if thick > 0:
        for first, second in _LIMBS:
            if body.visibility[[first, second]].min() >= least:
                cv2.line(picture, points[first].tolist(), points[second].tolist(), (1,), max(1, round(thick * body.torso)))
    return picture

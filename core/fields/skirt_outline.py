"""Finds in a photo's classes the cloth that hangs around both legs at once, its sides and its hem."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..geometry.visibility import depth_picture

_SIZE = 256  # pixels a side in which it is looked for
_HANGING = 0.3  # of a thigh's length that a knee is below its hip
_SHORTEST = 0.45  # of a thigh's length that a skirt reaches below the hips
_CLOTH = 0.85  # of the pixels between the legs
_TORN = 2  # rows without cloth that are noise
_BELOW = (0.02, 0.06)  # crop units below the hem in which less of the person is seen
_NARROWER = 0.78  # of its width
_BESIDE = 0.06  # crop units beside it: legs that part are as wide together as before
_ANKLES = 0.5  # of a shin's length above the ankles: wide trousers end there as well
_WIDER = 1.4, 2.4  # than the fitted legs, and so with a hem there
_ARMS = 0.025  # crop units around fitted arms
_EVEN = 2.0  # rows over which its sides are smooth
_ASTRAY = 0.03  # crop units off the hem's curve
_CORNER, _COMES = 0.025, 10  # crop units above the hem where a side ends, and rows that tell how it comes down
_OPEN = 0.03  # crop units above the hem where the legs of whoever wears an open coat are apart


@dataclass(frozen=True)
class Wearer:
    """A fitted body in the crop frame: vertices (V, 3), faces (F, 3); arms (V,) bool; legs (2, 3, 3): hip, knee and ankle of each;
    levels (2,): by how much y a level line that comes towards the camera rises in each crop unit of z, at the hips and at the ankles."""

    vertices: np.ndarray
    faces: np.ndarray
    arms: np.ndarray
    legs: np.ndarray
    levels: np.ndarray

    def level(self, height: float) -> float:
        """Of `levels`, at any height."""
        hips, ankles = self.legs[:, [0, -1], 1].mean(0)
        return float(np.interp(height, [ankles, hips], self.levels[::-1]))


@dataclass(frozen=True)
class SkirtOutline:
    """In the crop frame: rows (N,): heights, rising; left, right (N,): x of its sides there; curve (3,): the hem's height as a polynomial
    of x, highest power first; top: the height of the hips."""

    rows: np.ndarray
    left: np.ndarray
    right: np.ndarray
    curve: np.ndarray
    top: float

    def hem(self, x: np.ndarray) -> np.ndarray:
        """The height of the hem's nearest side at x."""
        return np.polyval(self.curve, np.clip(x, self.left.min(), self.right.max()))


def skirt_outline(cloth: np.ndarray, matte: np.ndarray, wearer: Wearer) -> SkirtOutline | None:
    """cloth, matte (S, S) in [0, 1]: clothes, and the person, over the crop. None where each leg has cloth of its own, or none."""
    hips, knees, ankles = wearer.legs.transpose(1, 0, 2)
    thigh = float(np.linalg.norm(hips - knees, axis=1).mean())
    if (hips[:, 1] - knees[:, 1] < _HANGING * thigh).any() or (ankles[:, 1] > knees[:, 1]).any():
        return None
    shin = float(np.linalg.norm(knees - ankles, axis=1).mean())
    person, covered = (cv2.resize(one, (_SIZE, _SIZE), interpolation=cv2.INTER_AREA) > 0.5 for one in (matte, np.minimum(cloth, matte)))
    arms = _drawn(wearer, wearer.arms)
    around = cv2.dilate(arms.astype(np.uint8), np.ones((2 * round(_ARMS * _SIZE / 2) + 1,) * 2, np.uint8)).astype(bool)
    fitted = _drawn(wearer, ~wearer.arms)
    covered |= person & around
    top, lowest = hips[:, 1].mean(), ankles[:, 1].min()
    first, last = _row(top), min(_row(lowest), _SIZE - 1)
    heights = 1 - (np.arange(_SIZE) + 0.5) * 2 / _SIZE
    between = np.sort([[np.interp(-heights, -leg[:, 1], leg[:, 0])] for leg in wearer.legs], axis=0)[:, 0]
    spans, torn = {}, 0
    for row in range(first, last + 1):
        start, stop = (_column(x) for x in between[:, row])
        if person[row, start : stop + 1].all() and covered[row, start : stop + 1].mean() >= _CLOTH:
            torn, spans[row] = 0, _run(covered[row], start, stop)
        elif (torn := torn + 1) > _TORN:
            break
    found, sides = np.array(list(spans), int), np.array(list(spans.values()), int).reshape(-1, 2)
    end = _end(found, sides, person & ~around, first + round(_SHORTEST * thigh * _SIZE / 2))
    if end is None:
        return None
    sides, found = sides[found <= end], found[found <= end]
    lower = found > found[len(found) // 2]
    wide = (sides[lower, 1] - sides[lower, 0] + 1).mean() / max(fitted[found[lower]].sum(1).mean(), 1)
    if wide < _WIDER[int(heights[found[-1]] < lowest + _ANKLES * shin)]:
        return None
    left, right = (_side(found, sides[:, i], around, fitted, i) for i in (0, 1))
    rows = heights[found][::-1]
    left, right = ((one[::-1] * 2 / _SIZE - 1) for one in (left, right + 1))
    curve = _hem(covered & ~around, sides, found)
    if curve is None:
        return None
    outline = SkirtOutline(rows, left, right, curve, float(top))
    outline = replace(outline, left=_straight(outline, left), right=_straight(outline, right))
    # Legs that are seen above the hem are between the sides of an open coat.
    start, stop = between[:, found[-1]]
    middle = np.linspace(start, stop, 2 * _TORN + 1)
    seen = person[np.clip([[_row(y) for y in outline.hem(middle) + _OPEN]], 0, _SIZE - 1), [[_column(x) for x in middle]]]
    return outline if seen.all() else None


def _end(rows: np.ndarray, sides: np.ndarray, person: np.ndarray, least: int) -> int | None:
    """The row below which, from the row `least` on, there is less of a person (S, S) bool than there is of what has these sides (N, 2) in
    these rows (N,)."""
    low, high, margin = (round(one * _SIZE / 2) for one in (*_BELOW, _BESIDE))
    for row, (start, stop) in zip(rows, sides, strict=True):
        if row < least:
            continue
        near = person[row : row + high + 2, max(start - margin, 0) : stop + 1 + margin].sum(1)
        own = person[row, start : stop + 1].sum()
        if len(near) > low + 1 and near[low + 1 :].mean() < _NARROWER * own:
            return int(row + np.argmax(near[:-1] - near[1:]))
    return None


def _side(rows: np.ndarray, columns: np.ndarray, arms: np.ndarray, fitted: np.ndarray, side: int) -> np.ndarray:
    """(N,) columns of a side of the skirt in each row, where arms hide it by what is above and below."""
    step = 1 if side == 0 else -1
    known = ~arms[rows, columns] & ~arms[rows, np.clip(columns - step, 0, _SIZE - 1)]
    if not known.any():
        return columns.astype(float)
    free = columns.astype(float)
    if not known[0]:
        here = np.flatnonzero(fitted[rows[0]])
        if len(here):
            free[0], known[0] = (here.min(), here.max())[side], True
    return gaussian_filter1d(np.interp(rows, rows[known], free[known]), _EVEN, mode="nearest")


def _straight(outline: SkirtOutline, side: np.ndarray) -> np.ndarray:
    """A side (N,) that goes on as it comes down where the outline is the hem already, whose near part hangs lower."""
    above = np.flatnonzero(outline.rows > outline.hem(side) + _CORNER)
    if not len(above) or above[-1] - above[0] < _COMES:
        return side
    first = above[0]
    slope = (side[first] - side[first + _COMES]) / (outline.rows[first] - outline.rows[first + _COMES])
    return np.where(np.arange(len(side)) < first, side[first] + slope * (outline.rows - outline.rows[first]), side)


def _hem(cloth: np.ndarray, sides: np.ndarray, rows: np.ndarray) -> np.ndarray | None:
    """(3,) the curve through the lower ends of cloth in the columns of a skirt; cloth that goes on, down a leg, is none of it."""
    start, stop = sides[-3:, 0].min(), sides[-3:, 1].max()
    ends = []
    for column in range(start, stop + 1):
        reached = rows[(sides[:, 0] <= column) & (sides[:, 1] >= column) & cloth[rows, column]]
        if len(reached):
            gone = np.flatnonzero(~cloth[reached[-1] :, column])
            ends.append((column, reached[-1] + (gone[0] if len(gone) else 0)))
    if len(ends) < 6:
        return None
    places = np.array(ends, float)
    x, y = (places[:, 0] + 0.5) * 2 / _SIZE - 1, 1 - places[:, 1] * 2 / _SIZE
    kept = np.abs(y - np.median(y)) < 4 * _ASTRAY
    for _ in range(5):
        curve = np.polyfit(x[kept], y[kept], 2)
        off = np.abs(np.polyval(curve, x) - y)
        kept = off < max(_ASTRAY / 2, min(_ASTRAY, float(np.quantile(off, 0.6))))
    return curve


def _run(mask: np.ndarray, start: int, stop: int) -> tuple[int, int]:
    """First and last column of what is connected in a row (S,) bool with the columns from start to stop."""
    before, after = np.flatnonzero(~mask[:start]), np.flatnonzero(~mask[stop + 1 :])
    return (int(before[-1]) + 1 if len(before) else 0, stop + int(after[0]) if len(after) else len(mask) - 1)


def _drawn(wearer: Wearer, which: np.ndarray) -> np.ndarray:
    """(_SIZE, _SIZE) bool: where the fitted body's faces of these vertices (V,) are in the picture."""
    return depth_picture(wearer.vertices, wearer.faces[which[wearer.faces].all(1)], _SIZE).mask


def _row(height: float) -> int:
    return int((1 - height) * _SIZE / 2)


def _column(x: float) -> int:
    return int(np.clip((x + 1) * _SIZE / 2, 0, _SIZE - 1))

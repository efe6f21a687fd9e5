"""Fills the part of a crop that lies beyond the photo's edges, where hair, chin or shoulders may go on.

There the person's outline is guessed from the fitted head, moved outwards by as much as hair and clothes stand off it at the same places
where the photo shows them, on either side; and the colours are those of the likest places that it shows.
"""

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.visibility import smoothstep

_NEAREST = 8  # places of the known outline that tell how far a guessed one stands off
_SAME, _ELSEWHERE = 0.05, 0.4  # crop units on the mean bust: places so near are the same; places so far tell no more than what is usual
_HAIR, _SCALP = 0.06, (0.1, 0.3)  # crop units: usual thickness of hair, and the heights above the eyes over which it begins
_FADE, _DEEP = 0.15, 0.1  # crop units: how far beyond the photo's edge what is seen there counts, and how far inside it a person is
_ARRIVES = 0.1  # crop units below the photo's upper edge in which the outline's direction is taken
_SMOOTH, _PAINT = 0.02, 0.03  # crop units: blur of the outline and of the colours
_CURTAIN, _SHOULDER = 0.5, 1.0  # crop units of a person at a side of the photo: that is hair that hangs; and the steepest slope of less
_ARC, _BITS = 33, 4  # points of the arc of a crown, and bits of the fractions of pixels in which it is drawn
_ROUND = 0.3  # crop units (6 cm): no crown is bent more
_SURE = 0.9  # matte of pixels whose colour is the person's


def outpainted(picture: np.ndarray, shown: np.ndarray, mask: np.ndarray, canonical: np.ndarray) -> np.ndarray:
    """The head crop (S, S, 4) float32, masked sRGB and matte, with a guess where the photo does not reach; itself where it does.

    shown (S, S) bool: where the photo is; mask (S, S) bool: where the fitted head is; canonical (S, S, 3): its
    canonical coordinates there, as in `PriorSurface`.
    """
    matte = picture[..., 3]
    sure = shown & (matte > _SURE)
    if shown.all() or not sure.any() or not mask.any():
        return picture
    unit = 2 / len(matte)
    apart, nearest = distance_transform_edt(~mask, return_indices=True)
    apart = np.where(mask, 0.5 - distance_transform_edt(mask), apart - 0.5) * unit
    place = np.abs(canonical) * [1, 0, 0] + canonical * [0, 1, 1]  # both sides of a head are alike
    rim = distance_transform_edt(~(mask & _grown(~mask)), return_distances=False, return_indices=True)
    guess = np.clip(0.5 - _distance_beyond(matte > 0.5, shown, apart, place[tuple(rim)]) / unit, 0, 1)
    guess = np.minimum(guess, np.minimum(_closing(matte > 0.5, shown), _arriving(matte > 0.5, shown)))
    guess = np.minimum(guess, _rounded(np.where(shown, matte, guess) > 0.5, shown))
    beyond = ~shown & (guess > 0)
    where = np.dstack([place[tuple(nearest)], np.maximum(apart, 0)])
    colours = np.zeros_like(picture[..., :3])
    colours[sure] = picture[sure][:, :3] / matte[sure][:, None]
    colours[beyond] = colours[sure][cKDTree(where[sure]).query(where[beyond])[1]]
    weight = (sure | beyond).astype(np.float32)
    blurred = cv2.GaussianBlur(np.dstack([colours, weight]), (0, 0), _PAINT / unit)
    colours = blurred[..., :3] / np.maximum(blurred[..., 3:], 1e-6)
    return np.where(shown[..., None], picture, np.dstack([colours * guess[..., None], guess])).astype(np.float32)


def _distance_beyond(person: np.ndarray, shown: np.ndarray, apart: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Signed distance (S, S) to the guessed outline of a person (S, S) bool, in crop units, positive outside; it means something where
    the photo is not shown (S, S). apart (S, S): distance to the fitted head's outline; place (S, S, 3): of the outline's nearest point."""
    unit = 2 / len(person)
    # Background that is nowhere outside the fitted head is a fault of the matte and tells nothing.
    _, gaps = cv2.connectedComponents((shown & ~person).astype(np.uint8))
    person = shown & ~np.isin(gaps, np.setdiff1d(gaps[apart > 0], 0))
    standing = _HAIR * smoothstep(place[..., 1], *_SCALP)
    edge, first = shown & _grown(~shown), int(np.argmax(shown.any(1)))
    # Where the photo ends within hair wider than usual, at least so much is known. That would be the flat top of a crown whose outline is
    # seen to arrive at both ends of the upper edge, and tells how thick it is.
    if not person[first, shown[first]][[0, -1]].any():
        edge[first] = False
    outline = person & shown & np.where(edge, apart > standing, _grown(~person & shown))
    if outline.any():
        count = min(_NEAREST, int(outline.sum()))
        distance, found = (part.reshape(-1, count) for part in cKDTree(place[outline]).query(place[~shown], k=count))
        weight, usual = 1 / (distance**2 + _SAME**2), count / _ELSEWHERE**2
        standing[~shown] = ((weight * apart[outline][found]).sum(1) + usual * standing[~shown]) / (weight.sum(1) + usual)
    guess = apart - gaussian_filter(standing, _SMOOTH / unit)
    # At the edge the guess must go on from what is seen: the known outline, or a person of whom more is hidden.
    into, out = (distance_transform_edt(part) - 0.5 for part in (person | ~shown, ~(person & shown)))
    seen = np.clip(np.where(person, -into, out) * unit, -_DEEP, _DEEP)
    beyond, nearest = distance_transform_edt(~shown, return_indices=True)
    wrong = np.where(person, np.maximum(guess - seen, 0), np.minimum(guess - seen, 0))[tuple(nearest)]
    return guess - gaussian_filter(wrong, _SMOOTH / unit) * np.exp(-((beyond * unit / _FADE) ** 2))


def _arriving(person: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """(S, S) in [0, 1]: beside the photo, 0 above the lines in which the upper outline of the person (S, S) bool arrives there: what is
    guessed of hair and shoulders that are cut off has no horns."""
    size, there = len(person), np.flatnonzero(shown.any(0))
    inside, rows, first = np.ones((size, size)), np.arange(size)[:, None] + 0.5, int(np.argmax(shown.any(1)))
    count = max(round(_ARRIVES * size / 2), 2)
    for side, beyond, near in ((-1, np.arange(there[0]), there[:count]), (1, np.arange(there[-1] + 1, size), there[::-1][:count])):
        tops = person[:, near].argmax(0)
        if len(beyond) and person[:, near].any(0).all() and (tops > first).all():
            slope = side * np.polyfit(near, tops, 1)[0]
            if person[:, near[0]].sum() < _CURTAIN * size / 2:
                slope = min(slope, _SHOULDER)
            inside[:, beyond] = np.clip(0.5 + rows - tops[0] - slope * np.abs(beyond - near[0]), 0, 1)
    return inside


def _closing(person: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """(S, S) in [0, 1]: above the photo's upper edge, 0 outside the lines in which the outline of the person (S, S) bool arrives there, or
    the arc that both begin: a crown that is cut off closes without a knob, and round."""
    size, first = len(person), int(np.argmax(shown.any(1)))
    inside, columns = np.ones((size, size)), np.arange(size) + 0.5
    rows = first + np.arange(max(round(_ARRIVES * size / 2), 2))
    if first == 0 or not person[rows].any(1).all():
        return inside
    above = np.arange(first)
    left, right = person[rows].argmax(1), size - person[rows][:, ::-1].argmax(1)
    lines: list[np.ndarray] = []
    for side, ends, edge in ((1, left, shown[first].argmax()), (-1, right, size - shown[first][::-1].argmax())):
        if np.any(ends == edge):  # the person goes on beyond the photo's other edges as well
            continue
        lines.append(np.polyfit(rows, ends, 1))
        inside[:first] = np.minimum(inside[:first], np.clip(0.5 + side * (columns - np.polyval(lines[-1], above)[:, None]), 0, 1))
    if len(lines) == 2:
        inside[:first] = np.minimum(inside[:first], _arc(lines[0], lines[1], first, size)[:first])
    return inside


def _rounded(person: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """(S, S) in [0, 1]: above the photo's upper edge, 0 in the corners of the person (S, S) bool, seen and guessed, into which no crown's
    circle reaches (a morphological opening): what hair is wide below was a flat top with corners."""
    size, first = len(person), int(np.argmax(shown.any(1)))
    inside, radius = np.ones((size, size)), _ROUND * size / 2
    core = distance_transform_edt(person) > radius
    if first and core.any():
        inside[:first] = np.clip(0.5 + radius - distance_transform_edt(~core)[:first], 0, 1)
    return inside


def _arc(left: np.ndarray, right: np.ndarray, first: int, size: int) -> np.ndarray:
    """(S, S) in [0, 1]: what lies below the arc in which the lines (slope, column at row 0) go on above the row `first`, if they meet
    there: a conic with their directions at its ends, a circle's arc if they lean alike."""
    ends = np.array([[np.polyval(line, first), first] for line in (left, right)])
    steep = left[0] - right[0]
    if ends[1, 0] <= ends[0, 0] or steep >= 0:
        return np.ones((size, size))
    row = (right[1] - left[1]) / steep
    apex = np.array([np.polyval(left, row), row])
    chord, sides = ends[1] - ends[0], apex - ends
    cosine = (sides[0] @ chord / np.linalg.norm(sides[0]) - sides[1] @ chord / np.linalg.norm(sides[1])) / 2 / np.linalg.norm(chord)
    along = np.linspace(0, 1, _ARC)[:, None]
    weights = np.hstack([(1 - along) ** 2, 2 * max(cosine, 0) * along * (1 - along), along**2])
    points = weights @ np.stack([ends[0], apex, ends[1]]) / weights.sum(1, keepdims=True)
    corners = np.array([[ends[1, 0], size], [ends[0, 0], size]])
    below = np.zeros((size, size), np.uint8)
    polygon = np.round((np.concatenate([points, corners]) - 0.5) * 2**_BITS).astype(np.int32)
    return cv2.fillPoly(below, [polygon], (255,), cv2.LINE_AA, _BITS) / 255.0


def _grown(mask: np.ndarray) -> np.ndarray:
    return cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0

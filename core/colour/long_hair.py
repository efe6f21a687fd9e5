"""Where long hair hangs that the photo does not show, and where it ends on the back: by the hair that it shows. Places on the mean head."""

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d, grey_closing

from ..geometry.visibility import smoothstep

PITCH = 0.02
"""Crop units: pixels of the front view."""
CHEEKS = -0.4
"""Height, crop units, down to which hair beside the face tells how wide it is behind."""
HAIR_EDGE = 0.1
"""Crop units over which hair's end is soft."""
_BESIDE = 0.06  # crop units (12 mm): heights differ by as much from the front to the back
_CURTAIN = (0.3, 0.8)  # seen hair around a place, in cells of the front view: from a stray lock to hair that hangs
_WIDTH = (0.35, 0.5)  # crop units from the middle, of close hair and of any on the back
_BLADES, _CURVE, _POWER = -0.75, 0.15, 4  # height to which long hair falls on the back, and by which it is shorter at the sides: most there
_ENDS, _LONGER, _BELOW = 2, 0.05, 0.1  # percentile of the seen hair's height where it ends; crop units lower behind; and seen below it
_LOCK = (1, 4)  # cells of hair at one height, from a stray hair to a lock that hangs
_OUTER = 0.06  # crop units from what is seen farthest out, that make the outline
_SHOWN, _OUTLINE = 0.1, (0.4, 0.8)  # photo weight, and share of hair in the outline
_WIDENS, _AT_ONCE = 0.7, 0.08  # crop units by which hanging hair is wider for each farther down, and at once
_AT_EDGE = 0.04  # crop units above the lowest that is seen, where what is seen is not yet thin
_GAP = 5  # rows (2 cm)
_BELOW_EYES = -0.1  # height below which it hangs
_MIDDLE = 0.3  # crop units from the middle, across which one side's outline passes into the other's


def front_view(upright: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """Each place's pixel, flat, in the picture of distances from the middle and heights; and that picture's shape. upright (K, 3)."""
    place = np.column_stack([np.abs(upright[:, 0]), upright[:, 1] - upright[:, 1].min()])
    row, column = (place / PITCH).astype(np.int64).T
    shape = (int(row.max()) + 1, int(column.max()) + 1)
    return row * shape[1] + column, shape


def hangs(hair: np.ndarray, upright: np.ndarray) -> np.ndarray:
    """(K,) in [0, 1]: is hair (K,) seen at this height or below, here or farther out? It comes down from the scalp."""
    flat, shape = front_view(upright)
    count = gaussian_filter(np.bincount(flat, hair, shape[0] * shape[1]).reshape(shape), _BESIDE / PITCH, mode="constant")
    outside = np.maximum.accumulate(np.maximum.accumulate(count[::-1])[::-1], axis=1)
    return smoothstep(outside.reshape(-1)[flat], *_CURTAIN)


def falls(hair: np.ndarray, shown: np.ndarray, upright: np.ndarray, lowest: np.ndarray | float = -np.inf) -> np.ndarray:
    """(K,) in [0, 1]: is this no lower than hair falls? Not beyond the shoulder blades, at the sides less far, but as far as it makes the
    outline, and nowhere below a gap. hair (K,): what is seen of it; shown (K,): what is seen of anything; lowest (K,): the lowest height
    that is seen in each place's column, below which hair goes on as it is there."""
    beside = hair * (upright[:, 1] > CHEEKS) > 0.5
    width = np.full(len(hair), _WIDTH[0])
    for side in (upright[:, 0] > 0, upright[:, 0] <= 0):
        if (beside & side).any():
            width[side] = max(_WIDTH[0], np.percentile(np.abs(upright[beside & side, 0]), 95))
    width = np.minimum(width, _WIDTH[1])
    end = max(_BLADES, _seen_end(hair, shown, upright)) + _CURVE * np.abs(upright[:, 0] / width) ** _POWER
    found = smoothstep(upright[:, 1] - end, -HAIR_EDGE / 2, HAIR_EDGE / 2)
    at = np.clip(lowest + _AT_EDGE, upright[:, 1], upright[:, 1].max())
    return np.maximum(found, _makes_outline(hair, shown, upright, at)) * goes_on(hair, upright, at)


def _seen_end(hair: np.ndarray, shown: np.ndarray, upright: np.ndarray) -> float:
    """Height to which hair (K,) falls behind, if it is seen to end in front; -inf where the photo ends with it, or shows none."""
    heights = upright[(hair > 0.5) & (goes_on(hair, upright) > 0.5), 1]
    end = float(np.percentile(heights, _ENDS)) if len(heights) else np.inf
    return end - _LONGER if upright[shown > 0.5, 1].min(initial=np.inf) < end - _BELOW < np.inf else -np.inf


def goes_on(hair: np.ndarray, upright: np.ndarray, at: np.ndarray | None = None) -> np.ndarray:
    """(K,) in [0, 1]: is this, or the height `at` (K,), no lower than the hair that is seen, of which shares (K,) are, hangs from the head
    without a gap?"""
    row = ((upright[:, 1].max() - upright[:, 1]) / PITCH).astype(np.int64)
    row_at = row if at is None else ((upright[:, 1].max() - at) / PITCH).astype(np.int64)
    count = gaussian_filter1d(np.bincount(row, hair > 0.5).astype(float), 1, mode="constant")
    first = max(int(upright[:, 1].max() / PITCH), 0)
    hanging = smoothstep(np.minimum.accumulate(count[first:]), *_LOCK)
    return np.concatenate([np.ones(first), hanging])[row_at]


def _makes_outline(hair: np.ndarray, shown: np.ndarray, upright: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(K,) in [0, 1]: is hair what is seen farthest out at heights `at` (K,), on both sides or on this one? Fur and scarves that are taken
    for it are wider than what hangs above them."""
    row_at = ((at - upright[:, 1].min()) / PITCH).astype(np.int64)
    row = ((upright[:, 1] - upright[:, 1].min()) / PITCH).astype(np.int64)
    sides = []
    for sign in (-1, 1):
        chosen = (sign * upright[:, 0] > 0) & (shown > _SHOWN)
        farthest = np.full(row.max() + 1, -np.inf)
        np.maximum.at(farthest, row[chosen], np.abs(upright[chosen, 0]))
        outer = chosen & (np.abs(upright[:, 0]) > farthest[row] - _OUTER)
        layers = [np.bincount(row[outer], one[outer], row.max() + 1) for one in (hair, shown)]
        of_hair, of_any = (gaussian_filter1d(layer, 1.0, mode="constant") for layer in layers)
        sides.append((smoothstep(of_hair / np.maximum(of_any, 1e-6), *_OUTLINE) * _hangs_down(farthest, upright[:, 1].min()))[row_at])
    across = np.clip(upright[:, 0] / (2 * _MIDDLE) + 0.5, 0, 1)
    return sides[0] + across * (sides[1] - sides[0])


def _hangs_down(farthest: np.ndarray, lowest: float) -> np.ndarray:
    """(R,) bool for rows of one side's outline, farthest (R,) from the middle, the first at the height `lowest`: may it be of hair that
    hangs down? That widens little by little, and below what sticks out nothing hangs. What is narrower than close hair is a side that the
    photo does not show, and a short gap is a rim that it does not."""
    farthest = grey_closing(farthest, _GAP)
    slanted = np.maximum(farthest, _WIDTH[0]) + _WIDENS * PITCH * np.arange(len(farthest))
    below = lowest + PITCH * np.arange(len(farthest)) < _BELOW_EYES
    narrowest = np.minimum.accumulate(np.where(below & np.isfinite(farthest), slanted, np.inf)[::-1])[::-1]
    return np.logical_and.accumulate((~below | (slanted < narrowest + _AT_ONCE))[::-1])[::-1]

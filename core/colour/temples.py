"""Hair at the temples, which greys first and is often cropped: a photo shows it in strips too narrow for samples of the hair's level.

What these strips have that is lighter or greyer than the rest goes on over the sides, and around the head below the crown. A strip that
is darker turns away from the light, which tells nothing of the hair.
"""

import numpy as np

from ..geometry.visibility import smoothstep
from .material import BLACK, Tints

_TEMPLES, _BESIDE = (-0.05, 0.35), 0.22  # height on the mean head and crop units from the middle, where the strips are
_SHOWN, _LEAST = 0.3, 8.0  # weight of a cell of a strip, and how many tell
_LIGHT = 45  # percentile of their light: the lightest show skin, the wall behind them or a gleam
_UNMIXED = 50  # per cent of them, the least red, that tell the tint: skin shows through the rest
_LIGHTER = (0.15, 0.4)  # natural logarithm, beyond light's own differences
_GREYER = (0.3, 0.5)  # share of the tint's strength that lacks
_LOWEST, _LONG = 2, (0.2, 0.4)  # percentile of the seen hair's height that tells where it ends, and below the eyes where it is long
_CAST, _FAINT = (-0.15, 0.0), 0.2  # strength of the seen tint, of the rest's, which black hair hardly has
_CROWN = (0.2, 0.5)  # height on the mean head over which the crown's hair begins
_BEHIND, _LESS = (0.2, 0.6), 0.3  # depth behind the eyes, crop units, over which the change becomes so much less


def greyed(
    level: np.ndarray, hair: np.ndarray, seen: np.ndarray, strips: np.ndarray, weight: np.ndarray, upright: np.ndarray
) -> np.ndarray:
    """The level (K, 3) of cells, share (K,) of hair, with sides as light and as grey as the temples that are seen: strips (K, 3), sRGB,
    where weight (K,) says; seen (K,): share of hair that the photo shows; upright (K, 3): places on the mean head (Symmetry.upright). Long
    hair is as it is seen below."""
    beside = (np.abs(upright[:, 0]) > _BESIDE) & (upright[:, 1] > _TEMPLES[0]) & (upright[:, 1] < _TEMPLES[1])
    shown, hidden = beside & (weight > _SHOWN), beside & (hair > 0.5)
    if weight[shown].sum() < _LEAST or not hidden.any():
        return level
    usual, colours = np.median(level[hidden], axis=0) + BLACK, strips[shown]
    light = np.percentile(colours.mean(1), _LIGHT) + BLACK
    temples = Tints.of(colours, 0, _UNMIXED).natural().given_to(np.full((1, 3), max(light, usual.mean()) - BLACK))[0] + BLACK
    lighter, greyer = np.log(light / usual.mean()), 1 - _tint(temples) / max(_tint(usual), 1e-6)
    share = max(smoothstep(np.array([lighter]), *_LIGHTER)[0], smoothstep(np.array([greyer]), *_GREYER)[0])
    # What is bluer than grey is a wall that is seen through it.
    middle = np.median(colours, axis=0)
    natural = (middle / middle.mean() - 1) @ (usual / usual.mean() - 1) / max(_tint(usual), _FAINT) ** 2
    share *= smoothstep(np.array([natural]), *_CAST)[0]
    told = upright[seen > _SHOWN, 1]
    short = 1 - smoothstep(-np.percentile(told, [_LOWEST]), *_LONG)[0] if len(told) else 1.0
    there = short * hair * (1 - smoothstep(upright[:, 1], *_CROWN)) * (1 - _LESS * smoothstep(-upright[:, 2], *_BEHIND))
    return np.clip((level + BLACK) * (temples / usual) ** (share * there)[:, None] - BLACK, 0, 1)


def _tint(colour: np.ndarray) -> float:
    """How strong the tint of a colour (3,) is, as a share of its light."""
    return float(np.linalg.norm(colour / colour.mean() - 1))

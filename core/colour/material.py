"""The level of hidden colours: what the photo shows of the same person's skin, hair and clothes, and a little of the field's guess."""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

from ..geometry.visibility import smoothstep
from .kinds import CLOTHES, HAIR, KINDS, SKIN

_SEEN = 0.5  # photo weight
_LEAST = 30  # cells that make a sample
_COLLAR = (0.3, 0.5)  # crop units from the middle, where the front's opening ends: behind, clothes are as on the shoulders
_PITCH = 0.02  # crop units
_NEAR = (0.2, 0.2, 0.25, 0.1, 0.2)  # crop units over which the colours of each kind vary
_TONES = 3  # steps of each channel in which kinds of cloth are told apart
_CLOTH = 0.25  # sRGB: a guess this far from a kind of cloth hardly means it
_DARK = (0.12, 0.3)  # sRGB: a field that knows nothing of clothes guesses dark ones
_MEDIAN = 0.002  # weight of a kind's median beside cells in each 0.02 x 0.02
_HIGHLIGHT = (1.1, 1.5)  # of the median
_VARIES = 0.06  # sRGB: so far from its middle may hair always be
_UNUSUAL = (2.0, 3.5)  # of the usual distance
_RELIEF = 0.25  # of the level
_BLACK = 0.06  # sRGB: below it ratios are noise
_KEPT = (0.4, 0.8, 0.0, 0.0, 0.0)  # share of the guess's own variation that stays


def levels(
    guess: np.ndarray, seen: np.ndarray, weight: np.ndarray, share: np.ndarray, upright: np.ndarray, better: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """Colours (K, 3) of cells with shares (K, len(KINDS)), by what is seen (K, 3) of each kind, where weight (K,) says, about there.

    guess (K, 3): the field's colours; upright (K, 3): places on the mean head (Symmetry.upright); better
    [(K,), ...]: how good seen cells are as samples in further ways: as long as enough are, they alone count.
    """
    away = smoothstep(np.abs(upright[:, 0]), *_COLLAR)
    colours = np.zeros_like(guess)
    for index in range(len(KINDS)):
        near, kept = _NEAR[index], _KEPT[index]
        sources = share[:, index] * weight
        for one in better:
            sources = _chosen(sources, one)
        if index == SKIN:
            sources = _chosen(sources, _dull(seen, sources))
        elif index == HAIR:
            sources = _chosen(sources, _usual(seen, sources))
        if index == CLOTHES:
            sources = _chosen(sources, away)
            level = _cloth(guess, seen, sources, upright, near)
        else:
            level = _level(seen, sources, upright, near)
        colours += share[:, index : index + 1] * (
            guess if level is None else level + _relief(guess, share[:, index] * (1 - weight), level, kept)
        )
    return np.clip(colours, 0, 1)


def _chosen(sources: np.ndarray, better: np.ndarray) -> np.ndarray:
    """Sources (K,) that are better (K,), or all of them if those are too few."""
    return sources * better if (sources * better > _SEEN).sum() >= _LEAST else sources


def _dull(seen: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """(K,) in [0, 1]: is skin (K, 3) without the highlights that the face has and the back of the head has not?"""
    light = seen.mean(1) / max(float(_middle(seen, sources).mean()), _BLACK)
    return 1 - smoothstep(light, *_HIGHLIGHT)


def _usual(seen: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """(K,) in [0, 1]: is what is seen (K, 3) as the sources (K,) mostly are? What is far from that was mistaken for it."""
    away = np.linalg.norm(seen - _middle(seen, sources), axis=1)
    return 1 - smoothstep(away / max(float(_middle(away[:, None], sources)[0]), _VARIES), *_UNUSUAL)


def _relief(guess: np.ndarray, share: np.ndarray, level: np.ndarray, kept: float) -> np.ndarray:
    """How much lighter (K, 1) than the rest of its kind the guess makes a cell: its light and shade, not its tints."""
    light, most = guess.mean(1, keepdims=True), _RELIEF * level.mean(1, keepdims=True)
    return np.clip(kept * (light - _middle(light, share)), -most, most)


def _level(seen: np.ndarray, sources: np.ndarray, upright: np.ndarray, near: float) -> np.ndarray | None:
    """Colours (K, 3) seen at about the same height and distance from the middle, in any depth; None where too few are seen."""
    chosen = sources > _SEEN
    if chosen.sum() < _LEAST:
        return None
    blurred = _around(seen, chosen, upright, near)
    return (blurred[:, 1:] + _MEDIAN * _middle(seen, sources)) / (blurred[:, :1] + _MEDIAN)


def _cloth(guess: np.ndarray, seen: np.ndarray, sources: np.ndarray, upright: np.ndarray, near: float) -> np.ndarray | None:
    """The same from the kind of cloth that is meant by the guess, a dark guess meaning any."""
    chosen = sources > _SEEN
    if chosen.sum() < _LEAST:
        return None
    kind = (np.clip(seen, 0, 0.999) * _TONES).astype(np.int64) @ [_TONES**2, _TONES, 1]
    any_kind = 1 - smoothstep(guess.max(axis=1), *_DARK)
    total = np.zeros((len(guess), 4))
    for one in np.unique(kind[chosen]):
        alike = chosen & (kind == one)
        middle = seen[alike].mean(0)
        # Where the guess is like nothing seen, the nearest kind is taken.
        meant = np.exp(-((guess - middle) ** 2).sum(1) / (2 * _CLOTH**2)) + 1e-4
        meant += any_kind * (1 - meant)
        # A little of each, from anywhere.
        spread = _MEDIAN * alike.sum() / chosen.sum() * np.array([1, *middle])
        total += meant[:, None] * (_around(seen, alike, upright, near) + spread)
    return total[:, 1:] / np.maximum(total[:, :1], 1e-9)


def _around(seen: np.ndarray, chosen: np.ndarray, upright: np.ndarray, near: float) -> np.ndarray:
    """How many chosen cells lie around, in the picture of heights and distances from the middle, and the sums of their colours (K, 4)."""
    place = np.column_stack([np.abs(upright[:, 0]), upright[:, 1]])
    row, column = ((place - place.min(0) * [0, 1]) / _PITCH).astype(np.int64).T
    shape = (row.max() + 1, column.max() + 1)
    flat = (row * shape[1] + column)[chosen]
    layers = [np.bincount(flat, values, shape[0] * shape[1]).reshape(shape) for values in (np.ones(len(flat)), *seen[chosen].T)]
    # Reflected at the middle, where both halves meet.
    return np.stack([gaussian_filter(layer, near / _PITCH, mode="reflect") for layer in layers], axis=-1)[row, column]


def _middle(colours: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Median (3,) of the colours that weigh, or of all."""
    chosen = weight > _SEEN
    return np.median(colours[chosen] if chosen.any() else colours, axis=0)

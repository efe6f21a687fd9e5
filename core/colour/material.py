"""The level of hidden colours: what the field guesses, put right by what the photo shows of the same person's skin, hair and clothes.

A field guesses what it has met most, so that hidden hair comes out in the mean colour of all hair; but it tells skin from hair.
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from ..geometry.visibility import smoothstep

SURE = (0.6, 1.0)
"""Trust in a mirrored colour, from doubtful to sure: near the other side's outline hair and skin are easily mistaken."""
_SEEN, _HIDDEN = 0.5, 0.1  # photo weight
_LEAST = 30  # cells that make a sample
_FACE = np.array([[0.25, 0.3, 0.75], [0.75, 0.62, 1.0]])  # semantic codes of little but skin
_CHEEKS = np.array([[0.1, 0.12, 0.6], [0.9, 0.62, 1.0]])  # of skin, unless hair hangs down on both sides
_SCALP = np.array([[0.0, 0.6, 0.0], [1.0, 1.0, 0.5]])  # and of nothing but hair, or a bald head
_APART = 0.12  # sRGB: guesses of skin and hair nearer to each other than this are of the same thing
_BETWEEN = (0.3, 0.7)  # way from hair to skin
_ALIKE = np.array([0.12, 0.07])  # sRGB: colours off the head that are this near to skin, to hair, are such
_SHADE = (0.5, 1.3)  # of skin, from shadow to light
_COLLAR = (0.3, 0.5)  # crop units from the middle, where the front's opening ends: behind, clothes are as on the shoulders
_PITCH = 0.02  # crop units
_NEAR = (0.2, 0.2, 0.25)  # crop units over which the colours of skin, hair and clothes vary
_TONES = 3  # steps of each channel in which kinds of cloth are told apart
_CLOTH = 0.25  # sRGB: a guess this far from a kind of cloth hardly means it
_DARK = (0.12, 0.3)  # sRGB: a field that knows nothing of clothes guesses dark ones
_NAPE = (-0.85, -0.6)  # height on the mean head, crop units, to which hair hangs that nobody sees
_MEDIAN = 0.002  # weight of a material's median beside cells in each 0.02 x 0.02
_KEPT = (0.4, 0.8, 0.0)  # share of the guess's own variation that stays


class Evidence(NamedTuple):
    """What is known of cells all over the surface: guess (K, 3), the field's colours; seen (K, 3), the photo's, with weight (K,);
    mirrored (K, 3), the other side's, with trust (K,); codes (K, 3), semantic, 0 off the head; upright (K, 3), places on the mean head
    (Symmetry.upright)."""

    guess: np.ndarray
    seen: np.ndarray
    weight: np.ndarray
    mirrored: np.ndarray
    trust: np.ndarray
    codes: np.ndarray
    upright: np.ndarray


class Materials(NamedTuple):
    """colours (K, 3) as corrected; share (K, 3): how far cells are skin, hair or a hat, and clothes; face (K,) bool: where the mirror
    image needs no check."""

    colours: np.ndarray
    share: np.ndarray
    face: np.ndarray


def materials(evidence: Evidence) -> Materials | None:
    """What is what, and in which colours; None where no face is seen."""
    share = _shares(evidence)
    if share is None:
        return None
    guess, seen, weight, upright = evidence.guess, evidence.seen, evidence.weight, evidence.upright
    away = smoothstep(np.abs(upright[:, 0]), *_COLLAR)
    colours = np.zeros_like(guess)
    for index, (near, kept) in enumerate(zip(_NEAR, _KEPT, strict=True)):
        sources = share[:, index] * weight
        if index == 2:
            sources = sources * away if (sources * away > _SEEN).sum() >= _LEAST else sources
            level = _cloth(guess, seen, sources, upright, near)
        else:
            level = _level(seen, sources, upright, near)
        relief = kept * (guess - _middle(guess, share[:, index] * (1 - weight)))
        colours += share[:, index : index + 1] * (guess if level is None else level + relief)
    return Materials(np.clip(colours, 0, 1), share, _within(evidence.codes, _CHEEKS))


def _shares(evidence: Evidence) -> np.ndarray | None:
    guess, seen, weight, mirrored, trust, codes, upright = evidence
    on_head = (codes != 0).any(axis=1)
    face = _within(codes, _FACE)
    shown = face & (weight > _SEEN)
    if shown.sum() < _LEAST:
        return None
    skin_seen, skin_guess = np.median(seen[shown], axis=0), np.median(guess[shown], axis=0)
    scalp = (weight < _HIDDEN) & _within(codes, _SCALP)
    hair_guess = np.median(guess[scalp], axis=0) if scalp.sum() >= _LEAST else skin_guess
    guessed = _way(guess, hair_guess, skin_guess)
    if (guessed < 1).any():
        guessed[scalp] = 0
    # Its far side may be guessed as dark as hair.
    guessed[face] = 1
    hair = on_head & (weight > _SEEN) & (guessed < 0.5) & ~face
    hair_seen = np.median(seen[hair], axis=0) if hair.sum() >= _LEAST else skin_seen
    guessed += smoothstep(trust, *SURE) * _within(codes, _CHEEKS) * (_way(mirrored, hair_seen, skin_seen) - guessed)
    skin = guessed + weight * (_way(seen, hair_seen, skin_seen) - guessed)
    head = np.stack([skin, 1 - skin, np.zeros_like(skin)], axis=1)
    hangs = smoothstep(upright[:, 1], *_NAPE)
    below_guess, below_seen = _below(guess, skin_guess, hair_guess, hangs), _below(seen, skin_seen, hair_seen, np.ones_like(hangs))
    below = below_guess + weight[:, None] * (below_seen - below_guess)
    return np.where(on_head[:, None], head, below).astype(np.float32)


def _below(colours: np.ndarray, skin: np.ndarray, hair: np.ndarray, hangs: np.ndarray) -> np.ndarray:
    """What cells are (K, 3) off the head, where necks go on and hair may hang (K,)."""
    shade = np.clip(colours @ skin / max(skin @ skin, 1e-6), *_SHADE)[:, None]
    squared = np.stack([((colours - shade * skin) ** 2).sum(1), ((colours - hair) ** 2).sum(1)], axis=1)
    alike = np.exp(-squared / (2 * _ALIKE**2)) * np.column_stack([np.ones_like(hangs), hangs])
    alike /= np.maximum(alike.sum(1, keepdims=True), 1)
    return np.column_stack([alike, 1 - alike.sum(1)])


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


def _way(colours: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """How far colours (K, 3) have gone from start (3,) to end (3,), in [0, 1]; 1 where those are alike."""
    way = end - start
    if np.linalg.norm(way) < _APART:
        return np.ones(len(colours))
    return smoothstep((colours - start) @ way / (way @ way), *_BETWEEN)


def _within(codes: np.ndarray, box: np.ndarray) -> np.ndarray:
    return ((codes > box[0]) & (codes < box[1])).all(axis=1)

"""What the surface is of where no parsing tells: by the field's guess. It tells skin from hair, though not this person's colours."""

import numpy as np

from ..geometry.visibility import smoothstep
from .kinds import CLOTHES, HAIR, KINDS, SKIN

SURE = (0.6, 1.0)
"""Trust in a mirrored colour, from doubtful to sure: near the other side's outline hair and skin are easily mistaken."""
CHEEKS = np.array([[0.1, 0.12, 0.6], [0.9, 0.62, 1.0]])
"""Semantic correspondences of skin, unless hair hangs down on both sides."""
_SEEN, _HIDDEN = 0.5, 0.1  # photo weight
_LEAST = 30  # cells that make a sample
_FACE = np.array([[0.25, 0.3, 0.75], [0.75, 0.62, 1.0]])  # semantic correspondences of little but skin
_SCALP = np.array([[0.0, 0.6, 0.0], [1.0, 1.0, 0.5]])  # and of nothing but hair, or a bald head
_APART = 0.12  # sRGB: guesses of skin and hair nearer to each other than this are of the same thing
_BETWEEN = (0.3, 0.7)  # way from hair to skin
_ALIKE = np.array([0.12, 0.07])  # sRGB: colours off the head that are this near to skin, to hair, are such
_SHADE = (0.5, 1.3)  # of skin, from shadow to light
_NAPE = (-0.85, -0.6)  # height on the mean head, crop units, to which hair hangs that nobody sees


def guessed_kinds(
    guess: np.ndarray,
    seen: np.ndarray,
    weight: np.ndarray,
    mirrored: np.ndarray,
    trust: np.ndarray,
    correspondences: np.ndarray,
    upright: np.ndarray,
) -> np.ndarray | None:
    """Shares (K, len(KINDS)) of cells all over the surface; None where no face is seen.

    guess (K, 3): the field's colours; seen (K, 3): the photo's, with weight (K,); mirrored (K, 3): the other side's, with trust (K,);
    correspondences (K, 3), semantic, 0 off the head; upright (K, 3): places on the mean head (Symmetry.upright).
    """
    on_head = (correspondences != 0).any(axis=1)
    face = within(correspondences, _FACE)
    shown = face & (weight > _SEEN)
    if shown.sum() < _LEAST:
        return None
    skin_seen, skin_guess = np.median(seen[shown], axis=0), np.median(guess[shown], axis=0)
    scalp = (weight < _HIDDEN) & within(correspondences, _SCALP)
    hair_guess = np.median(guess[scalp], axis=0) if scalp.sum() >= _LEAST else skin_guess
    guessed = _way(guess, hair_guess, skin_guess)
    if (guessed < 1).any():
        guessed[scalp] = 0
    # Its far side may be guessed as dark as hair.
    guessed[face] = 1
    hair = on_head & (weight > _SEEN) & (guessed < 0.5) & ~face
    hair_seen = np.median(seen[hair], axis=0) if hair.sum() >= _LEAST else skin_seen
    guessed += smoothstep(trust, *SURE) * within(correspondences, CHEEKS) * (_way(mirrored, hair_seen, skin_seen) - guessed)
    skin = guessed + weight * (_way(seen, hair_seen, skin_seen) - guessed)
    head = np.stack([skin, 1 - skin, np.zeros_like(skin)], axis=1)
    hangs = smoothstep(upright[:, 1], *_NAPE)
    below_guess, below_seen = _below(guess, skin_guess, hair_guess, hangs), _below(seen, skin_seen, hair_seen, np.ones_like(hangs))
    below = below_guess + weight[:, None] * (below_seen - below_guess)
    share = np.zeros((len(guess), len(KINDS)), np.float32)
    share[:, [SKIN, HAIR, CLOTHES]] = np.where(on_head[:, None], head, below)
    return share


def within(correspondences: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Which correspondences (K, 3) lie in a box (2, 3)."""
    return ((correspondences > box[0]) & (correspondences < box[1])).all(axis=1)


def _below(colours: np.ndarray, skin: np.ndarray, hair: np.ndarray, hangs: np.ndarray) -> np.ndarray:
    """What cells are (K, 3) off the head, where necks go on and hair may hang (K,)."""
    shade = np.clip(colours @ skin / max(skin @ skin, 1e-6), *_SHADE)[:, None]
    squared = np.stack([((colours - shade * skin) ** 2).sum(1), ((colours - hair) ** 2).sum(1)], axis=1)
    alike = np.exp(-squared / (2 * _ALIKE**2)) * np.column_stack([np.ones_like(hangs), hangs])
    alike /= np.maximum(alike.sum(1, keepdims=True), 1)
    return np.column_stack([alike, 1 - alike.sum(1)])


def _way(colours: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """How far colours (K, 3) have gone from start (3,) to end (3,), in [0, 1]; 1 where those are alike."""
    way = end - start
    if np.linalg.norm(way) < _APART:
        return np.ones(len(colours))
    return smoothstep((colours - start) @ way / (way @ way), *_BETWEEN)

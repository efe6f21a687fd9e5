"""Which photos show one and the same person, and their common fit: one identity, each photo's own expression, pose and camera."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import ReconstructionError
from .fit import Fit, ViewFit, fit, fit_head
from .guess import HeadGuess
from .head import HeadModel
from .observation import Observation

STRANGER = 0.25
"""The `unlikeness` of two photos beyond which they show two people: of photos of one person, heads turned by up to 30 degrees, seven of
nine pairs had at most 0.23, and two with a view of a statue that is hardly found 0.6; of 947 pairs of two people 71 in 100 had more than
0.25. The others cannot be told from what the fit knows."""
_STRANGER_TURNED = 0.28  # the same where a face is turned far: of nine people 9 of 19 such photos had more than 0.25, and 5 more than 0.3
_FRONT = 0.77  # cosine to the camera: 40 degrees
_BAD_FACE = 0.05
"""Residual of landmarks that lie on no face; core/quality.py refuses single photos for the same."""
_WORSE = 2.0
_LEAST_WORSE = 0.02


@dataclass(frozen=True)
class Together:
    """fit: of the photos that show the same person; used: their numbers in the order given; left_out: of each other one the sentence
    why; unlike: of those whose face is another's, or does not fit, the fits by themselves."""

    fit: Fit
    used: tuple[int, ...]
    left_out: dict[int, str]
    unlike: dict[int, ViewFit]


def fit_together(
    model: HeadModel,
    observations: Sequence[Observation],
    guesses: Sequence[HeadGuess | None],
    cancel: Callable[[], bool] | None = None,
) -> Together:
    """The common fit of those photos that show the same person; the first of them is the main one.

    A photo is left out whose landmarks are no face's, whose face, fitted alone, is unlike those of the other photos,
    or that the common identity explains much worse than its own. Of two photos that disagree the first one stays. Raises
    ReconstructionError when no photo shows a face, Cancelled when cancel answers True.
    """
    alone: dict[int, ViewFit] = {}
    left_out: dict[int, str] = {}
    for index, (seen, guess) in enumerate(zip(observations, guesses, strict=True)):
        try:
            found = fit_head(model, seen, guess, cancel)
        except ReconstructionError:
            found = None
        if found is None or found.residual > _BAD_FACE:
            left_out[index] = f"{seen.name} was left out: the landmarks found in it do not form a face."
        else:
            alone[index] = found
    if not alone:
        raise ReconstructionError(f"The landmarks found in {observations[0].name} do not form a face; choose another photo.")
    unlike: dict[int, ViewFit] = {}
    for index in strangers(model, alone):
        left_out[index] = f"{observations[index].name} was left out: it seems to show another person than the other photos."
        unlike[index] = alone.pop(index)
    used = tuple(alone)
    while True:
        together = fit(model, [observations[index] for index in used], [guesses[index] for index in used], cancel)
        worse = [
            seen.residual / max(alone[index].residual, _LEAST_WORSE / _WORSE) for index, seen in zip(used, together.views, strict=True)
        ]
        worst = int(np.argmax(worse))
        if len(used) < 3 or worse[worst] < _WORSE:
            return Together(together, used, left_out, unlike)
        unlike[used[worst]] = alone[used[worst]]
        left_out[used[worst]] = f"{observations[used[worst]].name} was left out: its face does not fit those of the other photos."
        used = tuple(index for index in used if index != used[worst])


def strangers(model: HeadModel, fits: dict[int, ViewFit]) -> list[int]:
    """Numbers of the photos that show somebody else than the largest group of alike ones, or than the first photo where groups are even.
    Faces that are turned far have no vote where others are not: fits of two sides are alike in their errors."""
    numbers = list(fits)
    shapes = [fits[number].identity for number in numbers]
    front = np.array([fit.rotation[2, 2] > _FRONT for fit in fits.values()])
    limits = np.where(front[:, None] & front, STRANGER, _STRANGER_TURNED)
    alike = np.array([[unlikeness(one, other) for other in shapes] for one in shapes]) < limits
    votes = front if front.any() else ~front
    # Ties go to the first photo.
    centre = int(np.argmax(np.where(votes, alike[:, votes].sum(1), 0)))
    return [number for number, same in zip(numbers, alike[centre], strict=True) if not same]


def unlikeness(one: np.ndarray, other: np.ndarray) -> float:
    """How far apart two identities (K,) are that were fitted to photos by themselves."""
    return float(np.linalg.norm(one - other) / np.sqrt(len(one)))

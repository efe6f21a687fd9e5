"""Simulated landmarks: those of a slightly other person, in the person's own pose."""

from dataclasses import dataclass

import numpy as np
import pytest

from likeness.core.models.head import HeadModel
from likeness.core.models.parametric import Parameters
from likeness.training.data.simulated_fits import noisy_landmarks


@dataclass
class Poser:
    """What noisy_landmarks reads of a person."""

    head: np.ndarray
    rotation: np.ndarray


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


def errors(model: HeadModel, yaw: float, count: int = 12) -> np.ndarray:
    """(count, 468, 3) errors of the mean head's landmarks in its own axes, the detector's bias taken off."""
    rotations = np.zeros((5, 3))
    rotations[0, 1] = yaw
    posed = model.posed(Parameters(np.zeros(len(model.identity)), np.zeros(52), rotations))
    poser, truth = Poser(posed.vertices, posed.rotation), model.mediapipe.on(posed.vertices)
    drawn = [noisy_landmarks(model, poser, np.random.default_rng(seed)) for seed in range(count)]  # pyright: ignore[reportArgumentType]
    return (np.stack(drawn) - truth) @ posed.rotation - model.mediapipe.bias


def test_errors_are_those_of_another_person(model: HeadModel) -> None:
    """Most of the error is what identities can explain."""
    found = errors(model, 0.0)
    assert 0.003 < np.linalg.norm(found, axis=2).mean() < 0.008
    basis = model.mediapipe.changes(model.identity).reshape(len(model.identity), -1).T
    flat = found.reshape(len(found), -1).T
    left = flat - basis @ np.linalg.lstsq(basis, flat, rcond=None)[0]
    assert np.linalg.norm(left) < 0.4 * np.linalg.norm(flat)


def test_the_other_person_turns_with_the_head(model: HeadModel) -> None:
    ahead, aside = errors(model, 0.0), errors(model, 0.6)
    shown = model.mediapipe.on(model.mean)[:, 0] < 0  # the person's right, which a turn to the left shows more of
    apart = np.linalg.norm(ahead - aside, axis=2)[:, shown].mean()
    assert apart < 0.5 * np.linalg.norm(ahead, axis=2).mean()


def test_hidden_landmarks_err_more(model: HeadModel) -> None:
    found = np.linalg.norm(errors(model, 1.2, 40), axis=2).mean(0)
    side = model.mediapipe.on(model.mean)[:, 0]
    assert found[side > 0.04].mean() > 1.3 * found[side < -0.04].mean()

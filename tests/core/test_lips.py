"""Lips of a registered head that the fit says are closed come together where the surface has its groove."""

import numpy as np
import pytest

from likeness.core.models.head import HeadModel
from likeness.core.topology.lips import _LOWER, _UPPER, close_lips

GROOVE = 0.001


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


def skin(model: HeadModel, opened: float) -> np.ndarray:
    values = np.array([opened * (name == "jawOpen") for name in model.expression_names])
    return model.rest(np.zeros(len(model.identity)), values)[0][: model.skin_count].astype(np.float32)


def rims(model: HeadModel, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    points = model.mediapipe.on(vertices)
    return points[list(_UPPER)], points[list(_LOWER)]


@pytest.fixture(scope="module")
def surface(model: HeadModel) -> np.ndarray:
    """Points of a plane before the lips with a groove a millimetre above their line."""
    line = np.concatenate(rims(model, skin(model, 0))).mean(0)
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(-0.04, 0.04, 5e-4), np.arange(-0.02, 0.02, 5e-4)))
    depth = np.minimum(np.abs(y - GROOVE), 0.003)
    return line + np.column_stack([x, y, depth])


def test_open_lips_of_a_closed_mouth_meet_in_the_groove(model: HeadModel, surface: np.ndarray) -> None:
    closed, parted = skin(model, 0), skin(model, 0.02)
    before = np.subtract(*rims(model, parted))[2:-2, 1]
    assert before.max() > 0.0015
    moved = close_lips(model, closed, parted, surface)
    upper, lower = rims(model, moved)
    assert np.abs(upper - lower)[2:-2, 1].max() < 0.0012
    middle = np.concatenate(rims(model, closed)).mean(0)[1]
    assert np.abs((upper + lower)[4:-4, 1] / 2 - middle - GROOVE).max() < 0.0006
    far = np.linalg.norm(closed - np.concatenate([upper, lower]).mean(0), axis=1) > 0.06
    assert np.array_equal(moved[far], parted[far]), "what is not the mouth stays"


def test_lips_that_the_fit_says_are_parted_stay(model: HeadModel, surface: np.ndarray) -> None:
    parted = skin(model, 0.3)
    assert close_lips(model, parted, parted, surface) is parted


def test_lips_stay_where_the_surface_is_open_between_them(model: HeadModel, surface: np.ndarray) -> None:
    parted = skin(model, 0.02)
    height = np.concatenate(rims(model, parted))[:, 1].mean()
    opened = surface - np.outer(np.abs(surface[:, 1] - height) < 0.0025, (0, 0, 0.008))
    assert close_lips(model, skin(model, 0), parted, opened) is parted

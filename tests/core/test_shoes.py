"""A shoe stands flat on a sole; a bare foot stays as it is."""

import numpy as np
import pytest

from likeness.core.geometry.mesh import vertex_normals
from likeness.core.surface.extract import extract_surface
from likeness.core.surface.shoes import shod

HALF, CELLS = 0.3, 128  # metres, and cells of 4.7 mm
UP = np.array([0.0, 1.0, 0.0])
HEEL, TOES, ANKLE = np.array([0, -0.19, -0.08]), np.array([0, -0.22, 0.12]), -0.12  # metres: the toes hang 3 cm
THICK = 0.04
ALL = np.ones((64, 64), np.float32)


def distance(points: np.ndarray) -> np.ndarray:
    """A leg, and a foot with an arch that hangs from it."""
    points = points * HALF
    leg = np.maximum(np.hypot(points[:, 0], points[:, 2] + 0.06) - THICK, np.maximum(points[:, 1] - 0.2, -0.2 - points[:, 1]))
    along = np.clip((points - HEEL) @ (TOES - HEEL) / ((TOES - HEEL) ** 2).sum(), 0, 1)
    foot = np.linalg.norm(points - HEEL - along[:, None] * (TOES - HEEL), axis=1) - THICK + 0.02 * np.exp(-(((along - 0.5) / 0.2) ** 2))
    return (np.minimum(leg, foot) / HALF).astype(np.float32)


@pytest.fixture(scope="module")
def foot() -> tuple[np.ndarray, np.ndarray]:
    return extract_surface(distance, None, CELLS)


@pytest.fixture(scope="module")
def shoe(foot: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    share = (foot[0][:, 1] * HALF < ANKLE).astype(np.float32)
    return shod(*foot, share, np.ones(len(share), bool), UP, ALL, HALF) * HALF


def below(vertices: np.ndarray, faces: np.ndarray, low: float, high: float) -> np.ndarray:
    """Heights, metres, of what looks down between two shares of the foot's length."""
    down = vertex_normals(vertices.astype(np.float32), faces)[:, 1] < -0.8
    place = (vertices[:, 2] - HEEL[2]) / (TOES - HEEL)[2]
    return vertices[down & (place > low) & (place < high) & (vertices[:, 1] < ANKLE), 1]


def test_a_sole_is_flat_from_the_heel_to_the_toes(foot: tuple[np.ndarray, np.ndarray], shoe: np.ndarray) -> None:
    assert np.ptp(below(foot[0] * HALF, foot[1], -0.1, 1.1)) > 0.03
    assert np.ptp(below(shoe, foot[1], -0.1, 1.1)) < 0.008
    assert abs(below(shoe, foot[1], -0.1, 1.1).min() - (foot[0][:, 1] * HALF).min()) < 0.004


def test_a_sole_is_wider_than_the_shoe_above_it(foot: tuple[np.ndarray, np.ndarray], shoe: np.ndarray) -> None:
    ground, toes = shoe[:, 1].min(), np.abs(shoe[:, 2] - 0.1) < 0.02
    at = lambda low, high: np.abs(shoe[toes & (shoe[:, 1] > ground + low) & (shoe[:, 1] < ground + high), 0]).max()  # noqa: E731
    assert at(0.004, 0.015) > np.abs(foot[0][toes, 0] * HALF).max()


def test_toes_stay_where_the_photo_shows_them(foot: tuple[np.ndarray, np.ndarray], shoe: np.ndarray) -> None:
    top = foot[0][:, 2] * HALF > TOES[2] - 0.02
    top &= vertex_normals(*foot)[:, 1] > 0.7
    assert np.abs(shoe[top] - foot[0][top] * HALF).max() < 0.006


def test_what_is_above_a_shoe_and_a_bare_foot_stay_as_they_are(foot: tuple[np.ndarray, np.ndarray], shoe: np.ndarray) -> None:
    vertices, faces = foot
    leg = vertices[:, 1] * HALF > -0.05
    assert np.allclose(shoe[leg], vertices[leg] * HALF, atol=1e-6)
    assert np.array_equal(shod(vertices, faces, np.zeros(len(vertices)), np.ones(len(vertices), bool), UP, ALL, HALF), vertices)


def test_a_slope_that_the_photo_shows_stays(foot: tuple[np.ndarray, np.ndarray]) -> None:
    """The same foot from the side: its toes are on the right, and lower."""
    turned = foot[0][:, [2, 1, 0]] * np.array([1, 1, -1], np.float32)
    share = (turned[:, 1] * HALF < ANKLE).astype(np.float32)
    x, y = np.meshgrid(*[(np.arange(256) + 0.5) / 128 - 1] * 2)
    points = np.stack([np.zeros_like(x), -y, x], axis=-1).reshape(-1, 3)
    outline = (distance(points).reshape(x.shape) < 0).astype(np.float32)
    shoe = shod(turned, foot[1], share, np.ones(len(share), bool), UP, outline, HALF) * HALF
    heel, toes = (np.abs(turned[:, 0] * HALF - end[2]) < 0.02 for end in (HEEL, TOES))
    assert shoe[heel, 1].min() - shoe[toes, 1].min() > 0.012

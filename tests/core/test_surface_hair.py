"""Long hair that a photo shows has none of the short bends of its field; the face, the outline and what is hidden stay."""

import numpy as np
import pytest
import trimesh

from likeness.core.photo.parsing import CLASSES
from likeness.core.surface import hair
from likeness.core.surface.hair import without_bumps

SIZE, HALF, RADIUS = 256, 0.2, 0.7
BALL = trimesh.creation.icosphere(6, RADIUS)
FACES, SMOOTH = np.asarray(BALL.faces), np.asarray(BALL.vertices)
X, Y, Z = SMOOTH.T
BUMPS = 0.01 * np.sin(90 * X) * np.sin(90 * Y)  # crop units: 2 mm high, 14 mm wide


def bumpy(bumps: np.ndarray = BUMPS) -> np.ndarray:
    return (SMOOTH * (1 + bumps[:, None] / RADIUS)).astype(np.float32)


def moved(lowest: float, bumps: np.ndarray = BUMPS) -> np.ndarray:
    """Metres (V,) by which vertices move where hair is seen on the right, down to a height."""
    axis = (np.arange(SIZE) + 0.5) * 2 / SIZE - 1
    right, up = np.meshgrid(axis, -axis)
    matte = (np.hypot(right, up) < RADIUS).astype(np.float32)
    parsing = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    worn = (right > 0.1) & (up > lowest)
    for name, where in (("hair", worn), ("skin", ~worn)):
        parsing[..., CLASSES.index(name)] = matte * where
    found = without_bumps(bumpy(bumps), FACES, matte, parsing, HALF)
    return HALF * np.linalg.norm(found - bumpy(bumps), axis=1)


def test_seen_long_hair_has_no_short_bends_and_all_else_stays() -> None:
    change = moved(-0.6)
    inside = (X > 0.15) & (X < 0.4) & (Y < 0.1) & (Y > -0.4) & (Z > 0)
    bumps = HALF * np.abs(BUMPS)
    assert change[inside].mean() > 0.7 * bumps[inside].mean()
    face, hidden, outline = (X < 0) & (Z > 0), Z < -0.2, (np.hypot(X, Y) > 0.69)
    for elsewhere in (face, hidden, outline, Y > 0.35):
        assert change[elsewhere].max() < 0.1 * bumps.max()


def test_the_edge_beside_the_face_has_none_either() -> None:
    edge = (X > 0.088) & (X < 0.096) & (Y < 0.1) & (Y > -0.4) & (Z > 0)
    assert moved(-0.6)[edge].mean() > 0.4 * HALF * np.abs(BUMPS[edge]).mean()


def test_short_hair_stays_as_it_is() -> None:
    assert moved(0.1).max() == 0
    assert moved(1.0).max() == 0


def test_steps_between_two_things_stay() -> None:
    """A spike of 24 mm moves by no more than 6."""
    spike = 0.12 * np.exp(-((X - 0.3) ** 2 + (Y + 0.1) ** 2) / 2 / 0.02**2) * (Z > 0)
    assert moved(-0.6, spike).max() == pytest.approx(hair._MOST, rel=0.1)

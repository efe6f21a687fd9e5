"""Spikes on a ball."""

import numpy as np

from likeness.core.geometry.mesh import signed_volume
from likeness.core.surface.extract import extract_surface
from likeness.core.surface.spikes import remove_depth_spikes

RADIUS = 0.5


def ball(points: np.ndarray) -> np.ndarray:
    return (np.linalg.norm(points, axis=1) - RADIUS).astype(np.float32)


def with_rod(width: float, length: float):
    """A ball with a rod towards the viewer, off its middle."""
    x = 0.1

    def field(points: np.ndarray) -> np.ndarray:
        radial = np.hypot(points[:, 0] - x, points[:, 1]) - width / 2
        along = np.abs(points[:, 2] - RADIUS) - length
        return np.minimum(ball(points), np.maximum(radial, along)).astype(np.float32)

    return extract_surface(field, None, 128)


def tallest(vertices: np.ndarray) -> float:
    return float((np.linalg.norm(vertices, axis=1) - RADIUS).max())


def test_a_spike_is_pressed_into_what_it_stands_on() -> None:
    vertices, faces = with_rod(width=0.03, length=0.15)
    assert tallest(vertices) > 0.12
    pressed = remove_depth_spikes(vertices, faces)
    assert tallest(pressed) < 0.03
    assert signed_volume(pressed, faces) > 0.99 * 4 / 3 * np.pi * RADIUS**3


def test_what_is_as_wide_as_a_nose_stays() -> None:
    vertices, faces = with_rod(width=0.1, length=0.15)
    assert np.array_equal(remove_depth_spikes(vertices, faces), vertices)


def test_a_low_bump_stays() -> None:
    vertices, faces = with_rod(width=0.03, length=0.02)
    assert np.array_equal(remove_depth_spikes(vertices, faces), vertices)

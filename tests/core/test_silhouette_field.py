"""Shapes that end inside their true outline, and shapes that do not."""

import numpy as np
import pytest

from likeness.core.errors import Cancelled
from likeness.core.fields.field import PointFunction
from likeness.core.fields.silhouette import silhouette_stretch, stretched
from likeness.core.progress import Cancel

from .shapes import Shape


def ball(points: np.ndarray) -> np.ndarray:
    """Signed distance of a ball of radius 0.5."""
    return (np.linalg.norm(points, axis=1) - 0.5).astype(np.float32)


def disc(radius: float, right: float = 0.0) -> PointFunction:
    """Silhouette of a disc."""
    return lambda points: (np.linalg.norm(points[:, :2] - [right, 0], axis=1) - radius).astype(np.float32)


def nothing(points: np.ndarray) -> np.ndarray:
    return np.zeros(len(points), np.float32)


def crossing(field: PointFunction, direction: tuple[float, float, float]) -> float:
    """How far from the middle the surface is."""
    way = np.linspace(0.1, 0.95, 800, dtype=np.float32)
    return float(way[field(way[:, None] * np.array(direction, np.float32)).searchsorted(0)])


def fitted(silhouette: PointFunction, protect_mask: PointFunction, cancel: Cancel | None = None) -> PointFunction:
    """Distance of the ball fitted to an outline."""
    before = Shape(ball)
    return stretched(before, silhouette_stretch(before, silhouette=silhouette, protect_mask=protect_mask, cancel=cancel)).distance


def test_a_shape_reaches_the_outline_and_keeps_its_depth() -> None:
    field = fitted(disc(0.58), nothing)
    for direction in ((1, 0, 0), (0, -1, 0), (0.6, 0.8, 0)):
        assert crossing(field, direction) == pytest.approx(0.58, abs=0.012)
    assert crossing(field, (0, 0, 1)) == pytest.approx(0.5, abs=0.005)


def test_only_the_side_that_falls_short_moves() -> None:
    field = fitted(lambda points: np.minimum(disc(0.5)(points), disc(0.4, 0.2)(points)), nothing)
    assert crossing(field, (1, 0, 0)) == pytest.approx(0.6, abs=0.02)
    assert crossing(field, (-1, 0, 0)) == pytest.approx(0.5, abs=0.01)


def test_a_shape_that_is_too_wide_is_cut() -> None:
    assert crossing(fitted(disc(0.4), nothing), (1, 0, 0)) == pytest.approx(0.4, abs=0.012)


def test_a_shape_that_is_a_little_too_wide_is_drawn_in_and_stays_round() -> None:
    before = Shape(ball)
    drawn_in = stretched(before, silhouette_stretch(before, silhouette=disc(0.46), inwards=0.05)).distance
    assert crossing(drawn_in, (1, 0, 0)) == pytest.approx(0.46, abs=0.012)
    assert crossing(drawn_in, (0.92, 0, 0.39)) == pytest.approx(0.466, abs=0.012)  # it would be 0.5, where the cut is flat
    assert crossing(drawn_in, (0, 0, 1)) == pytest.approx(0.5, abs=0.005)


def test_what_is_known_stays_and_the_rest_moves() -> None:
    field = fitted(disc(0.58), lambda points: (points[:, 0] > 0.1).astype(np.float32))
    assert crossing(field, (1, 0, 0)) == pytest.approx(0.5, abs=0.01)
    assert crossing(field, (-1, 0, 0)) == pytest.approx(0.58, abs=0.012)
    across = np.linspace(-0.95, 0.95, 800, dtype=np.float32)
    inside = field(np.stack([across, np.full_like(across, 0.1), np.zeros_like(across)], axis=1)) < 0
    assert np.abs(np.diff(inside.astype(int))).sum() == 2  # nothing folds in between


def test_it_can_be_cancelled() -> None:
    with pytest.raises(Cancelled):
        fitted(disc(0.5), nothing, lambda: True)

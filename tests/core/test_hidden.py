"""Hidden solid: nothing hangs behind a head beside which nothing hangs."""

import numpy as np
import pytest

from likeness.core.fields.hidden import solid_bounds
from likeness.core.fields.smoothed import smooth_hidden_field

from .shapes import Shape

HEAD, NECK = 0.4, 0.2  # radii


def model(points: np.ndarray) -> np.ndarray:
    """A ball on a column, as the fitted model."""
    head = np.linalg.norm(points - [0, 0.3, 0], axis=1) - HEAD
    neck = np.maximum(np.linalg.norm(points[:, [0, 2]], axis=1) - NECK, points[:, 1])
    return np.minimum(head, neck).astype(np.float32)


def slab(points: np.ndarray) -> np.ndarray:
    """A board 5 cm thick behind the neck, as wide as it."""
    return np.abs((points - [0, -0.4, -0.5]) / [0.18, 0.3, 0.12]).max(1).astype(np.float32) * 0.15 - 0.15


def curtains(points: np.ndarray) -> np.ndarray:
    """Hair that hangs on both sides of the neck as far as the slab is behind it."""
    sides = points * [0, 1, 1] + np.abs(points * [1, 0, 0])
    return np.abs((sides - [0.45, -0.4, 0]) / [0.25, 0.3, 0.3]).max(1).astype(np.float32) * 0.25 - 0.25


def everywhere(points: np.ndarray) -> np.ndarray:
    return np.ones(len(points), bool)


def unknown(points: np.ndarray) -> np.ndarray:
    return np.zeros(len(points), np.float32)


def outline(shape, points: np.ndarray) -> np.ndarray:
    """Signed distance in the picture to all that a shape has in a column, roughly: the least along it."""
    depths = np.linspace(-1, 1, 41, dtype=np.float32)
    columns = np.repeat(points[:, :2], len(depths), axis=0)
    return shape(np.column_stack([columns, np.tile(depths, len(points))])).reshape(len(points), -1).min(1)


def surface(shape, bounded: bool = True, worn=None):
    bounds = solid_bounds(model, lambda points: outline(shape, points), worn) if bounded else None
    bare = lambda points: np.zeros(len(points), bool)  # noqa: E731
    return smooth_hidden_field(Shape(shape, model), protect_mask=unknown, clothing_mask=bare, bounds=bounds).distance


def short_haired(points: np.ndarray) -> np.ndarray:
    return np.minimum(model(points), slab(points))


def long_haired(points: np.ndarray) -> np.ndarray:
    return np.minimum(short_haired(points), curtains(points))


BEHIND = np.array([[0.0, -0.4, -0.5]], np.float32)
BESIDE = np.array([[0.45, -0.4, 0.0], [-0.45, -0.4, 0.2], [0.45, -0.4, -0.15]], np.float32)


def test_a_slab_behind_the_neck_goes_where_nothing_hangs_beside_it() -> None:
    assert surface(short_haired, bounded=False)(BEHIND)[0] < -0.02
    assert surface(short_haired)(BEHIND)[0] > 0.02


def test_hair_stays_behind_where_it_is_seen_beside_the_neck() -> None:
    assert surface(long_haired)(BEHIND)[0] < -0.02


def test_what_is_seen_is_never_cut() -> None:
    assert (surface(long_haired)(BESIDE) < -0.05).all()


@pytest.mark.parametrize("shape", [short_haired, long_haired])
def test_the_fitted_model_itself_stays(shape) -> None:
    inside = np.array([[0, 0.3, -0.3], [0, -0.3, 0], [0, 0.3, 0.3]], np.float32)
    assert (surface(shape)(inside) < -0.05).all()


def none(points: np.ndarray) -> np.ndarray:
    return np.zeros(len(points), np.float32)


def all_hair(points: np.ndarray) -> np.ndarray:
    return np.ones(len(points), np.float32)


def test_what_stands_off_beside_the_neck_counts_as_hair_only_where_parsing_says_so() -> None:
    assert surface(long_haired, worn=none)(BEHIND)[0] > 0.02
    assert surface(long_haired, worn=all_hair)(BEHIND)[0] < -0.02


def test_behind_bare_skin_nothing_but_the_fitted_model_is() -> None:
    cap = lambda points: np.minimum(model(points), np.linalg.norm(points - [0, 0.3, -0.06], axis=1) - HEAD)  # noqa: E731
    behind = np.array([[0.0, 0.3, -0.44]], np.float32)  # 8 mm off the model
    assert surface(cap)(behind)[0] < -0.005
    assert surface(cap, worn=none)(behind)[0] > -0.005
    assert surface(cap, worn=all_hair)(behind)[0] < -0.005


def stump(points: np.ndarray) -> np.ndarray:
    """What is seen beside the neck, a sliver, 8 cm behind it: a rod that ends there."""
    return np.abs((points - [0.24, -0.4, -0.25]) / [0.06, 0.06, 0.4]).max(1).astype(np.float32) * 0.06 - 0.06


@pytest.mark.parametrize("forwards", [1, -1])
def test_a_sliver_beside_the_neck_makes_no_stump(forwards: int) -> None:
    turned = lambda points: np.minimum(model(points), stump(points * [1, 1, forwards]))  # noqa: E731
    tip = np.array([[0.24, -0.4, -0.5 * forwards]], np.float32)
    near = np.array([[0.24, -0.4, -0.1 * forwards]], np.float32)
    assert surface(turned, bounded=False)(tip)[0] < -0.02
    assert surface(turned)(tip)[0] > 0.01
    assert surface(turned)(near)[0] < -0.01

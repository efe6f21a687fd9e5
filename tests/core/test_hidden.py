"""Hidden solid: nothing hangs behind a head beside which nothing hangs."""

import numpy as np
import pytest

from likeness.core.fields.hidden import PictureShares, solid_bounds
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


def surface(shape, bounded: bool = True, worn=None, hair=None, trunk=None, seen=None):
    """The smoothed field of a shape; seen: the shape whose outline the picture shows, the same if None."""
    picture = None if worn is None else PictureShares(worn, hair or none, trunk or none)
    bounds = solid_bounds(model, lambda points: outline(seen or shape, points), picture) if bounded else None
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


def beside(points: np.ndarray) -> np.ndarray:
    """A collar beside the neck, 3 cm wide, in the picture."""
    return np.abs((points - [0.28, -0.4, 0]) / [0.1, 0.15, 0.1]).max(1).astype(np.float32) * 0.1 - 0.1


def test_what_is_seen_of_neck_and_clothes_is_solid_though_the_field_has_it_elsewhere() -> None:
    behind = lambda points: np.minimum(model(points), beside(points + np.array([0, 0, 0.6])))  # noqa: E731
    collar = np.array([[0.28, -0.4, 0.0]], np.float32)
    assert surface(behind, worn=all_hair, trunk=none)(collar)[0] > 0.01
    assert surface(behind, worn=all_hair, trunk=all_hair)(collar)[0] < -0.01
    assert surface(behind, worn=all_hair, trunk=all_hair)(collar + np.float32([0, 0, -0.6]))[0] > 0.02


def bulging(points: np.ndarray) -> np.ndarray:
    """Hair that hangs beside the neck, with a lock that stands forwards over 5 cm of its length."""
    hair = np.abs((points - [0.35, -0.3, 0]) / [0.15, 0.5, 0.1]).max(1) * 0.1 - 0.1
    lock = np.abs((points - [0.35, -0.3, 0.2]) / [0.15, 0.13, 0.2]).max(1) * 0.13 - 0.13
    return np.minimum(model(points), np.minimum(hair, lock)).astype(np.float32)


def test_hanging_hair_has_no_bulge_that_is_short_and_stands_off_far() -> None:
    tip, hangs = np.array([[0.35, -0.3, 0.3]], np.float32), np.array([[0.35, -0.3, 0.0], [0.35, -0.5, 0.05]], np.float32)
    assert surface(bulging, bounded=False)(tip)[0] < -0.02
    assert surface(bulging, worn=all_hair)(tip)[0] < 0.02
    assert surface(bulging, worn=all_hair, hair=all_hair)(tip)[0] > 0.02
    assert (surface(bulging, worn=all_hair, hair=all_hair)(hangs) < -0.01).all()


def at_the_jaw(points: np.ndarray) -> np.ndarray:
    """Hair beside a face that stands as far in front as that does, and close to the neck below."""
    hair = np.abs((points - [0.35, 0.25, 0.15]) / [0.15, 0.3, 0.2]).max(1) * 0.15 - 0.15
    below = np.abs((points - [0.35, -0.4, 0]) / [0.15, 0.4, 0.1]).max(1) * 0.1 - 0.1
    return np.minimum(model(points), np.minimum(hair, below)).astype(np.float32)


def test_hair_hangs_from_the_jaw_and_is_drawn_in() -> None:
    below, far_below = np.array([[0.35, -0.2, 0.2]], np.float32), np.array([[0.35, -0.7, 0.2]], np.float32)
    hangs, plain = (surface(at_the_jaw, worn=all_hair, hair=hair, trunk=none) for hair in (all_hair, none))
    assert plain(below)[0] > 0.02 and hangs(below)[0] < -0.02
    assert hangs(far_below)[0] > 0.02


def beside_alone(points: np.ndarray) -> np.ndarray:
    """Hair that hangs on both sides from the ears to the shoulders, and nothing behind the neck."""
    sides = points * [0, 1, 1] + np.abs(points * [1, 0, 0])
    hair = np.abs((sides - [0.5, -0.1, 0]) / [0.15, 0.5, 0.2]).max(1) * 0.15 - 0.15
    return np.minimum(model(points), hair).astype(np.float32)


def test_hair_falls_straight_behind_where_it_hangs_beside() -> None:
    nape, lower = np.array([[0.0, -0.1, -0.3]], np.float32), np.array([[0.0, -0.75, -0.3]], np.float32)
    falls = surface(beside_alone, worn=all_hair, hair=all_hair, trunk=none)
    assert falls(nape)[0] < -0.005
    assert falls(lower)[0] > 0.02, "below what hangs there is nothing"
    assert surface(beside_alone, worn=all_hair, trunk=none)(nape)[0] > 0.02, "it is no hair"
    assert surface(model, worn=all_hair, hair=all_hair, trunk=none)(nape)[0] > 0.02, "nothing hangs"


def test_what_falls_behind_is_drawn_in_and_leaves_what_is_seen() -> None:
    falls, plain = (surface(beside_alone, worn=all_hair, hair=hair, trunk=none) for hair in (all_hair, none))
    high, low = np.array([[[0.0, 0.1, -0.36]], [[0.0, -0.5, -0.36]]], np.float32)
    assert falls(low)[0] > falls(high)[0] + 0.01
    front = np.array([[0, -0.3, 0.2], [0, 0.3, 0.4], [0.5, -0.1, 0.2]], np.float32)
    assert np.abs(falls(front) - plain(front)).max() < 0.01


def test_a_raised_shoulder_is_round_however_thin_it_is_told() -> None:
    """Cloth beside a jaw that a field makes 1 cm thick."""
    flap = lambda points: np.abs((points - [0.55, -0.3, 0.2]) / [0.3, 0.3, 0.025]).max(1).astype(np.float32) * 0.025 - 0.025  # noqa: E731
    both = lambda points: np.minimum(model(points), flap(points))  # noqa: E731
    cloth = lambda points: (points[:, 0] > 0.25).astype(np.float32)  # noqa: E731
    bare = lambda points: np.zeros(len(points), bool)  # noqa: E731
    found = []
    for clothes in (none, cloth):
        picture = PictureShares(clothes, none, none, None, clothes)
        bounds = solid_bounds(model, lambda points: outline(both, points), picture)
        shape = smooth_hidden_field(Shape(both, model), protect_mask=unknown, clothing_mask=bare, bounds=bounds)
        found.append(shape.distance(np.array([[0.55, -0.3, 0.0], [0.55, -0.3, -0.35]], np.float32)))
    assert found[0][0] > 0.02 and found[1][0] < -0.02 and found[1][1] > 0.02

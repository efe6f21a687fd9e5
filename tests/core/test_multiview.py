"""Fields of shapes that are known, with the outlines that further photos show of them."""

from collections.abc import Callable

import numpy as np
import pytest

from likeness.core.fields.field import PointFunction
from likeness.core.fields.multiview import Silhouette, multiview_field

from .shapes import Shape, everywhere

Frame = Callable[[np.ndarray], np.ndarray]


def turned(degrees: float) -> tuple[Frame, Frame]:
    """From the main frame into that of a camera to which a head turned so far shows its face, and back."""
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]], np.float32)
    return (lambda points: points @ matrix.T), (lambda points: points @ matrix)


def ball(radii: tuple[float, float, float]) -> PointFunction:
    """Roughly the signed distance of an ellipsoid in its frame."""
    return lambda points: ((np.linalg.norm(points / np.array(radii, np.float32), axis=1) - 1) * min(radii)).astype(np.float32)


def disc(points: np.ndarray) -> np.ndarray:
    return (np.linalg.norm(points[:, :2], axis=1) - 0.5).astype(np.float32)


def nowhere(points: np.ndarray) -> np.ndarray:
    return np.zeros(len(points), np.float32)


def seen(degrees: float, distance: PointFunction = disc, counts: PointFunction = everywhere) -> Silhouette:
    return Silhouette(distance, counts, *turned(degrees))


def several(shape: PointFunction, *others: Silhouette, protect: PointFunction = nowhere) -> PointFunction:
    return multiview_field(Shape(shape), disc, protect, others).distance


def reach(field: PointFunction, direction: tuple[float, float, float]) -> float:
    """How far from the middle the surface is."""
    way = np.linspace(0.1, 0.95, 400, dtype=np.float32)
    return float(way[field(way[:, None] * np.array(direction, np.float32)).searchsorted(0)])


BEHIND, BESIDE, FRONT = (0, 0, -1), (1, 0, 0), (0, 0, 1)
ROUND, FLAT = ball((0.5, 0.5, 0.5)), ball((0.5, 0.5, 0.46))


def test_an_outline_draws_a_shape_out_that_falls_short_of_it():
    assert reach(several(FLAT), FRONT) == pytest.approx(0.46, abs=0.01)
    assert reach(several(FLAT, seen(90)), FRONT) > 0.48 and reach(several(FLAT, seen(90)), BEHIND) > 0.48


def test_an_outline_cuts_what_is_beyond_it():
    """By most of the way: its photo's place is not known exactly."""
    deep = several(ball((0.5, 0.5, 0.55)), seen(90))
    assert 0.5 < reach(deep, BEHIND) < 0.525


def test_what_is_beyond_an_outline_is_drawn_in_without_an_edge():
    """What lies within the outline, next to what does not, gives way too."""
    deep, aslant = ball((0.5, 0.5, 0.55)), (0.64, 0.0, -0.77)
    assert reach(several(deep, seen(90)), aslant) < reach(several(deep), aslant) - 0.008


def test_photos_from_one_side_ask_for_their_outline_once():
    assert reach(several(FLAT, *(seen(90) for _ in range(4))), FRONT) == pytest.approx(reach(several(FLAT, seen(90)), FRONT), abs=0.003)


def test_another_photo_s_outline_moves_the_surface_by_no_more_than_its_place_is_known():
    assert reach(several(ball((0.5, 0.5, 0.3)), seen(90)), FRONT) < 0.37


def test_the_main_photo_s_outline_holds():
    narrow = lambda points: disc(points) + 0.08  # noqa: E731
    assert reach(several(ROUND, seen(0, narrow)), BESIDE) == pytest.approx(0.5, abs=0.02)


def test_what_is_known_stays():
    known = lambda points: (points[:, 2] > 0).astype(np.float32)  # noqa: E731
    field = several(FLAT, seen(90), protect=known)
    assert reach(field, FRONT) == pytest.approx(0.46, abs=0.01) and reach(field, BEHIND) > 0.48


def test_an_outline_has_no_say_where_it_does_not_count():
    field = several(FLAT, seen(90, counts=nowhere))
    assert reach(field, FRONT) == pytest.approx(0.46, abs=0.01)


def test_an_outline_has_no_say_beyond_its_crop():
    carry, back = turned(90)
    aside = np.array([0, 3, 0], np.float32)
    far = Silhouette(lambda p: disc(p - aside), everywhere, lambda p: carry(p) + aside, lambda p: back(p - aside))
    assert reach(several(FLAT, far), FRONT) == pytest.approx(0.46, abs=0.01)


def test_each_further_photo_costs_about_the_same():
    asked = 0

    def counted(points: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += len(points)
        return FLAT(points)

    costs = []
    for count in (1, 3, 5):
        field = several(counted, *(seen(30.0 * turn) for turn in range(1, count + 1)))
        asked = 0
        field(np.random.default_rng(0).uniform(-1, 1, (2000, 3)).astype(np.float32))
        costs.append(asked)
    assert costs[2] - costs[1] < 1.6 * (costs[1] - costs[0])


def test_a_lower_crown_in_another_photo_leaves_no_bulge_behind_the_main_one_s():
    """At the main photo's own outline others have no say."""
    flat = lambda points: np.maximum(disc(points), points[:, 1] - 0.4).astype(np.float32)  # noqa: E731
    bare, lower = several(ROUND), several(ROUND, seen(90, flat))
    for direction in ((0, 1, 0), (0, 0.9, -0.436), (0, 0.8, -0.6)):
        assert -0.01 < reach(lower, direction) - reach(bare, direction) < 0.005

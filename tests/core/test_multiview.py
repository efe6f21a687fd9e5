"""Fields of several photos of shapes that are known; each photo errs in its own way."""

from collections.abc import Callable

import numpy as np
import pytest

from likeness.core.fields.field import PointFunction
from likeness.core.fields.multiview import FieldView, MultiviewField, multiview_field

from .shapes import Shape

Frame = Callable[[np.ndarray], np.ndarray]


def turned(degrees: float) -> tuple[Frame, Frame]:
    """From the main frame into that of a camera to which a head turned so far shows its face, and back."""
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]], np.float32)
    return (lambda points: points @ matrix.T), (lambda points: points @ matrix)


def ball(radii: tuple[float, float, float]) -> PointFunction:
    """Roughly the signed distance of an ellipsoid in its frame."""
    return lambda points: ((np.linalg.norm(points / np.array(radii, np.float32), axis=1) - 1) * min(radii)).astype(np.float32)


def facing(points: np.ndarray) -> np.ndarray:
    return (points[:, 2] / np.maximum(np.linalg.norm(points, axis=1), 1e-6)).astype(np.float32)


def disc(points: np.ndarray) -> np.ndarray:
    return (np.linalg.norm(points[:, :2], axis=1) - 0.5).astype(np.float32)


def seen(shape: PointFunction, degrees: float | None = None, **more) -> FieldView:
    carry, back = (None, None) if degrees is None else turned(degrees)
    return FieldView(Shape(shape), disc, facing, carry=carry, back=back, **more)


def reach(field: PointFunction, direction: tuple[float, float, float]) -> float:
    """How far from the middle the surface is."""
    way = np.linspace(0.1, 0.95, 400, dtype=np.float32)
    return float(way[field(way[:, None] * np.array(direction, np.float32)).searchsorted(0)])


DEEP = ball((0.5, 0.5, 0.8))
BEHIND, BESIDE, FRONT = (0, 0, -1), (1, 0, 0), (0, 0, 1)


def test_what_one_photo_guesses_another_one_knows():
    """The main photo takes the ball for deep; from the side its outline shows that it is round."""
    alone = MultiviewField([seen(DEEP)]).distance
    assert reach(alone, BEHIND) == pytest.approx(0.8, abs=0.01)
    several = multiview_field([seen(DEEP), seen(ball((0.5, 0.5, 0.5)), 90), seen(ball((0.5, 0.5, 0.5)), 180)]).distance
    assert reach(several, BEHIND) == pytest.approx(0.5, abs=0.03) and reach(several, FRONT) == pytest.approx(0.5, abs=0.03)


def test_an_outline_draws_a_shape_out_that_falls_short_of_it():
    several = multiview_field([seen(ball((0.5, 0.5, 0.46))), seen(ball((0.46, 0.5, 0.5)), 90)]).distance
    assert reach(several, FRONT) == pytest.approx(0.5, abs=0.015)


def test_photos_from_one_side_ask_for_their_outline_once():
    views = [seen(ball((0.5, 0.5, 0.46))), *(seen(ball((0.46, 0.5, 0.5)), 90, error=0.02) for _ in range(4))]
    assert reach(multiview_field(views).distance, FRONT) == pytest.approx(0.5, abs=0.015)


def test_each_further_photo_costs_about_the_same():
    asked = 0

    def counted(points: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += len(points)
        return ball((0.5, 0.5, 0.46))(points)

    costs = []
    for count in (2, 4, 6):
        field = multiview_field([seen(counted), *(seen(ball((0.46, 0.5, 0.5)), 30.0 * turn) for turn in range(1, count))])
        asked = 0
        field.distance(np.random.default_rng(0).uniform(-1, 1, (2000, 3)).astype(np.float32))
        costs.append(asked)
    assert costs[2] - costs[1] < 1.6 * (costs[1] - costs[0])


def test_another_photo_s_outline_moves_the_surface_by_no_more_than_its_place_is_known():
    several = multiview_field([seen(ball((0.5, 0.5, 0.3))), seen(ball((0.3, 0.5, 0.5)), 90)]).distance
    assert reach(several, FRONT) < 0.37


def test_the_main_photo_s_outline_holds():
    several = multiview_field([seen(ball((0.5, 0.5, 0.5))), seen(ball((0.5, 0.5, 0.42)), 90)]).distance
    assert reach(several, BESIDE) == pytest.approx(0.5, abs=0.02)


def test_the_weights_are_shares_and_go_to_whoever_sees_a_place():
    field = MultiviewField([seen(ball((0.5, 0.5, 0.5))), seen(ball((0.5, 0.5, 0.5)), 180)])
    shares = field.weights(np.array([FRONT, BEHIND], np.float32) * 0.5)
    assert shares.sum(0) == pytest.approx(1) and shares[0, 0] > 0.95 and shares[1, 1] > 0.95


def test_a_photo_has_no_say_where_it_does_not_count():
    nowhere = lambda points: np.zeros(len(points), np.float32)  # noqa: E731
    other = seen(ball((0.3, 0.3, 0.3)), 90, counts=nowhere)
    several = multiview_field([seen(ball((0.5, 0.5, 0.5))), other]).distance
    for direction in (BEHIND, BESIDE, FRONT):
        assert reach(several, direction) == pytest.approx(0.5, abs=0.01)


def test_a_photo_whose_place_is_uncertain_counts_less_and_moves_less():
    shares, fronts = [], []
    for error in (0.0, 0.06):
        other = seen(ball((0.46, 0.5, 0.5)), 90, error=error)
        views = [seen(ball((0.5, 0.5, 0.46))), other]
        shares.append(MultiviewField(views).weights(np.array([(0.46, 0, -0.15)], np.float32))[1, 0])
        fronts.append(reach(multiview_field(views).distance, FRONT))
    assert shares[1] < 0.6 * shares[0] and fronts[1] < fronts[0] - 0.005


def test_a_confident_photo_outweighs_a_doubtful_one():
    shares = [
        MultiviewField([seen(DEEP), seen(DEEP, 0, confidence=confidence)]).weights(np.array([FRONT], np.float32) * 0.8)[1, 0]
        for confidence in (0.1, 1.0)
    ]
    assert shares[0] < 0.15 and shares[1] > 0.4

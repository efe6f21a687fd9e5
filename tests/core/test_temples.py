"""Sides of hair that are grey or cropped where the photo shows temples, on an egg-shaped head on a column."""

import numpy as np
import pytest

from likeness.core.colour import copied
from likeness.core.colour.temples import greyed

from .bald_bust import behind, short
from .test_hidden_colours import bust, filled, painted, seen  # noqa: F401

BROWN, GREY = np.array([[0.3, 0.2, 0.13], [0.5, 0.48, 0.46]], np.float32)
N = 400


def cells(temples, brown=BROWN):
    """Level, shares of hair, strips with their weight and places of a row of cells at each temple, of the crown and of the nape."""
    rng = np.random.default_rng(0)
    side = np.sign(rng.standard_normal(N))
    places = np.column_stack([side * rng.uniform(0.25, 0.4, N), rng.uniform(0.0, 0.3, N), rng.uniform(-0.3, -0.2, N)])
    crown, nape = np.tile([0.0, 0.7, -0.4], (N, 1)), np.tile([0.0, 0.0, -0.9], (N, 1))
    strips = np.concatenate([np.tile(temples, (N, 1)), np.zeros((2 * N, 3))])
    weight = np.repeat([1.0, 0.0, 0.0], N)
    return np.tile(brown, (3 * N, 1)), np.ones(3 * N), weight, strips, weight, np.concatenate([places, crown, nape])


def parts(level):
    return (level[at : at + N].mean(0) for at in (0, N, 2 * N))


def test_grey_temples_make_grey_sides_and_napes_and_leave_the_crown():
    sides, crown, nape = parts(greyed(*cells(GREY)))
    assert np.abs(sides - GREY).max() < 0.03 and np.abs(crown - BROWN).max() < 1e-6
    assert sides.mean() > nape.mean() + 0.03 and nape.mean() > BROWN.mean() + 0.1


def test_temples_that_are_only_darker_lie_in_the_shade():
    assert np.abs(greyed(*cells(0.6 * BROWN)) - BROWN).max() < 1e-6


def test_light_that_differs_a_little_is_no_grey():
    assert np.abs(greyed(*cells(1.1 * BROWN)) - BROWN).max() < 1e-6


def test_lighter_temples_of_the_same_tint_are_cropped():
    sides, _, _ = parts(greyed(*cells(1.8 * BROWN)))
    assert np.abs(sides - 1.8 * BROWN).max() < 0.05


def test_as_light_but_without_a_tint_is_grey():
    sides, _, _ = parts(greyed(*cells(np.full(3, BROWN.mean()))))
    assert sides.max() - sides.min() < 0.3 * np.ptp(BROWN) and abs(sides.mean() - BROWN.mean()) < 0.01


def test_skin_that_shows_through_some_of_a_strip_does_not_make_it_red():
    level, hair, shown, strips, weight, upright = cells(GREY)
    strips[: N // 3] = 0.75, 0.55, 0.45
    sides, _, _ = parts(greyed(level, hair, shown, strips, weight, upright))
    assert np.abs(sides - GREY).max() < 0.04
    strips[:N] = GREY + np.linspace(0, 1, N)[:, None] * [0.12, -0.05, -0.07]
    sides, _, _ = parts(greyed(level, hair, shown, strips, weight, upright))
    assert sides[0] - sides[1] < 0.08


def test_long_hair_is_as_it_is_seen_below():
    level, hair, shown, strips, weight, upright = cells(GREY)
    shown, upright = shown.copy(), upright.copy()
    shown[-50:], upright[-50:, 1] = 1, -0.6
    assert np.abs(greyed(level, hair, shown, strips, weight, upright) - BROWN).max() < 1e-6


def test_a_blue_wall_that_is_seen_through_hair_is_no_grey():
    assert np.abs(greyed(*cells(np.array([0.4, 0.5, 0.6]))) - BROWN).max() < 1e-6


def test_grey_beside_black_hair_may_be_a_little_blue():
    sides, _, _ = parts(greyed(*cells(np.array([0.45, 0.45, 0.47]), np.array([0.1, 0.099, 0.098]))))
    assert sides.mean() > 0.4


def test_a_few_hairs_tell_nothing():
    level, hair, shown, strips, weight, upright = cells(GREY)
    weight[5:] = 0
    assert np.array_equal(greyed(level, hair, shown, strips, weight, upright), level)


@pytest.fixture
def greying(seen):  # noqa: F811
    brown = painted(seen, (short(seen.places) & (seen.matte > 0)), "hair", BROWN)
    return painted(
        brown, short(seen.places) & (seen.matte > 0) & (np.abs(seen.places[..., 0]) > 0.22) & (seen.places[..., 1] < 0.4), "hair", GREY
    )


def test_hidden_sides_are_as_grey_as_the_narrow_strips_that_a_photo_shows(bust, greying, monkeypatch):  # noqa: F811
    side = (np.abs(bust.vertices[:, 0]) > 0.3) & (bust.vertices[:, 2] < -0.55) & (np.abs(bust.vertices[:, 1] - 0.15) < 0.1)
    colours = filled(bust, greying).colours
    assert colours[side].mean() > 0.7 * GREY.mean() and np.ptp(colours[side].mean(0)) < 0.8 * np.ptp(BROWN)
    assert colours[behind(bust.vertices, 0.4, 0.5)].mean() < colours[side].mean() - 0.03, "the crown is less grey"
    monkeypatch.setattr(copied, "_THIN", (-1.0, -0.5))
    assert filled(bust, greying).colours[side].mean() < colours[side].mean() - 0.1, "the case is none without the strips"

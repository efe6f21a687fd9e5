"""What goes on beyond the photo's edges, on a drawn head with hair of known thickness."""

import numpy as np
import pytest

from likeness.core.photo import outpaint
from likeness.core.photo.outpaint import outpainted

SIZE = 128
STEP = 2 / SIZE
X, Y = (part * STEP - 1 + STEP / 2 for part in np.meshgrid(np.arange(SIZE), np.arange(SIZE)))
UP = -Y
HAIR = 0.1


def disc(radius: float) -> np.ndarray:
    return np.hypot(X, Y) < radius


HEAD = disc(0.5)
CODE = np.stack([X, UP, 0 * X], axis=-1) * HEAD[..., None]


def picture(person: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Brown on the left, blue on the right, black where the photo is not."""
    colours = np.where((X < 0)[..., None], [0.5, 0.3, 0.1], [0.1, 0.2, 0.6]) * (person & shown)[..., None]
    return np.concatenate([colours, (person & shown)[..., None]], axis=-1).astype(np.float32)


def matte(person: np.ndarray, shown: np.ndarray) -> np.ndarray:
    return outpainted(picture(person, shown), shown, HEAD, CODE)[..., 3] > 0.5


@pytest.mark.parametrize("shown", [UP < 0.3, X > -0.25, X < 0.25])
def test_the_outline_goes_on_with_the_thickness_that_is_seen(shown: np.ndarray) -> None:
    person = disc(0.5 + HAIR)
    found = matte(person, shown)
    assert found[disc(0.5 + 0.5 * HAIR) & ~shown].all() and not found[~disc(0.5 + 1.4 * HAIR)].any()
    assert (found == person)[shown].all()


def test_without_a_visible_outline_a_usual_thickness_is_taken() -> None:
    shown = (np.abs(X) < 0.3) & (np.abs(UP) < 0.4)
    found = matte(disc(0.6), shown)
    assert 0.5 < UP[found].max() < 0.62
    assert not found[np.hypot(X, Y) > 0.7].any() and found[disc(0.48)].all()


def test_background_at_the_edge_stays_background() -> None:
    """A shoulder of the model, where the photo shows wall up to its edge, does not begin right there."""
    shown = X < 0.3
    person = disc(0.6) & ~((X > 0.1) & (UP > 0))
    beyond = (X > 0.3) & (X < 0.34) & (UP > 0.08)
    assert not matte(person, shown)[beyond].any()


def test_a_hole_in_the_matte_is_not_continued() -> None:
    shown = X < 0.3
    hole = np.hypot(X - 0.3, Y) < 0.1
    assert matte(disc(0.6) & ~hole, shown)[(X > 0.3) & disc(0.45)].all()


def test_hidden_colours_are_the_other_sides() -> None:
    shown = X < 0.1
    found = outpainted(picture(disc(0.6), shown), shown, HEAD, CODE)
    assert np.abs(found[(X > 0.3) & disc(0.45)][:, :3] - [0.5, 0.3, 0.1]).max() < 0.1


def test_what_the_photo_shows_stays_bit_for_bit() -> None:
    person = disc(0.6)
    whole = picture(person, np.ones_like(person))
    assert outpainted(whole, np.ones_like(person), HEAD, CODE) is whole
    shown = UP < 0.3
    part = picture(person, shown)
    assert np.array_equal(outpainted(part, shown, HEAD, CODE)[shown], part[shown])


def test_a_crown_that_the_photo_cuts_off_closes_without_a_knob() -> None:
    """Within the lines in which the outline arrives at the upper edge, however wide the hair is below."""
    shown, line = UP < 0.3, 0.45 + 1.5 * (0.3 - UP)
    found = matte(np.abs(X) < np.minimum(line, 0.75), shown)
    assert found[~shown].sum() > 20 and not found[~shown & (np.abs(X) > line + 0.04)].any()


def test_a_crown_that_the_photo_cuts_off_closes_round() -> None:
    """In a circle's arc between the lines, not in their point."""
    shown, line = UP < 0.3, 0.45 + 1.5 * (0.3 - UP)
    found = matte(np.abs(X) < np.minimum(line, 0.75), shown)
    top = 0.45 * np.tan(np.arctan(1 / 1.5) / 2)
    assert UP[found].max() == pytest.approx(0.3 + top, abs=0.03)
    assert found[(UP > 0.3) & (0.3 + 0.7 * top > UP) & (np.abs(X) < 0.15)].all()


def test_a_crown_that_the_photo_cuts_off_has_no_corners(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of hair that is as wide as the photo's edge on its way up, whose lines no arc closes."""
    person, shown = np.abs(X) < 0.55, UP < 0.4
    found = matte(person, shown)
    monkeypatch.setattr(outpaint, "_ROUND", 0.01)
    corners = matte(person, shown) & ~found
    assert corners[~shown].sum() > 20 and not corners[shown].any() and np.abs(X[corners]).min() > 0.2


def test_a_crown_that_the_photo_cuts_off_is_as_thick_on_top_as_below_the_edge() -> None:
    """Hair that the edge cuts above the scalp is at least so thick there, but it does not end there."""
    shown, person = UP < 0.55, disc(0.75)
    found = matte(person, shown)
    assert UP[found].max() > 0.65 and not found[~disc(0.78)].any()


@pytest.mark.parametrize("steep", [0.0, 3.0])
def test_nothing_stands_above_what_arrives_at_a_side(steep: float) -> None:
    """A shoulder, or hair that hangs, which the photo cuts off, has no horn beside the photo."""
    shown = X < 0.3
    person = disc(0.7) & ~((X > 0.1) & (0.5 * (steep > 0) - steep * (X - 0.1) < UP))
    line = 0.5 * (steep > 0) - steep * (X - 0.1)
    found = matte(person, shown)
    assert found[~shown].any() and not found[~shown & (line + 0.06 < UP)].any()


def test_a_steep_shoulder_is_cut_off_no_steeper_than_it_is_wide() -> None:
    shown = X < 0.3
    person = disc(0.7) & ~((X > 0.1) & (UP > 0.3 - 3 * (X - 0.1)))
    assert matte(person, shown)[(X > 0.34) & (X < 0.38) & (UP > -0.42) & (UP < -0.4)].all()


def test_a_photo_without_anybody_stays_empty() -> None:
    nobody, shown = np.zeros((SIZE, SIZE), bool), UP < 0.3
    assert not outpainted(picture(nobody, shown), shown, HEAD, CODE).any()
    assert not outpainted(picture(disc(0.6), shown), shown, nobody, CODE)[~shown].any()

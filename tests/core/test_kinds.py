"""What hidden parts are of: told by place and by what is seen at the same height, on an egg-shaped head on a column."""

import numpy as np
import pytest

from likeness.core.colour import kinds, long_hair
from likeness.core.colour.kinds import BEARD, CLOTHES, HAIR, HAT, KINDS, SKIN, continued, hidden_kinds

from .bald_bust import CHIN, COLLAR, TOP, behind, hidden, kinds_where, made_bust, places_of, short


@pytest.fixture(scope="module")
def bust():
    return made_bust()


def test_hair_seen_at_the_temples_goes_on_behind_down_to_the_nape(bust):
    found = hidden(bust, kinds_where(bust.points, short(bust.points)))
    assert found[behind(bust.points, -0.22, TOP), HAIR].min() > 0.9
    assert found[behind(bust.points, -0.6, -0.45), HAIR].max(initial=0) < 0.1


def test_a_bald_head_stays_bald_behind(bust):
    found = hidden(bust, kinds_where(bust.points, np.zeros(len(bust.points), bool)))
    assert found[behind(bust.points, -0.6, TOP), SKIN].min() > 0.9


def test_a_bald_crown_keeps_its_fringe(bust):
    fringe = short(bust.points) & (bust.points[:, 1] < 0.25)
    found = hidden(bust, kinds_where(bust.points, fringe))
    assert found[behind(bust.points, 0.36, TOP), SKIN].min() > 0.9
    assert found[behind(bust.points, -0.2, 0.03), HAIR].min() > 0.9


def test_the_edge_of_a_bald_crown_is_lower_behind_than_beside_it(bust):
    found = hidden(bust, kinds_where(bust.points, short(bust.points) & (bust.points[:, 1] < 0.25)))
    edge = (np.abs(bust.points[:, 1] - 0.19) < 0.03) & (bust.weight == 0)
    assert found[edge & (bust.points[:, 2] > -0.5), HAIR].mean() > found[edge & (bust.points[:, 2] < -0.75), HAIR].mean() + 0.2


def test_a_hat_goes_round_the_head(bust):
    found = hidden(bust, kinds_where(bust.points, short(bust.points), hat=bust.points[:, 1] > 0.25))
    assert found[behind(bust.points, 0.36, TOP), HAT].min() > 0.9
    assert found[behind(bust.points, -0.2, 0.18), HAIR].min() > 0.9


def test_a_hat_covers_all_that_is_above_it(bust):
    """Its crown, lit from above, is taken for hair or skin."""
    band = (bust.points[:, 1] > 0.15) & (bust.points[:, 1] < 0.3)
    found = hidden(bust, kinds_where(bust.points, short(bust.points), hat=band))
    assert found[behind(bust.points, 0.2, TOP + 0.1), HAT].min() > 0.9
    assert found[behind(bust.points, -0.2, 0.0), HAT].max() < 0.4


@pytest.mark.parametrize(("hair", "kind"), [(True, HAIR), (False, SKIN)])
def test_a_hat_ends_behind_where_it_ends_in_front(bust, hair, kind):
    """Though it is all of the scalp that is seen; below are hair, if there is any, or a bald nape."""
    curtain = hair & (bust.points[:, 1] > -0.5) & (np.abs(bust.points[:, 0]) > 0.18)
    found = hidden(bust, kinds_where(bust.points, curtain, hat=bust.points[:, 1] > 0))
    assert found[behind(bust.points, 0.04, TOP), HAT].min() > 0.9
    assert found[behind(bust.points, -0.3, -0.12), kind].min() > 0.9


def test_a_hat_covers_the_ears_that_it_hides(bust):
    found = hidden(bust, kinds_where(bust.points, np.zeros(len(bust.points), bool), hat=bust.points[:, 1] > -0.3))
    ears = (np.abs(bust.points[:, 0]) > 0.3) & (bust.points[:, 1] < -0.1) & (bust.points[:, 1] > -0.2) & (bust.weight == 0)
    assert ears.sum() > 10 and found[ears, HAT].min() > 0.9


@pytest.mark.parametrize(("bald", "top", "kind"), [(0.2, 0.44, SKIN), (0.03, TOP + 0.1, HAIR), (0.2, 0.41, HAIR)])
def test_a_crown_that_is_seen_to_be_bald_is_so_behind(bust, bald, top, kind):
    """Hair to the top on both sides, bald between; a parting is no bald crown, and one that the photo cuts off may be none."""
    seen = kinds_where(bust.points, short(bust.points) & (np.abs(bust.points[:, 0]) > bald))
    found = hidden(bust, seen, bust.weight * (bust.points[:, 1] < top))
    assert found[behind(bust.points, -0.1, 0.15), HAIR].min() > 0.9
    assert found[behind(bust.points, 0.42, TOP), kind].mean() > 0.8


@pytest.mark.parametrize("rim", [True, False])
def test_hair_that_makes_the_outline_of_a_crown_goes_on_behind_it(bust, rim):
    """Too steep to be copied, it is a thin arch above a bald forehead."""
    seen = kinds_where(bust.points, short(bust.points) & (bust.points[:, 1] < 0.2))
    facing = bust.normals[bust.cells.first][:, 2]
    steep = (facing < 0.5) & (facing > -0.1) & (bust.points[:, 1] > 0.38)
    of_scalp = np.eye(len(KINDS))[HAIR] * (rim * steep)[:, None]
    found = hidden_kinds(seen, bust.weight * ~steep, places_of(bust.points), bust.points, of_scalp)
    assert steep.sum() > 10 and (found[behind(bust.points, 0.36, TOP), HAIR].mean() > 0.8) == rim


def test_hair_ends_unevenly_at_the_nape():
    around = np.linspace(-0.6, 0.6, 100)
    ring = np.column_stack([0.35 * np.sin(around), np.full(100, -0.33), -0.42 - 0.35 * np.cos(around)])
    share = kinds._above_nape(ring)
    assert np.abs(share - share[::-1]).max() > 0.15


def test_a_high_forehead_is_not_bald_behind(bust):
    seen = kinds_where(bust.points, short(bust.points))
    seen[(bust.points[:, 1] < 0.42) & (bust.points[:, 2] > -0.3)] = np.eye(len(KINDS))[SKIN]
    assert hidden(bust, seen)[behind(bust.points, -0.1, 0.2), HAIR].mean() > 0.75


@pytest.mark.parametrize("low", [-0.45, -0.85])
def test_hair_hangs_as_low_behind_as_it_does_beside(bust, low):
    curtain = (bust.points[:, 1] > low) & (np.abs(bust.points[:, 0]) > 0.18) & (bust.points[:, 1] < 0.1)
    found = hidden(bust, kinds_where(bust.points, curtain | short(bust.points)))
    assert np.median(found[behind(bust.points, low + 0.05, TOP), HAIR]) > 0.9
    assert found[behind(bust.points, -1, low - 0.12), HAIR].max(initial=0) < 0.1


def over_the_shoulders(points, top=0.1):
    """Long hair beside the face, and over the shoulders as far as 0.7 from the middle."""
    return (np.abs(points[:, 0]) > 0.18) & (np.abs(points[:, 0]) < 0.7) & (points[:, 1] < top)


def shoulders_behind(points):
    return (points[:, 2] < -0.5) & (points[:, 1] < -0.75)


def test_long_hair_in_front_leaves_the_shoulders_and_the_back_clothed_behind(bust):
    found = hidden(bust, kinds_where(bust.points, over_the_shoulders(bust.points) | short(bust.points)))
    wide, low = np.abs(bust.points[:, 0]) > 0.65, (bust.points[:, 1] < -0.96)
    for clothed in (wide, low):
        assert found[shoulders_behind(bust.points) & clothed, CLOTHES].mean() > 0.95
    assert found[behind(bust.points, -0.7, -0.3), HAIR].mean() > 0.9


def test_hair_that_makes_the_outline_of_the_shoulders_covers_them_behind(bust, monkeypatch):
    # On this narrow neck it is far wider at once.
    monkeypatch.setattr(long_hair, "_AT_ONCE", 1.0)
    wide = (np.abs(bust.points[:, 0]) > 0.18) & (bust.points[:, 1] > -0.92) & (bust.points[:, 1] < 0.1)
    found = hidden(bust, kinds_where(bust.points, wide | short(bust.points)))
    outer = shoulders_behind(bust.points) & (np.abs(bust.points[:, 0]) > 0.65) & (bust.points[:, 1] > -0.82)
    assert outer.sum() > 10 and found[outer, HAIR].min() > 0.6


@pytest.mark.parametrize(("stands_off", "kind"), [(0.0, SKIN), (0.15, HAIR)])
def test_no_hair_lies_on_cheeks_and_throat_unless_it_stands_off(bust, stands_off, kind):
    curtain = (bust.points[:, 1] > -0.75) & (np.abs(bust.points[:, 0]) > 0.1) & (bust.points[:, 1] < 0.1)
    places = places_of(bust.points)
    places = places._replace(distance=places.distance + np.float32(stands_off))
    weight = bust.weight * (bust.points[:, 0] < 0)
    found = hidden_kinds(kinds_where(bust.points, curtain | short(bust.points)), weight, places, bust.points)
    height, before = bust.points[:, 1], (bust.points[:, 0] > 0.15) & (bust.points[:, 2] > -0.26)
    for some in (before & (height > -0.3) & (height < -0.1), before & (height > -0.65) & (height < -0.4)):
        assert some.sum() > 5 and found[some, kind].min() > 0.6


def test_hair_that_is_seen_below_a_hat_covers_the_ears_above_it(bust):
    curtain = (bust.points[:, 1] < -0.15) & (bust.points[:, 1] > -0.5) & (np.abs(bust.points[:, 0]) > 0.18)
    found = hidden(bust, kinds_where(bust.points, curtain, hat=bust.points[:, 1] > 0.12))
    ears = (places_of(bust.points).bare > 0) & (bust.points[:, 1] > -0.1) & (bust.points[:, 2] < -0.35)
    assert ears.sum() > 5 and found[ears, HAIR].min() > 0.8


def test_hair_below_a_hat_does_not_climb_into_it(bust):
    curtain = (np.abs(bust.points[:, 0]) > 0.18) & (bust.points[:, 1] > -0.5)
    found = hidden(bust, kinds_where(bust.points, curtain, hat=bust.points[:, 1] > -0.25))
    beside = (np.abs(bust.points[:, 0]) > 0.25) & (bust.points[:, 1] > -0.19) & (bust.points[:, 1] < -0.1) & (bust.weight == 0)
    assert beside.sum() > 5 and found[beside, HAT].min() > 0.9


def test_cloth_that_is_taken_for_hair_makes_no_hair_behind(bust):
    chest = (bust.points[:, 1] < -0.85) & (np.abs(bust.points[:, 0]) < 0.5)
    found = hidden(bust, kinds_where(bust.points, chest | short(bust.points)))
    assert found[shoulders_behind(bust.points), HAIR].max() < 0.1


def test_a_dark_collar_that_is_taken_for_hair_leaves_the_nape_bare(bust):
    collar = (bust.points[:, 1] < -0.45) & (bust.points[:, 1] > -0.7) & (np.abs(bust.points[:, 0]) > 0.1)
    found = hidden(bust, kinds_where(bust.points, collar | short(bust.points)))
    nape = behind(bust.points, -0.4, -0.36)
    assert nape.sum() > 5 and found[nape, HAIR].max() < 0.3


def test_below_the_photo_are_clothes(bust):
    """In front, too, though a neckline is all that it shows above its lower edge."""
    seen, neck = kinds_where(bust.points, short(bust.points)), np.hypot(bust.points[:, 0], bust.points[:, 2] + 0.45) < 0.26
    seen[neck] = np.eye(len(KINDS))[SKIN]
    found = hidden(bust, seen, bust.weight * (bust.points[:, 1] > -0.7))
    front = neck & (bust.points[:, 2] > -0.3)
    assert found[front & (bust.points[:, 1] < -0.78), CLOTHES].min() > 0.9
    assert found[front & (bust.points[:, 1] > -0.68), SKIN].mean() > 0.9


def test_hair_that_the_photos_lower_edge_cuts_off_goes_on_below_it(bust, monkeypatch):
    """Behind, too, and though the shoulders that are seen are bare."""
    monkeypatch.setattr(long_hair, "_AT_ONCE", 1.0)
    curtain = (np.abs(bust.points[:, 0]) > 0.18) & (bust.points[:, 1] < 0.1)
    seen, weight = kinds_where(bust.points, curtain | short(bust.points)), bust.weight * (bust.points[:, 1] > -0.84)
    found = hidden(bust, seen, weight)
    below = (np.abs(bust.points[:, 0]) > 0.3) & (bust.points[:, 1] < -0.92)
    assert found[below & (bust.points[:, 2] > -0.4), HAIR].min() > 0.6
    assert found[below & (bust.points[:, 2] < -0.5), HAIR].min() > 0.6


def test_bare_shoulders_are_bare_behind(bust):
    seen = kinds_where(bust.points, short(bust.points))
    seen[(np.abs(bust.points[:, 0]) > 0.4) & (bust.points[:, 1] < -0.65)] = np.eye(len(KINDS))[SKIN]
    hair = seen.copy()
    hair[over_the_shoulders(bust.points) & (np.abs(bust.points[:, 0]) < 0.4)] = np.eye(len(KINDS))[HAIR]
    found = hidden(bust, hair)
    assert found[shoulders_behind(bust.points) & (np.abs(bust.points[:, 0]) > 0.65), SKIN].min() > 0.85


def test_a_stray_fold_far_below_is_no_collar(bust):
    """The lowest cloth that is seen beside the neck has a gap above it."""
    seen = kinds_where(bust.points, short(bust.points))
    seen[bust.points[:, 1] < -0.65] = np.eye(len(KINDS))[CLOTHES]
    gap = (bust.points[:, 1] < -0.86) & (bust.points[:, 1] > -0.98)
    found = hidden(bust, seen, bust.weight * ~gap)
    assert found[behind(bust.points, -0.84, -0.7), CLOTHES].min() > 0.9


def test_clothes_go_round_and_a_neckline_does_not(bust):
    neckline = (np.abs(bust.points[:, 0]) < 0.15) & (bust.points[:, 1] < COLLAR)
    seen = kinds_where(bust.points, short(bust.points))
    seen[neckline] = np.eye(len(KINDS))[SKIN]
    found = hidden(bust, seen)
    back = (bust.points[:, 2] < -0.55) & (bust.points[:, 1] < COLLAR - 0.1)
    assert back.sum() > 20 and found[back, CLOTHES].min() > 0.9


def test_what_looks_like_cloth_above_skin_is_none(bust):
    seen = kinds_where(bust.points, short(bust.points))
    shadow = (bust.points[:, 1] < -0.5) & (bust.points[:, 1] > -0.62) & ~short(bust.points)
    seen[shadow] = np.eye(len(KINDS))[CLOTHES]
    assert hidden(bust, seen)[behind(bust.points, -0.6, -0.52), CLOTHES].max() < 0.4


def test_a_neckline_in_front_leaves_no_skin_below_the_collar_behind(bust):
    seen = kinds_where(bust.points, short(bust.points))
    seen[(bust.points[:, 1] < -0.6) & (np.abs(bust.points[:, 0]) > 0.15)] = np.eye(len(KINDS))[CLOTHES]
    neckline = (np.abs(bust.points[:, 0]) < 0.15) & (bust.points[:, 2] > -0.45)
    seen[neckline & (bust.points[:, 1] < -0.6)] = np.eye(len(KINDS))[SKIN]
    found = hidden(bust, seen)
    assert found[behind(bust.points, -0.92, -0.68), CLOTHES].min() > 0.9
    assert found[behind(bust.points, -0.54, -0.4), CLOTHES].max() < 0.1


def test_a_collar_is_a_little_higher_behind_than_beside(bust):
    """A scarf's knot, or a shadow that is taken for cloth, reaches up to the chin in front."""
    seen = kinds_where(bust.points, short(bust.points))
    seen[(np.abs(bust.points[:, 0]) < 0.15) & (bust.points[:, 1] < -0.55)] = np.eye(len(KINDS))[CLOTHES]
    found = hidden(bust, seen)
    assert found[behind(bust.points, -0.62, -0.5), CLOTHES].max() < 0.2
    assert found[behind(bust.points, -0.74, -0.7), CLOTHES].min() > 0.8
    assert found[behind(bust.points, -0.92, COLLAR - 0.04), CLOTHES].min() > 0.9


def test_a_collar_that_one_side_hides_is_as_high_as_on_the_other(bust):
    seen = kinds_where(bust.points, short(bust.points))
    seen[(bust.points[:, 1] < -0.65) & (bust.points[:, 0] > 0.1)] = np.eye(len(KINDS))[CLOTHES]
    found = hidden(bust, seen, bust.weight * (bust.points[:, 0] > 0))
    other = behind(bust.points, -0.9, -0.8) & (bust.points[:, 0] < -0.1)
    assert found[other, CLOTHES].min() > 0.9
    assert found[behind(bust.points, -0.6, -0.5) & (bust.points[:, 0] < -0.1), CLOTHES].max(initial=0) < 0.1


def test_a_collar_descends_from_the_back_of_the_neck_to_the_front(bust):
    """Beside the neck the chin hides it on one side."""
    points = bust.points
    edge = np.interp(points[:, 2], [-0.45, -0.2], [-0.62, -0.86])
    seen = np.eye(len(KINDS))[np.where(points[:, 1] < edge, CLOTHES, SKIN)]
    neck = np.hypot(points[:, 0], points[:, 2] + 0.45) < 0.3
    beside = neck & (points[:, 0] < -0.1) & (points[:, 2] > -0.42) & (points[:, 2] < -0.24)
    found = hidden(bust, seen, (points[:, 2] > -0.5) * ~beside)
    above = beside & (points[:, 1] > edge + 0.06) & (np.abs(points[:, 1] + 0.7) < 0.1)
    assert above.sum() > 5 and found[above, CLOTHES].max() < 0.3


def test_what_stands_off_the_neck_as_high_as_clothes_are_seen_is_cloth(bust):
    seen = kinds_where(bust.points, short(bust.points))
    seen[(np.abs(bust.points[:, 0]) < 0.15) & (bust.points[:, 1] < -0.55)] = np.eye(len(KINDS))[CLOTHES]
    places = places_of(bust.points)
    collar = behind(bust.points, -0.64, -0.58) & (np.abs(bust.points[:, 0]) < 0.05)
    on, off = (
        hidden_kinds(seen, bust.weight, places._replace(distance=np.full(len(bust.points), distance)), bust.points)[collar, CLOTHES]
        for distance in (0.0, 0.2)
    )
    assert on.max() < 0.05 and off.min() > 0.15


def test_an_edge_that_is_told_by_place_is_smooth(bust):
    """Taken where some vertex of each cell is, it would be as jagged as the cells are wide."""

    def off(points):
        return np.std((bust.cells.spread(points, bust.vertices) - bust.vertices)[bust.vertices[:, 1] > -0.6])

    assert off(bust.cells.centre) < 0.7 * off(bust.points)


def test_a_shaved_head_that_is_half_taken_for_hair_is_skin_behind(bust):
    seen = kinds_where(bust.points, np.zeros(len(bust.points), bool))
    seen[short(bust.points)] = 0.35 * np.eye(len(KINDS))[HAIR] + 0.65 * np.eye(len(KINDS))[SKIN]
    assert hidden(bust, seen)[behind(bust.points, -0.2, TOP), HAIR].max() < 0.15


def test_ears_stay_skin_and_a_beard_stays_in_front(bust):
    seen = kinds_where(bust.points, short(bust.points))
    chin = (bust.points[:, 1] < -0.3) & (bust.points[:, 1] > CHIN) & (bust.points[:, 2] > -0.2)
    seen[chin] = np.eye(len(KINDS))[BEARD]
    found = hidden(bust, seen)
    ears = (np.abs(bust.points[:, 0]) > 0.33) & (bust.points[:, 1] < -0.1) & (bust.points[:, 1] > -0.25) & (bust.points[:, 2] > -0.44)
    assert ears.sum() > 10 and found[ears, SKIN].min() > 0.9
    assert found[bust.points[:, 2] < -0.5, BEARD].max() < 0.1


def test_what_is_seen_goes_on_a_little_beyond_its_edge(bust):
    seen, by_place = np.zeros((len(bust.points), len(KINDS)), np.float32), np.zeros((len(bust.points), len(KINDS)), np.float32)
    seen[:, HAIR], by_place[:, SKIN] = 1, 1
    found = continued(bust.cells, by_place, [(seen, bust.weight), (seen, np.zeros_like(bust.weight))])
    assert found[bust.weight > 0, HAIR].min() > 0.8
    edge = (bust.weight == 0) & (bust.points[:, 2] > -0.42) & (bust.points[:, 1] > 0)
    assert found[edge, HAIR].mean() > 0.15
    assert found[bust.points[:, 2] < -0.8, HAIR].max() < 0.05

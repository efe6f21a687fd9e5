"""Hidden clothes: which garment is where, and their edges, on an egg-shaped head on a column with shoulders."""

import numpy as np
import pytest

from likeness.core.colour.clothing import dressed, garments, with_an_edge
from likeness.core.colour.garments import Garments
from likeness.core.colour.islands import without_gleams
from likeness.core.colour.kinds import CLOTHES, HAIR, KINDS, SKIN

from .bald_bust import COLLAR, behind, kinds_where, made_bust

WHITE, NAVY, RED = np.array([[0.9, 0.9, 0.92], [0.08, 0.1, 0.25], [0.8, 0.05, 0.08]], np.float32)


@pytest.fixture(scope="module")
def bust():
    return made_bust()


def worn(bust, colours, clothes=None, steep=None):
    """The garments of clothes, all below the neck by default, of which a photo from the front shows these colours (K, 3)."""
    clothes = (bust.points[:, 1] < -0.62).astype(np.float32) if clothes is None else clothes
    steep = (colours, np.zeros(len(colours))) if steep is None else steep
    return garments(bust.cells, clothes, (colours, bust.weight * clothes), steep, bust.points)


def opening(points):
    """A shirt's, which a jacket leaves in front."""
    return (np.abs(points[:, 0]) < 0.2) & (points[:, 2] > -0.5)


def one_of(found, where):
    assert where.sum() > 10
    return np.bincount(found.garment[where]).argmax()


def test_behind_is_the_jacket_that_is_seen_at_the_shoulders_and_not_the_shirt(bust):
    shirt = opening(bust.points)
    found = worn(bust, np.where(shirt[:, None], WHITE, NAVY))
    back, shoulders = behind(bust.points, -1, -0.7), (np.abs(bust.points[:, 0]) > 0.5) & (bust.weight > 0)
    jacket = one_of(found, shoulders & (bust.points[:, 1] < -0.7))
    assert jacket > 0 and (found.garment[back] == jacket).mean() > 0.95
    front = shirt & (bust.weight > 0) & (np.abs(bust.points[:, 0]) < 0.12) & (bust.points[:, 1] < -0.7)
    assert one_of(found, front) not in (0, jacket)
    assert (found.garment[bust.points[:, 1] > -0.5] == 0).all()


@pytest.mark.parametrize(("sides", "goes_round"), [((-1, 1), True), ((1,), False)])
def test_a_scarf_goes_round_if_both_sides_show_it(bust, sides, goes_round):
    scarf = (bust.points[:, 1] > COLLAR) & np.isin(np.sign(bust.points[:, 0]), sides)
    clothes = (bust.points[:, 1] < -0.5).astype(np.float32)
    found = worn(bust, np.where(scarf[:, None], RED, NAVY), clothes)
    coat = one_of(found, (np.abs(bust.points[:, 0]) > 0.5) & (bust.points[:, 1] < -0.85))
    nape = behind(bust.points, -0.68, -0.56)
    assert (one_of(found, nape) != coat) == goes_round


@pytest.mark.parametrize(
    "colours",
    [
        lambda points: RED * np.where(points[:, :1] > 0, 1, 0.55),
        lambda points: np.where((np.floor(points[:, :1] / 0.04) + np.floor(points[:, 1:2] / 0.04)) % 2 > 0, RED, NAVY),
        lambda points: np.where(np.floor(points[:, :1] / 0.2) % 2 > 0, RED, NAVY),
    ],
    ids=["two lights", "a pattern", "a broad pattern"],
)
def test_cloth_in_two_lights_and_a_pattern_are_one_garment(bust, colours):
    assert set(worn(bust, colours(bust.points).astype(np.float32)).garment) == {0, 1}


def test_clothes_that_are_seen_steeply_tell_which_garment_they_are(bust):
    """A shirt whose pixels beside what is copied are white."""
    shirt = opening(bust.points)
    colours = np.where(shirt[:, None], WHITE, NAVY)
    beside = (
        (bust.points[:, 0] > 0.1)
        & (bust.points[:, 2] < -0.5)
        & (bust.points[:, 2] > -0.62)
        & (bust.points[:, 1] > -0.78)
        & (bust.weight == 0)
    )
    plain = worn(bust, colours)
    steep = worn(bust, colours, steep=(np.tile(WHITE, (len(colours), 1)), 1.0 * beside))
    white = one_of(plain, shirt & (bust.weight > 0) & (np.abs(bust.points[:, 0]) < 0.12) & (bust.points[:, 1] < -0.7))
    low = beside & (bust.points[:, 1] < -0.66)
    assert low.sum() > 5 and (steep.garment[low] == white).mean() > (plain.garment[low] == white).mean() + 0.3


def test_clothes_end_from_one_cell_to_the_next(bust):
    share = kinds_where(bust.points, np.zeros(len(bust.points), bool))
    soft = np.clip((COLLAR - bust.points[:, 1]) / 0.2 + 0.5, 0, 1)
    share[:, CLOTHES], share[:, SKIN] = soft, 1 - soft
    found = with_an_edge(bust.cells, share, dressed(bust.cells, share, bust.weight))
    assert set(np.unique(found[:, CLOTHES])) == {0, 1} and np.allclose(found.sum(1), 1)
    far = np.abs(bust.points[:, 1] - COLLAR) > 0.06
    assert ((found[:, CLOTHES] > 0.5) == (bust.points[:, 1] < COLLAR))[far].all()


def test_a_patch_of_clothes_in_hair_that_nobody_sees_is_hair(bust):
    share = np.tile(np.eye(len(KINDS))[HAIR], (len(bust.points), 1))
    share[bust.points[:, 1] < -0.8] = np.eye(len(KINDS))[CLOTHES]
    patch = (np.linalg.norm(bust.points[:, :2], axis=1) < 0.15) & (bust.points[:, 2] < -0.5)
    share[patch] = np.eye(len(KINDS))[CLOTHES]
    found = with_an_edge(bust.cells, share, dressed(bust.cells, share, np.zeros(len(share))))
    assert patch.sum() > 3 and found[patch, HAIR].min() > 0.9


@pytest.mark.parametrize(("seen", "stays"), [(False, False), (True, True)])
def test_a_patch_of_skin_in_the_clothes_goes_unless_the_photo_shows_it(bust, seen, stays):
    share = kinds_where(bust.points, np.zeros(len(bust.points), bool))
    share[bust.points[:, 1] < -0.62] = np.eye(len(KINDS))[CLOTHES]
    patch = (np.abs(bust.points[:, 0] - 0.5) < 0.2) & (bust.points[:, 1] < -0.86) & (bust.points[:, 2] < -0.5)
    share[patch] = np.eye(len(KINDS))[SKIN]
    clothes = dressed(bust.cells, share, bust.weight if not seen else np.ones(len(share)))
    inner = patch & (np.abs(bust.points[:, 0] - 0.5) < 0.1)
    assert inner.sum() > 3 and (clothes[inner].mean() < 0.5) == stays


@pytest.mark.parametrize(("seen", "stays"), [(False, False), (True, True)])
def test_a_notch_in_the_edge_of_clothes_is_filled_unless_the_photo_shows_it(bust, seen, stays):
    share = kinds_where(bust.points, np.zeros(len(bust.points), bool))
    share[bust.points[:, 1] < -0.62] = np.eye(len(KINDS))[CLOTHES]
    notch = (np.abs(bust.points[:, 0]) < 0.12) & (bust.points[:, 1] < -0.62) & (bust.points[:, 1] > -0.75) & (bust.points[:, 2] < -0.5)
    share[notch] = np.eye(len(KINDS))[SKIN]
    clothes = dressed(bust.cells, share, np.full(len(share), float(seen)))
    inner = notch & (bust.points[:, 1] < -0.66)
    assert inner.sum() > 3 and (clothes[inner].mean() < 0.5) == stays


def test_colours_of_two_garments_end_where_their_shares_are_alike(bust):
    """Between two layers of cells, a third of a cell above the lower one."""
    height = bust.cells.centre[:, 1]
    edge = height[np.abs(height - COLLAR).argmin()] + bust.cells.size / 3
    soft = np.clip((edge - height) / 0.16 + 0.5, 0, 1)
    found = Garments(bust.cells, np.column_stack([1 - soft, soft]).astype(np.float32), bust.vertices)
    values = (height < edge).astype(np.float32)[:, None]
    away, below = np.abs(bust.vertices[:, 1] - edge) > 0.014, bust.vertices[:, 1] < edge
    assert np.abs(found.spread(values)[:, 0] - below)[away].max() < 0.01


def test_a_shoulder_that_the_sun_lights_is_the_same_garment(bust):
    """Its colour is too light for the jacket's in shade, but is seen on the shoulder alone."""
    lit = bust.points[:, 0] > 0.55
    found = worn(bust, np.where(lit[:, None], WHITE, NAVY))
    assert set(found.garment) == {0, 1}
    shirt = opening(bust.points)
    assert len(set(worn(bust, np.where(shirt[:, None], WHITE, NAVY)).garment)) == 3


def test_a_lit_shoulder_beside_a_collar_is_the_garment_of_the_other_shoulder(bust):
    """It touches the red shirt alone."""
    points = bust.points
    colours = np.where((points[:, 0] > 0.5)[:, None], WHITE, np.where((points[:, 0] > -0.5)[:, None], RED, NAVY))
    found = worn(bust, colours)
    shown = (bust.weight > 0) & (points[:, 1] < -0.8)
    lit, other = (one_of(found, shown & (side * points[:, 0] > 0.6)) for side in (1, -1))
    assert lit == other != one_of(found, shown & (np.abs(points[:, 0]) < 0.3))


def test_bleached_streaks_are_the_cloth_that_they_lie_in(bust):
    points = bust.points
    streak = (np.abs(points[:, 1] + 0.9) < 0.05) & (points[:, 0] < -0.25) & (points[:, 0] > -0.5)
    colours = np.where(opening(points)[:, None], RED, NAVY)
    found = worn(bust, np.where(streak[:, None], WHITE, colours))
    shown = (bust.weight > 0.5) & (points[:, 1] < -0.7)
    jacket = np.bincount(found.seen[shown & ~streak & (points[:, 0] < -0.35)]).argmax()
    assert jacket > 0 and (found.seen[shown & streak] == jacket).mean() > 0.9
    assert np.bincount(found.seen[shown & opening(points)]).argmax() not in (0, jacket)


def test_a_gleam_as_pale_as_the_shirt_is_the_jacket(bust):
    """Small parts of a garment that lie within one other are that, and neither its largest nor what lies between two."""
    points, below = bust.points, bust.points[:, 1] < -0.62
    away = lambda x, y: np.linalg.norm(points - points[np.linalg.norm(points - [x, y, 0], axis=1).argmin()], axis=1)  # noqa: E731
    gleam, shirt = away(0.5, -0.85) < 0.07, opening(points)
    given = np.where(below, np.where(shirt | gleam, 2, 1), 0)
    found = without_gleams(bust.cells, given)
    assert gleam.sum() > 3 and (found[gleam & below] == 1).all() and (found[~gleam] == given[~gleam]).all()

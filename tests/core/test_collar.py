"""Collars: what goes round the neck behind, and the steps in which clothes end, on an egg-shaped head on a column with shoulders."""

import numpy as np
import pytest

from likeness.core.colour.clothing import garments
from likeness.core.colour.collar import edges_rise
from likeness.core.colour.garments import Garments

from .bald_bust import behind, made_bust

WHITE, NAVY = np.array([[0.9, 0.9, 0.92], [0.08, 0.1, 0.25]], np.float32)
EDGE = -0.56  # height of the collar's upper edge


@pytest.fixture(scope="module")
def bust():
    return made_bust()


def worn(bust, collar, skin=None, shown=1.0, steep_skin=0.0):
    """Garments of a photo from the front of a navy jacket, with white where the collar (K,) bool is; skin (K,): how much of it is bare;
    shown (K,): how much of what is in front the photo shows; steep_skin (K,): how much skin it shows steeply."""
    clothes = (bust.points[:, 1] < EDGE).astype(np.float32)
    bare = 1 - clothes if skin is None else skin
    colours = np.where(collar[:, None], WHITE, NAVY)
    steep = colours, np.zeros(len(colours))
    seen = bust.weight * shown
    return garments(bust.cells, clothes, (colours, seen * clothes), steep, bust.points, (bare, np.maximum(bare * seen, steep_skin)))


def shirt(points, sides=(-1, 1)):
    """In front, and up to the neck's sides above the jacket."""
    return (np.hypot(points[:, 0], points[:, 2] + 0.45) < 0.4) & (points[:, 1] > EDGE - 0.14) & np.isin(np.sign(points[:, 0]), sides)


def kinds_behind(bust, found):
    """Garments of a band under the edge at the back of the neck, and of the back below it."""
    return [np.bincount(found.garment[behind(bust.points, *span)]).argmax() for span in ((EDGE - 0.06, EDGE), (-0.78, EDGE - 0.16))]


def test_a_shirt_stands_above_the_jacket_behind(bust):
    found = worn(bust, shirt(bust.points))
    band, below = kinds_behind(bust, found)
    assert band == found.collar > 0 and below not in (0, band)


def test_a_lapel_beside_the_necks_outline_is_no_collar(bust):
    found = worn(bust, shirt(bust.points) & ~((bust.points[:, 2] < -0.32) & (bust.points[:, 0] > 0)))
    band, below = kinds_behind(bust, found)
    assert band == found.collar > 0 and below not in (0, band)


def test_a_jacket_on_which_skin_is_seen_steeply_does_not_border_the_neck(bust):
    jacket = (bust.points[:, 1] < EDGE) & ~shirt(bust.points)
    found = worn(bust, shirt(bust.points), steep_skin=0.5 * jacket)
    band, below = kinds_behind(bust, found)
    assert band == found.collar > 0 and below not in (0, band)


@pytest.mark.parametrize("sides", [(-1,), (1,)])
def test_what_one_side_alone_shows_is_no_collar(bust, sides):
    found = worn(bust, shirt(bust.points, sides))
    band, below = kinds_behind(bust, found)
    assert band == below and found.collar == 0


@pytest.mark.parametrize("side", [-1, 1])
def test_of_a_turned_head_the_side_that_is_shown_tells_of_the_collar(bust, side):
    found = worn(bust, shirt(bust.points, (side,)), shown=bust.points[:, 0] * side > -0.15)
    band, below = kinds_behind(bust, found)
    assert band == found.collar > 0 and below not in (0, band)


def test_a_jacket_without_a_shirt_has_none(bust):
    assert worn(bust, np.zeros(len(bust.points), bool)).collar == 0


def test_long_hair_hides_the_collar(bust):
    found = worn(bust, shirt(bust.points), ((bust.points[:, 1] >= EDGE) & (bust.points[:, 2] > -0.45)).astype(np.float32))
    band, below = kinds_behind(bust, found)
    assert band == below


def island(points):
    return np.linalg.norm(points - [0, 0.15, -0.9], axis=1) < 0.1


def stepped(bust, collar, neck=1.0, closed=0.0):
    """Crop units by which vertices above, within and below a band of another garment are raised; neck, closed: share of bare cells that are
    the neck's, and of all that close a cut."""
    height = bust.cells.centre[:, 1]
    soft = lambda edge: np.clip((edge - height) / 0.16 + 0.5, 0, 1)  # noqa: E731
    share = np.column_stack([1 - soft(-0.4), np.minimum(soft(-0.4), 1 - soft(-0.6)), soft(-0.6)]).astype(np.float32)
    share[island(bust.cells.centre)] = [0, 1, 0]
    clothes = Garments(bust.cells, share, bust.vertices)
    raised = edges_rise(bust.cells, clothes, collar, bust.vertices, neck * (clothes.garment == 0), np.full(len(height), closed))
    nape = (bust.vertices[:, 2] < -0.5) & (np.abs(bust.vertices[:, 0]) < 0.2)
    at = lambda low, high: raised[nape & (bust.vertices[:, 1] > low) & (bust.vertices[:, 1] < high)].mean()  # noqa: E731
    beside = island(bust.vertices)
    return at(-0.38, -0.35), at(-0.45, -0.42), at(-0.58, -0.55), at(-0.65, -0.62), np.abs(raised[beside]).max()


def test_clothes_end_in_a_step_over_the_skin(bust):
    skin, edge, _, _, island = stepped(bust, 0)
    assert 0.012 < edge - skin < 0.025 and abs(skin) < 1e-3, "the neck has no groove"
    assert island < 0.7 * edge, "a shadow on skin"


def test_a_jacket_ends_in_a_step_over_the_collar(bust):
    plain, over = (stepped(bust, collar) for collar in (0, 1))
    assert over[3] - over[2] > plain[3] - plain[2] + 0.004


def test_hair_that_lies_over_clothes_is_not_under_them(bust):
    assert np.abs(stepped(bust, 0, neck=0.0)).max() < 2e-3


def test_a_cut_is_no_edge(bust):
    assert np.abs(stepped(bust, 0, closed=1.0)).max() < 2e-3

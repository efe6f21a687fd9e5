"""What of the scene a figure's mask has taken is found by its colours."""

import numpy as np
import pytest

from likeness.core.photo.parsing import CLASSES
from likeness.core.photo.scenery import leg_gaps, scenery

WALL, SOFA, SHIRT, TROUSERS = (200, 170, 120), (200, 30, 40), (230, 235, 240), (20, 25, 60)


@pytest.fixture
def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A picture, the mask of the person with a piece of the sofa behind, and the stick figure."""
    picture, mask, guide = np.full((256, 256, 3), WALL, np.uint8), np.zeros((256, 256), np.float32), np.zeros((256, 256), bool)
    picture[150:200, 60:220] = SOFA
    picture[40:130, 105:150], picture[130:240, 110:145] = SHIRT, TROUSERS
    mask[40:130, 105:150] = mask[130:240, 110:145] = 1
    guide[45:235, 120:135] = True
    rng = np.random.default_rng(0)
    return (picture + rng.integers(-6, 7, picture.shape)).clip(0, 255).astype(np.uint8), mask, guide


def test_a_piece_of_the_furniture_behind_is_found_and_the_person_stays_whole(scene):
    picture, mask, guide = scene
    assert not scenery(picture, mask, guide).any()
    taken = mask.copy()
    taken[160:190, 145:165] = 1
    found = scenery(picture, taken, guide)
    assert found[160:190, 146:165].mean() > 0.97 and not found[mask > 0].any()


def test_no_rim_of_it_is_left_along_a_limb(scene):
    picture, mask, guide = scene
    guide[45:235, 112:144] = True
    mask[160:190, 145:165] = 1
    assert scenery(picture, mask, guide)[162:188, 145:165].mean() > 0.95


def test_a_bag_of_a_colour_that_the_scene_has_not_stays(scene):
    picture, mask, guide = scene
    picture[90:120, 150:175], mask[90:120, 150:175] = (40, 140, 60), 1
    assert not scenery(picture, mask, guide).any()


def test_a_wide_coat_of_the_walls_colour_stays(scene):
    picture, mask, guide = scene
    picture[40:130, 85:170], mask[40:130, 85:170] = WALL, 1
    assert not scenery(picture, mask, guide).any()


def test_without_a_pose_or_a_scene_nothing_is_taken_away(scene):
    picture, mask, guide = scene
    assert not scenery(picture, mask, np.zeros_like(guide)).any()
    assert not scenery(picture, np.ones_like(mask), guide).any()


def legs(skin: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mask of a person in trousers, what its pixels are told as, with skin in one place, and landmarks of the legs."""
    mask, shares = np.zeros((256, 256), np.float32), np.zeros((256, 256, len(CLASSES)), np.float32)
    mask[100:240, 105:150] = 1
    shares[..., CLASSES.index("background")] = 1 - mask
    shares[..., CLASSES.index("clothes")] = mask
    shares[skin] = np.eye(len(CLASSES))[CLASSES.index("skin")]
    points = np.full((33, 2), np.nan)
    points[[23, 25, 27]], points[[24, 26, 28]] = (
        np.array([[140, 110], [139, 170], [138, 230]]),
        np.array([[115, 110], [116, 170], [117, 230]]),
    )
    return mask, shares, points


def test_what_is_seen_between_the_legs_is_no_skin():
    gap = np.s_[180:220, 125:130]
    found = leg_gaps(*legs(gap))
    assert found[gap].all() and found.sum() == found[gap].sum()


@pytest.mark.parametrize("skin", [np.s_[160:180, 112:120], np.s_[200:240, 105:150], np.s_[115:135, 122:132]])
def test_holes_in_trousers_bare_calves_and_clasped_hands_are_skin(skin):
    assert not leg_gaps(*legs(skin)).any()


def test_a_hand_between_the_knees_is_skin():
    mask, shares, points = legs(np.s_[165:185, 122:132])
    assert leg_gaps(mask, shares, points).any()
    points[15] = 127, 168
    assert not leg_gaps(mask, shares, points).any()


def test_without_both_legs_there_is_no_gap():
    mask, shares, points = legs(np.s_[180:220, 125:130])
    points[27] = np.nan
    assert not leg_gaps(mask, shares, points).any()

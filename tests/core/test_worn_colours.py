"""Hats and scarves are told from hair by colour, on drawn pictures of which a parser has told too little."""

import numpy as np
import pytest

from likeness.core.photo.crop import CHIN, FOREHEAD
from likeness.core.photo.faces import LEFT_EYE_CORNER, RIGHT_EYE_CORNER
from likeness.core.photo.parsing import CLASSES
from likeness.core.photo.worn_colours import worn_by_colour

SIZE = 200
BACKGROUND, SKIN, HAIR, BEARD, CLOTHES, HAT = (CLASSES.index(name) for name in ("background", "skin", "hair", "beard", "clothes", "hat"))
BLOND, BLACK, GREY = (0.75, 0.6, 0.4), (0.05, 0.05, 0.06), (0.6, 0.65, 0.72)
CROWN, TOLD, HANGS = np.s_[10:70, 40:160], np.s_[10:30, 40:80], np.s_[70:190, 40:80]
SCARF, DOUBTFUL = np.s_[140:195, 100:190], np.s_[140:190, 100:125]


def drawn(crown, scarf=GREY):
    """Picture, shares and landmarks: a crown of one colour over blond hair, of which a corner is told to be a hat; a scarf, of which a part
    is hair or clothes alike."""
    picture = np.random.default_rng(0).normal(0, 0.02, (SIZE, SIZE, 3)) + 0.9
    shares = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    for part, colour, kind in ((CROWN, crown, HAIR), (HANGS, BLOND, HAIR), (SCARF, scarf, CLOTHES)):
        picture[part] += np.array(colour) - 0.9
        shares[part][..., kind] = 1
    shares[TOLD][..., [HAIR, HAT]] = [0.3, 0.7]
    shares[DOUBTFUL][..., [HAIR, CLOTHES]] = 0.5
    shares[..., BACKGROUND] = 1 - shares[..., 1:].sum(-1)
    landmarks = np.full((468, 2), 100.0)
    landmarks[[LEFT_EYE_CORNER, RIGHT_EYE_CORNER], 1], landmarks[CHIN] = 75, (100, 130)
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8), shares, landmarks


def inner(part, by=6):
    return tuple(slice(one.start + by, one.stop - by) for one in part)


def test_a_hat_goes_on_where_its_colour_does():
    picture, shares, landmarks = drawn(BLACK)
    found = worn_by_colour(shares, picture, landmarks)
    assert found[inner(CROWN)][..., HAT].min() > 0.9
    assert found[inner(HANGS, 14)][..., HAIR].min() > 0.9
    assert np.allclose(found.sum(-1), 1, atol=1e-5)


def test_hair_of_one_colour_is_no_hat():
    picture, shares, landmarks = drawn(BLOND)
    found = worn_by_colour(shares, picture, landmarks)
    assert np.allclose(found[CROWN], shares[CROWN])


def test_without_a_part_that_is_told_there_is_no_hat():
    picture, shares, landmarks = drawn(BLACK)
    shares[TOLD][..., [HAIR, HAT]] = [0.8, 0.2]
    assert worn_by_colour(shares, picture, landmarks)[inner(CROWN)][..., HAT].max() < 0.3


@pytest.mark.parametrize("scarf, kind", [(GREY, CLOTHES), (BLOND, HAIR)])
def test_what_may_be_hair_or_a_scarf_is_told_by_colour(scarf, kind):
    picture, shares, landmarks = drawn(BLACK)
    picture[DOUBTFUL] = np.round(np.array(scarf) * 255)
    found = worn_by_colour(shares, picture, landmarks)
    assert found[inner(DOUBTFUL)][..., kind].min() > 0.9
    assert np.allclose(found.sum(-1), 1, atol=1e-5)


def test_a_scarf_that_is_sure_stays():
    picture, shares, landmarks = drawn(BLACK, scarf=BLOND)
    sure = np.s_[150:190, 140:185]
    assert np.allclose(worn_by_colour(shares, picture, landmarks)[sure], shares[sure])


@pytest.mark.parametrize("top, bare", [(113, True), (95, False)])
def test_a_jaw_is_no_pullover_but_a_scarf_may_hide_it(top, bare):
    picture, shares, landmarks = drawn(BLACK)
    around = np.linspace(0, 2 * np.pi, len(landmarks), endpoint=False)
    landmarks[:] = np.stack([150 + 30 * np.sin(around), 80 + 35 * np.cos(around)], axis=1)
    shares[:], shares[..., SKIN] = 0, 1
    shares[top:, ..., [SKIN, CLOTHES]] = [0, 1]
    found = worn_by_colour(shares, picture, landmarks)
    assert (found[top + 1, 146:154, SKIN].min() > 0.9) == bare
    assert (found[top + 1, 146:154, CLOTHES].min() > 0.9) == (not bare)
    assert found[125:, ..., CLOTHES].min() > 0.9


FACE, BLOUSE, LAPEL = np.s_[60:130, 110:170], np.s_[130:198, 50:190], np.s_[145:190, 60:90]


def dressed(lapel):
    """A face over a grey blouse, of which a part, the lapel, is nearly taken for skin and has a colour of its own; a spot on the throat."""
    picture, shares, landmarks = drawn(BLACK)
    around = np.linspace(0, 2 * np.pi, len(landmarks), endpoint=False)
    landmarks[:] = np.stack([140 + 30 * np.sin(around), 95 + 35 * np.cos(around)], axis=1)
    landmarks[CHIN] = 140, 130
    shares[:], shares[..., BACKGROUND] = 0, 1
    throat = np.s_[130:160, 125:155]
    for part, colour, kind in ((BLOUSE, GREY, CLOTHES), (FACE, BLOND, SKIN), (throat, BLOND, SKIN)):
        picture[part], shares[part] = np.round(np.array(colour) * 255), np.eye(len(CLASSES))[kind]
    picture[LAPEL], shares[LAPEL] = np.round(np.array(lapel) * 255), 0.9 * np.eye(len(CLASSES))[SKIN] + 0.1 * np.eye(len(CLASSES))[CLOTHES]
    spot = np.s_[142:148, 137:143]
    picture[spot], shares[spot] = np.round(np.array(GREY) * 255), shares[LAPEL][0, 0]
    return picture, shares, landmarks, spot


@pytest.mark.parametrize("lapel, kind", [(GREY, CLOTHES), (BLOND, SKIN)])
def test_what_may_be_skin_or_cloth_is_told_by_colour(lapel, kind):
    picture, shares, landmarks, _ = dressed(lapel)
    found = worn_by_colour(shares, picture, landmarks)
    assert found[inner(LAPEL)][..., kind].min() > 0.85
    assert np.allclose(found.sum(-1), 1, atol=1e-5)


def test_a_shadow_on_a_throat_is_no_cloth():
    picture, shares, landmarks, spot = dressed(GREY)
    assert worn_by_colour(shares, picture, landmarks)[spot][..., SKIN].min() > 0.8


def test_skin_in_the_shade_of_a_chin_is_no_cloth():
    """Though some of the clothes have its colour."""
    shaded = tuple(1.055 * (0.25 * ((value + 0.055) / 1.055) ** 2.4) ** (1 / 2.4) - 0.055 for value in BLOND)
    picture, shares, landmarks, _ = dressed(shaded)
    picture[150:190, 160:185] = np.round(np.array(shaded) * 255)
    assert worn_by_colour(shares, picture, landmarks)[inner(LAPEL)][..., SKIN].min() > 0.8


def test_grey_in_a_beard_is_no_shirt():
    picture, shares, landmarks, _ = dressed(BLOND)
    beard, grey = np.s_[115:160, 120:160], np.s_[134:146, 134:146]
    shares[beard], shares[grey] = np.eye(len(CLASSES))[BEARD], np.eye(len(CLASSES))[CLOTHES]
    assert worn_by_colour(shares, picture, landmarks)[inner(grey, 2)][..., BEARD].min() > 0.8


def test_a_necklace_is_no_cloth_but_a_collar_is():
    picture, shares, landmarks, _ = dressed(GREY)
    thread, collar = np.s_[150:153, 60:190], np.s_[164:180, 60:190]
    shares[BLOUSE] = np.eye(len(CLASSES))[SKIN]
    shares[thread] = shares[collar] = np.eye(len(CLASSES))[CLOTHES]
    found = worn_by_colour(shares, picture, landmarks)
    assert found[150:153, 70:180, SKIN].min() > 0.9
    assert found[collar][4:-4, 10:-10, CLOTHES].min() > 0.9


def test_clothes_surround_no_piece_of_skin():
    picture, shares, landmarks, _ = dressed(BLOND)
    hole, throat = np.s_[150:170, 165:180], np.s_[132:140, 130:150]
    shares[hole] = np.eye(len(CLASSES))[SKIN]
    found = worn_by_colour(shares, picture, landmarks)
    assert found[inner(hole, 3)][..., CLOTHES].min() > 0.9
    assert found[throat][..., SKIN].min() > 0.9


def test_a_forehead_that_gleams_like_cloth_is_skin():
    """Above the face's mesh, below the hair."""
    picture, shares, landmarks, _ = dressed(BLOND)
    head, hair, gleam = np.s_[30:70, 105:175], np.s_[20:42, 100:180], np.s_[40:55, 125:155]
    for part, kind in ((head, SKIN), (hair, HAIR)):
        shares[part] = np.eye(len(CLASSES))[kind]
    shares[gleam] = np.eye(len(CLASSES))[CLOTHES] * 0.6 + np.eye(len(CLASSES))[SKIN] * 0.4
    landmarks[[LEFT_EYE_CORNER, RIGHT_EYE_CORNER], 1] = 85
    assert worn_by_colour(shares, picture, landmarks)[inner(gleam, 2)][..., SKIN].min() > 0.9


@pytest.mark.parametrize("gleam, kind", [(np.s_[60:70, 110:170], CLOTHES), (np.s_[118:130, 110:170], SKIN)])
def test_foreheads_gleam_but_throats_do_not_unless_beards_are_white(gleam, kind):
    """Of a cream lapel: the face has its colour too, on the forehead or at the chin."""
    cream = 0.93, 0.9, 0.84
    picture, shares, landmarks, _ = dressed(cream)
    landmarks[FOREHEAD] = 140, 60
    picture[gleam] = picture[150:190, 160:185] = np.round(np.array(cream) * 255)
    shares[LAPEL][..., [SKIN, CLOTHES]] = [0.97, 0.03]
    assert worn_by_colour(shares, picture, landmarks)[inner(LAPEL)][..., kind].mean() > 0.9

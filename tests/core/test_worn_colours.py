"""Hats and scarves are told from hair by colour, on drawn pictures of which a parser has told too little."""

import numpy as np
import pytest

from likeness.core.photo.crop import CHIN
from likeness.core.photo.faces import LEFT_EYE_CORNER, RIGHT_EYE_CORNER
from likeness.core.photo.parsing import CLASSES
from likeness.core.photo.worn_colours import worn_by_colour

SIZE = 200
BACKGROUND, SKIN, HAIR, CLOTHES, HAT = (CLASSES.index(name) for name in ("background", "skin", "hair", "clothes", "hat"))
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

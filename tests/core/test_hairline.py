"""Foreheads and bald crowns are told from hair by colour, on drawn heads of which a parser lets the hair begin too low."""

import numpy as np
import pytest

from likeness.core.photo.crop import CHIN, FOREHEAD
from likeness.core.photo.faces import LEFT_EYE_CORNER, RIGHT_EYE_CORNER
from likeness.core.photo.hairline import forehead_by_colour
from likeness.core.photo.parsing import CLASSES

SIZE = 256
BACKGROUND, SKIN, HAIR = (CLASSES.index(name) for name in ("background", "skin", "hair"))
TONE, BROWN, FAIR = (0.8, 0.6, 0.5), (0.25, 0.17, 0.12), (0.86, 0.7, 0.6)
CROWN, BELIEVED, FACE = np.s_[30:80, 80:176], np.s_[80:110, 80:176], np.s_[110:210, 80:176]
SIDES = np.s_[30:150, 50:80], np.s_[30:150, 176:206]
BESIDE = np.s_[90:108, 52:76]


def drawn(crown, believed=TONE, strands=0.15, smooth=0.02):
    """Picture, shares and landmarks of a face; what is believed to be hair lies between it and the crown, which has strands."""
    random = np.random.default_rng(0)
    picture = np.full((SIZE, SIZE, 3), 0.4) + random.normal(0, 0.01, (SIZE, SIZE, 3))
    shares = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    hair = [(part, crown, HAIR, strands) for part in (CROWN, *SIDES)]
    for part, colour, kind, uneven in ((FACE, TONE, SKIN, 0.02), (BELIEVED, believed, HAIR, smooth), *hair):
        light = random.normal(0, uneven, (1, picture[part].shape[1], 1))
        picture[part] += np.array(colour) * np.exp(light) - 0.4
        shares[part][..., kind] = 1
    shares[..., BACKGROUND] = 1 - shares[..., 1:].sum(-1)
    landmarks = np.full((468, 2), (128.0, 160.0))
    landmarks[[LEFT_EYE_CORNER, RIGHT_EYE_CORNER]] = (100, 140), (156, 140)
    landmarks[FOREHEAD], landmarks[CHIN] = (128, 105), (128, 205)
    landmarks[:4] = (82, 130), (174, 130), (84, 190), (172, 190)
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8), shares, landmarks


def bare(shares, part):
    rows, columns = part
    return float(shares[rows.start + 6 : rows.stop - 6, columns.start + 6 : columns.stop - 6, SKIN].mean())


def test_a_forehead_that_is_taken_for_hair_is_skin():
    picture, shares, landmarks = drawn(BROWN)
    found = forehead_by_colour(shares, picture, landmarks)
    assert bare(found, BELIEVED) > 0.95
    assert bare(found, CROWN) < 0.05
    np.testing.assert_allclose(found.sum(-1), shares.sum(-1), atol=1e-5)


def test_a_fringe_stays():
    picture, shares, landmarks = drawn(BROWN, BROWN)
    assert bare(forehead_by_colour(shares, picture, landmarks), BELIEVED) < 0.05


def test_fair_hair_is_no_skin_where_it_is_smooth():
    picture, shares, landmarks = drawn(FAIR, FAIR, strands=0.08, smooth=0.03)
    assert bare(forehead_by_colour(shares, picture, landmarks), BELIEVED) < 0.3


def test_uneven_hair_of_the_skins_colour_is_no_skin():
    picture, shares, landmarks = drawn(TONE, strands=0.25)
    found = forehead_by_colour(shares, picture, landmarks)
    assert bare(found, CROWN) < 0.2 and bare(found, BELIEVED) > 0.8


def test_hair_beside_the_face_stays_though_it_has_the_skins_colour():
    picture, shares, landmarks = drawn(BROWN)
    picture[BESIDE] = picture[SIZE // 2, SIZE // 2]
    picture[90:108, 76:82] = picture[SIZE // 2, SIZE // 2]
    assert bare(forehead_by_colour(shares, picture, landmarks), BESIDE) < 0.05


@pytest.mark.parametrize("kind", [SKIN, HAIR])
def test_without_enough_of_both_nothing_changes(kind):
    picture, shares, landmarks = drawn(BROWN)
    shares[..., BACKGROUND] += shares[..., kind]
    shares[..., kind] = 0
    assert forehead_by_colour(shares, picture, landmarks) is shares


@pytest.mark.parametrize(("width", "bald"), [(5, True), (20, False)], ids=["shade at the outline", "hair at the sides"])
def test_the_shade_at_a_bald_heads_outline_is_no_hair(width, bald):
    picture, shares, landmarks = drawn(TONE, strands=0.02)
    for part in SIDES:
        shares[part], picture[part] = np.eye(len(CLASSES))[BACKGROUND], 100
    rim, landmarks[FOREHEAD] = np.s_[30:106, 176 - width : 176], (128, 60)
    picture[rim] = np.array(BROWN) * 255
    found = forehead_by_colour(shares, picture, landmarks)
    assert found[40:75, 90:150, SKIN].mean() > 0.9
    assert (found[40:90, 174, SKIN].mean() > 0.9) == bald

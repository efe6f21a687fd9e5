"""Shirts and ties are told from skin by the tone of the face, on a drawn face over a shirt that the parser takes for a bare chest."""

import numpy as np
import pytest

from likeness.core.photo.crop import CHIN, FOREHEAD
from likeness.core.photo.parsing import CLASSES
from likeness.core.photo.skin_tone import skin_by_tone

SIZE = 200
SKIN, CLOTHES = CLASSES.index("skin"), CLASSES.index("clothes")
SHIRT, TIE, THROAT, SHADOW = np.s_[150:190, 50:80], np.s_[150:190, 92:108], np.s_[150:190, 120:150], np.s_[118:130, 80:120]


def drawn(tone):
    """Picture, shares and landmarks: a face of a tone between rows 20 and 110, its neck in deep shade, a white shirt, a red tie, a bare
    part of the chest, and a white spot on the forehead."""
    random = np.random.default_rng(0)
    light = np.linspace(1.1, 0.8, SIZE)[None, :, None] * random.normal(1, 0.03, (SIZE, SIZE, 1))
    picture = np.array(tone) * light
    picture[SHIRT], picture[TIE], picture[30:36, 96:104] = [0.92, 0.92, 0.95], [0.6, 0.08, 0.1], [1, 1, 1]
    picture[SHADOW] *= [0.28, 0.22, 0.2]
    shares = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    shares[..., SKIN] = 1
    around = np.linspace(0, 2 * np.pi, 468, endpoint=False)
    landmarks = np.stack([100 + 35 * np.sin(around), 65 + 45 * np.cos(around)], axis=1)
    landmarks[CHIN], landmarks[FOREHEAD] = (100, 110), (100, 20)
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8), shares, landmarks


def inner(part):
    return tuple(slice(one.start + 4, one.stop - 4) for one in part)


@pytest.mark.parametrize("tone", [(0.85, 0.68, 0.58), (0.6, 0.42, 0.32), (0.36, 0.24, 0.18)])
def test_a_shirt_and_a_tie_are_no_skin(tone):
    picture, shares, landmarks = drawn(tone)
    found = skin_by_tone(shares, picture, landmarks)
    for part in (SHIRT, TIE):
        assert found[inner(part)][..., CLOTHES].min() > 0.9
    assert np.allclose(found.sum(-1), 1)


@pytest.mark.parametrize("tone", [(0.85, 0.68, 0.58), (0.6, 0.42, 0.32), (0.36, 0.24, 0.18)])
def test_a_bare_chest_a_shaded_throat_and_the_face_stay_skin(tone):
    picture, shares, landmarks = drawn(tone)
    found = skin_by_tone(shares, picture, landmarks)
    for part in (THROAT, SHADOW, np.s_[10:110, 60:140]):
        assert found[inner(part)][..., SKIN].min() > 0.8


def test_a_throat_that_skin_reflects_its_light_on_is_no_cloth():
    picture, shares, landmarks = drawn((0.8, 0.6, 0.48))
    throat, jumper = np.s_[130:148, 60:90], np.s_[130:148, 100:140]
    picture[throat] = np.round(np.array([0.56, 0.37, 0.24]) * 255)
    picture[jumper] = np.round(np.array([0.3, 0.37, 0.34]) * 255)
    found = skin_by_tone(shares, picture, landmarks)
    assert found[inner(throat)][..., SKIN].min() > 0.8 and found[inner(jumper)][..., CLOTHES].min() > 0.8


def test_without_a_face_to_compare_with_nothing_changes():
    picture, shares, landmarks = drawn((0.6, 0.42, 0.32))
    shares[:110, :, SKIN], shares[:110, :, CLASSES.index("object")] = 0.2, 0.8
    assert skin_by_tone(shares, picture, landmarks) is shares

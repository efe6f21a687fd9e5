"""Beards and shaved heads told by tone, on a drawn face of which the parser tells a part."""

import numpy as np
import pytest

from likeness.core.photo.crop import CHIN, FOREHEAD
from likeness.core.photo.hair_tone import _CHEEKS, _JAW, beard_by_tone, shaved_by_tone
from likeness.core.photo.parsing import CLASSES

SIZE = 240
SKIN, HAIR, BEARD = (CLASSES.index(name) for name in ("skin", "hair", "beard"))
FAIR, BLACK = np.array([0.8, 0.62, 0.52]), np.array([0.12, 0.09, 0.08])
CHIN_BEARD, ALL_BEARD, APART = np.s_[150:178, 105:135], np.s_[150:178, 80:160], np.s_[120:140, 62:80]


def face():
    """Landmarks: an oval around (120, 110) whose beard may grow from row 110 on down to the jaw, between columns 60 and 180."""
    around = np.linspace(0, 2 * np.pi, 468, endpoint=False)
    landmarks = np.stack([120 + 60 * np.sin(around), 110 + 75 * np.cos(around)], axis=1)
    across = np.linspace(60, 180, len(_CHEEKS))
    landmarks[list(_CHEEKS)] = np.stack([across, np.full(len(_CHEEKS), 112.0)], axis=1)
    turn = np.linspace(0, np.pi, len(_JAW))
    landmarks[list(_JAW)] = np.stack([120 + 60 * np.cos(turn), 112 + 72 * np.sin(turn)], axis=1)
    landmarks[CHIN], landmarks[FOREHEAD] = (120, 184), (120, 35)
    return landmarks


def drawn(told=CHIN_BEARD, shade=1.0, tone=BLACK):
    """Picture and shares: skin with a beard of a tone, of which the parser tells a part; one half of the face lies in shade."""
    light = np.where(np.arange(SIZE) < 120, shade, 1.0)[None, :, None]
    picture = np.tile(FAIR, (SIZE, SIZE, 1))
    picture[ALL_BEARD] = picture[APART] = tone
    shares = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    shares[..., SKIN] = 1
    if told is not None:
        shares[told] = np.eye(len(CLASSES))[BEARD]
    return np.round(picture * light * 255).astype(np.uint8), shares


def inner(part, by=6):
    return tuple(slice(one.start + by, one.stop - by) for one in part)


@pytest.mark.parametrize("shade", [1.0, 0.25])
def test_a_beard_goes_on_as_far_as_it_is_dark(shade):
    picture, shares = drawn(shade=shade)
    found = beard_by_tone(shares, picture, face())
    assert found[inner(ALL_BEARD)][..., BEARD].min() > 0.6
    assert found[40:100, 80:160, BEARD].max() < 0.01 and found[120:140, 90:150, BEARD].max() < 0.1, "cheeks, in the shade as well"
    assert np.allclose(found.sum(-1), 1)


def test_what_is_not_joined_to_what_is_told_is_shade():
    picture, shares = drawn()
    assert beard_by_tone(shares, picture, face())[inner(APART)][..., BEARD].max() < 0.1


def test_without_any_beard_that_is_told_nothing_changes():
    picture, shares = drawn(told=None)
    assert beard_by_tone(shares, picture, face()) is shares


def test_a_beard_that_hardly_differs_from_skin_tells_nothing():
    picture, shares = drawn(tone=FAIR * 0.75)
    assert beard_by_tone(shares, picture, face())[156:172, 142:154, BEARD].max() < 0.05


@pytest.mark.parametrize(
    ("sure", "tone", "stays"),
    [(False, FAIR * 0.7, False), (True, FAIR * 0.7, True), (False, BLACK, True)],
    ids=["a shaved scalp", "hair that is sure", "black hair"],
)
def test_doubtful_hair_that_looks_like_skin_is_a_shaved_scalp(sure, tone, stays):
    picture, shares = drawn(told=None)
    scalp = np.s_[20:60, 60:180]
    picture[scalp] = np.round(tone * 255)
    shares[scalp] = 0
    shares[scalp][..., HAIR] = 0.95 if sure else 0.55
    shares[scalp][..., SKIN] = 1 - shares[scalp][..., HAIR]
    found = shaved_by_tone(shares, picture)
    assert (found[scalp][..., HAIR].max() > 0.5) == stays and np.allclose(found.sum(-1), 1)

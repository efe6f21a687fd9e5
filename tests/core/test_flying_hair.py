"""Flying hair: what is seen through it and what is too thin for a solid is no person; shade and braids are."""

from types import SimpleNamespace

import numpy as np
import pytest

from likeness.core.photo.flying_hair import flying_hair
from likeness.core.photo.parsing import CLASSES

SIZE, PIXEL, EYES = 200, 2e-3, 90
SKIN, BLACK, LEAVES, SHADE = (220, 180, 150), (25, 20, 18), (190, 200, 90), (12, 14, 10)
X, Y = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
HAIR = np.hypot(X - 100, Y - 80) < 45
FACE = np.hypot((X - 100) / 0.7, Y - 100) < 35
BODY = (Y > 150) & (np.abs(X - 100) < 70)
NECK = (np.abs(X - 100) < 20) & (Y > 100) & (Y <= 150)


def scene(tuft: np.ndarray, leaves: np.ndarray, beside: tuple[int, int, int] = LEAVES) -> SimpleNamespace:
    """A black-haired person; a tuft (S, S) that is taken for hair, with something (S, S) else in it of what is beside the person."""
    hair = (HAIR | tuft) & ~FACE
    person = HAIR | FACE | BODY | NECK | tuft
    picture = np.where(person[..., None], BLACK, beside)
    picture[(FACE | NECK | BODY) & ~hair] = SKIN
    picture[leaves] = beside
    shares = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    for name, mask in (("hair", hair), ("skin", person & ~hair), ("background", ~person)):
        shares[..., CLASSES.index(name)] = mask
    return SimpleNamespace(picture=picture.astype(np.uint8), shares=shares, soft=person.astype(np.float32))


def cut(of: SimpleNamespace) -> np.ndarray:
    return flying_hair(of.picture, of.shares, of.soft, EYES, PIXEL)


TUFT = (np.abs(X - 150) < 20) & (Y > 90) & (Y < 140)
WITHIN = (np.abs(X - 155) < 11) & (Y > 97) & (Y < 136)


def test_what_is_seen_through_flying_hair_is_cut_with_the_strands_around_it() -> None:
    gone = cut(scene(TUFT, WITHIN))
    assert gone[WITHIN].mean() > 0.95
    assert gone[(X > 168) & TUFT].mean() > 0.9, "a strand of 4 mm"
    assert not gone[FACE | BODY | NECK].any()
    assert gone[HAIR].mean() < 0.02
    assert not cut(scene(TUFT, np.zeros_like(TUFT)))[TUFT].any(), "without gaps it is hair"


def test_hair_is_darker_in_its_own_shade_though_the_background_is_as_dark() -> None:
    """Blond hair with a dark hollow before a dark wall."""
    of = scene(TUFT, WITHIN, SHADE)
    blond = (of.picture == BLACK).all(-1)
    of.picture[blond] = (190, 150, 100)
    assert cut(of).mean() < 0.001


@pytest.mark.parametrize(
    ("wide", "end", "stays"),
    [(2, 185, False), (11, 185, False), (20, 164, True), (20, 185, False)],
    ids=["a strand of 8 mm", "a flap of 4 cm", "a tress of 8 cm", "the same 17 cm from the head's middle"],
)
def test_a_strand_or_a_flap_that_juts_out_is_cut_and_a_tress_stays(wide: int, end: int, stays: bool) -> None:
    strand = (np.abs(Y - 105) < wide) & (X > 100) & (end > X)
    gone = cut(scene(strand, np.zeros_like(strand)))[strand & (end - 12 < X) & (end - 4 > X)]
    assert gone.mean() < 0.1 if stays else gone.mean() > 0.9


def test_hair_that_is_wide_on_both_sides_is_a_hairdo() -> None:
    """The wind carries hair to one side."""
    wide = (np.abs(Y - 105) < 20) & (np.abs(X - 100) < 80)
    one = wide & (X > 100)
    end = one & (X > 170)
    assert cut(scene(wide, np.zeros_like(wide)))[end].mean() < 0.1
    assert cut(scene(one, np.zeros_like(one)))[end].mean() > 0.9


def test_beside_a_flap_what_is_left_is_round_and_no_knob() -> None:
    """A wing that is wide where it begins, with and without the end that the wind carries away."""
    stump = (np.abs(Y - 100) < 20) & (X > 100) & (X < 160)
    flap = (np.abs(Y - 100) < 11) & (X > 100) & (X < 173)
    knob = stump & (X > 148)
    assert cut(scene(stump | flap, np.zeros_like(stump)))[knob].mean() > 0.9
    assert cut(scene(stump, np.zeros_like(stump)))[knob].mean() < 0.1, "a bun stays"
    dressed = scene(stump | flap, np.zeros_like(stump))
    collar = (Y >= 120) & (Y < 124) & (X > 138) & (X < 160)
    dressed.soft[collar], dressed.shares[collar] = 1, np.eye(len(CLASSES))[CLASSES.index("clothes")]
    assert cut(dressed)[knob].mean() < 0.2, "clothes would be left as a spur"


def test_hair_on_the_shoulders_may_be_wide() -> None:
    tress = (X > 130) & (X < 185) & (Y > 140) & (Y < 190)
    assert cut(scene(tress, np.zeros_like(tress))).mean() < 0.005


def test_a_strand_need_not_jut_out_far() -> None:
    strand = (np.abs(Y - 100) < 2) & (X > 130) & (X < 149)
    assert cut(scene(strand, np.zeros_like(strand)))[strand & (X > 143)].mean() > 0.9


def test_an_outline_with_small_curls_stays_as_it_is() -> None:
    curls = np.hypot(X - 100, Y - 80) < 45 + 2.5 * np.sin(np.arctan2(Y - 80, X - 100) * 18)
    gone = cut(scene(curls & (Y < 110), np.zeros_like(curls)))
    assert gone.mean() < 0.001


def test_without_hair_above_the_eyes_or_a_scene_nothing_is_known() -> None:
    of = scene(TUFT, WITHIN)
    assert not flying_hair(of.picture, of.shares, of.soft, 0, PIXEL)[WITHIN].any()
    assert not flying_hair(of.picture, of.shares, np.ones_like(of.soft), EYES, PIXEL).any()

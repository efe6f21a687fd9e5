"""More of a texture from patches: it has the sample's shapes and contrast, is tiled, and is taken for hair of which enough is seen."""

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from likeness.core.colour import hair_texture
from likeness.core.colour.hair_texture import HairTexture, random_phase
from likeness.core.colour.patchwork import patchwork

SIDE, RING = 48, 6


def curls(side: int) -> np.ndarray:
    """(side, side, 1): rings of 6 pixels' radius at random places, around 0."""
    random, picture = np.random.default_rng(2), np.zeros((side, side), np.float32)
    for centre in random.uniform(0, side, (side * side // 400, 2)):
        cv2.circle(picture, [int(one) for one in centre], RING, (1.0,), 1)
    picture = gaussian_filter(picture, 0.7)
    return (picture - picture.mean())[..., None]


def rings(texture: np.ndarray) -> float:
    """How much a texture (N, N) looks like a ring where it does so most: a high percentile of the correlation."""
    template = np.zeros((2 * RING + 5,) * 2, np.float32)
    cv2.circle(template, (RING + 2, RING + 2), RING, (1.0,), 1)
    found = cv2.matchTemplate(np.ascontiguousarray(texture), gaussian_filter(template, 0.7), cv2.TM_CCOEFF_NORMED)
    return float(np.percentile(found, 99.5))


def test_curls_stay_curls_and_keep_their_contrast() -> None:
    sample = curls(SIDE)
    found = patchwork([sample], 160)[..., 0]
    assert rings(found) > 0.75 * rings(sample[..., 0]) > rings(random_phase(sample, 160)[..., 0]) + 0.1
    noise = np.random.default_rng(1).standard_normal((SIDE, SIDE, 1)).astype(np.float32)
    assert patchwork([noise], 160).std() == pytest.approx(noise.std(), rel=0.1)


def test_patches_continue_each_other_and_the_texture_is_tiled() -> None:
    """Of a sample whose strands all run down, no strand is interrupted much more than in it."""
    sample = np.tile(gaussian_filter(np.random.default_rng(0).standard_normal(64), 1.5), (64, 1))[..., None].astype(np.float32)
    found = patchwork([sample], 150)[..., 0]
    across, along = np.diff(found, axis=1).std(), np.diff(found, axis=0).std()
    assert along < 0.25 * across
    for axis in (0, 1):
        wrapped = np.take(found, 0, axis) - np.take(found, -1, axis)
        assert wrapped.std() < 1.5 * np.diff(found, axis=axis).std() + 0.02


def of_curls(side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A photo of curls, points on it, and which of them, in a square of so many pixels, are hair."""
    photo = curls(512) * 0.6
    x, y = np.meshgrid((np.arange(512) + 0.5) / 256 - 1, -((np.arange(512) + 0.5) / 256 - 1))
    points = np.stack([x, y, np.zeros_like(x)], axis=-1).reshape(-1, 3)[::3]
    return photo, points, np.abs(points[:, :2]).max(1) < side / 512


def test_hidden_hair_has_the_curls_of_the_seen_hair() -> None:
    photo, points, hair = of_curls(120)
    found = HairTexture.of(photo.astype(np.float32), points, hair)
    assert found is not None and rings(found.texture[..., 0]) > 0.7 * rings(photo[..., 0])
    assert found.lengthened < 1.1


def test_of_little_hair_no_patches_are_laid_in_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    photo, points, hair = of_curls(24)
    monkeypatch.setattr(hair_texture, "patchwork", None)
    assert HairTexture.of(photo.astype(np.float32), points, hair) is not None


def around_the_crown(texture: HairTexture, sine: float) -> np.ndarray:
    """Light and relief (2, N) of a texture on a ring around the crown, of that sine of the angle."""
    back, angle, turn = hair_texture._BACKWARDS, np.arcsin(sine), np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
    x, forward, along = sine * np.sin(turn), sine * np.cos(turn), np.full_like(turn, np.cos(angle))
    away = np.column_stack([x, along * np.cos(back) + forward * np.sin(back), forward * np.cos(back) - along * np.sin(back)])
    return texture.at((hair_texture._CENTRE + hair_texture._RADIUS * away).astype(np.float32)).T


def strands() -> np.ndarray:
    return np.repeat(gaussian_filter(np.random.default_rng(0).standard_normal((256, 256, 1)), (8, 1.5, 0), mode="wrap"), 2, axis=2)


def test_strands_near_the_crown_are_as_wide_as_elsewhere_and_it_is_neither_bare_nor_lumpy() -> None:
    """Where the way around the head is a third as long, half as many run side by side."""
    texture = HairTexture(strands(), 1.0)
    crossings = lambda values: np.count_nonzero(np.diff(values > 0))  # noqa: E731
    (crown, raised), (near, higher), (side, _) = (around_the_crown(texture, sine) for sine in (0.28, 0.5, 1.0))
    assert crossings(crown) < 0.6 * crossings(side)
    assert crown.std() > 0.8 * side.std() and raised.std() < 0.1 * side.std(), "no knobs on the outline"
    assert crossings(near) < 0.7 * crossings(side), "narrower ones are rows of dots"
    assert higher.std() > 0.6 * side.std(), "no larger bald spot than that"


def test_curls_do_not_run_from_the_crown_and_cover_it() -> None:
    (crown, raised), (side, _) = (around_the_crown(HairTexture(strands(), 1.0, 0.0), sine) for sine in (0.1, 1.0))
    assert crown.std() > 0.5 * side.std() and raised.std() > 0.5 * side.std()


def test_strands_hang_down_below_the_skull(monkeypatch: pytest.MonkeyPatch) -> None:
    """Along the crown's axis, which is tilted, they ran from behind over the cheeks."""
    texture = HairTexture(np.tile(np.sin(np.arange(256) * np.pi / 16)[:, None], (256, 1, 2)).astype(np.float32), 1.0)
    x, y = np.meshgrid(np.linspace(0.3, 0.5, 100), np.linspace(-0.6, -0.9, 100))
    beside = np.stack([x, y, np.full_like(x, -0.35)], axis=-1).reshape(-1, 3).astype(np.float32)
    across_each = lambda: np.abs(np.diff(texture.at(beside)[:, 0].reshape(x.shape), axis=0)).mean()  # noqa: E731
    upright = across_each()
    monkeypatch.setattr(hair_texture, "_UPRIGHT", 0.0)
    assert upright < 0.85 * across_each()

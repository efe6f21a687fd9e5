"""Stubble is told by how much rougher a jaw is than the face's smooth skin."""

import numpy as np
import pytest

from likeness.core.surface.stubble import stubble

SIZE, PIXEL = 256, 0.78e-3
ROWS = np.arange(SIZE)[:, None] + np.zeros(SIZE)
PLACES = np.stack([np.zeros((SIZE, SIZE)), 0.4 - ROWS / SIZE], axis=-1).astype(np.float32)
LOW, HIGH = np.s_[210:240, 40:-40], np.s_[20:120, 40:-40]


def face(jaw: float, cheek: float = 0.01, pixel: float = PIXEL) -> np.ndarray:
    """Where a face with so much noise on its jaw and above has stubble."""
    noise = np.random.default_rng(0).normal(0, 1, (SIZE, SIZE))
    photo = np.repeat((0.6 + noise * np.where(ROWS > 195, jaw, cheek))[..., None], 3, axis=-1)
    return stubble(photo, np.ones((SIZE, SIZE)), PLACES, pixel)


def test_a_rough_jaw_has_stubble_and_a_smooth_one_or_a_cheek_has_not() -> None:
    rough = face(0.06)
    assert rough[LOW].min() > 0.9
    assert rough[HIGH].max() == 0
    assert face(0.012)[LOW].max() < 0.05


def test_rough_skin_all_over_is_none() -> None:
    assert face(0.06, 0.06)[LOW].max() < 0.05


@pytest.mark.parametrize("pixel", [1e-3, 1.6e-3])
def test_coarse_pictures_tell_nothing(pixel: float) -> None:
    assert face(0.06, pixel=pixel).max() == 0

"""Light on the folds of skin that a photo does not show."""

import numpy as np

from likeness.training.head_model.skin_colours import folds


def test_a_ridge_is_lit_above_and_dark_below_and_flat_skin_is_neither():
    x, y = np.meshgrid(np.arange(21), np.arange(41), indexing="ij")
    ridge = 4 * np.exp(-(((y - 20) / 3.0) ** 2))
    vertices = np.stack([x, y, ridge], axis=-1).reshape(-1, 3).astype(np.float32)
    index = np.arange(21 * 41).reshape(21, 41)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    faces = np.concatenate([np.stack(one, axis=-1).reshape(-1, 3) for one in ((a, b, c), (a, c, d))])
    light = folds(vertices, faces).reshape(21, 41)[10]
    assert light[16:19].min() < min(-0.1, light[22:25].max() - 0.15)
    assert np.abs(light[[3, 37]]).max() < 0.03

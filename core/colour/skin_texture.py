"""More of the visible skin's pores and blotches, for skin that is hidden: random-phase noise, as hair_texture.py has it of hair."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from .hair_texture import random_phase, seen_squares
from .voxel_means import VoxelMeans

_BLOTCH = 0.04  # crop units (8 mm): wider than this, light and shade are the face's form
_NEARLY, _MOST = 0.3, 0.1  # of the largest square's side, and crop units (2 cm): sides of samples
_EVENEST = 12  # of so many
_STRONGEST = 0.025  # of the light: stronger than that is no skin's grain
_SHOWN = 0.8  # of the photo, and of skin, to be a sample
_PORES = 0.8  # of the visible skin's contrast
_PERIOD = 1.0  # crop units after which it repeats


@dataclass(frozen=True)
class SkinTexture:
    """texture (N, N, 3) float32: differences from the skin's colour as shares of its light, tiled."""

    texture: np.ndarray

    @classmethod
    def of(cls, photo: np.ndarray, points: np.ndarray, skin: np.ndarray) -> Self | None:
        """From points (V, 3) in the crop frame that the photo (S, S, 3) shows, of which skin (V,) bool are skin; None if there is too
        little of it."""
        squares = seen_squares(photo, points, skin, _NEARLY, _MOST)
        if not squares:
            return None
        fine = [square - cv2.GaussianBlur(square, (0, 0), _BLOTCH * len(photo) / 2) for square in squares]
        # Even skin: without wrinkles, stubble or the nose's edge, which are stronger than pores.
        usual = np.argsort([one.std() for one in fine])[len(fine) // _EVENEST]
        texture = random_phase(fine[usual], round(_PERIOD * len(photo) / 2)) / max(float(squares[usual].mean()), 1e-3)
        return cls(texture * min(_STRONGEST / max(float(texture.std()), 1e-6), 1))

    def at(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Shares (N, 3) float32 of the light at points (N, 3) with unit normals (N, 3): seen along the three axes, mixed by the normals."""
        values, total = np.zeros((len(points), 3), np.float32), np.zeros((len(points), 1), np.float32)
        size = len(self.texture)
        for axis in range(3):
            weight = normals[:, axis : axis + 1].astype(np.float32) ** 4
            place = np.delete(points, axis, axis=1) / _PERIOD % 1 * size
            column, row = (place.T.astype(np.int64) + axis * size // 3) % size
            values += weight * self.texture[row, column]
            total += weight**2
        # The sum of independent parts is as strong as each.
        return values / np.sqrt(np.maximum(total, 1e-9))


def hidden_skin(
    photo: np.ndarray,
    vertices: np.ndarray,
    normals: np.ndarray,
    cells: VoxelMeans,
    skin: np.ndarray,
    observed: np.ndarray,
    mirrored: np.ndarray,
    level: np.ndarray,
) -> np.ndarray:
    """Texture (V, 3) for skin, given by cell (K,), that neither the photo nor its mirror image shows; observed, mirrored (V,): how much
    they do. level (K, 3): its colours by cell."""
    texture = np.zeros_like(vertices)
    shown = observed > _SHOWN
    pores = SkinTexture.of(photo, vertices[shown], skin[cells.cell[shown]] > _SHOWN)
    if pores is not None:
        share = _PORES * skin[cells.cell] * (1 - observed) * (1 - mirrored)
        wanted = np.flatnonzero(share > 0.01)
        light = share[wanted, None] * cells.spread(level, vertices[wanted]).mean(1, keepdims=True)
        texture[wanted] = light * pores.at(vertices[wanted], normals[wanted])
    return texture

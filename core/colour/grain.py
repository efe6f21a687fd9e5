"""More of the visible skin's pores, of stubble and of weave, for what is hidden of them: random-phase noise, as hair_texture.py has it of
hair."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from .hair_texture import random_phase, seen_squares
from .voxel_means import VoxelMeans

_BLOTCH = 0.04  # crop units (8 mm): wider than this, light and shade are the face's form
_NEARLY, _MOST = 0.3, 0.1  # of the largest square's side, and crop units (2 cm): sides of samples
_SHOWN = 0.8  # of the photo, and of its kind, to be a sample
_CONTRAST = 0.8  # of what is seen
_PERIOD = 1.0  # crop units after which it repeats


class Kind(NamedTuple):
    """Which of the seen squares is a sample, from the evenest, 0, to the most lively, 1; strongest: share of the light by which what is
    stronger is no grain; hairs: crop units over which it runs down."""

    evenness: float
    strongest: float
    hairs: float = 0.0


# Even skin: without wrinkles or the nose's edge, which are stronger than pores.
PORES, STUBBLE, WEAVE = Kind(1 / 12, 0.025), Kind(1 / 2, 0.15, 0.012), Kind(1 / 4, 0.02)


@dataclass(frozen=True)
class Grain:
    """texture (N, N, 3) float32: differences from the colour as shares of its light, tiled."""

    texture: np.ndarray

    @classmethod
    def of(cls, photo: np.ndarray, points: np.ndarray, of_kind: np.ndarray, kind: Kind) -> Self | None:
        """From points (V, 3) in the crop frame that the photo (S, S, 3) shows, of which of_kind (V,) bool are of one kind; None if there is
        too little of it."""
        squares = seen_squares(photo, points, of_kind, _NEARLY, _MOST)
        if not squares:
            return None
        fine = [square - cv2.GaussianBlur(square, (0, 0), _BLOTCH * len(photo) / 2) for square in squares]
        usual = np.argsort([one.std() for one in fine])[int(len(fine) * kind.evenness)]
        texture = random_phase(fine[usual], round(_PERIOD * len(photo) / 2)) / max(float(squares[usual].mean()), 1e-3)
        if kind.hairs:
            run = gaussian_filter1d(texture, kind.hairs * len(photo) / 2, axis=0, mode="wrap")
            texture = run * (texture.std() / max(float(run.std()), 1e-9))
        return cls(texture * min(kind.strongest / max(float(texture.std()), 1e-6), 1))

    def at(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Shares (N, 3) float32 of the light at points (N, 3) with unit normals (N, 3): seen along the three axes, mixed by the normals."""
        values, total = np.zeros((len(points), 3), np.float32), np.zeros((len(points), 1), np.float32)
        size = len(self.texture)
        # Rows run down where the head stands upright.
        for axis, others in enumerate(([2, 1], [0, 2], [0, 1])):
            weight = normals[:, axis : axis + 1].astype(np.float32) ** 4
            place = points[:, others] / _PERIOD % 1 * size
            column, row = (place.T.astype(np.int64) + axis * size // 3) % size
            values += weight * self.texture[row, column]
            total += weight**2
        # The sum of independent parts is as strong as each.
        return values / np.sqrt(np.maximum(total, 1e-9))


def hidden_grain(
    kind: Kind,
    photo: np.ndarray,
    vertices: np.ndarray,
    normals: np.ndarray,
    cells: VoxelMeans,
    share: np.ndarray,
    observed: np.ndarray,
    mirrored: np.ndarray,
) -> np.ndarray:
    """Grain (V, 3), as shares of the light, of what is of one kind, share (K,) of cells, and neither seen nor mirrored: observed, mirrored
    (V,) say how much is."""
    texture = np.zeros_like(vertices)
    shown = observed > _SHOWN
    grain = Grain.of(photo, vertices[shown], share[cells.cell[shown]] > _SHOWN, kind)
    if grain is not None:
        here = _CONTRAST * share[cells.cell] * (1 - observed) * (1 - mirrored)
        wanted = np.flatnonzero(here > 0.01)
        texture[wanted] = here[wanted, None] * grain.at(vertices[wanted], normals[wanted])
    return texture

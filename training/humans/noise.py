"""Smooth random fields for folds, strands, freckles and uneven hair."""

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

_CELLS = 32


class Noise:
    """Periodic lattice noise with unit variance; different shifts are independent fields."""

    def __init__(self, rng: np.random.Generator) -> None:
        grid = gaussian_filter(rng.normal(0, 1, (_CELLS,) * 3).astype(np.float32), 0.7, mode="wrap")
        self._grid = grid / grid.std()
        self._offset = rng.uniform(0, _CELLS, 3)

    def __call__(self, points: np.ndarray, frequency: float, shift: int = 0) -> np.ndarray:
        """Values (N,) at points (N, 3); frequency in cells a unit of the points."""
        where = (points * frequency + self._offset + shift * 7.3) % _CELLS
        return map_coordinates(self._grid, where.T, order=1, mode="grid-wrap").astype(np.float32)


def smoothstep(x: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, smooth between."""
    t = np.clip(x, 0, 1)
    return t * t * (3 - 2 * t)

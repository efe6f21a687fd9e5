"""Smooth random fields for folds, strands, freckles and uneven hair."""

from typing import TypeVar

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

Values = TypeVar("Values", np.ndarray, torch.Tensor)
_CELLS = 32


class Noise:
    """Periodic lattice noise with unit variance; different shifts are independent fields."""

    def __init__(self, rng: np.random.Generator) -> None:
        grid = gaussian_filter(rng.normal(0, 1, (_CELLS,) * 3).astype(np.float32), 0.7, mode="wrap")
        # One more cell a side, so that interpolation can wrap round.
        self._grid = torch.from_numpy(np.pad(grid / grid.std(), (0, 1), mode="wrap"))[None, None]
        self._offset = torch.from_numpy(rng.uniform(0, _CELLS, 3).astype(np.float32))

    def at(self, points: torch.Tensor, frequency: float, shift: int = 0) -> torch.Tensor:
        """Values (N,) at points (N, 3) on any device; frequency in cells a unit of the points."""
        if self._grid.device != points.device:
            self._grid, self._offset = self._grid.to(points.device), self._offset.to(points.device)
        where = (points * frequency + self._offset + shift * 7.3) % _CELLS
        where = (where.flip(-1) * (2 / _CELLS) - 1)[None, None, None]  # grid_sample wants the last axis first
        return torch.nn.functional.grid_sample(self._grid, where, align_corners=True)[0, 0, 0, 0]

    def __call__(self, points: np.ndarray, frequency: float, shift: int = 0) -> np.ndarray:
        """at() for arrays."""
        return self.at(torch.from_numpy(np.ascontiguousarray(points, np.float32)), frequency, shift).numpy()


def smoothstep(x: Values) -> Values:
    """0 below 0, 1 above 1, smooth between; arrays or tensors."""
    t = x.clip(0, 1)
    return t * t * (3 - 2 * t)  # pyright: ignore[reportReturnType]

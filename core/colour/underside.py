"""The face that a cut has closed below: no photo shows it."""

import numpy as np
from scipy.sparse.csgraph import connected_components

from .voxel_means import VoxelMeans

_DOWN = 0.3  # of the normal: what faces down
_LOWEST = 2  # cells above the lowest one of their column that are still of it
_LEAST = 30  # cells
_NEAR = 2  # cells from its edge in which what is above it tells what it is of


def underside(cells: VoxelMeans, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of V vertices, and which of the K cells, are of that face, bool; normals (V, 3): unit, crop frame.

    It is what faces down with nothing below it, of parts that hang together the lowest: under chins and curls there is something else."""
    x, y, z = cells.place.T
    column = x.astype(np.int64) * len(cells.index) + z
    lowest = np.full(column.max() + 1, len(cells.index))
    np.minimum.at(lowest, column, y)
    down = normals[:, 1] < -_DOWN
    open_below = np.flatnonzero((y <= lowest[column] + _LOWEST) & (cells.mean(down) > 0))
    of_cells = np.zeros(len(cells.first), bool)
    if len(open_below):
        count, part = connected_components(cells.links[open_below][:, open_below], directed=False)
        size = np.bincount(part, minlength=count)
        height = np.bincount(part, y[open_below], count) / size
        of_cells[open_below] = part == np.where(size >= _LEAST, height, np.inf).argmin()
    return down & of_cells[cells.cell], of_cells


def beside(cells: VoxelMeans, under: np.ndarray) -> np.ndarray:
    """(K,) bool: the cells just beside those of the underside (K,) bool."""
    near = under.astype(float)
    for _ in range(_NEAR):
        near = np.minimum(near + cells.links @ near, 1)
    return (near > 0) & ~under

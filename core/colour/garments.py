"""Hidden garments end in a line: values of cells brought to vertices without mixing what belongs to two of them."""

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from .voxel_means import VoxelMeans

_ROUNDS = 3  # of smoothing the border between two garments, over a cell each
_AROUND = 12  # cells that make a vertex's value


class Garments:
    """Cells and V vertices of the same garments, each of one."""

    def __init__(self, cells: VoxelMeans, garment: np.ndarray, vertices: np.ndarray) -> None:
        """garment (K,) int from 0 on: the cells'; vertices (V, 3). A border runs where both garments' cells are as near."""
        links = cells.links.tocoo()
        same = garment[links.row] == garment[links.col]
        self._links = sp.csr_matrix((np.ones(same.sum()), (links.row[same], links.col[same])), shape=links.shape)
        share = np.eye(garment.max() + 1, dtype=np.float32)[garment]
        for _ in range(_ROUNDS):
            share = cells.smoothed(share)
        of = cells.spread(share, vertices).argmax(1)
        self._index, self._weight = np.zeros((len(vertices), _AROUND), np.int64), np.zeros((len(vertices), _AROUND), np.float32)
        for one in np.unique(of):
            own, rows = np.flatnonzero(garment == one), np.flatnonzero(of == one)
            distance, near = cKDTree(vertices[cells.first[own]]).query(vertices[rows], k=range(1, 1 + min(_AROUND, len(own))))
            self._index[rows, : near.shape[1]] = own[near]
            self._weight[rows, : near.shape[1]] = 1 / (distance**2 + cells.size**2)
        self._weight /= self._weight.sum(1, keepdims=True)

    def smoothed(self, values: np.ndarray) -> np.ndarray:
        """As VoxelMeans, within each garment."""
        return (values + self._links @ values) / (1 + np.asarray(self._links.sum(1)))

    def spread(self, values: np.ndarray) -> np.ndarray:
        """(V, C) float32 at the vertices of values (K, C)."""
        return np.einsum("vk,vkc->vc", self._weight, values[self._index]).astype(np.float32)

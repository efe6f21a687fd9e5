"""Garments end in a line: values of cells brought to vertices without mixing what belongs to two of them."""

import numpy as np
import scipy.sparse as sp

from .voxel_means import VoxelMeans

_ROUNDS = 3  # of smoothing the border between two garments, over a cell each
_INSIDE = 0.999  # share of one garment around a vertex that is away from any border
_BEYOND = 2  # cells beyond a garment's own that its values are continued to
_EDGE = 0.15  # difference of shares, some two millimetres: as wide as the edges of triangles, or borders would be saws
_FAINT = 1e-3  # weight of what is continued beside a garment's own values


class Garments:
    """Cells and V vertices of the same garments, each of one; of (V,) int: which one a vertex is of."""

    def __init__(self, cells: VoxelMeans, garment: np.ndarray, vertices: np.ndarray, share: np.ndarray | None = None) -> None:
        """garment (K,) int from 0 on: the cells'; vertices (V, 3). A border runs where both garments' cells are as near, or where two of
        the garments' shares (K, C) are alike."""
        links = cells.links.tocoo()
        same = garment[links.row] == garment[links.col]
        self._links = sp.csr_matrix((np.ones(same.sum()), (links.row[same], links.col[same])), shape=links.shape)
        near = np.eye(garment.max() + 1, dtype=np.float32)[garment]
        for _ in range(_ROUNDS):
            near = cells.smoothed(near)
        near = cells.spread(near, vertices)
        self._share = near if share is None else cells.spread(share, vertices)
        self.of = self._share.argmax(1)
        self._border = np.flatnonzero(near.max(1) < _INSIDE)
        self._cells, self._garment, self._vertices = cells, garment, vertices

    def smoothed(self, values: np.ndarray) -> np.ndarray:
        """As VoxelMeans, within each garment."""
        return (values + self._links @ values) / (1 + np.asarray(self._links.sum(1)))

    def spread(self, values: np.ndarray) -> np.ndarray:
        """(V, C) float32 at the vertices of values (K, C)."""
        found = self._cells.spread(values, self._vertices)
        share = self._share[self._border]
        near = np.clip(1 - (share.max(1, keepdims=True) - share) / _EDGE, 0, 1)
        near /= near.sum(1, keepdims=True)
        total = np.zeros((len(near), values.shape[1] + 1), np.float32)
        for one in np.flatnonzero(near.max(0, initial=0) > 0):
            rows = np.flatnonzero(near[:, one])
            own = (self._garment == one).astype(np.float32)[:, None]
            known = np.column_stack([values * own, own])
            for _ in range(_BEYOND):
                known = known + _FAINT * (self._cells.links @ known)
            known = self._cells.spread(known, self._vertices[self._border[rows]])
            known /= np.maximum(known[:, -1:], 1e-12)
            total[rows] += near[rows, one, None] * known
        known = total[:, -1] > 0
        found[self._border[known]] = total[known, :-1] / total[known, -1:]
        return found

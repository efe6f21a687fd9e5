"""Hidden garments end in a line: values of cells brought to vertices without mixing what belongs to two of them."""

import numpy as np
import scipy.sparse as sp

from ..geometry.visibility import smoothstep
from .voxel_means import VoxelMeans

_ROUNDS = 12  # of smoothing the border between two garments, over a cell each
_NEAR, _INSIDE = 2, 0.999  # cells from a border, and share of one garment among those around a vertex that is farther away
_BEYOND = 2  # cells beyond a garment's own that its values are continued to
_FAINT = 1e-3  # weight of what is continued beside a garment's own values
_EDGE = 0.15  # difference of shares, some two millimetres: as wide as the edges of triangles, or borders would be saws


def softened(cells: VoxelMeans, garment: np.ndarray) -> np.ndarray:
    """(K, C) float32 in [0, 1]: shares of the garments (K,) int from 0 on, decided cell by cell, so that their borders are lines."""
    share = np.eye(garment.max() + 1, dtype=np.float32)[garment]
    for _ in range(_ROUNDS):
        share = cells.smoothed(share)
    return share


class Garments:
    """Cells and V vertices of the same garments. Borders run where two garments' shares are alike. Away from them values are those of the
    cells around, so that a fine mesh takes little longer than a coarse one. of (V,), garment (K,) int: which one a vertex, or a
    cell, is of."""

    def __init__(self, cells: VoxelMeans, share: np.ndarray, vertices: np.ndarray, garment: np.ndarray | None = None) -> None:
        """share (K, C): of each garment; vertices (V, 3); garment (K,) int: which one each cell's values are of, if it is not the one with
        the largest share."""
        self._cells, self._vertices = cells, vertices
        self.garment = share.argmax(1) if garment is None else garment
        near = np.eye(share.shape[1], dtype=np.float32)[self.garment]
        for _ in range(_NEAR):
            near = cells.smoothed(near)
        self._share, near = np.split(cells.spread(np.column_stack([share, near]), vertices), 2, axis=1)
        self.of = self._share.argmax(1)
        self._border = np.flatnonzero(near.max(1) < _INSIDE)

    def smoothed(self, values: np.ndarray, rounds: int) -> np.ndarray:
        """Values (K, C) averaged so often with those of the cells around of the same garment."""
        links = self._cells.links.tocoo()
        same = self.garment[links.row] == self.garment[links.col]
        own = sp.csr_matrix((np.ones(same.sum()), (links.row[same], links.col[same])), shape=links.shape)
        for _ in range(rounds):
            values = (values + own @ values) / (1 + np.asarray(own.sum(1)))
        return values

    def other_than(self, *these: int, edge: float = _EDGE) -> np.ndarray:
        """(V,) float32 in [0, 1]: is a vertex of another garment than these? From 0 to 1 across an edge of the mesh or two."""
        others = ~np.isin(np.arange(self._share.shape[1]), these)
        if not others.any():
            return np.zeros(len(self.of), np.float32)
        return smoothstep(self._share[:, others].max(1) - self._share[:, ~others].max(1), -edge, edge)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """(V, C) float32 at the vertices of values (K, C)."""
        found = self._cells.spread(values, self._vertices)
        share = self._share[self._border]
        near = np.clip(1 - (share.max(1, keepdims=True) - share) / _EDGE, 0, 1)
        near /= near.sum(1, keepdims=True)
        total = np.zeros((len(near), values.shape[1] + 1), np.float32)
        for one in np.flatnonzero(near.max(0, initial=0) > 0):
            rows = np.flatnonzero(near[:, one])
            own = (self.garment == one).astype(np.float32)[:, None]
            known = np.column_stack([values * own, own])
            for _ in range(_BEYOND):
                known = known + _FAINT * (self._cells.links @ known)
            known = self._cells.spread(known, self._vertices[self._border[rows]])
            total[rows] += near[rows, one, None] * known / np.maximum(known[:, -1:], 1e-12)
        told = total[:, -1] > 0
        found[self._border[told]] = total[told, :-1] / total[told, -1:]
        return found

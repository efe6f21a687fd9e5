"""Hidden garments end in a line: values of cells brought to vertices without mixing what belongs to two of them."""

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.visibility import smoothstep
from .voxel_means import VoxelMeans

_ROUNDS = 12  # of smoothing the border between two garments, over a cell each
_SHARP = 8.0  # power of the shares: both garments mix over an edge of the mesh, without which the border would follow its triangles
_LEAST = 0.02  # share of a garment that counts
_AROUND = 12  # cells that make a vertex's value
_NEAR, _INSIDE = 2, 0.999  # cells from a border, and share of one garment among those around a vertex that is farther away
_BEYOND = 2  # cells beyond a garment's own that its values are continued to
_FAINT = 1e-3  # weight of what is continued beside a garment's own values
_EDGE = 0.15  # difference of shares, some two millimetres: as wide as the edges of triangles, or borders would be saws


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
        share = np.maximum(cells.spread(share, vertices), 0)
        share = (share / share.max(1, keepdims=True)) ** _SHARP
        share /= share.sum(1, keepdims=True)
        self.of = share.argmax(1)
        self._sources = sp.csr_matrix((len(vertices), len(garment)), dtype=np.float32)
        for one in np.unique(garment):
            own, rows = np.flatnonzero(garment == one), np.flatnonzero(share[:, one] > _LEAST)
            distance, near = cKDTree(vertices[cells.first[own]]).query(vertices[rows], k=range(1, 1 + min(_AROUND, len(own))))
            weight = 1 / (distance**2 + cells.size**2)
            weight *= share[rows, one, None] / weight.sum(1, keepdims=True)
            place = np.repeat(rows, weight.shape[1]), own[near].ravel()
            self._sources += sp.csr_matrix((weight.ravel().astype(np.float32), place), shape=self._sources.shape)
        self._sources = sp.diags(1 / np.asarray(self._sources.sum(1)).ravel()) @ self._sources

    def smoothed(self, values: np.ndarray) -> np.ndarray:
        """As VoxelMeans, within each garment."""
        return (values + self._links @ values) / (1 + np.asarray(self._links.sum(1)))

    def spread(self, values: np.ndarray) -> np.ndarray:
        """(V, C) float32 at the vertices of values (K, C)."""
        return (self._sources @ values).astype(np.float32)


class BorderedGarments:
    """The same where the borders are known between the cells: they run where two garments' shares are alike. Away from them values are
    those of the cells around, so that a fine mesh takes little longer than a coarse one. of (V,), garment (K,) int: which one a vertex,
    or a cell, is of."""

    def __init__(self, cells: VoxelMeans, share: np.ndarray, vertices: np.ndarray) -> None:
        """share (K, C): of each garment; vertices (V, 3)."""
        self._cells, self.garment, self._vertices = cells, share.argmax(1), vertices
        near = np.eye(share.shape[1], dtype=np.float32)[self.garment]
        for _ in range(_NEAR):
            near = cells.smoothed(near)
        self._share, near = np.split(cells.spread(np.column_stack([share, near]), vertices), 2, axis=1)
        self.of = self._share.argmax(1)
        self._border = np.flatnonzero(near.max(1) < _INSIDE)

    def other_than(self, *these: int) -> np.ndarray:
        """(V,) float32 in [0, 1]: is a vertex of another garment than these? From 0 to 1 across an edge of the mesh or two."""
        others = ~np.isin(np.arange(self._share.shape[1]), these)
        if not others.any():
            return np.zeros(len(self.of), np.float32)
        return smoothstep(self._share[:, others].max(1) - self._share[:, ~others].max(1), -_EDGE, _EDGE)

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

"""Values of a surface averaged in small cubes, where they are quickly made smooth, and brought back to its vertices."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Self

import numpy as np
import scipy.sparse as sp

_HALF = 1.08  # crop units: half of the cube that is divided; vertices lie within the crop, or a little beyond
_AT_ONCE = 1 << 15  # vertices whose cells are looked up at once: bounds memory
_EDGES = 1.5  # mean edges of a mesh that a cell measures at least


@dataclass(frozen=True)
class VoxelMeans:
    """The K cubes of a regular grid over the crop that hold some of V vertices.

    size: edge in crop units. cell (V,) which of the K a vertex is in; first (K,) one vertex of each; place (K, 3) int: column x, y, z in
    the grid; index (n, n, n) int32: which of the K, or -1.
    """

    size: float
    cell: np.ndarray
    first: np.ndarray
    place: np.ndarray
    index: np.ndarray

    @classmethod
    def of(cls, vertices: np.ndarray, size: float) -> Self:
        """Of vertices (V, 3) in the crop frame."""
        across = int(np.ceil(2 * _HALF / size))
        column = np.clip((vertices + _HALF) / size, 0, across - 1).astype(np.int32)
        flat = (column[:, 0] * across + column[:, 1]) * across + column[:, 2]
        first = np.full(across**3, -1, np.int32)
        first[flat[::-1]] = np.arange(len(flat) - 1, -1, -1, dtype=np.int32)
        kept = np.flatnonzero(first >= 0)
        index = np.full(across**3, -1, np.int32)
        index[kept] = np.arange(len(kept), dtype=np.int32)
        return cls(size, index[flat], first[kept], column[first[kept]], index.reshape(across, across, across))

    @classmethod
    def of_surface(cls, vertices: np.ndarray, faces: np.ndarray, finest: float) -> Self:
        """Of a mesh's vertices (V, 3): cells of the size `finest`, or so large that those of a coarser mesh touch."""
        edge = float(np.linalg.norm(vertices[faces[:, 0]] - vertices[faces[:, 1]], axis=1).mean())
        return cls.of(vertices, max(finest, _EDGES * edge))

    @property
    def centre(self) -> np.ndarray:
        """(K, 3) float32: their middles. What is known by place is smooth there, and at vertices anywhere in the cells it is not."""
        return ((self.place + 0.5) * self.size - _HALF).astype(np.float32)

    def mean(self, values: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        """(K,) or (K, C) means of values (V,) or (V, C) with weight (V,); 0 where nothing weighs."""
        weight = np.ones(len(self.cell)) if weight is None else weight
        total = np.maximum(np.bincount(self.cell, weight, len(self.first)), 1e-9)
        columns = values.reshape(len(values), -1).T
        summed = np.stack([np.bincount(self.cell, column * weight, len(self.first)) for column in columns], axis=1)
        return (summed / total[:, None]).reshape(-1, *values.shape[1:]).astype(np.float32)

    @cached_property
    def links(self) -> sp.csr_matrix:
        """Symmetric (K, K), 1 between cells that share a face, an edge or a corner."""
        padded = np.pad(self.index, 1, constant_values=-1)
        rows, columns = [], []
        for step in list(product((-1, 0, 1), repeat=3))[14:]:
            x, y, z = (self.place + 1 + np.array(step)).T
            beside = padded[x, y, z]
            rows.append(np.flatnonzero(beside >= 0))
            columns.append(beside[rows[-1]])
        row, column = np.concatenate(rows), np.concatenate(columns)
        half = sp.csr_matrix((np.ones(len(row)), (row, column)), shape=(len(self.first),) * 2)
        return (half + half.T).tocsr()

    def smoothed(self, values: np.ndarray) -> np.ndarray:
        """Values (K, C) averaged with those of the cells around: a cell's value was taken at a vertex anywhere in it."""
        return (values + self.links @ values) / self._averaged

    @cached_property
    def _averaged(self) -> np.ndarray:
        """(K, 1): how many cells `smoothed` averages."""
        return 1 + np.asarray(self.links.sum(1))

    def spread(self, values: np.ndarray, vertices: np.ndarray) -> np.ndarray:
        """(V, C) float32 at vertices (V, 3) of values (K, C): continuous, from the cells around."""
        if len(vertices) != len(self.cell):
            shares = self._shares(vertices)
        else:
            # The surface's own vertices are asked for dozens of times, for a tenth of what their shares cost.
            if not self._own or self._own[0] is not vertices:
                self._own[:] = vertices, self._shares(vertices)
            shares = self._own[1]
        values = np.asarray(values, np.float32)
        # Rounding may not leave the range: a weight just below 0 would divide by next to nothing.
        found = shares @ values
        return np.clip(found, values.min(0), values.max(0), out=found)

    @cached_property
    def _own(self) -> list[Any]:
        """The array of vertices that were last asked for, and their shares."""
        return []

    def _shares(self, vertices: np.ndarray) -> sp.csr_matrix:
        """(V, K) float32: shares of the cells at vertices (V, 3), trilinear among those of the eight around that there are."""
        cell, weight = np.empty((len(vertices), 8), np.int32), np.empty((len(vertices), 8), np.float32)
        for first in range(0, len(vertices), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            self._around(vertices[some], cell[some], weight[some])
        starts = np.arange(0, cell.size + 1, 8, dtype=np.int32)
        return sp.csr_matrix((weight.ravel(), cell.ravel(), starts), shape=(len(vertices), len(self.first)))

    def _around(self, vertices: np.ndarray, cell: np.ndarray, weight: np.ndarray) -> None:
        """Fill in cells (N, 8) around vertices (N, 3) and their weights (N, 8), which add up to 1."""
        lowest, highest, across = self.place.min(0), self.place.max(0), len(self.index)
        where = (np.asarray(vertices, np.float32) + np.float32(_HALF)) * np.float32(1 / self.size) - np.float32(0.5)
        floor = np.floor(where)
        share, floor = (where - floor).T, floor.astype(np.int32).T
        steps = [[np.clip(floor[k] + above, lowest[k], highest[k]) * across ** (2 - k) for above in (0, 1)] for k in range(3)]
        shares = [[1 - one, one] for one in share]
        for number, (x, y, z) in enumerate(product((0, 1), repeat=3)):
            cell[:, number] = self.index.ravel()[steps[0][x] + steps[1][y] + steps[2][z]]
            weight[:, number] = shares[0][x] * shares[1][y] * shares[2][z]
        weight[cell < 0] = 0
        weight /= np.maximum(weight.sum(1, keepdims=True), 1e-6)
        np.maximum(cell, 0, out=cell)

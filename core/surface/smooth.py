"""Smoothing that removes roughness and keeps the volume, and smoothing by stiffness, as of cloth."""

from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from ..geometry.mesh import adjacency
from ..geometry.parallel import in_threads
from ..geometry.solve import Bending, solve_positive

_PASS_BAND = 0.1
_SHRINK = 0.5
_CELLS_A_ROUND, _MOST_ROUNDS = 32, 12
_PINNED = 1e-2  # stiffness against that of cloth below which it stays in its place
_CLUSTER = 0.03  # crop units
_AT_ONCE = 1 << 15  # vertices that a thread smooths at once


def smoothing_rounds(resolution: int) -> int:
    """Iterations of `smooth_surface` for a mesh from a lattice of `resolution` cells a side.

    Roughness has a size in metres: the finer the mesh, the more edges it spans. Beyond a dozen rounds little is left of it.
    """
    return min(resolution // _CELLS_A_ROUND, _MOST_ROUNDS)


def smooth_surface(vertices: np.ndarray, faces: np.ndarray, iterations: int) -> np.ndarray:
    """Vertices (V, 3) float32 of a closed mesh after Taubin's λ|μ smoothing (1995), in the caller's frame.

    Wavelengths of a few edges vanish with some ten iterations; broad shape and volume stay.
    """
    neighbours = adjacency(faces, len(vertices))
    degree = np.diff(neighbours.indptr)[:, None].astype(np.float32)
    grow = 1 / (_PASS_BAND - 1 / _SHRINK)
    smooth = vertices.astype(np.float32)
    ends = range(0, len(vertices) + _AT_ONCE, _AT_ONCE)
    parts = [(slice(first, last), neighbours[first:last]) for first, last in pairwise(ends) if first < len(vertices)]
    for _ in range(iterations):
        for step in (_SHRINK, grow):
            before = smooth

            def moved(part: tuple[slice, sp.csr_matrix], before: np.ndarray = before, step: float = step) -> np.ndarray:
                rows, beside = part
                return (1 - step) * before[rows] + (beside @ before) * (step / degree[rows])

            smooth = np.concatenate(in_threads(moved, parts))
    return smooth


def spanned(vertices: np.ndarray, faces: np.ndarray, share: np.ndarray, longest: float) -> np.ndarray:
    """Vertices (V, 3) float32 of a mesh in a crop frame as stiff cloth would span them: without waves shorter than `longest`, crop units,
    where it is worn, share (V,) in [0, 1]."""
    edge = float(np.linalg.norm(vertices[faces[:, 0]] - vertices[faces[:, 1]], axis=1).mean())
    neighbours = adjacency(faces, len(vertices))
    # A mesh's umbrella sees a wave of so many edges at a quarter of its squared angle an edge.
    stiffness = ((longest / edge / (2 * np.pi)) ** 2 * 4) ** 2
    matrix = Bending(neighbours, 1 / np.maximum(share, _PINNED / stiffness), stiffness)
    right = -np.stack([matrix.bent(column) for column in vertices.T.astype(np.float64)], axis=1)
    change = solve_positive(matrix, right, groups_of(vertices), tolerance=1e-2)
    return (vertices + change).astype(np.float32)


def groups_of(vertices: np.ndarray) -> np.ndarray:
    """(V,) ids of neighbours among vertices (V, 3), as solve_positive takes them."""
    return np.unique(np.floor(vertices / _CLUSTER).astype(np.int64) @ [1 << 40, 1 << 20, 1], return_inverse=True)[1]

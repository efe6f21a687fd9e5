"""Smoothing that removes roughness and keeps the volume."""

import numpy as np

from ..geometry.mesh import adjacency

_PASS_BAND = 0.1
_SHRINK = 0.5
_CELLS_A_ROUND, _MOST_ROUNDS = 32, 12


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
    for _ in range(iterations):
        for step in (_SHRINK, grow):
            smooth = (1 - step) * smooth + (neighbours @ smooth) * (step / degree)
    return smooth

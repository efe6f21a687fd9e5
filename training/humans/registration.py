"""Non-rigid registration of one surface to another: Amberg, Romdhani & Vetter 2007, with a bi-Laplacian instead of affine patches."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from ...core.geometry.closest import ClosestSurface
from ...core.geometry.mesh import boundary_loops, smoothing_matrix, vertex_normals

_STIFFNESS = np.geomspace(300, 0.02, 28)
"""Weight of smoothness against data, step by step: a stiff start finds the place, the soft end the shape."""
_GATE = np.linspace(0.025, 0.006, len(_STIFFNESS))
"""Metres beyond which a closest point is not believed."""
_FACING = 0.6
_ANCHOR_WEIGHT = 10.0
_WEAK = 1e-9


class SmoothField:
    """Fields on a mesh that are as smooth as known values allow: minimises stiffness |L d|² + sum of weight |d - known|²."""

    def __init__(self, faces: np.ndarray, count: int) -> None:
        laplacian = sp.identity(count) - smoothing_matrix(faces, count, 1.0)
        self._bending = (laplacian.T @ laplacian).tocsc().astype(np.float64)

    def solve(self, known: np.ndarray, weight: np.ndarray, stiffness: float) -> np.ndarray:
        """known (V, C), weight (V,) ≥ 0; returns (V, C)."""
        # The tiny pull to zero keeps pieces without any known value solvable.
        system = splu((stiffness * self._bending + sp.diags(weight + _WEAK)).tocsc())
        return system.solve(weight[:, None] * known.astype(np.float64))


def register(
    vertices: np.ndarray,
    faces: np.ndarray,
    target: tuple[np.ndarray, np.ndarray],
    free: np.ndarray,
    anchors: np.ndarray,
    places: np.ndarray,
) -> np.ndarray:
    """Vertices (V, 3), metres, moved onto the target mesh (vertices, faces), in rough alignment at the start.

    free (V,) bool: follow smoothly only, and look for no counterpart; anchors (A,) ids whose places (A, 3) are known.
    """
    surface = ClosestSurface(*target)
    normals = vertex_normals(*target)
    rim = np.zeros(len(target[0]), bool)
    rim[np.concatenate([*boundary_loops(target[1]), np.zeros(0, np.int64)]).astype(np.int64)] = True
    field = SmoothField(faces, len(vertices))
    moved = np.zeros_like(vertices, np.float64)
    moved = field.solve(*_pinned(moved, np.zeros(len(vertices)), vertices, anchors, places), 1e-3)
    for stiffness, gate in zip(_STIFFNESS, _GATE, strict=True):
        here = vertices + moved
        distance, face, barycentric = surface.query(here)
        found = surface.interpolate(surface.vertices, face, barycentric)
        facing = np.einsum("ij,ij->i", vertex_normals(here, faces), surface.interpolate(normals, face, barycentric))
        # A closest point on the target's own rim only says that the target ends there.
        believed = ~free & (np.abs(distance) < gate) & (facing > _FACING) & ~rim[target[1][face]].any(1)
        moved = field.solve(*_pinned(found - vertices, believed.astype(float), vertices, anchors, places), stiffness)
    return vertices + moved


def _pinned(
    known: np.ndarray, weight: np.ndarray, vertices: np.ndarray, anchors: np.ndarray, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    known, weight = known.copy(), weight.copy()
    known[anchors], weight[anchors] = places - vertices[anchors], _ANCHOR_WEIGHT
    return known, weight

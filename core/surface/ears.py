"""A surface's ears, moved onto those of its field: marching and smoothing leave less of their folds than cells could hold."""

import numpy as np

from ..fields.ears import Ears
from ..geometry.mesh import vertex_normals
from ..geometry.visibility import smoothstep
from .refine import refine

_LONGEST = 0.006  # crop units (1.2 mm) of an edge
_NEAR = (0.008, 0.014)  # crop units from it over which the surface stays
_ALIKE = (-0.4, 0.2)  # cosine between the surface's normals and the ear's, from another fold to the same
_ROUNDS = 4


def with_ears(vertices: np.ndarray, faces: np.ndarray, ears: Ears) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V', 3) float32 and faces (F', 3) of a surface (V, 3) in the crop frame."""
    share, place, _ = ears.closest(vertices)
    moved, faces = refine(vertices, faces, (share > 0) & (np.linalg.norm(place - vertices, axis=1) < _NEAR[1]), _LONGEST)
    for _ in range(_ROUNDS):
        share, place, normals = ears.closest(moved)
        alike = (vertex_normals(moved, faces) * normals).sum(1)
        way = place - moved
        share = share * (1 - smoothstep(np.linalg.norm(way, axis=1), *_NEAR)) * smoothstep(alike, *_ALIKE)
        moved = moved + share[:, None] * way
    return moved.astype(np.float32), faces

"""A surface's ears, moved onto those of its field: marching and smoothing leave less of their folds than cells could hold."""

import numpy as np

from ..fields.ears import Ears
from ..geometry.mesh import compact, touching, vertex_normals
from ..geometry.visibility import smoothstep
from .refine import refine

_LONGEST = 0.006  # crop units (1.2 mm) of an edge
_NEAR = (0.015, 0.025)  # crop units from it over which the surface stays
_ALIKE = (-0.4, 0.2)  # cosine between the surface's normals and the ear's, from another fold to the same
_ROUNDS = 2


def with_ears(vertices: np.ndarray, faces: np.ndarray, ears: Ears) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V', 3) float32 and faces (F', 3) of a surface (V, 3) in the crop frame."""
    moved, faces = refine(vertices, faces, _near(ears, vertices), _LONGEST)
    near = _near(ears, moved)
    part, around, ids = compact(moved, faces[touching(faces, near)])
    part, free = part.astype(np.float64), np.flatnonzero(near[ids])
    for _ in range(_ROUNDS):
        share, place, normals = ears.closest(part[free])
        way = place - part[free]
        alike = (vertex_normals(part, around)[free] * normals).sum(1)
        share = share * (1 - smoothstep(np.linalg.norm(way, axis=1), *_NEAR)) * smoothstep(alike, *_ALIKE)
        part[free] += share[:, None] * way
    moved = moved.astype(np.float32, copy=True)
    moved[ids] = part
    return moved, faces


def _near(ears: Ears, vertices: np.ndarray) -> np.ndarray:
    """Which of vertices (V, 3) may move: (V,) bool."""
    share, place, _ = ears.closest(vertices)
    return (share > 0) & (np.linalg.norm(place - vertices, axis=1) < _NEAR[1])

"""The template over hair and clothes: its quads spread evenly there, as a harmonic map from the mean head to the surface has them.

Registration moves vertices along the surface's normals only. Under hair that leaves the ears' narrow quads crowded and the scalp's
stretched, and on clothes, whose folds turn away from the skin's normals, it leaves the template beside the surface.
"""

import numpy as np
import scipy.sparse as sp

from ..geometry.closest import ClosestSurface
from ..geometry.mesh import boundary_loops, vertex_normals
from ..geometry.visibility import smoothstep
from ..result import Mesh
from .template import Template

_COVERED = (0.004, 0.010)  # metres out of the skin over which a place begins to slide
_BESIDE = (0.002, 0.005)  # metres from the surface over which open skin begins to be drawn onto it
_AGREE = (0.4, 0.8)  # cosine between the normals over which it is drawn: a border finds the surface's underside else
_STEPS, _OF_THEM_DRAWN = 60, 4  # of sliding; each so many the vertices are drawn onto the surface again


def spread_evenly(template: Template, vertices: np.ndarray, skin: np.ndarray, faces: np.ndarray, surface: Mesh) -> np.ndarray:
    """Vertices (V, 3) on the surface, slid along it where it is not skin; what borders the faces (F, 3) that are kept stays a border.

    vertices, skin (V, 3): the registered template and the skin of the fitted head, in the surface's frame."""
    used = np.unique(faces)
    kept = np.zeros(len(vertices), bool)
    kept[used] = True
    there = _Surface(surface)
    near = np.linalg.norm(there.nearest(vertices)[0] - vertices, axis=1)
    covered = smoothstep(np.linalg.norm(vertices - skin, axis=1), *_COVERED)
    slides = kept * np.maximum(covered, smoothstep(near, *_BESIDE) * np.minimum(template.face + template.outer, 1))
    weights = (sp.diags(kept.astype(float)) @ -template.stiffness @ sp.diags(kept.astype(float))).tocsr()
    harmonic = _rows(weights.maximum(0))
    inside = slides.copy()
    for loop in boundary_loops(faces):
        inside[loop] = 0
    for step in range(_STEPS):
        vertices = vertices + (inside / 2)[:, None] * (harmonic @ vertices - vertices)
        if step % _OF_THEM_DRAWN == _OF_THEM_DRAWN - 1:
            place, normal = there.nearest(vertices[used])
            agree = smoothstep((normal * vertex_normals(vertices, faces)[used]).sum(1), *_AGREE)
            drawn = (agree * np.minimum(1, 2 * slides[used]))[:, None]
            vertices[used] += drawn * (place - vertices[used])
    return vertices.astype(np.float32)


class _Surface:
    def __init__(self, mesh: Mesh) -> None:
        self._mesh, self._closest = mesh, ClosestSurface(mesh.vertices, mesh.faces)

    def nearest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The nearest places (N, 3) and the normals there."""
        _, face, shares = self._closest.query(points.astype(np.float32))
        place, normal = (self._closest.interpolate(values, face, shares) for values in (self._mesh.vertices, self._mesh.normals))
        return place, normal


def _rows(weights: sp.spmatrix) -> sp.csr_matrix:
    """Each row's shares, which sum to one; rows of nothing stay nothing."""
    total = np.asarray(weights.sum(1)).ravel()
    return (sp.diags(1 / np.maximum(total, 1e-12)) @ weights).tocsr()

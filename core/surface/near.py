"""The part of a closed surface that lies near a convex place, closed for booleans there, whose time and memory grow with all of it."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import manifold3d
import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from ..errors import ReconstructionError
from ..geometry.mesh import compact, touching, within
from .solid import NOT_MET, ClosedSurface, from_solid, own_vertices, to_solid

_STEPS = (0.02, 0.1, 0.4, 1.0)  # metres of walls outwards; a boolean compares all faces whose boxes meet, so long ones come in steps
_WALL, _OTHER = -2, -1  # numbers of vertices of walls, and of other surfaces


@dataclass(frozen=True)
class NearPart:
    """surface: the part, open. solid: the same, closed by walls that go straight away from the place and meet far outside; its first value
    is for `put_back` to know."""

    surface: ClosedSurface
    solid: manifold3d.Manifold
    _whole: ClosedSurface
    _rest: np.ndarray

    @classmethod
    def of(cls, whole: ClosedSurface, near: np.ndarray, centre: np.ndarray) -> Self:
        """The faces of a closed surface with a near (V,) bool vertex: all inside a convex place around the centre (3,). Raises
        ReconstructionError where there are none."""
        whole = ClosedSurface(whole.vertices.astype(np.float32), whole.faces, whole.values)
        some = touching(whole.faces, near)
        if not some.any():
            raise ReconstructionError(NOT_MET)
        vertices, faces, ids = compact(whole.vertices, whole.faces[some])
        places, walls = _walls(vertices, faces, centre)
        numbers = np.full(len(places), float(_WALL))
        numbers[: len(ids)] = ids
        values = np.zeros((len(places), whole.values.shape[1]))
        values[: len(ids)] = whole.values[ids]
        closed = ClosedSurface(places, np.concatenate([faces, walls]), np.column_stack([numbers, values]))
        return cls(ClosedSurface(vertices, faces, whole.values[ids]), to_solid(closed), whole, whole.faces[~some])

    def put_back(self, solid: manifold3d.Manifold) -> tuple[ClosedSurface, np.ndarray]:
        """The whole surface with what a boolean has made of `solid` in the place of the part; and the vertices (N,) whose values are not
        known. Raises ReconstructionError where nothing is left."""
        cut, unknown = from_solid(solid)
        whole, count = self._whole, len(self._whole.vertices)
        kept = cut.faces[within(cut.faces, cut.values[:, 0] > (_WALL + _OTHER) / 2)]
        faces = np.concatenate([self._rest, own_vertices(cut, whole.vertices)[kept].astype(self._rest.dtype)])
        values = np.concatenate([whole.values, cut.values[:, 1:]])
        vertices, faces, ids = compact(np.concatenate([whole.vertices, cut.vertices]), faces)
        return ClosedSurface(vertices, faces, values[ids]), np.flatnonzero(np.isin(ids, count + unknown))


def other_solid(surface: ClosedSurface) -> manifold3d.Manifold:
    """Another closed surface as a solid, for booleans with a part's."""
    numbers = np.full(len(surface.vertices), _OTHER)
    return to_solid(ClosedSurface(surface.vertices, surface.faces, np.column_stack([numbers, surface.values])))


def _walls(vertices: np.ndarray, faces: np.ndarray, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Open vertices and further ones, and the faces between them that close open faces (F, 3): from each border straight away from the
    centre, and far outside to the middle of it."""
    count = len(vertices)
    start, end = faces.ravel().astype(np.int64), np.roll(faces, -1, axis=1).ravel().astype(np.int64)
    border = ~np.isin(start * count + end, end * count + start)
    rim, number = np.unique(np.concatenate([start[border], end[border]]), return_inverse=True)
    start, end = ends = number.reshape(2, -1)
    links = sp.coo_matrix((np.ones(len(start)), tuple(ends)), shape=(len(rim),) * 2)
    loops, loop = connected_components(links, directed=False)
    away = vertices[rim] - centre
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
    rings = [vertices[rim], *(vertices[rim] + step * away for step in _STEPS)]
    ids = np.vstack([rim, count + np.arange(len(_STEPS) * len(rim)).reshape(len(_STEPS), -1)])
    size = np.maximum(np.bincount(loop, minlength=loops), 1)
    middles = np.stack([np.bincount(loop, column, loops) / size for column in rings[-1].T], axis=1)
    walls = []
    for inner, outer in pairwise(ids):
        walls += [np.stack([inner[end], inner[start], outer[start]]), np.stack([inner[end], outer[start], outer[end]])]
    walls.append(np.stack([ids[-1][end], ids[-1][start], ids[-1].max(initial=count - 1) + 1 + loop[start]]))
    return np.concatenate([vertices, *rings[1:], middles]), np.concatenate(walls, axis=1).T.astype(faces.dtype)

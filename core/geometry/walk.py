"""Where lines that begin near a dense surface meet it: found by walking over the surface's triangles from the nearest vertex."""

import numpy as np
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from .mesh import unique_edges, vertex_normals

_NEAR = 16  # vertices, of which the nearest that faces the line's way is where the walk begins
_STEPS = 12
_ROUNDS = 3
_FACING = 0.1  # cosine between a line and the normal of a vertex that it may meet
_INSIDE = -1e-3  # barycentric coordinate from which a place counts as inside a triangle


class WalkedSurface:
    """A surface of vertices (V, 3), triangles (F, 3), outward."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        self._vertices, self.faces = vertices.astype(np.float32), faces
        self.normals = vertex_normals(self._vertices, faces)
        self._tree = cKDTree(self._vertices)
        self._first = np.zeros(len(vertices), np.int64)
        self._first[faces] = np.arange(len(faces))[:, None]
        self._across = _neighbours(faces)
        self._edge = float(np.median(np.linalg.norm(self._vertices[faces[:, 0]] - self._vertices[faces[:, 1]], axis=1)))

    def meet(self, points: np.ndarray, directions: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where lines through points (N, 3) along unit directions (N, 3), either way, meet the surface's front near them.

        Gives the signed distance along each line (N,), NaN where there is nothing within `reach`, the face (N,) and barycentrics (N, 3).
        """
        near = self._nearest(points, directions)
        along, left = np.zeros(len(points), np.float32), np.arange(len(points))
        for _ in range(_ROUNDS):
            normal = self.normals[near[left]]
            slope = np.maximum((normal * directions[left]).sum(1), _FACING)
            there = np.clip(((self._vertices[near[left]] - points[left]) * normal).sum(1) / slope, -reach, reach)
            moved = np.abs(there - along[left]) > self._edge
            along[left] = there
            left = left[moved]
            near[left] = self._nearest(points[left] + along[left, None] * directions[left], directions[left])
        face, shares = self._walk(self._first[near], points, directions)
        place = np.einsum("ni,nij->nj", shares, self._vertices[self.faces[face]])
        along = ((place - points) * directions).sum(1)
        beside = np.linalg.norm(place - points - along[:, None] * directions, axis=1)
        facing = (self.normals[near] * directions).sum(1) > _FACING
        return np.where(facing & (np.abs(along) <= reach) & (beside <= reach), along, np.nan), face, shares

    def _nearest(self, points: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """The nearest vertices (N,) that face the directions' way, else the nearest."""
        near = self._tree.query(points, workers=-1)[1]
        away = np.flatnonzero((self.normals[near] * directions).sum(1) <= _FACING)
        several = self._tree.query(points[away], k=min(_NEAR, self._tree.n), workers=-1)[1]
        facing = np.einsum("nki,ni->nk", self.normals[several], directions[away]) > _FACING
        near[away] = several[np.arange(len(away)), facing.argmax(1)]
        return near

    def _walk(self, face: np.ndarray, points: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The faces that the lines meet, from faces (N,) beside them on, and the barycentrics, in [0, 1]."""
        face, best = face.copy(), np.full(len(points), -np.inf, np.float32)
        found, shares = face.copy(), np.full((len(points), 3), 1 / 3, np.float32)
        left = np.arange(len(points))
        for _ in range(_STEPS):
            here = self._barycentric(face[left], points[left], directions[left])
            lowest = here.min(1)
            better = lowest > best[left]
            rows = left[better]
            best[rows], found[rows], shares[rows] = lowest[better], face[rows], here[better]
            # Over the edge opposite to the corner that is farthest away.
            onward = self._across[face[left], here.argmin(1)]
            go = (lowest < _INSIDE) & (onward >= 0)
            left = left[go]
            face[left] = onward[go]
            if not len(left):
                break
        shares = np.clip(shares, 0, None)
        return found, shares / shares.sum(1, keepdims=True)

    def _barycentric(self, face: np.ndarray, points: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """(N, 3) of where the line meets the plane of the face, seen along the line; of edge-on faces, of their middle."""
        corners = self._vertices[self.faces[face]] - points[:, None]
        volumes = [(directions * np.cross(corners[:, (corner + 1) % 3], corners[:, (corner + 2) % 3])).sum(1) for corner in range(3)]
        found = np.stack(volumes, axis=1)
        total = found.sum(1, keepdims=True)
        return np.where(np.abs(total) > 1e-20, found / np.where(total == 0, 1, total), 1 / 3)


def _neighbours(faces: np.ndarray) -> np.ndarray:
    """(F, 3): the face over the edge opposite to each corner; -1 at a border."""
    edges = unique_edges(faces)[1][:, [1, 2, 0]]
    order = np.argsort(edges.ravel(), kind="stable")
    sorted_edges = edges.ravel()[order]
    other = np.full(edges.size, -1, np.int64)
    same = np.flatnonzero(sorted_edges[1:] == sorted_edges[:-1])
    other[order[same]], other[order[same + 1]] = order[same + 1] // 3, order[same] // 3
    return other.reshape(-1, 3)

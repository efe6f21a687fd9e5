"""Closest points on a triangle mesh: a k-d tree proposes triangles, exact projection (Ericson 2005, §5.1.5) decides."""

import numpy as np
from scipy.spatial import cKDTree

from .mesh import face_normals, unique_edges

_CHUNK = 65_536


def closest_on_triangles(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Barycentrics (N, 3) of the point of each triangle, corners (N, 3, 3), that is closest to its point, (N, 3)."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ab, ac, ap = b - a, c - a, points - a
    d1, d2 = _dot(ab, ap), _dot(ac, ap)
    bp, cp = points - b, points - c
    d3, d4, d5, d6 = _dot(ab, bp), _dot(ac, bp), _dot(ab, cp), _dot(ac, cp)
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    total = va + vb + vc
    total = np.where(np.abs(total) > 1e-30, total, 1)
    v, w = vb / total, vc / total
    on_bc = (va <= 0) & (d4 - d3 >= 0) & (d5 - d6 >= 0)
    t = np.clip(_divide(d4 - d3, (d4 - d3) + (d5 - d6)), 0, 1)
    v, w = np.where(on_bc, 1 - t, v), np.where(on_bc, t, w)
    on_ac = (vb <= 0) & (d2 >= 0) & (d6 <= 0)
    v, w = np.where(on_ac, 0, v), np.where(on_ac, np.clip(_divide(d2, d2 - d6), 0, 1), w)
    on_ab = (vc <= 0) & (d1 >= 0) & (d3 <= 0)
    v, w = np.where(on_ab, np.clip(_divide(d1, d1 - d3), 0, 1), v), np.where(on_ab, 0, w)
    at_c = (d6 >= 0) & (d5 <= d6)
    v, w = np.where(at_c, 0, v), np.where(at_c, 1, w)
    at_b = (d3 >= 0) & (d4 <= d3)
    v, w = np.where(at_b, 1, v), np.where(at_b, 0, w)
    at_a = (d1 <= 0) & (d2 <= 0)
    v, w = np.where(at_a, 0, v), np.where(at_a, 0, w)
    return np.stack([1 - v - w, v, w], axis=1)


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", a, b)


def _divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a / np.where(np.abs(b) > 1e-30, b, 1)


def _angle_weighted(vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Sums (V, 3) of unit face normals weighted by the angle of each face at the vertex."""
    corners = vertices[faces]
    following, previous = np.roll(corners, -1, axis=1) - corners, np.roll(corners, 1, axis=1) - corners
    cosine = (following * previous).sum(2) / np.maximum(np.linalg.norm(following, axis=2) * np.linalg.norm(previous, axis=2), 1e-20)
    angle = np.arccos(np.clip(cosine, -1, 1))
    weighted = angle[..., None] * normals[:, None]
    flat = faces.ravel()
    return np.stack([np.bincount(flat, weighted[..., axis].ravel(), minlength=len(vertices)) for axis in range(3)], axis=1)


class Topology:
    """What ClosestSurface needs to know of a mesh's faces (F, 3) alone; made once for surfaces that share them."""

    def __init__(self, faces: np.ndarray) -> None:
        self.faces = np.asarray(faces, np.int64)
        self.used, inverse = np.unique(self.faces, return_inverse=True)
        order = np.argsort(inverse.ravel(), kind="stable")
        counts = np.bincount(inverse.ravel(), minlength=len(self.used))
        width = min(int(counts.max()), 8)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        slots = starts[:, None] + np.minimum(np.arange(width), counts[:, None] - 1)
        self.incident = (order // 3)[slots]
        self.face_edges = unique_edges(self.faces)[1]


class ClosestSurface:
    """Closest-point queries on one mesh of well-shaped triangles, such as a subdivided model or a marching-cubes surface.

    The candidates are the triangles around the few nearest vertices, which is exact unless triangles are long slivers.
    """

    def __init__(self, vertices: np.ndarray, faces: np.ndarray | Topology, neighbours: int = 2) -> None:
        topology = faces if isinstance(faces, Topology) else Topology(faces)
        self.vertices = np.ascontiguousarray(vertices, np.float32)
        self.faces = topology.faces
        self._neighbours = neighbours
        self._incident = topology.incident
        self._tree = cKDTree(self.vertices[topology.used])
        normals = face_normals(self.vertices, self.faces)
        self._face_normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)
        self._vertex_normals = _angle_weighted(self.vertices, self.faces, self._face_normals)
        edges = topology.face_edges
        summed = [np.bincount(edges.ravel(), np.repeat(self._face_normals[:, axis], 3)) for axis in range(3)]
        # The edge opposite to corner i, for barycentric i near zero: 12, 20, 01.
        self._edge_normals = np.stack(summed, axis=1)[edges[:, [1, 2, 0]]]

    def query(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Signed distance (N,), face (N,) and barycentrics (N, 3) of the closest surface points of points (N, 3).

        Negative inside a closed mesh; the sign comes from the angle-weighted pseudo-normal of the face, edge or vertex where the
        closest point lies (Baerentzen & Aanaes 2005).
        """
        results = [self._query(points[i : i + _CHUNK]) for i in range(0, len(points), _CHUNK)]
        if not results:
            return np.zeros(0, np.float32), np.zeros(0, np.int64), np.zeros((0, 3), np.float32)
        distance, face, barycentric = (np.concatenate(column) for column in zip(*results, strict=True))
        return distance, face, barycentric

    def _query(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        points = np.asarray(points, np.float32)
        count = len(points)
        _, near = self._tree.query(points, k=self._neighbours, workers=-1)
        candidates = self._incident[near.reshape(count, -1)].reshape(count, -1)
        best = np.full(count, np.inf, np.float32)
        face = np.zeros(count, np.int64)
        barycentric = np.zeros((count, 3), np.float32)
        for column in candidates.T:
            corners = self.vertices[self.faces[column]]
            weights = closest_on_triangles(points, corners).astype(np.float32)
            offset = points - np.einsum("nij,ni->nj", corners, weights)
            squared = _dot(offset, offset)
            better = squared < best
            best[better], face[better], barycentric[better] = squared[better], column[better], weights[better]
        closest = np.einsum("nij,ni->nj", self.vertices[self.faces[face]], barycentric)
        normal = self._pseudo_normals(face, barycentric)
        sign = np.where(_dot(points - closest, normal) < 0, -1, 1)
        return (sign * np.sqrt(best)).astype(np.float32), face, barycentric

    def _pseudo_normals(self, face: np.ndarray, barycentric: np.ndarray) -> np.ndarray:
        zero = barycentric < 1e-5
        count = zero.sum(1)
        normal = self._face_normals[face]
        on_edge = np.flatnonzero(count == 1)
        normal[on_edge] = self._edge_normals[face[on_edge], zero[on_edge].argmax(1)]
        on_vertex = np.flatnonzero(count == 2)
        corner = barycentric[on_vertex].argmax(1)
        normal[on_vertex] = self._vertex_normals[self.faces[face[on_vertex], corner]]
        return normal

    def interpolate(self, attributes: np.ndarray, face: np.ndarray, barycentric: np.ndarray) -> np.ndarray:
        """Per-vertex attributes (V, C) at surface points given by face (N,) and barycentrics (N, 3)."""
        return np.einsum("nic,ni->nc", attributes[self.faces[face]], barycentric)

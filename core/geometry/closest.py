"""Closest points on a triangle mesh: a k-d tree proposes triangles, exact projection (Ericson 2005, §5.1.5) decides."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from .mesh import face_normals, unique_edges

_CHUNK = 16_384  # points at once: what is computed of them stays in the cache


def closest_on_triangles(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Barycentrics (N, 3) of the point of each triangle, corners (N, 3, 3), that is closest to its point, (N, 3)."""
    a, ab, ac, *products = _components(corners)
    v, w = _closest(np.moveaxis(points, -1, 0) - a, ab, ac, *products)
    return np.stack([1 - v - w, v, w], axis=1)


def _components(corners: np.ndarray) -> tuple[np.ndarray, ...]:
    """Of triangles (N, 3, 3): first corner a, sides ab and ac from it, each (3, N), and the products ab ab, ab ac and ac ac, each (N,)."""
    a, b, c = corners.transpose(1, 2, 0)
    ab, ac = b - a, c - a
    return a, ab, ac, _dot(ab, ab), _dot(ab, ac), _dot(ac, ac)


def _closest(
    ap: np.ndarray, ab: np.ndarray, ac: np.ndarray, bb: np.ndarray, bc: np.ndarray, cc: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Barycentrics (N,) of the second and third corners for points at ap (3, N) from the first; the rest as from `_components`.

    One coordinate after the other in contiguous memory: several times as fast as rows of three.
    """
    d1, d2 = _dot(ab, ap), _dot(ac, ap)
    d3, d4, d5, d6 = d1 - bb, d2 - bc, d1 - bc, d2 - cc
    vb, vc, total = cc * d1 - bc * d2, bb * d2 - bc * d1, bb * cc - bc * bc
    va = total - vb - vc
    total = _divisor(total)
    v, w = vb / total, vc / total
    along, back = d4 - d3, d5 - d6
    on_bc = (va <= 0) & (along >= 0) & (back >= 0)
    t = along / _divisor(along + back)
    np.copyto(v, 1 - t, where=on_bc)
    np.copyto(w, t, where=on_bc)
    on_ac = (vb <= 0) & (d2 >= 0) & (d6 <= 0)
    np.copyto(v, 0, where=on_ac)
    np.copyto(w, d2 / _divisor(cc), where=on_ac)
    on_ab = (vc <= 0) & (d1 >= 0) & (d3 <= 0)
    np.copyto(v, d1 / _divisor(bb), where=on_ab)
    np.copyto(w, 0, where=on_ab)
    at_c, at_b, at_a = (d6 >= 0) & (back <= 0), (d3 >= 0) & (along <= 0), (d1 <= 0) & (d2 <= 0)
    for there, corner_v, corner_w in ((at_c, 0, 1), (at_b, 1, 0), (at_a, 0, 0)):
        np.copyto(v, corner_v, where=there)
        np.copyto(w, corner_w, where=there)
    return v, w


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _divisor(values: np.ndarray) -> np.ndarray:
    return np.where(np.abs(values) > 1e-30, values, values.dtype.type(1))


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
        # Splits in the middle and large leaves: a third faster for points far away, which see many vertices equally near.
        self._tree = cKDTree(self.vertices[topology.used], leafsize=64, balanced_tree=False)
        # A row a triangle, (F, 12), is fetched at once.
        self._triangles = np.concatenate([np.atleast_2d(part) for part in _components(self.vertices[self.faces])]).T.copy()
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
        chunks = [points[i : i + _CHUNK] for i in range(0, len(points), _CHUNK)]
        if not chunks:
            return np.zeros(0, np.float32), np.zeros(0, np.int64), np.zeros((0, 3), np.float32)
        if len(chunks) == 1:
            return self._query(points)
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # NumPy and SciPy let go of the interpreter while they work
            results = list(pool.map(self._query, chunks))
        distance, face, barycentric = (np.concatenate(column) for column in zip(*results, strict=True))
        return distance, face, barycentric

    def _query(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        points = np.asarray(points, np.float32)
        count = len(points)
        _, near = self._tree.query(points, k=self._neighbours)
        candidates = self._incident[near.reshape(count, -1)].reshape(count, -1).T
        # The lists of triangles around vertices are filled up with repetitions.
        fresh = np.ones(candidates.shape, bool)
        fresh[1:] = candidates[1:] != candidates[:-1]
        best = np.full(count, np.inf, np.float32)
        face = np.zeros(count, np.int64)
        shares = np.zeros((2, count), np.float32)
        place = np.ascontiguousarray(points.T)
        for column, chosen in zip(candidates, fresh, strict=True):
            rows = np.flatnonzero(chosen)
            triangle = np.ascontiguousarray(self._triangles[column[rows]].T)
            ab, ac = triangle[3:6], triangle[6:9]
            ap = place[:, rows] - triangle[:3]
            v, w = _closest(ap, ab, ac, *triangle[9:])
            offset = ap - v * ab - w * ac
            squared = _dot(offset, offset)
            better = squared < best[rows]
            rows = rows[better]
            best[rows], face[rows] = squared[better], column[rows]
            shares[0, rows], shares[1, rows] = v[better], w[better]
        barycentric = np.stack([1 - shares.sum(0), *shares], axis=1)
        closest = np.einsum("nij,ni->nj", self.vertices[self.faces[face]], barycentric)
        normal = self._pseudo_normals(face, barycentric)
        sign = np.where(np.einsum("ni,ni->n", points - closest, normal) < 0, -1, 1)
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

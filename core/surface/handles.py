"""Thin handles and narrow holes of a closed surface are cut through and closed, until it is a ball's or only large ones are left."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree

from ..geometry.mesh import unique_edges

_ROUNDS = 24  # searches for loops to cut along
_ROOTS = 8  # places from which a short one is looked for


def genus(vertices: np.ndarray, faces: np.ndarray) -> int:
    """How many handles a closed, connected manifold has."""
    return (2 - (len(vertices) - len(faces) // 2)) // 2


def cut_handles(vertices: np.ndarray, faces: np.ndarray, longest: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A closed, connected manifold, vertices (V, 3) and faces (F, 3), without the handles around which, or through whose hole, a loop of at
    most `longest` goes; and the ids (N,) of the vertices that were there before, of which the last N - V are copies along the cuts.

    Along such loops the surface is cut, and both of a cut's new borders are closed by a fan. A handle of the solid and a hole through it
    are alike for this: the shortest loop decides. Vertices on both sides of a cut are at the same places, for the caller to relax.
    """
    source = np.arange(len(vertices))
    for _ in range(_ROUNDS):
        if genus(vertices, faces) == 0:
            break
        loops = _short_loops(vertices, faces, longest)
        if not loops:
            break
        for loop in loops:
            vertices, faces, copied = _cut(vertices, faces, loop)
            source = np.concatenate([source, source[copied]])
    return vertices, faces, source


def _short_loops(vertices: np.ndarray, faces: np.ndarray, longest: float) -> list[np.ndarray]:
    """Ids (N,) of the vertices along each of some loops of at most `longest` that have no vertex in common, shortest first. All of them
    together do not part the surface."""
    basis = _Basis(vertices, faces)
    if not basis.closed:
        return []  # the caller finds out
    # A loop around a thin handle far from the root makes a detour, so each is looked for once more from a place on it.
    for loop in basis.through(0)[:_ROOTS]:
        short = [one for one in basis.through(int(loop[0])) if _around(vertices[one]) <= longest]
        if short:
            return _apart(short, len(vertices))
    return []


class _Basis:
    """The loops that do not part a surface, as the shortest ones through a place."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        self._vertices, self._faces = vertices, faces
        self._edges, of_faces = unique_edges(faces)
        one, other = self._edges.T
        self._length = np.linalg.norm(vertices[one] - vertices[other], axis=1).astype(np.float64)
        self._graph = sp.csr_matrix((self._length, (one, other)), shape=(len(vertices),) * 2)
        self.closed = bool((np.bincount(of_faces.ravel()) == 2).all())
        if self.closed:
            self._beside = np.argsort(of_faces.ravel(), kind="stable").reshape(-1, 2) // 3  # the two faces of each edge

    def through(self, root: int) -> list[np.ndarray]:
        """Ids (N,) of the vertices along each loop of a basis, shortest first: as short as they can be from a vertex and back to it, but
        without the way that going and coming share (Erickson & Whittlesey 2005)."""
        edges = self._edges
        far, before = dijkstra(self._graph, directed=False, indices=root, return_predecessors=True)
        through = far[edges].sum(1) + self._length
        in_tree = (before[edges[:, 0]] == edges[:, 1]) | (before[edges[:, 1]] == edges[:, 0])
        rest = np.flatnonzero(~in_tree)
        rest = rest[np.argsort(-through[rest], kind="stable")]
        # Of all trees of the dual the one that closes the longest.
        one, other = self._beside[rest].T
        ranks = sp.csr_matrix((np.arange(1, len(rest) + 1, dtype=np.float64), (one, other)), shape=(len(self._faces),) * 2)
        free = np.ones(len(rest), bool)
        free[minimum_spanning_tree(ranks).data.astype(np.int64) - 1] = False
        return sorted((_loop(before, edges[closing]) for closing in rest[free]), key=lambda loop: _around(self._vertices[loop]))


def _loop(before: np.ndarray, closing: np.ndarray) -> np.ndarray:
    """Ids (N,) of the vertices along the loop that an edge (2,) closes in the tree in which `before` comes before each vertex."""
    start, end = (_path(before, int(vertex)) for vertex in closing)
    while len(start) > 1 and len(end) > 1 and start[-2] == end[-2]:
        del start[-1], end[-1]
    return np.array(start + end[-2::-1])


def _around(corners: np.ndarray) -> float:
    """The length of a closed line through corners (N, 3)."""
    return float(np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1).sum())


def _apart(loops: list[np.ndarray], count: int) -> list[np.ndarray]:
    """Those of some loops, of `count` vertices, that have no vertex in common with one before."""
    taken, kept = np.zeros(count, bool), []
    for loop in loops:
        if not taken[loop].any():
            taken[loop] = True
            kept.append(loop)
    return kept


def _path(before: np.ndarray, vertex: int) -> list[int]:
    path = [vertex]
    while before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    return path


def _cut(vertices: np.ndarray, faces: np.ndarray, loop: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut along a loop and closed on both sides; the ids of the vertices that the new ones are copies of."""
    count, size = len(vertices), len(loop)
    faces = faces.copy()
    near = np.flatnonzero(np.isin(faces, loop).any(1))
    half_edges = {
        (int(face[k]), int(face[(k + 1) % 3])): (int(row), k) for row, face in zip(near, faces[near], strict=True) for k in range(3)
    }
    changes = []
    for index, vertex in enumerate(loop.tolist()):
        following, previous = int(loop[(index + 1) % size]), int(loop[index - 1])
        while True:  # the faces on the left, from the edge that leaves the vertex to the one that arrives
            row, corner = half_edges[vertex, following]
            changes.append((row, corner, count + index))
            following = int(faces[row, (corner + 2) % 3])
            if following == previous:
                break
    for row, corner, new in changes:
        faces[row, corner] = new
    copies, middle = count + np.arange(size), vertices[loop].mean(0)
    centres = np.full(size, count + size), np.full(size, count + size + 1)
    left = np.stack([np.roll(copies, -1), copies, centres[0]], axis=1)
    right = np.stack([loop, np.roll(loop, -1), centres[1]], axis=1)
    closed = np.concatenate([faces, left, right]).astype(faces.dtype)
    return np.concatenate([vertices, vertices[loop], [middle, middle]]).astype(vertices.dtype), closed, np.r_[loop, loop[0], loop[0]]

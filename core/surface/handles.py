"""Thin handles and narrow holes of a closed surface are cut through and closed, until it is a ball's or only large ones are left."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree

from ..geometry.mesh import unique_edges

_MOST = 40  # handles that are cut
_ROOTS = 2  # times that a shorter loop is looked for from a place on the last one


def genus(vertices: np.ndarray, faces: np.ndarray) -> int:
    """How many handles a closed, connected manifold has."""
    return (2 - (len(vertices) - len(faces) // 2)) // 2


def cut_handles(vertices: np.ndarray, faces: np.ndarray, longest: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A closed, connected manifold, vertices (V, 3) and faces (F, 3), without the handles around which, or through whose hole, a loop of at
    most `longest` goes; and the ids (N,) of the vertices that were there before, of which the last N - V are copies along the cuts.

    Along such a loop the surface is cut, and both of its new borders are closed by a fan. A handle of the solid and a hole through it are
    alike for this: the shortest loop decides. Vertices on both sides of a cut are at the same places, for the caller to relax.
    """
    source = np.arange(len(vertices))
    for _ in range(min(genus(vertices, faces), _MOST)):
        loop = _short_loop(vertices, faces)
        corners = vertices[loop]
        if np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1).sum() > longest:
            break
        vertices, faces, copied = _cut(vertices, faces, loop)
        source = np.concatenate([source, source[copied]])
    return vertices, faces, source


def _short_loop(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Ids (N,) of the vertices along a short loop that does not part the surface."""
    edges, face_edges = unique_edges(faces)
    length = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1).astype(np.float64)
    graph = sp.csr_matrix((length, (edges[:, 0], edges[:, 1])), shape=(len(vertices),) * 2)
    beside = np.argsort(face_edges.ravel(), kind="stable").reshape(-1, 2) // 3  # the two faces of each edge
    root, best, shortest = 0, np.zeros(0, np.int64), np.inf
    for _ in range(_ROOTS + 1):
        # No loop through the root that is shorter than the last one leaves this distance.
        far, before = dijkstra(graph, directed=False, indices=root, return_predecessors=True, limit=shortest / 2)
        # The shortest loops through the root: of all trees of the dual, the one that closes the longest (Erickson & Whittlesey 2005).
        through = far[edges].sum(1) + length
        in_tree = (before[edges[:, 0]] == edges[:, 1]) | (before[edges[:, 1]] == edges[:, 0])
        rest = np.flatnonzero(~in_tree)
        rest = rest[np.argsort(-through[rest], kind="stable")]
        one, other = beside[rest].T
        ranks = sp.csr_matrix((np.arange(1, len(rest) + 1, dtype=np.float64), (one, other)), shape=(len(faces),) * 2)
        free = np.ones(len(rest), bool)
        free[minimum_spanning_tree(ranks).data.astype(np.int64) - 1] = False
        nearest = rest[free][np.argmin(through[rest[free]])]
        if through[nearest] >= shortest:
            break
        closing = edges[nearest]
        start, end = (_path(before, int(vertex)) for vertex in closing)
        while len(start) > 1 and len(end) > 1 and start[-2] == end[-2]:
            del start[-1], end[-1]
        loop = np.array(start + end[-2::-1])
        corners = vertices[loop]
        around = float(np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1).sum())
        if around >= shortest:
            break
        root, best, shortest = int(closing[0]), loop, around
    return best


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

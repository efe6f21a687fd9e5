"""Edges too short to be of use are collapsed, as cuts and lattices leave them; a closed manifold stays one."""

import numpy as np

from ..geometry.mesh import compact

_ROUNDS = 6  # a collapse can make other edges short


def collapse_short_edges(vertices: np.ndarray, faces: np.ndarray, shortest: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (V, 3) and faces (F, 3) of a closed manifold without edges shorter than `shortest`, and which of the vertices were kept.

    Both ends move to the edge's middle. An edge stays where its collapse would pinch the surface.
    """
    kept = np.arange(len(vertices))
    for _ in range(_ROUNDS):
        start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
        once = np.flatnonzero(start < end)  # of a closed surface's two half-edges
        length = np.linalg.norm(vertices[start[once]] - vertices[end[once]], axis=1)
        short = once[length < shortest][np.argsort(length[length < shortest])]
        if not len(short):
            break
        vertices, faces, still = _collapsed(vertices, faces, np.column_stack([start[short], end[short]]))
        if len(still) == len(kept):
            break
        kept = kept[still]
    return vertices, faces, kept


def _collapsed(vertices: np.ndarray, faces: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """With as many of the edges (E, 2) collapsed as can be, in their order; the vertices' ids before."""
    vertices, faces = vertices.copy(), faces.copy()
    near = np.zeros(len(vertices), bool)
    near[edges] = True
    near[faces[near[faces].any(1)]] = True
    some = np.flatnonzero(near[faces].any(1))  # all faces of the ends and of what is beside them; a cut is a small part of a surface
    ends = faces[some].ravel()
    order = np.argsort(ends, kind="stable")
    ends, owner = ends[order], some[order // 3]
    around: dict[int, set[int]] = {}  # faces of the vertices that were looked at, as they are now
    gone: dict[int, int] = {}
    dead: set[int] = set()

    def faces_of(vertex: int) -> set[int]:
        if vertex not in around:
            low, high = np.searchsorted(ends, (vertex, vertex + 1))
            around[vertex] = set(owner[low:high].tolist()) - dead
        return around[vertex]

    def ring(vertex: int) -> set[int]:
        return {int(other) for face in faces_of(vertex) for other in faces[face]} - {vertex}

    for kept, lost in edges.tolist():
        while kept in gone:
            kept = gone[kept]
        while lost in gone:
            lost = gone[lost]
        if kept == lost:
            continue
        shared = faces_of(kept) & faces_of(lost)
        common = ring(kept) & ring(lost)
        # The link condition (Dey et al. 1999), and no flap of two faces back to back.
        if len(shared) != 2 or len(common) != 2 or any(len(faces_of(other)) < 4 for other in common):
            continue
        for other in common:
            faces_of(other).difference_update(shared)
        dead |= shared
        for face in faces_of(lost) - shared:
            faces[face][faces[face] == lost] = kept
        around[kept] = (faces_of(kept) | faces_of(lost)) - shared
        gone[lost] = kept
        vertices[kept] = (vertices[kept] + vertices[lost]) / 2
    alive = np.ones(len(faces), bool)
    alive[list(dead)] = False
    return compact(vertices, faces[alive])

"""Edges too short to be of use are collapsed, as cuts and lattices leave them; a closed manifold stays one."""

import numpy as np

from .patch import EditablePatch

_ROUNDS = 6  # a collapse can make other edges short


def collapse_short_edges(
    vertices: np.ndarray, faces: np.ndarray, shortest: float, fixed: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (V, 3) and faces (F, 3) of a closed manifold without edges shorter than `shortest`, and which of the vertices were kept.

    An edge stays where its collapse would pinch the surface, and at vertices that are fixed (V,) bool.
    """
    kept, fixed = np.arange(len(vertices)), np.zeros(len(vertices), bool) if fixed is None else fixed
    for _ in range(_ROUNDS):
        start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
        still = fixed[kept]
        once = np.flatnonzero((start < end) & ~still[start] & ~still[end])  # of a closed surface's two half-edges
        length = np.linalg.norm(vertices[start[once]] - vertices[end[once]], axis=1)
        short = once[length < shortest][np.argsort(length[length < shortest])]
        patch = EditablePatch(vertices, faces, np.concatenate([start[short], end[short]]))
        done = False
        for one, other in zip(start[short].tolist(), end[short].tolist(), strict=True):
            one, other = patch.current(one), patch.current(other)
            done |= one != other and patch.collapse(one, other)
        if not done:
            break
        vertices, faces, still = patch.result()
        kept = kept[still]
    return vertices, faces, kept

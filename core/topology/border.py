"""The head model's quads without what spoils their border: triangles, and what is not alike on both sides."""

import numpy as np


def mirrored_quads(mirror: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """(Q,) bool: which faces (Q, 4) are quads, whose fourth corner is not -1, have a mirror image among them, and leave no vertex at which
    the border meets itself. mirror (V,): each vertex's image. Blender's X-mirror by topology fails on far more than what is not alike."""
    kept = quads[:, 3] >= 0
    images = [tuple(row) for row in np.sort(mirror[quads], axis=1).tolist()]
    rows = np.sort(quads, axis=1)
    while True:
        there = set(map(tuple, rows[kept].tolist()))
        pinched = _pinched(quads[kept], len(mirror))
        still = kept & np.array([image in there for image in images]) & ~pinched[quads].any(1)
        if still.sum() == kept.sum():
            return kept
        kept = still


def _pinched(quads: np.ndarray, count: int) -> np.ndarray:
    """(V,) bool: vertices of more than two border edges."""
    edges = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    single, uses = np.unique(edges, axis=0, return_counts=True)
    return np.bincount(single[uses == 1].ravel(), minlength=count) > 2

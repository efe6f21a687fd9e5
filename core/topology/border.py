"""Where the head model's quads end below: at the cut of the result that they lie on, as whole quads, alike on both sides."""

import numpy as np

from ..models.head import HeadModel
from ..models.joints import NECK
from ..surface.cut import below_cut

_FARTHEST = 0.03  # metres that a vertex of the border is moved to the cut


def quads_above_cut(model: HeadModel, quads: np.ndarray, kind: str) -> np.ndarray:
    """(Q,) bool: which of the model's quads (Q, 4) are above a cut of cut.py, without triangles (fourth corner -1) and what has no mirror
    image. The same for every person, because the mean head tells."""
    _, joints = model.rest(np.zeros(len(model.identity)), np.zeros(len(model.expression)))
    below = below_cut(model.mean - joints[NECK], kind)
    below = np.maximum(below, below[model.mirror])
    kept = (quads[:, 3] >= 0) & (below[quads] < 0).any(1)
    rows = np.sort(quads, axis=1)
    mirrored = np.sort(model.mirror[quads], axis=1)
    while True:
        there = set(map(tuple, rows[kept].tolist()))
        still = kept & np.array([tuple(row) in there for row in mirrored.tolist()])
        if still.sum() == kept.sum():
            return kept
        kept = still


def ended_at_cut(vertices: np.ndarray, quads: np.ndarray, kind: str) -> np.ndarray:
    """Vertices (V, 3) metres, in the torso's axes about the neck's joint, of which none lie below the cut and the border of the quads
    (Q, 4) lies on it."""
    below = below_cut(vertices, kind)
    start, end = quads.ravel(), np.roll(quads, -1, axis=1).ravel()
    low, high = np.minimum(start, end).astype(np.int64), np.maximum(start, end).astype(np.int64)
    edges, uses = np.unique(low * len(vertices) + high, return_counts=True)
    single = edges[uses == 1]
    border = np.unique(np.concatenate([single // len(vertices), single % len(vertices)]))
    moved = np.maximum(below, 0)
    near = border[np.abs(below[border]) < _FARTHEST]
    moved[near] = below[near]
    ended = vertices.copy()
    ended[:, 1] += moved.astype(vertices.dtype)
    return ended

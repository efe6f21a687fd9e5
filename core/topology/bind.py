"""Binds the surface of a body to joints."""

import numpy as np
import scipy.sparse as sp

from ..geometry.mesh import adjacency
from .body_rig import INFLUENCES

_SMOOTHED = 0.03  # metres over which weights pass from one part into the next


def smoothed_weights(vertices: np.ndarray, faces: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Joints (V, INFLUENCES) int32 and their shares, float32, of vertices (V, 3), metres, that took weights (V, J) from the nearest places
    of a model: smoothed along the surface, since neighbours on loose clothes may have taken theirs from different limbs."""
    corners = vertices[faces[:: max(1, len(faces) // 2000)]]
    edge = float(np.median(np.linalg.norm(corners[:, 0] - corners[:, 1], axis=1)))
    neighbours = adjacency(faces, len(vertices))
    mean = sp.diags((1 / np.maximum(np.diff(neighbours.indptr), 1)).astype(np.float32)) @ neighbours
    values = sp.csr_matrix(weights.astype(np.float32))
    for _ in range(min(int((_SMOOTHED / max(edge, 1e-4)) ** 2 / 2), 24)):
        values = 0.5 * values + 0.5 * (mean @ values)
        values.data[values.data < 1e-3] = 0
        values.eliminate_zeros()
    return _strongest(values.tocsr())


def _strongest(values: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """The INFLUENCES largest entries of each row (V, J), their columns and values, which then sum to 1."""
    row = np.repeat(np.arange(values.shape[0]), np.diff(values.indptr))
    order = np.lexsort((-values.data, row))
    rank = np.arange(len(order)) - np.repeat(values.indptr[:-1], np.diff(values.indptr))
    kept = order[rank < INFLUENCES]
    joints, shares = np.zeros((values.shape[0], INFLUENCES), np.int32), np.zeros((values.shape[0], INFLUENCES), np.float32)
    joints[row[kept], rank[rank < INFLUENCES]] = values.indices[kept]
    shares[row[kept], rank[rank < INFLUENCES]] = values.data[kept]
    empty = shares.sum(1) == 0
    shares[empty, 0] = 1
    return joints, shares / shares.sum(1, keepdims=True)

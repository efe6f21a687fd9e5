"""An open tube, for tests of clothes, and whether a mesh is closed."""

import numpy as np


def tube(around: int = 12, rows: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """An open tube of radius 1 along y in [0, 2], outward."""
    angle, y = np.meshgrid(np.arange(around) * (2 * np.pi / around), np.linspace(0, 2, rows))
    vertices = np.stack([np.cos(angle), y, -np.sin(angle)], axis=-1).reshape(-1, 3).astype(np.float32)
    start = (np.arange(rows - 1)[:, None] * around + np.arange(around)).ravel()
    following = start - start % around + (start + 1) % around
    quads = np.stack([start, following, following + around, start + around], axis=1)
    return vertices, np.concatenate([quads[:, :3], quads[:, [0, 2, 3]]])


def open_edges(faces: np.ndarray) -> int:
    """Directed edges without as many opposite ones."""
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    _, inverse = np.unique(np.sort(directed, axis=1), axis=0, return_inverse=True)
    return int((np.bincount(inverse.ravel(), np.where(directed[:, 0] < directed[:, 1], 1, -1)) != 0).sum())

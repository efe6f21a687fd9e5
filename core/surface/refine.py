"""A part of a triangle mesh is made finer: long edges are halved, and no hole opens where fine meets coarse."""

import numpy as np

from ..geometry.mesh import touching, unique_edges

_ROUNDS = 4  # halvings: a sixteenth


def refine(vertices: np.ndarray, faces: np.ndarray, chosen: np.ndarray, longest: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V + N, 3) and faces (F', 3) with every edge at chosen (V,) bool vertices halved while it is longer than `longest`.

    The first V vertices are the given ones; new ones lie in the middle of edges. A closed manifold stays one. A new vertex is chosen if
    both ends of its edge are: if one sufficed, the chosen part would grow in every round, among ever poorer triangles.
    """
    for _ in range(_ROUNDS):
        touched = np.flatnonzero(touching(faces, chosen))
        edges, of_faces = unique_edges(faces[touched])
        length = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
        halved = chosen[edges].any(1) & (length > longest)
        if not halved.any():
            break
        middle = np.full(len(edges), -1)
        middle[halved] = len(vertices) + np.arange(halved.sum())
        vertices = np.concatenate([vertices, vertices[edges[halved]].mean(1, dtype=np.float64).astype(vertices.dtype)])
        chosen = np.concatenate([chosen, chosen[edges[halved]].all(1)])
        kept = np.ones(len(faces), bool)
        kept[touched] = False
        faces = np.concatenate([faces[kept], _halved(vertices, faces[touched], middle[of_faces])]).astype(faces.dtype)
    return vertices, faces


def _halved(vertices: np.ndarray, faces: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Faces (F', 3) in the place of faces (F, 3) whose edges 01, 12, 20 have new vertices in the middle, (F, 3), or -1."""
    number = (middle >= 0).sum(1)
    a, b, c, x, y, z = np.column_stack([faces, middle])[number == 3].T
    parts = [faces[number == 0], *(np.column_stack(one) for one in ((a, x, z), (x, b, y), (z, y, c), (x, y, z)))]
    for side in range(3):
        turned = np.column_stack([np.roll(faces, -side, axis=1), np.roll(middle, -side, axis=1)])
        a, b, c, x, _, _ = turned[(number == 1) & (turned[:, 3] >= 0)].T
        parts += [np.column_stack([a, x, c]), np.column_stack([x, b, c])]
        a, b, c, _, y, z = turned[(number == 2) & (turned[:, 3] < 0)].T
        # The shorter diagonal of what is left makes the better triangles.
        shorter = np.linalg.norm(vertices[a] - vertices[y], axis=1) < np.linalg.norm(vertices[b] - vertices[z], axis=1)
        one, other = np.where(shorter, y, z), np.where(shorter, a, b)
        parts += [np.column_stack(three) for three in ((y, c, z), (a, b, one), (other, y, z))]
    return np.concatenate(parts)

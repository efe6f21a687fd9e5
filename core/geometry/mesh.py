"""Triangle-mesh basics on plain arrays: vertices (V, 3) float, faces (F, 3) int, counter-clockwise seen from outside."""

import numpy as np
import scipy.sparse as sp


def face_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Area-weighted (unnormalised) face normals, (F, 3)."""
    a, b, c = (np.take(vertices, faces[:, i], axis=0) for i in range(3))
    return cross(b - a, c - a)


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross products (N, 3) of vectors (N, 3): NumPy's own take twice as long."""
    (ax, ay, az), (bx, by, bz) = a.T, b.T
    product = np.empty(a.shape, np.result_type(a, b))
    product[:, 0] = ay * bz - az * by
    product[:, 1] = az * bx - ax * bz
    product[:, 2] = ax * by - ay * bx
    return product


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit area-weighted vertex normals, (V, 3); zero for vertices without faces."""
    normals = np.ascontiguousarray(face_normals(vertices, faces).T)
    summed = np.zeros((len(vertices), 3))
    # A corner and a coordinate at a time: what is contiguous needs no copy.
    for corner in faces.T:
        ids = corner.astype(np.intp)
        for axis in range(3):
            summed[:, axis] += np.bincount(ids, normals[axis], len(vertices))
    length = np.linalg.norm(summed, axis=1, keepdims=True)
    return (summed / np.maximum(length, 1e-20)).astype(vertices.dtype)


def unique_edges(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Undirected edges (E, 2) and, for every face, the ids of its edges 01, 12, 20 as (F, 3)."""
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    low, high = directed.min(1).astype(np.int64), directed.max(1)
    count = int(high.max(initial=0)) + 1
    # Numbers are sorted several times as fast as rows.
    edges, inverse = np.unique(low * count + high, return_inverse=True)
    return np.stack(np.divmod(edges, count), axis=1).astype(faces.dtype), inverse.reshape(3, -1).T


def touching(faces: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(F,) bool: which faces have a vertex that is chosen, (V,) bool. Corner by corner: a row at a time takes several times as long."""
    a, b, c = faces.T
    return chosen[a] | chosen[b] | chosen[c]


def within(faces: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(F,) bool: which faces have no vertex that is not chosen, (V,) bool."""
    a, b, c = faces.T
    return chosen[a] & chosen[b] & chosen[c]


def grown(faces: np.ndarray, chosen: np.ndarray, rings: int) -> np.ndarray:
    """(V,) bool: the chosen vertices (V,) bool and those within so many edges."""
    corners = np.ascontiguousarray(faces.T)
    result = chosen.copy()
    for _ in range(rings):
        near = np.flatnonzero(touching(corners.T, result))
        for corner in corners:
            result[corner[near]] = True
    return result


def adjacency(faces: np.ndarray, count: int) -> sp.csr_matrix:
    """Symmetric 0/1 vertex adjacency, (count, count)."""
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    ones = np.ones(2 * len(start), np.float32)
    neighbours = sp.coo_matrix((ones, (np.concatenate([start, end]), np.concatenate([end, start]))), shape=(count, count)).tocsr()
    neighbours.data[:] = 1  # an edge of two faces came twice
    return neighbours


def smoothing_matrix(faces: np.ndarray, count: int, strength: float = 0.5) -> sp.csr_matrix:
    """One step of umbrella smoothing as a matrix: x' = (1 - strength) x + strength * mean of neighbours."""
    neighbours = adjacency(faces, count)
    degree = np.asarray(neighbours.sum(1)).ravel()
    lonely = degree == 0
    mean = sp.diags(strength / np.maximum(degree, 1)) @ neighbours
    return (sp.diags(np.where(lonely, 1.0, 1 - strength)) + mean).tocsr().astype(np.float32)


def loop_subdivision(faces: np.ndarray, count: int) -> tuple[sp.csr_matrix, np.ndarray]:
    """One level of Loop subdivision (Loop 1987) of a closed mesh.

    Returns a matrix S, (count + E, count), with new vertices = S @ vertices, and the new faces, (4 F, 3).
    Any per-vertex quantity subdivides with the same matrix.
    """
    edges, face_edges = unique_edges(faces)
    total = len(edges)
    opposite = np.stack([faces[:, 2], faces[:, 0], faces[:, 1]], axis=1)
    sharing = np.bincount(face_edges.ravel(), minlength=total)
    rows = np.concatenate([np.repeat(np.arange(total), 2), face_edges.ravel()])
    columns = np.concatenate([edges.ravel(), opposite.ravel()])
    weights = np.concatenate([np.full(2 * total, 3 / 8), 0.25 / sharing[face_edges.ravel()]])
    edge_points = sp.csr_matrix((weights, (rows, columns)), shape=(total, count))
    neighbours = adjacency(faces, count)
    degree = np.maximum(np.asarray(neighbours.sum(1)).ravel(), 1)
    beta = np.where(degree == 3, 3 / 16, 3 / (8 * degree))
    vertex_points = sp.diags(1 - degree * beta) + sp.diags(beta) @ neighbours
    matrix = sp.vstack([vertex_points, edge_points]).tocsr().astype(np.float32)
    e01, e12, e20 = (face_edges[:, i] + count for i in range(3))
    a, b, c = faces.T
    corners = [(a, e01, e20), (b, e12, e01), (c, e20, e12), (e01, e12, e20)]
    return matrix, np.concatenate([np.stack(corner, axis=1) for corner in corners])


def boundary_loops(faces: np.ndarray) -> list[np.ndarray]:
    """Boundary loops, each a cyclic list of vertex ids in the direction of the faces' own half-edges."""
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    count = int(faces.max(initial=-1)) + 1
    there, back = directed[:, 0] * count + directed[:, 1], directed[:, 1] * count + directed[:, 0]
    following = dict(directed[~np.isin(back, there)].tolist())
    loops = []
    while following:
        start, current = following.popitem()
        loop = [start]
        while current != start and current in following:
            loop.append(current)
            current = following.pop(current)
        loops.append(np.array(loop))
    return loops


def compact(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Drop unused vertices. Returns vertices, faces and the ids of the kept vertices."""
    used = np.zeros(len(vertices), bool)
    used[faces] = True
    kept = np.flatnonzero(used)
    number = np.zeros(len(vertices), faces.dtype)
    number[kept] = np.arange(len(kept))
    return vertices[kept], number[faces], kept


def signed_volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Enclosed volume; positive when faces look outwards."""
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)

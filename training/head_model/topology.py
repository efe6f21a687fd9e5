"""From the whole base mesh to a cleanly cut bust with numbered parts, and the closed solid over its skin."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl
from scipy.sparse import csgraph

from likeness.core.geometry.mesh import adjacency, boundary_loops

from .source import BaseMesh

CUTS = ((0.0, 1.0, 0.0, -0.34), (1.0, 0.0, 0.0, -0.30), (-1.0, 0.0, 0.0, -0.30))
"""Half-spaces n.x >= d kept of the mean shape; the cuts lie outside the 0.4 m crop whatever the person and the pose."""


@dataclass(frozen=True)
class Bust:
    """Triangles over V vertices: skin first, then eyes, teeth and tongue.

    matrix (V, N): each vertex from base-mesh vertices, an identity row but where a cut made it. base (V,): its base-mesh id or -1.
    faces, faces_uv (F, 3), uv (U, 2), face_part (F,), part (V,), face_quad (F,): the base mesh's quad that a triangle came from.
    """

    matrix: sp.csr_matrix
    base: np.ndarray
    faces: np.ndarray
    faces_uv: np.ndarray
    uv: np.ndarray
    face_part: np.ndarray
    part: np.ndarray
    face_quad: np.ndarray

    @property
    def skin_count(self) -> int:
        return int((self.part == 0).sum())


def cut_bust(mesh: BaseMesh, mean: np.ndarray) -> Bust:
    """Cut the bust out of the base mesh by CUTS, evaluated on mean vertices (N, 3) in the model frame."""
    faces, faces_uv, quad = _triangulate(mesh, mean)
    part = mesh.part[quad]
    skin = part == 0
    matrix = sp.identity(len(mean), format="csr")
    uv_matrix = sp.identity(len(mesh.uv), format="csr")
    skin_faces, skin_uv, skin_quad = faces[skin], faces_uv[skin], quad[skin]
    for *normal, offset in CUTS:
        height = matrix @ (mean @ np.array(normal)) - offset
        kept = _clip(skin_faces, skin_uv, skin_quad, height, uv_matrix.shape[0])
        skin_faces, skin_uv, skin_quad, edges, uv_edges, share = kept
        matrix = sp.vstack([matrix, _blend(edges, share, matrix.shape[0]) @ matrix]).tocsr()
        uv_matrix = sp.vstack([uv_matrix, _blend(uv_edges, share, uv_matrix.shape[0]) @ uv_matrix]).tocsr()
    largest = _largest_component(skin_faces, matrix.shape[0])
    faces = np.concatenate([skin_faces[largest], faces[~skin]])
    faces_uv = np.concatenate([skin_uv[largest], faces_uv[~skin]])
    quad = np.concatenate([skin_quad[largest], quad[~skin]])
    part = mesh.part[quad]
    order = np.concatenate([np.unique(faces[part == p]) for p in range(part.max() + 1)])
    number = np.full(matrix.shape[0], -1)
    number[order] = np.arange(len(order))
    used_uv, faces_uv = np.unique(faces_uv, return_inverse=True)
    vertex_part = np.concatenate([np.full(len(np.unique(faces[part == p])), p) for p in range(part.max() + 1)])
    base = np.where(order < len(mean), order, -1)
    uv = (uv_matrix @ mesh.uv)[used_uv]
    return Bust(
        matrix[order],
        base,
        number[faces],
        faces_uv.reshape(-1, 3),
        uv,
        part,
        vertex_part,
        quad,
    )


def _triangulate(mesh: BaseMesh, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each quad along its shorter diagonal, which keeps left and right alike."""
    corner = mean[mesh.quads]
    first = np.linalg.norm(corner[:, 0] - corner[:, 2], axis=1)
    second = np.linalg.norm(corner[:, 1] - corner[:, 3], axis=1)
    split = np.where(
        (first <= second)[:, None, None],
        [[[0, 1, 2], [0, 2, 3]]],
        [[[0, 1, 3], [1, 2, 3]]],
    )
    rows = np.arange(len(split))[:, None, None]
    return (
        mesh.quads[rows, split].reshape(-1, 3),
        mesh.quads_uv[rows, split].reshape(-1, 3),
        np.repeat(np.arange(len(split)), 2),
    )


def _clip(
    faces: np.ndarray,
    faces_uv: np.ndarray,
    quad: np.ndarray,
    height: np.ndarray,
    uv_count: int,
) -> tuple[np.ndarray, ...]:
    """Triangles where height (V,) > 0, with new vertices from V and new UVs from uv_count on.

    Returns faces, faces_uv, quad and, a row for each new vertex, edges (E, 2), uv_edges (E, 2), share (E,) towards the edge's second end.
    """
    height = np.where(np.abs(height) < 1e-4, 1e-4, height)  # no slivers from vertices on the plane
    inside = height[faces] > 0
    count = inside.sum(1)
    edge_ids: dict[tuple[int, int, int, int], int] = {}
    vertex_of: dict[tuple[int, int], int] = {}
    edges, uv_edges, share = [], [], []
    total = len(height)

    def crossing(a: int, b: int, ua: int, ub: int) -> tuple[int, int]:
        if a > b:
            a, b, ua, ub = b, a, ub, ua
        key = (a, b, ua, ub)
        if key not in edge_ids:
            edge_ids[key] = len(edges)
            edges.append((a, b))
            uv_edges.append((ua, ub))
            share.append(height[a] / (height[a] - height[b]))
            vertex_of.setdefault((a, b), total + edge_ids[key])
        return vertex_of[a, b], uv_count + edge_ids[key]

    new_faces, new_uv, new_quad = [], [], []
    for face in np.flatnonzero((count == 1) | (count == 2)):
        # Turn the triangle so that its odd corner comes first.
        first = int(np.flatnonzero(inside[face] == (count[face] == 1))[0])
        a, b, c = np.roll(faces[face], -first).tolist()
        ua, ub, uc = np.roll(faces_uv[face], -first).tolist()
        (ab, uab), (ac, uac) = crossing(a, b, ua, ub), crossing(a, c, ua, uc)
        pieces = [(a, ab, ac)] if count[face] == 1 else [(ab, b, c), (ab, c, ac)]
        pieces_uv = [(ua, uab, uac)] if count[face] == 1 else [(uab, ub, uc), (uab, uc, uac)]
        new_faces += pieces
        new_uv += pieces_uv
        new_quad += [quad[face]] * len(pieces)
    whole = count == 3
    return (
        np.concatenate([faces[whole], np.array(new_faces, int).reshape(-1, 3)]),
        np.concatenate([faces_uv[whole], np.array(new_uv, int).reshape(-1, 3)]),
        np.concatenate([quad[whole], np.array(new_quad, int)]),
        np.array(edges, int).reshape(-1, 2),
        np.array(uv_edges, int).reshape(-1, 2),
        np.array(share, float),
    )


def _blend(edges: np.ndarray, share: np.ndarray, count: int) -> sp.csr_matrix:
    rows = np.repeat(np.arange(len(edges)), 2)
    weights = np.stack([1 - share, share], axis=1)
    return sp.csr_matrix((weights.ravel(), (rows, edges.ravel())), shape=(len(edges), count))


def _largest_component(faces: np.ndarray, count: int) -> np.ndarray:
    _, label = csgraph.connected_components(adjacency(faces, count), directed=False)
    return label[faces[:, 0]] == np.bincount(label[faces[:, 0]]).argmax()


@dataclass(frozen=True)
class ClosedBust:
    """The closed bust: faces (Fs, 3); matrix (Vs, Vskin); cavities: inner vertices of "mouth", "left_eye", "right_eye" on their patches."""

    faces: np.ndarray
    matrix: sp.csr_matrix
    cavities: dict[str, np.ndarray]


def close_bust(bust: Bust, cavity_faces: dict[str, np.ndarray]) -> ClosedBust:
    """Close the skin: cavities (masks over the skin faces) become smooth patches hung from their rims, cut edges are capped.

    The inner vertices of a cavity are Tutte-embedded (uniform weights) in its rim: a convex, fold-free combination of rim vertices.
    """
    count = bust.skin_count
    faces = bust.faces[bust.face_part == 0]
    loops = boundary_loops(faces)
    matrix = sp.lil_matrix((count + len(loops), count))
    matrix[:count] = sp.identity(count)
    caps = []
    for number, loop in enumerate(loops):
        centre = count + number
        matrix[centre, loop] = 1 / len(loop)
        caps.append(np.stack([np.roll(loop, -1), loop, np.full(len(loop), centre)], axis=1))
    cavities = {}
    for name, mask in cavity_faces.items():
        inner, rim, weights = _tutte(faces[mask], faces[~mask], count)
        rows = sp.lil_matrix((len(inner), count))
        rows[:, rim] = weights
        matrix[inner] = rows
        cavities[name] = inner
    return ClosedBust(np.concatenate([faces, *caps]), matrix.tocsr(), cavities)


def _tutte(cavity: np.ndarray, outside: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    vertices = np.unique(cavity)
    rim = np.intersect1d(vertices, np.unique(outside))
    inner = np.setdiff1d(vertices, rim)
    neighbours = adjacency(cavity, count).astype(np.float64)[inner]
    degree = np.asarray(neighbours.sum(1)).ravel()
    laplacian = sp.diags(degree) - neighbours[:, inner]
    return inner, rim, spl.spsolve(laplacian.tocsc(), neighbours[:, rim].toarray())

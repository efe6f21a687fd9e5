"""What registration needs of a head model, made once: its skin's smoothness operators and how far each place follows a surface."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.sparse as sp
import torch
from scipy.sparse.csgraph import dijkstra

from ..geometry.mesh import face_normals, unique_edges, vertex_normals
from ..geometry.raster import rasterize
from ..geometry.visibility import smoothstep
from ..models.head import HeadModel
from ..models.rotation import rotation_matrix

# How much the data counts, against 1 on open skin of the face; the square root of the square root of it divides the stiffness length.
_EARS, _SCALP, _NECK, _CREASE = 0.01, 0.3, 0.1, 0.003
_RIM = (0.0015, 0.007)  # metres from a cavity's rim over which lids and lips begin to follow the surface
_DIRECTIONS = 24
_OPEN = (0.35, 0.7)  # share of the directions above a place from which it is seen, over which it begins to count


@dataclass(frozen=True)
class Template:
    """The skin of a head model, Vs vertices, at its mean.

    faces (Fs, 3); edges (E, 2); stiffness (Vs, Vs): cotangent Laplacian, square metres a square metre; mass (Vs,) square metres;
    follow (Vs,) in [0, 1]: how much a place follows a reconstructed surface; face (Vs,) in [0, 1]: the face's open skin;
    hairless (Vs,) in [0, 1]: where neither hair nor a collar covers the skin of most people; outer (Vs,) in [0, 1]: scalp, neck and bust.
    """

    faces: np.ndarray
    edges: np.ndarray
    stiffness: sp.csr_matrix
    mass: np.ndarray
    follow: np.ndarray
    face: np.ndarray
    hairless: np.ndarray
    outer: np.ndarray

    def grown(self, values: np.ndarray, rings: int = 1) -> np.ndarray:
        """The largest of the values (Vs,) within so many edges."""
        for _ in range(rings):
            reached = values.copy()
            np.maximum.at(reached, self.edges[:, 0], values[self.edges[:, 1]])
            np.maximum.at(reached, self.edges[:, 1], values[self.edges[:, 0]])
            values = reached
        return values

    @classmethod
    def of(cls, model: HeadModel) -> "Template":
        """Made once for each model in a process."""
        return _template(model)


@lru_cache(maxsize=2)
def _template(model: HeadModel) -> Template:
    faces = model.faces[model.face_part == 0]
    count = model.skin_count
    rest = model.mean[:count]
    stiffness, mass = cotangent_laplacian(rest, faces)
    region = {name: mask[:count] for name, mask in model.regions.items()}
    rim = smoothstep(_cavity_distance(model, rest, faces), *_RIM)
    openness = smoothstep(_openness(model, rest, faces), *_OPEN)
    skin = rim * openness
    face = region["face"] * (1 - region["ears"])
    base = np.maximum.reduce([face, _NECK * region["neck"], _SCALP * region["head"] * (1 - region["ears"] - region["neck"])])
    follow = np.maximum(base * (1 - region["ears"]) * skin, _EARS * region["ears"] * openness)
    follow = np.maximum(follow, _CREASE * region["head"] * rim * (openness > 0))
    brow = rest[region["brows"] > 0.5, 1].mean()
    below = smoothstep(brow - rest[:, 1], -0.012, 0.012)
    both = model.mirror[:count]
    return Template(
        faces, unique_edges(faces)[0], stiffness, mass, (follow + follow[both]) / 2, face * skin, face * below, (1 - face) * skin
    )


def cotangent_laplacian(vertices: np.ndarray, faces: np.ndarray) -> tuple[sp.csr_matrix, np.ndarray]:
    """Stiffness (V, V), positive semi-definite, and lumped mass (V,) of linear elements (Pinkall & Polthier 1993).

    Cotangents are bounded, so that slivers cannot make the matrix indefinite or badly scaled.
    """
    count = len(vertices)
    points = vertices.astype(np.float64)
    rows, columns, weights = [], [], []
    for corner in range(3):
        a, b, c = (faces[:, (corner + i) % 3] for i in range(3))
        u, v = points[b] - points[a], points[c] - points[a]
        area = np.linalg.norm(np.cross(u, v), axis=1)
        weight = np.clip((u * v).sum(1) / np.maximum(area, 1e-20), 0.05, 5) / 2
        rows += [b, c]
        columns += [c, b]
        weights += [weight, weight]
    links = sp.csr_matrix((np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), shape=(count, count))
    areas = np.linalg.norm(face_normals(points, faces), axis=1) / 2
    mass = np.bincount(faces.ravel(), np.repeat(areas / 3, 3), minlength=count)
    return (sp.diags(np.asarray(links.sum(1)).ravel()) - links).tocsr(), np.maximum(mass, 1e-12)


def _cavity_distance(model: HeadModel, rest: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(Vs,) metres along edges from the insides of the mouth and the eye sockets; 0 within."""
    edges, _ = unique_edges(faces)
    length = np.linalg.norm(rest[edges[:, 0]] - rest[edges[:, 1]], axis=1)
    graph = sp.csr_matrix((length, (edges[:, 0], edges[:, 1])), shape=(len(rest), len(rest)))
    inside = np.concatenate(list(model.closed_mesh.cavities.values()))
    return dijkstra(graph, directed=False, indices=inside[inside < len(rest)], min_only=True, limit=0.05).clip(max=0.05)


def _openness(model: HeadModel, rest: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(Vs,) the cosine-weighted share of directions above each vertex from which it is seen: low in nostrils and behind ears."""
    golden = np.pi * (3 - np.sqrt(5))
    normals = vertex_normals(rest, faces)
    seen, total = np.zeros(len(rest)), np.full(len(rest), 1e-9)
    for i in range(_DIRECTIONS):
        height = 1 - (2 * i + 1) / _DIRECTIONS
        across = np.sqrt(1 - height**2)
        direction = np.array([across * np.cos(golden * i), height, across * np.sin(golden * i)])
        turn = _facing(direction)
        turned = rest @ turn.T / 0.45
        size = 384
        depth = rasterize(torch.from_numpy(turned.astype(np.float32)), torch.from_numpy(faces), size).depth.numpy()
        row = np.clip(((1 - turned[:, 1]) * size / 2).astype(int), 0, size - 1)
        column = np.clip(((turned[:, 0] + 1) * size / 2).astype(int), 0, size - 1)
        cosine = np.clip(normals @ direction, 0, 1)
        visible = turned[:, 2] > depth[row, column] - 0.012
        seen += cosine * visible
        total += cosine
    return seen / total


def _facing(direction: np.ndarray) -> np.ndarray:
    """A rotation (3, 3) that turns a unit vector to +z."""
    axis = np.cross(direction, [0, 0, 1])
    sine = np.linalg.norm(axis)
    angle = np.arctan2(sine, direction[2])
    return rotation_matrix(axis / max(sine, 1e-9) * angle)

"""Shape keys for one person: deformation transfer (Sumner & Popović 2004) of the head model's shapes from its mean.

In the Poisson form of Botsch et al. (2006), which is equivalent where both meshes share their triangles: each triangle of the person should
change as the mean's does, and a weak pull towards the model's own offsets settles what the changes leave open.
"""

from functools import lru_cache

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from ..geometry.mesh import face_normals
from ..models.head import HeadModel
from .template import cotangent_laplacian

_REACH = 0.05  # metres over which the pull towards the model's own offsets takes over
_STILL = 2e-5  # metres: a vertex that a shape moves by less stays where it is


NOTES = {
    "eyeBlinkLeft": "The upper lid closes over the lower one instead of meeting it.",
    "eyeBlinkRight": "The upper lid closes over the lower one instead of meeting it.",
    "mouthClose": "Takes back jawOpen: use it together with that shape and no stronger.",
    "tongueOut": "Only the tongue moves: open the jaw with it.",
    "cheekPuff": "One shape for both cheeks, without the lips' seal.",
}
"""What is approximate about the bundled model's own shapes."""
_NOTED = 0.8  # quality of a shape with such a note
_POOR = 0.75  # faithfulness below which a note says so


def graded(names: tuple[str, ...], faithfulness: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Quality (K,) in [0, 1] and a note for each shape, empty where nothing is approximate."""
    quality = faithfulness * np.array([_NOTED if name in NOTES else 1.0 for name in names])
    bent = [f"This face's form changes the shape by {1 - share:.0%}." if share < _POOR else "" for share in faithfulness]
    notes = tuple(" ".join(filter(None, (NOTES.get(name, ""), own))) for name, own in zip(names, bent, strict=True))
    return quality.astype(np.float32), notes


class BlendshapeTransfer:
    """Transfers shapes to the skin of one neutral head (Vs, 3), with the faces of the model's skin."""

    def __init__(self, model: HeadModel, neutral: np.ndarray) -> None:
        self._model = model
        self._count = len(neutral)
        faces = model.faces[model.face_part == 0]
        stiffness, mass = cotangent_laplacian(neutral, faces)
        self._pull = mass / _REACH**2
        self._stiffness = stiffness
        self._divergence, self._metric = _divergence(neutral.astype(np.float64), faces)
        system = (stiffness + sp.diags(self._pull)).tocsc()
        self._factor = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})

    def offsets(self) -> np.ndarray:
        """(K, Vs, 3) float32: every shape of the model on this head."""
        shapes = self._model.expression[:, : self._count]
        changes = _changes(self._model)
        wanted = self._divergence @ changes.transpose(1, 2, 0, 3).reshape(changes.shape[1] * 3, -1)
        pulled = self._pull[:, None] * shapes.transpose(1, 0, 2).reshape(self._count, -1)
        offsets = self._factor.solve(np.asarray(wanted + pulled, np.float64)).reshape(self._count, -1, 3).transpose(1, 0, 2)
        return (offsets * _moving(shapes)).astype(np.float32)

    def combined(self, values: np.ndarray) -> np.ndarray:
        """(Vs, 3) float32: the sum of the offsets with values (K,)."""
        active = np.flatnonzero(values)
        if not len(active):
            return np.zeros((self._count, 3), np.float32)
        values = np.asarray(values, np.float32)[active]
        shapes = self._model.expression[active, : self._count]
        changes = np.tensordot(values, _changes(self._model)[active], 1)
        right = self._divergence @ changes.reshape(-1, 3) + self._pull[:, None] * np.tensordot(values, shapes, 1)
        return (self._factor.solve(np.asarray(right, np.float64)) * _moving(shapes).max(0)).astype(np.float32)

    def faithfulness(self, offsets: np.ndarray) -> np.ndarray:
        """(K,) in [0, 1]: 1 where the triangles change as the mean's do, less by the share of that change that `offsets()` miss."""
        changes = _changes(self._model)
        wanted = np.einsum("kfac,fab,kfbc->k", changes, self._metric, changes, optimize=True)
        divergence = np.asarray(self._divergence @ changes.transpose(1, 2, 0, 3).reshape(changes.shape[1] * 3, -1))
        flat = offsets.transpose(1, 0, 2).reshape(self._count, -1)
        got = (flat * (self._stiffness @ flat - 2 * divergence)).sum(0).reshape(-1, 3).sum(1)
        missed = np.sqrt(np.clip(got + wanted, 0, None) / np.maximum(wanted, 1e-20))
        return np.where(wanted > 1e-12, np.clip(1 - missed, 0, 1), 1).astype(np.float32)


def _moving(shapes: np.ndarray) -> np.ndarray:
    return np.clip(np.linalg.norm(shapes, axis=2, keepdims=True) / _STILL, 0, 1)


def _divergence(points: np.ndarray, faces: np.ndarray) -> tuple[sp.csr_matrix, np.ndarray]:
    """(V, 3 F): from changes of faces, (F, 3, C) as rows, to the right sides (V, C) that ask for them, with the Laplacian's own weights;
    and (F, 3, 3): the form that measures a change with the same weights."""
    count = len(points)
    rows, columns, values = [], [], []
    metric = np.zeros((len(faces), 3, 3))
    for corner in range(3):
        a, b, c = (faces[:, (corner + i) % 3] for i in range(3))
        u, v = points[b] - points[a], points[c] - points[a]
        area = np.linalg.norm(np.cross(u, v), axis=1)
        weight = np.clip((u * v).sum(1) / np.maximum(area, 1e-20), 0.05, 5) / 2
        edge = weight[:, None] * (points[c] - points[b])
        metric += edge[:, :, None] * (points[c] - points[b])[:, None, :]
        place = 3 * np.arange(len(faces))[:, None] + np.arange(3)
        rows += [np.repeat(c, 3), np.repeat(b, 3)]
        columns += [place.ravel()] * 2
        values += [edge.ravel(), -edge.ravel()]
    matrix = sp.csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(count, 3 * len(faces)))
    return matrix, metric


@lru_cache(maxsize=2)
def _changes(model: HeadModel) -> np.ndarray:
    """(K, F, 3, 3) float32: how each shape changes each face of the mean skin, transposed and less the identity."""
    faces = model.faces[model.face_part == 0]
    return np.stack([face_changes(model.mean, model.mean + shape, faces) for shape in model.expression])


def face_changes(before: np.ndarray, after: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(F, 3, 3) float32: the linear map of each face's edges and normal, transposed and less the identity, so that `edge @ change` is what
    the edge gains."""
    old, new = _frames(before, faces), _frames(after, faces)
    return (np.linalg.solve(old, new) - np.eye(3)).astype(np.float32)


def _frames(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    points = vertices.astype(np.float64)
    normal = face_normals(points, faces)
    normal /= np.sqrt(np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-20))
    a, b, c = (points[faces[:, i]] for i in range(3))
    return np.stack([b - a, c - a, normal], axis=1)

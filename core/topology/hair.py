"""The hair of a reconstructed head as a shell over the rigged head's neutral skin, for the head's bone to carry."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from ..geometry.clip import part_above
from ..geometry.mesh import compact, smoothing_matrix
from ..models.joints import GLOBAL
from ..result import Mesh
from .neutral import neutral_mesh
from .rigged import RiggedHead
from .transfer import Transfer

_THICK = 0.004  # metres off the skin from which what nobody sees of a skull is hair
_SKULL = 0.95  # share of the head's own joints in the skin below
_SMOOTHED = 8  # steps along the surface, for an even edge
_PART = 0.1  # share of the largest piece that another one must have to be kept
_LEAST = 0.002  # square metres: a smaller shell is no hair


def hair_shell(rigged: RiggedHead, surface: Mesh, seen: np.ndarray) -> Mesh | None:
    """The parts of a result's surface that are hair, an open mesh in the neutral pose; None for a bald head.

    seen (V,) in [0, 1]: share of hair where the photo shows the vertices. Elsewhere all is hair that stands off the skull.
    """
    skin = rigged.faces[rigged.face_part == 0]
    near = Transfer.between(rigged.posed(rigged.key_values, rigged.rotations), skin, surface.vertices)
    of_skull = 1 - near(rigged.weights[:, GLOBAL]) > _SKULL
    hair = np.where(surface.observed > 0.5, seen, (near.distance > _THICK) & of_skull).astype(np.float32)
    smooth = smoothing_matrix(surface.faces, len(hair))
    for _ in range(_SMOOTHED):
        hair = smooth @ hair
    faces, edges, shares = part_above(surface.faces, hair - 0.5)
    if not len(faces):
        return None
    rest = neutral_mesh(rigged, surface)
    values = np.column_stack([rest.vertices, rest.normals, surface.colours, surface.observed])
    first, second = values[edges[:, 0]], values[edges[:, 1]]
    values = np.concatenate([values, first + shares[:, None] * (second - first)]).astype(np.float32)
    links = sp.coo_matrix((np.ones(2 * len(faces), bool), (faces[:, :2].ravel(), faces[:, 1:].ravel())), shape=(len(values),) * 2)
    piece = connected_components(links, directed=False)[1][faces[:, 0]]
    a, b, c = values[faces, :3].transpose(1, 0, 2)
    area = np.bincount(piece, np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2)
    if area.max() < _LEAST:
        return None
    values, faces, _ = compact(values, faces[area[piece] >= _PART * area.max()])
    normals = values[:, 3:6] / np.maximum(np.linalg.norm(values[:, 3:6], axis=1, keepdims=True), 1e-12)
    return Mesh(*(np.ascontiguousarray(one) for one in (values[:, :3], faces, normals, values[:, 6:9], values[:, 9])))

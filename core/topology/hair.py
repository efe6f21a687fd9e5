"""The hair of a reconstructed head as a shell over the rigged head's neutral skin, for the head's bone to carry."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

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
    faces = surface.faces[(hair > 0.5)[surface.faces].all(1)]
    if not len(faces):
        return None
    links = sp.coo_matrix((np.ones(2 * len(faces), bool), (faces[:, :2].ravel(), faces[:, 1:].ravel())), shape=(len(hair),) * 2)
    piece = connected_components(links, directed=False)[1][faces[:, 0]]
    rest = neutral_mesh(rigged, surface)
    a, b, c = rest.vertices[faces].transpose(1, 0, 2)
    area = np.bincount(piece, np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2)
    if area.max() < _LEAST:
        return None
    vertices, faces, kept = compact(rest.vertices, faces[area[piece] >= _PART * area.max()])
    return Mesh(vertices, faces, rest.normals[kept], surface.colours[kept], surface.observed[kept])

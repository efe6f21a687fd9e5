"""A reconstructed head, hair and all, in the rigged head's neutral pose and upright frame; and made the same on both sides."""

from dataclasses import replace

import numpy as np

from ..geometry.closest import ClosestSurface
from ..geometry.mesh import smoothing_matrix, vertex_normals
from ..models.skinning import blended
from ..result import Mesh
from .rigged import RiggedHead
from .transfer import Transfer

_FADE = 0.02  # metres off the skin over which expressions fade: hair does not smile
_SMOOTHED = 12  # steps along the surface, so that what is near another part of the skin than its neighbours does not tear
_HALVES = 3  # times that the two sides are drawn together
_LEAST = 0.05  # how much of a colour counts that no photo shows


def neutral_mesh(rigged: RiggedHead, mesh: Mesh) -> Mesh:
    """A result's surface without the photo's pose and expression, on the rigged head's neutral skin; colours stay.

    Every vertex goes back by the skinning and the shapes of the skin nearest to it.
    """
    skin = rigged.faces[rigged.face_part == 0]
    near = Transfer.between(rigged.posed(rigged.key_values, rigged.rotations), skin, mesh.vertices)
    bent = rigged.shaped(rigged.key_values, rigged.rotations) - rigged.neutral
    fade = np.exp(-((near.distance / _FADE) ** 2))[:, None]
    carried = np.hstack([near(rigged.weights), fade * near(bent)]).astype(np.float32)
    smooth = smoothing_matrix(mesh.faces, len(mesh.vertices))
    for _ in range(_SMOOTHED):
        carried = smooth @ carried
    joints = rigged.weights.shape[1]
    weights = carried[:, :joints] / carried[:, :joints].sum(1, keepdims=True)
    turn, shift = blended(weights, *rigged.transforms(rigged.rotations))
    rest = np.linalg.solve(turn.astype(np.float64), (mesh.vertices - shift)[..., None])[..., 0] - carried[:, joints:]
    return _moved(mesh, rest)


def symmetric_mesh(mesh: Mesh) -> Mesh:
    """A neutral surface whose sides are each other's mirror images across x = 0, in shape and colour; faces stay as they are.

    Each vertex and the place that its mirror image is nearest to meet half way. Of colours, those that the photo shows count.
    """
    flip = np.array([-1, 1, 1], np.float32)
    colours, observed = mesh.colours, mesh.observed
    vertices = mesh.vertices
    for _ in range(_HALVES):
        closest = ClosestSurface(vertices, mesh.faces)
        _, face, shares = closest.query(vertices * flip)
        vertices = (vertices + closest.interpolate(vertices, face, shares) * flip) / 2
    other = closest.interpolate(np.column_stack([colours, observed]), face, shares)
    mine, theirs = observed[:, None] + _LEAST, other[:, 3:] + _LEAST
    mixed = (mine * colours + theirs * other[:, :3]) / (mine + theirs)
    return replace(_moved(mesh, vertices), colours=mixed.astype(np.float32), observed=np.maximum(observed, other[:, 3]))


def _moved(mesh: Mesh, vertices: np.ndarray) -> Mesh:
    vertices = vertices.astype(np.float32)
    return replace(mesh, vertices=vertices, normals=vertex_normals(vertices, mesh.faces))

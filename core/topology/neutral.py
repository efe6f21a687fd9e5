"""From a registered, posed, expressive skin to the person's neutral one: pose, then expression are taken off, the person's shape stays."""

from dataclasses import dataclass, replace

import numpy as np

from ..geometry.mesh import vertex_normals
from ..models.fit import bounded_solve
from ..models.head import NECK, HeadModel, HeadParameters
from ..models.skinning import blended, skin
from .keys import KeyTransfer, face_changes
from .rigged import upright_rotations
from .template import Template

_NOISE = 0.001  # metres: error of the registered surface against the model's shapes
_PLACES = 100  # independent places whose errors that is
_ALONG = 0.2  # how much the registration counts along the surface, against across
_IDENTITY, _EXPRESSION = 0.5, 0.1  # standard deviations of a fit's parameters about the truth
_TIE = 0.1  # the same for the difference of left and right expressions
_ROUNDS = 3


@dataclass(frozen=True)
class Neutral:
    """A person's neutral, unposed skin (Vs, 3) in the upright frame, and the parameters of the head model nearest to the person."""

    vertices: np.ndarray
    parameters: HeadParameters


class Upright:
    """A head model's skin with some parameters in the upright frame: origin at the neck joint, the head's pose undone."""

    def __init__(self, model: HeadModel, parameters: HeadParameters) -> None:
        self.count = int((model.part == 0).sum())
        shaped, joints = model.rest(parameters.identity, parameters.expression)
        neutral, _ = model.rest(parameters.identity, np.zeros(len(model.expression)))
        self.origin = joints[NECK]
        self.shaped = shaped[: self.count] - self.origin
        self.neutral = neutral[: self.count] - self.origin
        maps = model.transforms(joints - self.origin, upright_rotations(parameters.rotations))
        self._weights = model.weights[: self.count]
        self._maps = maps
        self.turn, self.shift = blended(self._weights, *maps)

    @property
    def posed(self) -> np.ndarray:
        """(Vs, 3) with expression and pose."""
        return skin(self.shaped, self._weights, *self._maps)

    def unposed(self, posed: np.ndarray) -> np.ndarray:
        """Rest places (Vs, 3) of posed vertices (Vs, 3): skinning undone."""
        return np.linalg.solve(self.turn, (posed - self.shift)[..., None])[..., 0]


def neutralise(model: HeadModel, parameters: HeadParameters, template: Template, registered: np.ndarray) -> Neutral:
    """The neutral skin behind registered vertices (Vs, 3) in the upright frame, which `parameters` explain roughly.

    With the keys of KeyTransfer on it, the returned expression and the pose of `parameters`, the neutral gives back the registered skin.
    """
    unposed = Upright(model, parameters).unposed(registered)
    refined = _refined(model, parameters, template, unposed)
    base = Upright(model, refined)
    # The neck joint, which is the origin, moves with the identity; the registered skin stays where it is.
    frames = _turns(base.neutral, base.shaped, template.faces)
    vertices = base.neutral + np.einsum("vba,vb->va", frames, unposed - base.shaped)
    for _ in range(_ROUNDS):
        missing = unposed - vertices - KeyTransfer(model, vertices).combined(refined.expression)
        vertices = vertices + np.einsum("vba,vb->va", frames, missing)
    return Neutral(vertices.astype(np.float32), refined)


def _refined(model: HeadModel, parameters: HeadParameters, template: Template, unposed: np.ndarray) -> HeadParameters:
    """Identity and expression nearest to an unposed skin, about those of the fit: bounded linear least squares."""
    count = len(unposed)
    skin_mesh = Upright(model, parameters)
    identities = np.flatnonzero(parameters.identity)
    actions = np.array([i for i, shape in enumerate(model.expression[:, :count]) if np.abs(shape[template.face > 0.5]).max() > 1e-4])
    joint = model.joint_identity[identities, NECK]
    basis = np.concatenate([model.identity[identities, :count] - joint[:, None], model.expression[actions, :count]]).astype(np.float64)
    weight = template.mass * template.face * template.hairless
    weight = _PLACES / _NOISE**2 * weight / weight.sum()
    missing = unposed - skin_mesh.shaped
    normals = vertex_normals(skin_mesh.shaped, template.faces)
    across = np.einsum("kvc,vc->kv", basis, normals), np.einsum("vc,vc->v", missing, normals)
    matrix = (1 - _ALONG) * (across[0] * weight) @ across[0].T
    right = (1 - _ALONG) * across[0] @ (weight * across[1])
    for axis in range(3):
        matrix += _ALONG * (basis[..., axis] * weight) @ basis[..., axis].T
        right += _ALONG * basis[..., axis] @ (weight * missing[:, axis])
    deviation = np.r_[np.full(len(identities), _IDENTITY), np.full(len(actions), _EXPRESSION)]
    matrix += np.diag(deviation**-2.0)
    expression = parameters.expression[actions]
    names = [model.expression_names[i] for i in actions]
    for left, name in enumerate(names):
        if name.endswith("Left") and (other := name[: -len("Left")] + "Right") in names:
            pair = len(identities) + np.array([left, names.index(other)])
            tie = np.array([[1.0, -1.0], [-1.0, 1.0]]) / _TIE**2
            matrix[np.ix_(pair, pair)] += tie
    low = np.r_[np.full(len(identities), -np.inf), -expression]
    high = np.r_[np.full(len(identities), np.inf), 1 - expression]
    step = bounded_solve(matrix, right, low, high)
    identity, values = parameters.identity.copy(), parameters.expression.copy()
    identity[identities] += step[: len(identities)]
    values[actions] = np.clip(expression + step[len(identities) :], 0, 1)
    return replace(parameters, identity=identity, expression=values)


def _turns(before: np.ndarray, after: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3, 3): the rotation of each vertex's surroundings from one skin to another."""
    changes = face_changes(before, after, faces).transpose(0, 2, 1) + np.eye(3)
    summed = np.zeros((len(before), 3, 3))
    np.add.at(summed, faces.ravel(), np.repeat(changes, 3, axis=0))
    left, _, right = np.linalg.svd(summed)
    sign = np.sign(np.linalg.det(left @ right))
    left[:, :, 2] *= sign[:, None]
    return left @ right

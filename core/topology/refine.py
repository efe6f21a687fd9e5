"""The fit once more, on the surface: identity, expression and pose of the head model that lie nearest to a free-form surface.

Bounded Gauss-Newton on distances along the surface's normals (Chen & Medioni 1992), about what the fit to the photo's landmarks says.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..geometry.mesh import vertex_normals
from ..models.fit import bounded_solve
from ..models.head import NECK, HeadModel, HeadParameters
from ..models.rotation import rotation_matrix, rotation_vector, skew
from ..models.skinning import blended, skin
from .template import Template
from .uniformise import FreeForm, Matcher

_REACHES = (0.010, 0.008, 0.006, 0.004, 0.003, 0.003)  # metres: each round's distance at which a place counts half
_ACROSS, _ALONG = 0.0008, 0.002  # metres: errors of the surface along its normal, of the fit along the surface
_PLACES = 400, 8  # how many independent errors of each there are on a face
_IDENTITY, _EXPRESSION, _TIE = 1.0, 0.12, 0.12  # standard deviations of identity, expression about the fit's, and left against right
_TURN, _SHIFT = 0.05, 0.01  # radians, metres: standard deviations of the head's pose


@dataclass(frozen=True)
class PlacedHead:
    """A head model in some frame, metres: parameters, whose global rotation turns model axes into the frame's, and the neck joint (3,)."""

    model: HeadModel
    parameters: HeadParameters
    neck: np.ndarray

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3): the head's axes in the frame (global and neck)."""
        return rotation_matrix(self.parameters.rotations[0]) @ rotation_matrix(self.parameters.rotations[NECK])

    @property
    def count(self) -> int:
        """Vertices of the skin, Vs."""
        return int((self.model.part == 0).sum())

    def maps(self) -> tuple[np.ndarray, np.ndarray]:
        """Linear parts (Vs, 3, 3) and offsets (Vs, 3) that skinning applies to rest vertices relative to the neck joint."""
        return blended(self.model.weights[: self.count], *self._transforms())

    def _transforms(self) -> tuple[np.ndarray, np.ndarray]:
        _, joints = self.model.rest(self.parameters.identity, np.zeros(len(self.model.expression)))
        linear, offset = self.model.transforms(joints - joints[NECK], self.parameters.rotations)
        return linear, offset + self.neck

    def rest(self, expression: np.ndarray | None = None) -> np.ndarray:
        """Rest skin (Vs, 3) relative to the neck joint, with the parameters' expression or a given one."""
        chosen = self.parameters.expression if expression is None else expression
        vertices, joints = self.model.rest(self.parameters.identity, chosen)
        return vertices[: self.count] - joints[NECK]

    def posed(self) -> np.ndarray:
        """Posed skin (Vs, 3)."""
        return skin(self.rest(), self.model.weights[: self.count], *self._transforms())

    def moved(self, identity: np.ndarray, expression: np.ndarray, turn: np.ndarray, shift: np.ndarray) -> Self:
        """With other shape coefficients, turned by a rotation vector (3,) about the frame's origin and shifted (3,)."""
        rotations = self.parameters.rotations.copy()
        rotations[0] = rotation_vector(rotation_matrix(turn) @ rotation_matrix(rotations[0]))
        neck = rotation_matrix(turn) @ self.neck + shift
        return type(self)(self.model, HeadParameters(identity, expression, rotations), neck)


def refine(head: PlacedHead, surface: FreeForm) -> PlacedHead:
    """The head nearest to a surface in the same frame, about a head that comes from the photo's landmarks."""
    model, template, count = head.model, Template.of(head.model), head.count
    first = head.posed().astype(np.float64)
    matcher = Matcher(template, first, surface, model.code[:count])
    open_skin = template.face * template.hairless > 0.5
    actions = np.array([i for i, shape in enumerate(model.expression[:, :count]) if np.abs(shape[open_skin]).max() > 1e-4])
    shapes = np.concatenate(
        [model.identity[:, :count] - model.joint_identity[:, NECK, None], model.expression[actions, :count]],
    )
    prior, start = _prior(model, actions), np.r_[np.zeros(len(model.identity)), head.parameters.expression[actions]]
    sizes = len(model.identity), len(start)
    used = np.flatnonzero(template.follow > 0.05)
    along_weight = template.mass * template.face * template.hairless
    along_weight = (_PLACES[1] / _ALONG**2 * along_weight / along_weight.sum())[used]
    usual = (template.mass * template.face).sum()
    turned = shifted = np.zeros(3)
    for reach in _REACHES:
        current = head.posed().astype(np.float64)
        wanted, confidence = matcher.places(template, current, reach)
        normals = vertex_normals(current, template.faces)[used]
        linear, _ = head.maps()
        motion = np.einsum("vab,kvb->vak", linear[used], shapes[:, used], optimize=True)
        rigid = np.concatenate([-skew(current[used]), np.broadcast_to(np.eye(3), (len(used), 3, 3))], axis=2)
        motion = np.concatenate([motion, rigid], axis=2)
        weight = (_PLACES[0] / _ACROSS**2 / usual * template.mass * confidence)[used]
        across = np.einsum("va,vak->vk", normals, motion, optimize=True)
        matrix = across.T @ (across * weight[:, None])
        right = across.T @ (weight * ((wanted - current)[used] * normals).sum(1))
        slide = motion - normals[:, :, None] * across[:, None, :]
        slipped = (first - current)[used]
        slipped -= normals * (slipped * normals).sum(1, keepdims=True)
        flat = (slide * np.sqrt(along_weight)[:, None, None]).reshape(-1, slide.shape[2])
        matrix += flat.T @ flat
        right += flat.T @ (slipped * np.sqrt(along_weight)[:, None]).ravel()
        now = np.r_[head.parameters.identity, head.parameters.expression[actions]]
        matrix += prior
        right -= prior @ np.r_[now - start, turned, shifted]
        free = np.full(6, np.inf)
        values = now[sizes[0] :]
        low = np.r_[np.full(sizes[0], -np.inf), -values, -free]
        high = np.r_[np.full(sizes[0], np.inf), 1 - values, free]
        step = bounded_solve(matrix, right, low, high)
        expression = head.parameters.expression.copy()
        expression[actions] = np.clip(values + step[sizes[0] : sizes[1]], 0, 1)
        turned, shifted = turned + step[-6:-3], shifted + step[-3:]
        head = head.moved(head.parameters.identity + step[: sizes[0]], expression, step[-6:-3], step[-3:])
    return head


def _prior(model: HeadModel, actions: np.ndarray) -> np.ndarray:
    """Inverse variances of identity, the chosen expressions, turn and shift as a matrix."""
    count = len(model.identity)
    deviations = [np.full(count, _IDENTITY), np.full(len(actions), _EXPRESSION), np.full(3, _TURN), np.full(3, _SHIFT)]
    prior = np.diag(np.concatenate(deviations) ** -2.0)
    names = [model.expression_names[i] for i in actions]
    for left, name in enumerate(names):
        if name.endswith("Left") and (other := name[: -len("Left")] + "Right") in names:
            pair = count + np.array([left, names.index(other)])
            prior[np.ix_(pair, pair)] += np.array([[1.0, -1.0], [-1.0, 1.0]]) / _TIE**2
    return prior

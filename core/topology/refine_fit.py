"""Refines a fit on the surface: finds the identity, expression and pose of the head model nearest to a reconstructed surface.

Bounded Gauss-Newton on distances along the surface's normals (Chen & Medioni 1992), about what the fit to the photo's landmarks says.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from ..geometry.mesh import vertex_normals
from ..models.head import HeadModel
from ..models.joints import NECK
from ..models.parametric import Parameters
from ..models.rotation import rotation_matrix, rotation_vector, skew
from ..models.skinning import blended, skin
from ..models.solver import Quadratic, minimise
from .register import Matcher, ReconstructedSurface
from .template import Template

_REACHES = (0.010, 0.008, 0.006, 0.004, 0.003, 0.003)  # metres: each round's distance at which a place counts half
_ACROSS, _ALONG = 0.0008, 0.002  # metres: errors of the surface along its normal, of the fit along the surface
_PLACES = 400, 8  # how many independent errors of each there are on a face
_IDENTITY, _EXPRESSION, _TIE = 1.0, 0.12, 0.12  # standard deviations of identity, expression about the fit's, and left against right
_TURN, _SHIFT = 0.05, 0.01  # radians, metres: standard deviations of the head's pose
_GROWTH, _BEND = 0.05, 0.15  # share, radians: standard deviations of the scale and of the torso's turn about the neck joint
_MOTION = 10  # unknowns of PlacedHead.moved
_NECK, _SHOULDERS, _COLLAR = 6.0, 0.2, -0.2  # factor by which the neck's skin counts more here; how much shoulders count, above a height


@dataclass(frozen=True)
class PlacedHead:
    """A head model in some frame, metres: parameters, whose global rotation turns model axes into the frame's, the neck joint (3,), and how
    many of the frame's metres one of the model's is."""

    model: HeadModel
    parameters: Parameters
    neck: np.ndarray
    scale: float = 1.0

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3): the head's axes in the frame (global and neck)."""
        return rotation_matrix(self.parameters.rotations[0]) @ rotation_matrix(self.parameters.rotations[NECK])

    @property
    def count(self) -> int:
        """Vertices of the skin, Vs."""
        return self.model.skin_count

    def maps(self) -> tuple[np.ndarray, np.ndarray]:
        """Linear parts (Vs, 3, 3) and offsets (Vs, 3) that skinning applies to rest vertices relative to the neck joint."""
        return blended(self.model.weights[: self.count], *self._transforms())

    def _transforms(self) -> tuple[np.ndarray, np.ndarray]:
        _, joints = self.model.rest(self.parameters.identity, np.zeros(len(self.model.expression)))
        linear, offset = self.model.skeleton.transforms(joints - joints[NECK], self.parameters.rotations)
        return linear * self.scale, offset * self.scale + self.neck

    def rest(self, expression: np.ndarray | None = None) -> np.ndarray:
        """Rest skin (Vs, 3) relative to the neck joint, with the parameters' expression or a given one."""
        chosen = self.parameters.expression if expression is None else expression
        vertices, joints = self.model.rest(self.parameters.identity, chosen)
        return vertices[: self.count] - joints[NECK]

    def posed(self) -> np.ndarray:
        """Posed skin (Vs, 3)."""
        return skin(self.rest(), self.model.weights[: self.count], *self._transforms())

    def moved(self, identity: np.ndarray, expression: np.ndarray, motion: np.ndarray) -> Self:
        """With other shape coefficients, after a motion (10,): everything turned by a rotation vector about the frame's origin, scaled by
        the exponential of a number and shifted; then the torso alone turned by a rotation vector about the neck joint."""
        turn, growth, bend = rotation_matrix(motion[:3]), float(np.exp(motion[3])), rotation_matrix(motion[7:])
        rotations = self.parameters.rotations.copy()
        torso = bend @ turn @ rotation_matrix(rotations[0])
        rotations[NECK] = rotation_vector(torso.T @ turn @ self.rotation)
        rotations[0] = rotation_vector(torso)
        neck = growth * turn @ self.neck + motion[4:7]
        return type(self)(self.model, Parameters(identity, expression, rotations), neck, self.scale * growth)


def refine_fit(head: PlacedHead, surface: ReconstructedSurface) -> PlacedHead:
    """The head nearest to a surface in the same frame, about a head that comes from the photo's landmarks."""
    problem = _Problem(head, surface)
    return minimise(_Refined(head, np.zeros(_MOTION)), problem.linearised, problem.moved, _REACHES).head


@dataclass(frozen=True)
class _Refined:
    """The head so far, and the sum of the motions (10,) that it has made since the start."""

    head: PlacedHead
    motion: np.ndarray


class _Problem:
    """Least squares over identity, the expressions that show on open skin (`visible_expressions`), and PlacedHead.moved's motion."""

    def __init__(self, head: PlacedHead, surface: ReconstructedSurface) -> None:
        model, count = head.model, head.count
        self._template = template = _bared(model, Template.of(model))
        self._first = head.posed().astype(np.float64)
        self._matcher = Matcher(template, self._first, surface, model.correspondence[:count])
        open_skin = template.face * template.hairless
        self.visible_expressions = np.flatnonzero(np.abs(model.expression[:, :count][:, open_skin > 0.5]).max((1, 2)) > 1e-4)
        self.start = head.parameters.expression[self.visible_expressions]
        self.prior = _prior(model, self.visible_expressions)
        identity = model.identity[:, :count] - model.skeleton.identity[:, NECK, None]
        self._used = np.flatnonzero(template.follow > 0.05)
        self._shapes = np.concatenate([identity, model.expression[self.visible_expressions, :count]])[:, self._used]
        self._across = _PLACES[0] / _ACROSS**2 * template.mass / (template.mass * template.face).sum()
        self._along = (_PLACES[1] / _ALONG**2 * template.mass * open_skin / (template.mass * open_skin).sum())[self._used]

    def moved(self, state: _Refined, step: np.ndarray) -> _Refined:
        """The state after a step (P,)."""
        parameters = state.head.parameters
        count = len(parameters.identity)
        expression, motion = parameters.expression.copy(), step[-_MOTION:]
        expression[self.visible_expressions] = np.clip(expression[self.visible_expressions] + step[count:-_MOTION], 0, 1)
        return _Refined(state.head.moved(parameters.identity + step[:count], expression, motion), state.motion + motion)

    def linearised(self, state: _Refined, reach: float) -> Quadratic:
        """The energy of surface, fit and prior about a state; reach: metres at which a place on the surface counts half."""
        matrix, right = self._normal_equations(state.head, reach)
        identity, values = state.head.parameters.identity, state.head.parameters.expression[self.visible_expressions]
        apart = np.r_[identity, values - self.start, state.motion]
        free, unbounded = np.full(_MOTION, np.inf), np.full(len(identity), np.inf)
        low, high = np.r_[-unbounded, -values, -free], np.r_[unbounded, 1 - values, free]
        return Quadratic(matrix + self.prior, right - self.prior @ apart, low, high)

    def _normal_equations(self, head: PlacedHead, reach: float) -> tuple[np.ndarray, np.ndarray]:
        """Gauss-Newton matrix (P, P) and right side (P,) of the surface and of the fit, without the prior."""
        used, current = self._used, head.posed().astype(np.float64)
        wanted, confidence = self._matcher.places(self._template, current, reach)
        normals = vertex_normals(current, self._template.faces)[used]
        shape = np.einsum("vab,kvb->vak", head.maps()[0][used], self._shapes, optimize=True)
        torso = head.model.weights[used, 0, None] * head.scale * head.rest()[used] @ rotation_matrix(head.parameters.rotations[0]).T
        shift = np.broadcast_to(np.eye(3), (len(used), 3, 3))
        motion = np.concatenate([shape, -skew(current[used]), current[used, :, None], shift, -skew(torso)], axis=2)
        across = np.einsum("va,vak->vk", normals, motion, optimize=True)
        weight = (self._across * confidence)[used]
        matrix = across.T @ (across * weight[:, None])
        right = across.T @ (weight * ((wanted - current)[used] * normals).sum(1))
        # The surface does not hold vertices along itself; the fit to the landmarks does, weakly.
        slipped = (self._first - current)[used]
        slipped -= normals * (slipped * normals).sum(1, keepdims=True)
        root = np.sqrt(self._along)[:, None]
        slide = ((motion - normals[:, :, None] * across[:, None, :]) * root[:, None]).reshape(-1, motion.shape[2])
        return matrix + slide.T @ slide, right + slide.T @ (slipped * root).ravel()


def _bared(model: HeadModel, template: Template) -> Template:
    """The template with neck and shoulders that follow the surface, wherever it lies: they alone tell where the neck's joint is, which over
    all people the head's own skin leaves open to a centimetre."""
    region = {name: mask[: len(template.mass)] > 0.3 for name, mask in model.regions.items()}
    shoulders = ~region["head"] & ~region["neck"] & (model.mean[: len(template.mass), 1] > _COLLAR)
    follow = np.where(region["neck"], _NECK * template.follow, np.where(shoulders, _SHOULDERS, template.follow))
    return replace(template, follow=follow, hairless=np.where(region["neck"] | shoulders, 1.0, template.hairless))


def _prior(model: HeadModel, visible_expressions: np.ndarray) -> np.ndarray:
    """Inverse variances of identity, the chosen expressions and the motion as a matrix."""
    count = len(model.identity)
    shape = np.repeat([_IDENTITY, _EXPRESSION], [count, len(visible_expressions)])
    motion = np.repeat([_TURN, _GROWTH, _SHIFT, _BEND], [3, 1, 3, 3])
    prior = np.diag(np.concatenate([shape, motion]) ** -2.0)
    names = [model.expression_names[i] for i in visible_expressions]
    for left, name in enumerate(names):
        if name.endswith("Left") and (other := name[: -len("Left")] + "Right") in names:
            pair = count + np.array([left, names.index(other)])
            prior[np.ix_(pair, pair)] += np.array([[1.0, -1.0], [-1.0, 1.0]]) / _TIE**2
    return prior

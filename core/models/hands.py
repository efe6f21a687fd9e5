"""Pose the body model's fingers to hands that were seen, with the same solver as the other fits.

How long a hand's bones are is the model's matter. What is taken from the landmarks is which way each bone points, and where in the photo
the hand is. The elbow stays; the forearm may turn about its own axis and give way a little, a wrist bend, fingers flex and spread, each
within its bounds.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..photo.hands import HandLandmarks
from .articulation import left_jacobian
from .body import BodyModel
from .body_fit import BodyViewFit
from .body_guess import straight_ahead
from .parametric import Parameters
from .rotation import rotation_matrix, rotation_vector, skew
from .skinning import joint_transforms
from .solver import Quadratic, cauchy_loss, cauchy_weight, minimise

_STEPS, _CONVERGED = 30, 1e-3
_DEVIATION, _ROBUST = 0.2, 2.0  # of a bone's direction, a unit vector
_BESIDE, _PLACE_TRUST = 0.012, 0.15  # metres that landmarks lie beside; they err together, so each counts less
_WRONG = 0.55  # mean distance between unit directions from which on it is no such hand: the other one, or none
_FINGERS = tuple(range(1, 6))
_PALM = (0, 1, 5, 9, 13, 17)
# Deviations and bounds in radians of (flexion, spreading, twist) of a finger's three joints; flexion towards the palm counts up.
_FINGER = ((0.8, 0.2, 0.1), (0.9, 0.03, 0.03), (0.6, 0.03, 0.03))
_THUMB = ((0.45, 0.45, 0.3), (0.5, 0.1, 0.1), (0.6, 0.05, 0.05))
_LOW, _HIGH = (-0.4, -0.6, -0.5), (1.7, 0.6, 0.5)
_WRIST_DEVIATION, _WRIST_BOUND = 0.45, 1.3
_TWIST, _TWIST_BOUND = (0.7, 0.12, 0.12), (1.8, 0.3, 0.3)  # of the forearm: about itself, and to the sides


def pose_hands(body: BodyModel, fit: BodyViewFit, hands: Mapping[str, HandLandmarks]) -> BodyViewFit:
    """The fit with wrists and fingers posed to hands, by side `L` or `R`. A side that was not seen keeps its pose, and so does one whose
    landmarks fit no hand of that side. The rest of the body stays where it is."""
    rotations = fit.parameters.rotations.copy()
    for side, hand in hands.items():
        problem = HandProblem(body, fit, side, hand)
        turns = minimise(problem.start(), problem.linearised, problem.moved, range(_STEPS), problem.energy, _CONVERGED)
        if problem.apart(turns) < _WRONG:
            rotations[problem.joints] = problem.rotations(turns)
    parameters = Parameters(fit.parameters.identity, fit.parameters.expression, rotations)
    posed = body.posed(parameters)
    root = fit.joints[0] - posed.joints[0]
    return replace(fit, parameters=parameters, vertices=posed.vertices + root, joints=posed.joints + root)


class HandProblem:
    """One hand's energy over turns (17, 3): of the forearm, of the wrist, and of the fingers' joints, about axes of their own."""

    def __init__(self, body: BodyModel, fit: BodyViewFit, side: str, hand: HandLandmarks) -> None:
        names = ["lowerarm01", "wrist", *(f"finger{finger}-{bone}" for finger in _FINGERS for bone in (1, 2, 3))]
        self.joints = np.array([body.joint(f"{name}.{side}") for name in names])
        vertices, rest = body.rest(fit.parameters.identity, fit.parameters.expression)
        rest = rest.astype(np.float64)
        tips = np.stack([_tip(body, vertices, rest, joint) for joint in self.joints[4::3]])
        # MediaPipe's landmarks at rest and the joint that carries each: the wrist, then of each finger three joints and the tip.
        chain = np.arange(2, 17).reshape(5, 3)
        self._carrier = np.r_[1, np.column_stack([chain, chain[:, 2]]).ravel()]
        marks = np.concatenate([rest[self.joints[2:]].reshape(5, 3, 3), tips[:, None]], axis=1)
        self._marks = np.concatenate([rest[self.joints[1]][None], marks.reshape(-1, 3)])
        self._rest = rest[self.joints]
        self._parent = np.concatenate([[-1, 0], *([1, first, first + 1] for first in chain[:, 0])])
        self._below = np.eye(17)
        for row in range(17):
            above = self._parent[row]
            while above >= 0:
                self._below[above, row] = 1
                above = self._parent[above]
        linear, _ = joint_transforms(rest, body.skeleton.parents, fit.parameters.rotations)
        self._base = linear[body.skeleton.parents[self.joints[0]]]
        own = fit.parameters.rotations[self.joints].astype(np.float64)
        own[2:] = 0
        self._own = rotation_matrix(own)
        self._axes, self._deviation, self._low, self._high = _freedom(self._rest, self._marks, side)
        bones = [(0, root) for root in _PALM[1:]] + [(root + k, root + k + 1) for root in _PALM[1:] for k in range(3)]
        self._from, self._to = np.array(bones).T
        # The detector takes every hand to lie straight ahead.
        self._elbow, self._camera = fit.joints[self.joints[0]].astype(np.float64), fit.camera
        back = straight_ahead(fit.joints[self.joints[1]] - [0, 0, fit.camera.distance]).T
        self._seen = _unit(hand.world[self._to] - hand.world[self._from]) @ back.T
        self._points = (hand.points - fit.camera.centre) * [1, -1] / fit.camera.scale

    def start(self) -> np.ndarray:
        """No turns (17, 3)."""
        return np.zeros((17, 3))

    def rotations(self, turns: np.ndarray) -> np.ndarray:
        """Rotation vectors (17, 3) of the body model's `joints`."""
        return rotation_vector(self._own @ rotation_matrix(self._vectors(turns)))

    def apart(self, turns: np.ndarray) -> float:
        """Mean distance between the bones' unit directions and those seen."""
        return float(np.linalg.norm(self._directions(*self._placed(turns))[0] - self._seen, axis=1).mean())

    def energy(self, turns: np.ndarray) -> float:
        """One unit is a squared deviation."""
        return sum(trust * float(cauchy_loss((error**2).sum(1), _ROBUST).sum()) for error, _, trust in self._terms(turns)) + float(
            ((turns / self._deviation) ** 2).sum()
        )

    def linearised(self, turns: np.ndarray, _: int = 0) -> Quadratic:
        """The energy around turns, over steps (51,) of `moved`."""
        prior = 1 / self._deviation.ravel() ** 2
        matrix, right = np.diag(prior), -prior * turns.ravel()
        for error, moves, trust in self._terms(turns):
            root = np.sqrt(cauchy_weight((error**2).sum(1), _ROBUST, trust))[:, None]
            jacobian = (moves * root[..., None]).reshape(-1, 51)
            matrix += jacobian.T @ jacobian
            right -= jacobian.T @ (error * root).ravel()
        return Quadratic(matrix, right, (self._low - turns).ravel(), (self._high - turns).ravel())

    def moved(self, turns: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Turns after a step (51,), of half a radian at most."""
        return np.clip(turns + step.reshape(17, 3).clip(-0.5, 0.5), self._low, self._high)

    def _vectors(self, turns: np.ndarray) -> np.ndarray:
        return np.einsum("jab,jb->ja", self._axes, turns)

    def _terms(self, turns: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, float]]:
        """Errors (N, 2 or 3) in deviations, their derivative (N, 2 or 3, 51), and the trust in each: of directions, and of places."""
        marks, moves = self._placed(turns)
        directions, turned = self._directions(marks, moves)
        away = self._camera.distance - marks[:, 2:]
        flat = marks[:, :2] * (self._camera.distance / away)
        slid = (moves[:, :2] * self._camera.distance + flat[..., None] * moves[:, 2:]) / away[..., None]
        beside = (flat - self._points) / _BESIDE
        return [((directions - self._seen) / _DEVIATION, turned / _DEVIATION, 1.0), (beside, slid / _BESIDE, _PLACE_TRUST)]

    def _placed(self, turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The landmarks (21, 3), camera frame, and their derivative (21, 3, 51)."""
        vectors = self._vectors(turns)
        local = self._own @ rotation_matrix(vectors)
        turned, places, before = np.empty_like(local), np.empty_like(self._rest), np.empty_like(local)
        for row, parent in enumerate(self._parent):
            above = self._base if parent < 0 else turned[parent]
            before[row], turned[row] = above @ self._own[row], above @ local[row]
            places[row] = self._elbow if parent < 0 else places[parent] + above @ (self._rest[row] - self._rest[parent])
        carrier = self._carrier
        marks = places[carrier] + np.einsum("nab,nb->na", turned[carrier], self._marks - self._rest[carrier])
        axes = before @ left_jacobian(vectors) @ self._axes
        arms = marks[None] - places[:, None]
        moves = -np.einsum("jnab,jbc->njac", skew(arms), axes) * self._below[:, carrier].T[..., None, None]
        return marks, moves.transpose(0, 2, 1, 3).reshape(len(marks), 3, 51)

    def _directions(self, marks: np.ndarray, moves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Unit directions (20, 3) of the bones, and their derivative (20, 3, 51)."""
        bone = marks[self._to] - marks[self._from]
        length = np.linalg.norm(bone, axis=1)[:, None]
        directions = bone / length
        flat = np.eye(3) - directions[:, :, None] * directions[:, None]
        return directions, flat @ (moves[self._to] - moves[self._from]) / length[..., None]


def _freedom(rest: np.ndarray, marks: np.ndarray, side: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Axes (17, 3, 3) at rest, in columns, deviations (17, 3) and bounds (17, 3) of the turns of HandProblem."""
    axes, deviation = np.tile(np.eye(3), (17, 1, 1)), np.full((17, 3), _WRIST_DEVIATION)
    low, high = np.full((17, 3), -_WRIST_BOUND), np.full((17, 3), _WRIST_BOUND)
    # The forearm's first axis is its own.
    along = _unit(rest[1] - rest[0])
    axes[0] = np.linalg.svd(along[None])[2].T
    axes[0, :, 0] = along
    deviation[0], low[0], high[0] = _TWIST, np.negative(_TWIST_BOUND), _TWIST_BOUND
    # Of the back of the hand outwards.
    normal = _unit(np.cross(marks[5] - marks[0], marks[17] - marks[0])) * (1 if side == "L" else -1)
    for finger in _FINGERS:
        for bone in range(3):
            row, mark = 3 * finger - 1 + bone, 4 * finger - 3 + bone
            along = _unit(marks[mark + 1] - marks[mark])
            flexion = _unit(np.cross(normal, along))
            axes[row] = np.stack([flexion, np.cross(along, flexion), along], axis=1)
            deviation[row] = (_THUMB if finger == 1 else _FINGER)[bone]
            low[row], high[row] = _LOW, _HIGH
    return axes, deviation, low, high


def _tip(body: BodyModel, vertices: np.ndarray, joints: np.ndarray, joint: int) -> np.ndarray:
    """The end (3,) at rest of the finger whose last joint is given: of its vertices the one that is farthest out."""
    own = np.flatnonzero(body.weights[:, joint] > 0.5)
    along = joints[joint] - joints[body.skeleton.parents[joint]]
    return vertices[own[((vertices[own] - joints[joint]) @ along).argmax()]].astype(np.float64)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)

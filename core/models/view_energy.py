"""The energy that a fit lowers for one photo: the model's landmarks against the detector's, the priors, and the outline."""

import numpy as np

from ..errors import ReconstructionError
from ..photo.landmarks import IBUG68, MEDIAPIPE
from .face_shapes import FaceShapes
from .guess import HeadGuess
from .head import EYE_DISTANCE
from .normal_term import NormalTerm
from .observation import Observation
from .outline import Outline
from .pin_term import PinTerm
from .projection import MOTION, FitState
from .rotation import rotation_vector
from .second_opinion import SecondOpinion
from .solver import Quadratic, cauchy_loss, cauchy_weight

DEFAULT_DISTANCE = 1.5
"""Camera distance in metres when the photo does not tell: a portrait's."""
_NEAREST, _FARTHEST = 0.3, 20.0  # metres: absurd metadata must not bend the face
# Weights, tuned on renders of known heads with the detector in the loop; one unit of residual is the eye distance.
_DEPTH_TRUST = 0.1
_ROBUST = 0.15
_ROBUST_TURN = 0.15  # radians
_LEAST_ASPECT = 0.2  # of a face in the picture, over what its view in two dimensions would have
_LEAST_SHOWN = 0.4  # cosine of the head's turn


class ViewEnergy:
    """The energy of one view over its FitState: landmarks, prior, a second detector's landmarks and the artist's pins if there are
    such and, once there are such, the outline and normals. One unit is the eye distance. iBUG's landmarks, which have no depth,
    take the place of MediaPipe's where these are unknown.

    share: how much of the identity's prior this view brings, where several views of one person bring it together.
    """

    def __init__(self, shapes: FaceShapes, seen: Observation, guess: HeadGuess | None, share: float = 1.0) -> None:
        flat = seen.landmarks.get(IBUG68)
        if MEDIAPIPE not in seen.landmarks:
            assert flat is not None
            shapes, self._depth_trust = shapes.ibug68, 0.0
            self._target = np.column_stack([flat, np.zeros(len(flat))]) * [1, -1, 1]
            self._second = None
        else:
            self._depth_trust = _DEPTH_TRUST
            self._target = seen.landmarks[MEDIAPIPE] * np.array([1.0, -1.0, 1.0])
            self._second = None if flat is None else SecondOpinion(shapes.ibug68, flat)
        self.shapes, self.seen = shapes, seen
        self._pins = None if seen.pins is None else PinTerm(shapes, seen.pins)
        self.outline: Outline | None = None
        self.normals: NormalTerm | None = None
        self._prior, self._share = shapes.prior(guess), share
        self._matrix, self._weight = self._prior.matrix, shapes.weight

    @property
    def size(self) -> int:
        """Unknowns of this view: its shape's and MOTION."""
        return self.shapes.size + MOTION

    def start(self) -> FitState:
        """Rigid alignment of the mean head's landmarks with the detector's.

        Raises ReconstructionError when they form no face."""
        mean, weight = self.shapes.points.mean, self._weight / self._weight.sum()
        source, target = mean - weight @ mean, self._target - weight @ self._target
        rotation, scale = (_aligned if self._depth_trust else _aligned_flat)(source, target, weight)
        if not scale > 0:
            raise ReconstructionError(f"The landmarks found in {self.seen.name} do not form a face; choose another photo.")
        offset = (weight @ self._target - scale * (rotation @ (weight @ mean)))[:2]
        return FitState(self._prior.mean, rotation, scale, offset, self._distance(scale))

    def trust(self, state: FitState) -> None:
        """From now on count landmarks as much as the head's turn in a state shows them, and the population the more, the less it shows."""
        self._weight = self.shapes.shown_weight(state)
        if self._second is not None:
            self._second.trust(state)
        # From the side the landmarks' errors, and the camera's, look like another person: the population counts for more.
        known = self.shapes.count
        self._matrix = self._prior.matrix.copy()
        self._matrix[:known, :known] *= self._share
        self._matrix[:known, :known] /= max(state.rotation[2, 2], _LEAST_SHOWN) ** 2

    def energy(self, state: FitState) -> float:
        """Of a state, with robust losses."""
        _, flat, depth = self._errors(state)
        loss = cauchy_loss((flat**2).sum(1), _ROBUST) @ self._weight + self._weight @ depth**2
        apart = state.shape - self._prior.mean
        loss += apart @ self._matrix @ apart + self._prior.turn_weight * cauchy_loss((self._turned(state) ** 2).sum(), _ROBUST_TURN)
        return float(loss) + sum(term.energy(state) for term in self._terms())

    def _terms(self) -> list[Outline | SecondOpinion | NormalTerm | PinTerm]:
        return [term for term in (self.outline, self._second, self.normals, self._pins) if term is not None]

    def _turned(self, state: FitState) -> np.ndarray:
        """Rotation vector (3,) from the guessed turn of the head; 0 without a guess."""
        guessed = self._prior.turn
        return np.zeros(3) if guessed is None else rotation_vector(state.rotation @ guessed.T)

    def _errors(self, state: FitState) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        points, pixels, _ = self.shapes.points.projected(state)
        unit = state.scale * EYE_DISTANCE
        depth = points[:, 2] * state.scale - self._target[:, 2]
        depth = depth - (self._weight @ depth) / self._weight.sum()
        return points, (pixels - self._target[:, :2]) / unit, self._depth_trust * depth / unit

    def linearised(self, state: FitState) -> Quadratic:
        """The energy around a state, over steps (P + MOTION,) of FitState.moved."""
        points, pixels, derivative = self.shapes.points.projected(state)
        _, flat, depth = self._errors(state)
        unit, size, weight = state.scale * EYE_DISTANCE, self.shapes.size, self._weight
        motion = self.shapes.points.motion(state, points)
        total = size + MOTION
        jacobian = np.zeros((len(points), 3, total))
        jacobian[:, :2] = self.shapes.points.moves(state, pixels, derivative, motion)
        deep = motion[:, 2] * (state.scale / unit)
        jacobian[:, 2, : total - 3] = self._depth_trust * (deep - (weight @ deep) / weight.sum())
        robust = cauchy_weight((flat**2).sum(1), _ROBUST, weight)
        root = np.sqrt(np.stack([robust, robust, weight], axis=1))
        rows = (jacobian * root[..., None]).reshape(-1, total)
        errors = (np.concatenate([flat, depth[:, None]], axis=1) * root).ravel()
        matrix, right = rows.T @ rows, -rows.T @ errors
        matrix[:size, :size] += self._matrix
        right[:size] -= self._matrix @ (state.shape - self._prior.mean)
        turn, turned = slice(size, size + 3), self._turned(state)
        pull = cauchy_weight((turned**2).sum(), _ROBUST_TURN, self._prior.turn_weight)
        matrix[turn, turn] += pull * np.eye(3)
        right[turn] -= pull * turned
        for term in self._terms():
            rows, errors = term.linearised(state)
            matrix += rows.T @ rows
            right -= rows.T @ errors
        free = np.full(MOTION, np.inf)
        return Quadratic(matrix, right, np.r_[self.shapes.low - state.shape, -free], np.r_[self.shapes.high - state.shape, free])

    def moved(self, state: FitState, step: np.ndarray) -> FitState:
        """A state after a step (P + MOTION,), with the camera's distance that goes with its scale."""
        moved = state.moved(step, self.shapes.low, self.shapes.high)
        moved.distance = self._distance(moved.scale)
        return moved

    def pose_linearised(self, state: FitState) -> Quadratic:
        """The energy around a state, over steps (MOTION,) of the head's pose and the camera alone."""
        quadratic, size = self.linearised(state), self.shapes.size
        return Quadratic(quadratic.matrix[size:, size:], quadratic.right[size:])

    def pose_moved(self, state: FitState, step: np.ndarray) -> FitState:
        """A state after a step (MOTION,) of pose and camera."""
        return self.moved(state, np.r_[np.zeros(self.shapes.size), step])

    def _distance(self, scale: float) -> float:
        # The focal length in pixels over the scale is the distance.
        return DEFAULT_DISTANCE if self.seen.focal is None else float(np.clip(self.seen.focal / scale, _NEAREST, _FARTHEST))

    def residual(self, state: FitState) -> float:
        """Distance of the projected landmarks from the detected ones, mean by trust, as a share of the eye distance."""
        _, flat, _ = self._errors(state)
        return float(np.linalg.norm(flat, axis=1) @ self._weight / self._weight.sum())


def _aligned(source: np.ndarray, target: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, float]:
    """Rotation (3, 3) and scale that bring centred points (N, 3) nearest to others (Umeyama 1991)."""
    left, values, right = np.linalg.svd((target * weight[:, None]).T @ source)
    sign = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    return left @ sign @ right, float((values * np.diag(sign)).sum() / (weight @ (source**2).sum(1)))


def _aligned_flat(source: np.ndarray, target: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, float]:
    """As `_aligned`, where only the first two coordinates of the target count: the orthographic view nearest to the affine one (POS of
    DeMenthon and Davis 1995). Scale 0 for points on a line."""
    affine = np.linalg.lstsq(source * np.sqrt(weight)[:, None], target[:, :2] * np.sqrt(weight)[:, None], rcond=None)[0].T
    left, values, right = np.linalg.svd(affine, full_matrices=False)
    across = left @ right
    return np.vstack([across, np.cross(*across)]), float(values.mean()) if values[1] > _LEAST_ASPECT * values[0] else 0.0

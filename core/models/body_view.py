"""The energy of one photo of a body: landmarks, the guess, the ground, the outline, over a state of shape, pose and camera."""

from dataclasses import dataclass, replace

import numpy as np

from ..photo.people import BodyLandmarks
from .articulation import Articulation
from .body import BodyModel
from .body_guess import HIPS, MAJOR_JOINTS, BodyGuess, straight_ahead, turn_between
from .body_outline import BodyOutline
from .rotation import rotation_matrix
from .solver import Quadratic, cauchy_loss, cauchy_weight

MOTION = 6
"""Unknowns of a BodyState besides shape and groups: a rotation vector, the scale's logarithm, and the offset in metres."""
DEFAULT_DISTANCE = 4.0
"""Camera distance in metres when the photo does not tell."""
_NEAREST, _FARTHEST = 0.8, 50.0
SHAPES = 24
_SHAPE_BOUND = 3.5
# Weights, tuned on drawn figures of the training split with the detector in the loop.
_LANDMARK_ROBUST, _DEPTH_ROBUST = 2.5, 2.0  # deviations
_POINT_TRUST = 1.0  # of the guessed points
_READ_ALIKE = 0.1  # landmarks err together: each counts less than a measure of its own
_HIDDEN_TRUST = 0.15
_GUESS_TRUST, _DEPTH_TRUST = 0.5, 0.5  # what the guess and its depths count: they come from the same landmarks
_POPULATION = 0.1
_GROUND, _GROUND_ROBUST, _GROUND_TRUST = 0.05, 1.5, 1.0  # metres that feet stand apart in height; lifted ones escape
_LEVEL = np.array([[0.5, 0.5, -0.5, -0.5], [1, -1, 0, 0], [0, 0, 1, -1]])  # of sole_ends: foot by foot, and heel by toe
_LONGEST = 0.5  # radians that a step turns, and metres that it moves


@dataclass
class BodyState:
    """shape (K,); groups (G, 3); rotation (3, 3) of the root, camera axes; scale: pixels a metre at the root; offset (2,): pixels of the
    root from the principal point, y up; distance of the root along the camera's axis. follows: whether the focal length is known, so that
    the distance follows the scale."""

    shape: np.ndarray
    groups: np.ndarray
    rotation: np.ndarray
    scale: float
    offset: np.ndarray
    distance: float
    follows: bool = False

    @property
    def ahead(self) -> np.ndarray:
        """The rotation (3, 3) from camera axes to those in which the root lies straight ahead."""
        return straight_ahead(np.r_[self.offset, -self.scale * self.distance])

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels from the principal point, y up (N, 2), of points (N, 3) in camera axes about the root."""
        return (self.scale * points[:, :2] + self.offset) * (self.distance / (self.distance - points[:, 2:]))

    def derivative(self, points: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The projection's derivative, in metres at the root: (N, 2, 3) by the points, (N, 2, 3) by log scale and offset in metres."""
        magnified = self.distance / (self.distance - points[:, 2])
        place = np.zeros((len(points), 2, 3))
        place[:, 0, 0] = place[:, 1, 1] = magnified
        place[:, :, 2] = pixels / (self.scale * (self.distance - points[:, 2]))[:, None]
        camera = np.zeros((len(points), 2, 3))
        camera[:, :, 0] = points[:, :2] * magnified[:, None]
        if self.follows:
            camera[:, :, 0] += pixels * (points[:, 2] / (self.scale * (self.distance - points[:, 2])))[:, None]
        camera[:, 0, 1] = camera[:, 1, 2] = magnified
        return place, camera


class BodyViewEnergy:
    """What one photo says. One unit of energy is a squared deviation.

    share: how much of the priors this view brings, where several views of one still pose bring them together.
    principal (2,): photo pixels. focal: pixels, or None when unknown.
    """

    def __init__(
        self,
        frame: Articulation,
        reading: BodyLandmarks,
        guess: BodyGuess,
        principal: np.ndarray,
        focal: float | None,
        share: float = 1.0,
    ) -> None:
        body = frame.body
        landmarks = body.body_landmarks
        self.frame, self.reading, self.guess, self._focal, self._share = frame, reading, guess, focal, share
        self.outline: BodyOutline | None = None
        self._marks = frame.on_joints(landmarks.joints, landmarks.offsets)
        self._deviation = landmarks.deviation.astype(np.float64)
        self._target = (reading.points - principal) * [1, -1]
        self._trust = _READ_ALIKE * (_HIDDEN_TRUST + (1 - _HIDDEN_TRUST) * np.clip(reading.visibility, 0, 1))
        majors = np.array([body.joint(name) for name in MAJOR_JOINTS])
        self._majors = frame.on_joints(majors, np.zeros((len(majors), 3)))
        self._seen = (guess.points - principal) * [1, -1]
        self._soles = frame.on_vertices(sole_ends(body))
        self._count, self._size = frame.count, frame.count + 3 * len(frame.shares)
        shapes, pose = len(guess.shape), body.pose
        # The guess's prior over a rotation vector, groups and its shapes, then the population's over all of the groups and shapes.
        self._guess_precision = _GUESS_TRUST * share * np.linalg.inv(guess.covariance)
        places = np.r_[self._size + np.arange(3), self._count + np.arange(3 * len(frame.shares)), np.arange(shapes)]
        self._guess_places = np.ix_(places, places)
        self._places = places
        self._pose_precision = _POPULATION * share * pose.precision
        self._pose_mean = pose.mean.astype(np.float64)

    @property
    def size(self) -> int:
        """Unknowns of this view: shape's, groups' and MOTION."""
        return self._size + MOTION

    def start(self) -> BodyState:
        """The guess, placed where its landmarks fall on the reading's."""
        guess, shape = self.guess, np.zeros(self._count)
        shape[: len(guess.shape)] = np.clip(guess.shape, -2, 2)
        weight = self._trust / self._trust.sum()
        rotation, scale, offset, distance = guess.rotation, 1.0, np.zeros(2), DEFAULT_DISTANCE
        for _ in range(4):
            points = self._marks.at(shape, guess.groups, rotation)
            magnified = distance / (distance - points[:, 2:])
            flat = points[:, :2] * magnified
            # Least squares for scale and offset in target = scale * flat + offset * magnified.
            rows = np.zeros((len(points), 2, 3))
            rows[:, :, 0] = flat
            rows[:, 0, 1] = rows[:, 1, 2] = magnified[:, 0]
            root = np.sqrt(weight)[:, None]
            solved = np.linalg.lstsq((rows * root[..., None]).reshape(-1, 3), (self._target * root).ravel(), rcond=None)[0]
            scale, offset = max(float(solved[0]), 1e-3), solved[1:]
            distance = self._distance(scale)
            rotation = straight_ahead(np.r_[offset, -scale * distance]).T @ guess.rotation
        return BodyState(shape, guess.groups.copy(), rotation, scale, offset, distance, self._focal is not None)

    def _distance(self, scale: float) -> float:
        return DEFAULT_DISTANCE if self._focal is None else float(np.clip(self._focal / scale, _NEAREST, _FARTHEST))

    def _prior_errors(self, state: BodyState) -> tuple[np.ndarray, np.ndarray]:
        guess = self.guess
        turned = turn_between(state.ahead @ state.rotation, guess.rotation)
        apart = (state.groups - guess.groups).ravel()
        return np.concatenate([turned, apart, state.shape[: len(guess.shape)] - guess.shape]), (state.groups - self._pose_mean).ravel()

    def _terms(self, state: BodyState, jacobian: bool) -> tuple[float, list[tuple[np.ndarray, np.ndarray]]]:
        """The energy of the terms of points and, where wanted, their weighted residuals with Jacobians (rows, size)."""
        pose = state.shape, state.groups, state.rotation
        moves = (lambda points: points.moves(*pose)) if jacobian else (lambda points: (points.at(*pose), None))
        energy, rows = 0.0, []

        points, moved = moves(self._marks)
        pixels = state.project(points)
        error = (pixels - self._target) / (state.scale * self._deviation[:, None])
        squared = (error**2).sum(1)
        energy += float(self._trust @ cauchy_loss(squared, _LANDMARK_ROBUST))
        if moved is not None:
            root = np.sqrt(cauchy_weight(squared, _LANDMARK_ROBUST, self._trust))[:, None]
            full = flat_moves(state, points, pixels, moved) * (root / self._deviation[:, None])[..., None]
            rows.append(((error * root).ravel(), full.reshape(-1, self.size)))

        ahead = state.ahead
        points, moved = moves(self._majors)
        pixels = state.project(points)
        error = (pixels - self._seen) / self.guess.point_deviation[:, None]
        squared = (error**2).sum(1)
        energy += _POINT_TRUST * float(cauchy_loss(squared, _LANDMARK_ROBUST).sum())
        if moved is not None:
            root = np.sqrt(cauchy_weight(squared, _LANDMARK_ROBUST, _POINT_TRUST))[:, None]
            full = flat_moves(state, points, pixels, moved) * (root * state.scale / self.guess.point_deviation[:, None])[..., None]
            rows.append(((error * root).ravel(), full.reshape(-1, self.size)))
        hips = np.eye(len(points))
        hips[:, list(HIPS)] -= 0.5
        depth = (hips @ (points @ ahead[2]) - self.guess.depth) / self.guess.depth_deviation
        trust = _DEPTH_TRUST * self._share
        energy += trust * float(cauchy_loss(depth**2, _DEPTH_ROBUST).sum())
        if moved is not None:
            root = np.sqrt(cauchy_weight(depth**2, _DEPTH_ROBUST, trust))
            full = np.zeros((len(points), self.size))
            full[:, :-3] = hips @ np.einsum("c,nck->nk", ahead[2], moved) * (root / self.guess.depth_deviation)[:, None]
            rows.append((depth * root, full))

        points, moved = moves(self._soles)
        up = ahead.T @ self.guess.up
        height = _LEVEL @ (points @ up) / _GROUND
        trust = _GROUND_TRUST * self._share
        energy += trust * float(cauchy_loss(height**2, _GROUND_ROBUST).sum())
        if moved is not None:
            root = np.sqrt(cauchy_weight(height**2, _GROUND_ROBUST, trust))
            full = np.zeros((len(height), self.size))
            full[:, :-3] = _LEVEL @ np.einsum("c,nck->nk", up, moved) * (root / _GROUND)[:, None]
            rows.append((height * root, full))

        if self.outline is not None:
            outline_energy, outline_rows = self.outline.term(state, jacobian)
            energy += outline_energy
            if outline_rows is not None:
                rows.append(outline_rows)
        return energy, rows

    def energy(self, state: BodyState) -> float:
        """Of a state, with robust losses."""
        guessed, usual = self._prior_errors(state)
        prior = guessed @ self._guess_precision @ guessed + usual @ self._pose_precision @ usual
        return float(prior + self._share * (state.shape @ state.shape)) + self._terms(state, False)[0]

    def linearised(self, state: BodyState) -> Quadratic:
        """The energy around a state, over steps (size,) of `moved`."""
        matrix, right = np.zeros((self.size, self.size)), np.zeros(self.size)
        for error, jacobian in self._terms(state, True)[1]:
            matrix += jacobian.T @ jacobian
            right -= jacobian.T @ error
        guessed, usual = self._prior_errors(state)
        # The frame with the root straight ahead is taken as fixed: it hardly turns in a step.
        turn = np.eye(len(guessed))
        turn[:3, :3] = state.ahead
        precision = turn.T @ self._guess_precision @ turn
        matrix[self._guess_places] += precision
        right[self._places] -= turn.T @ self._guess_precision @ guessed
        groups, shape = slice(self._count, self._size), np.arange(self._count)
        matrix[groups, groups] += self._pose_precision
        right[groups] -= self._pose_precision @ usual
        matrix[shape, shape] += self._share
        right[shape] -= self._share * state.shape
        low, high = np.full(self.size, -np.inf), np.full(self.size, np.inf)
        low[shape], high[shape] = -_SHAPE_BOUND - state.shape, _SHAPE_BOUND - state.shape
        return Quadratic(matrix, right, low, high)

    def moved(self, state: BodyState, step: np.ndarray) -> BodyState:
        """A state after a step (size,), with the camera's distance that goes with its scale."""
        turns = np.concatenate([step[self._count : self._size].reshape(-1, 3), step[None, self._size : self._size + 3]])
        turns = turns * np.minimum(1, _LONGEST / np.maximum(np.linalg.norm(turns, axis=1, keepdims=True), 1e-9))
        scale = state.scale * float(np.exp(np.clip(step[-3], -0.3, 0.3)))
        return replace(
            state,
            shape=np.clip(state.shape + step[: self._count], -_SHAPE_BOUND, _SHAPE_BOUND),
            groups=state.groups + turns[:-1],
            rotation=rotation_matrix(turns[-1]) @ state.rotation,
            scale=scale,
            offset=state.offset + np.clip(step[-2:], -_LONGEST, _LONGEST) * state.scale,
            distance=self._distance(scale),
        )


def sole_ends(body: BodyModel) -> np.ndarray:
    """(4,) vertices under the left heel and toes, then the right ones."""
    sole = np.flatnonzero(body.regions["soles"] > 0.5)
    left = sole[body.mean[sole, 0] > 0]
    ends = left[[body.mean[left, 2].argmin(), body.mean[left, 2].argmax()]]
    return np.concatenate([ends, body.mirror[ends]])


def flat_moves(state: BodyState, points: np.ndarray, pixels: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Derivative (N, 2, K + 3 G + MOTION) of pixels, in metres at the root's depth relative to the scale, from `JointPoints.moves`."""
    place, camera = state.derivative(points, pixels)
    result = np.empty((len(points), 2, moved.shape[2] + 3))
    result[..., :-3] = place @ moved
    result[..., -3:] = camera
    return result

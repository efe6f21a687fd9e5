"""Fits how the neck is bent. The landmarks fix the head; the matte's edge beside the neck shows where the shoulders are."""

import numpy as np

from .head import HeadModel
from .joints import NECK
from .outline import MatteField
from .projection import FitState
from .rotation import rotation_matrix, rotation_vector
from .solver import Quadratic, minimise, slopes

# How much of the head's pitch, yaw and roll the neck usually makes; the torso makes the rest.
_NECK_SHARE = np.array([0.5, 0.35, 0.7])
_NECK_BOUND = 0.5
_SPREAD = np.array([0.12, 0.25, 0.15])  # radians around the usual share
_NECK_RADIUS = 0.065
_BIN = 0.006  # metres; one shoulder point for each column of this width
_OUTSIDE, _INSIDE, _INSIDE_SCALE = 1.0, 0.25, 0.5  # clothes stand off: weak, fading pull towards an edge that lies further out
_NOISE = 0.1  # eye distances: what a shoulder point is worth, neighbours being alike
_STEPS, _DELTA, _LONGEST = 6, 1e-3, 0.1  # radians: of numeric derivatives, and the most that a step turns


def usual_neck(rotation: np.ndarray) -> np.ndarray:
    """Neck rotation vector (3,) that usually goes with a head rotation (3, 3)."""
    return np.clip(rotation_vector(rotation) * _NECK_SHARE, -_NECK_BOUND, _NECK_BOUND)


def fit_neck(model: HeadModel, vertices: np.ndarray, joints: np.ndarray, state: FitState, field: MatteField) -> np.ndarray:
    """Neck rotation vector (3,) that puts the shoulders of a head at rest, vertices (V, 3) and joints (J, 3), on the matte's edge.

    The head stays as it is in state; the torso moves. Gauss-Newton with numeric derivatives in three unknowns.
    """
    torso = vertices[(model.part == 0) & (model.weights[:, 0] > 0.5)] - joints[NECK]
    pivot = state.rotation @ joints[NECK]
    usual = usual_neck(state.rotation)

    def place(neck: np.ndarray) -> np.ndarray:
        return pivot + torso @ (state.rotation @ rotation_matrix(neck).T).T

    def shoulder_line(points: np.ndarray) -> np.ndarray:
        flat = state.camera.project(points) / state.scale
        across = flat[:, 0] - state.camera.project(pivot[None])[0, 0] / state.scale
        column = np.round(across / _BIN).astype(int)
        order = np.lexsort((flat[:, 1], column))  # rows grow downwards: the first of a column is its top
        first = order[np.unique(column[order], return_index=True)[1]]
        return first[np.abs(across[first]) > _NECK_RADIUS]

    def linearise(neck: np.ndarray, _stage: int) -> Quadratic:
        line = shoulder_line(place(neck))
        distance, _, known = field.sample(state.camera.project(place(neck)[line]) * [1, -1])
        trust = np.where(distance < 0, _OUTSIDE / (1 + distance**2), _INSIDE / (1 + (distance / _INSIDE_SCALE) ** 2) ** 2)
        root = np.sqrt(trust * known / max(len(line), 1)) / _NOISE

        def residuals(neck: np.ndarray) -> np.ndarray:
            there = field.sample(state.camera.project(place(neck)[line]) * [1, -1])[0]
            return np.concatenate([root * there, (neck - usual) / _SPREAD])

        here = residuals(neck)
        jacobian = slopes(residuals, neck, here, _DELTA)
        return Quadratic(jacobian.T @ jacobian, -jacobian.T @ here)

    def move(neck: np.ndarray, step: np.ndarray) -> np.ndarray:
        return np.clip(neck + np.clip(step, -_LONGEST, _LONGEST), -_NECK_BOUND, _NECK_BOUND)

    return minimise(usual, linearise, move, range(_STEPS))

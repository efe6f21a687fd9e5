"""What the terms of the fit share: its unknowns, and points linear in the shape seen through the camera, with derivatives."""

from dataclasses import dataclass, replace

import numpy as np

from ..photo.view import Camera
from .head import EYE_DISTANCE
from .rotation import rotation_matrix, skew

MOTION = 6
"""Unknowns of a FitState besides the shape: a rotation vector, the scale's logarithm, and the offset in eye distances."""


@dataclass
class FitState:
    """Shape coefficients (P,), head rotation (3, 3), pixels a metre, offset (2,) in pixels with y up, camera distance."""

    shape: np.ndarray
    rotation: np.ndarray
    scale: float
    offset: np.ndarray
    distance: float

    def moved(self, step: np.ndarray, low: np.ndarray, high: np.ndarray) -> "FitState":
        """After a step (P + MOTION,) of the solver: shape, kept in low..high (P,), rotation vector, log scale, offset in eye distances."""
        count = len(self.shape)
        return FitState(
            np.clip(self.shape + step[:count], low, high),
            rotation_matrix(step[count : count + 3]) @ self.rotation,
            self.scale * float(np.exp(np.clip(step[count + 3], -0.5, 0.5))),
            self.offset + step[count + 4 :] * self.scale * EYE_DISTANCE,
            self.distance,
        )

    def shaped(self, shape: np.ndarray) -> "FitState":
        """With another shape (P,)."""
        return replace(self, shape=shape)

    @property
    def camera(self) -> Camera:
        """The camera of this state, in photo pixels with rows downwards."""
        return Camera((float(self.offset[0]), float(-self.offset[1])), self.scale, self.distance)


class LinearPoints:
    """Model points that depend linearly on the shape: mean (N, 3), basis (P, N, 3), both in head axes."""

    def __init__(self, mean: np.ndarray, basis: np.ndarray) -> None:
        self.mean = mean.astype(np.float64)
        self.basis = np.ascontiguousarray(basis, np.float64)
        self._flat = self.basis.reshape(len(basis), -1)

    def turned(self, state: FitState) -> np.ndarray:
        """The points (N, 3) in camera axes."""
        return (self.mean + (state.shape @ self._flat).reshape(-1, 3)) @ state.rotation.T

    def projected(self, state: FitState) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Camera-frame points (N, 3), pixels (N, 2) with y up, and the projection's derivative (N, 2, 3) in pixels a metre."""
        points = self.turned(state)
        depth = state.distance - points[:, 2]
        factor = state.scale * state.distance / depth
        flat = points[:, :2] * factor[:, None]
        derivative = np.zeros((len(points), 2, 3))
        derivative[:, 0, 0] = derivative[:, 1, 1] = factor
        derivative[:, :, 2] = flat / depth[:, None]
        return points, flat + state.offset, derivative

    def motion(self, state: FitState, points: np.ndarray) -> np.ndarray:
        """Derivative (N, 3, P + 3) of the camera-frame points by shape and by a rotation vector applied on the left."""
        turned = self._flat.reshape(-1, 3) @ state.rotation.T
        shape = turned.reshape(len(self.basis), -1, 3).transpose(1, 2, 0)
        return np.concatenate([shape, -skew(points)], axis=2)

    def moves(self, state: FitState, pixels: np.ndarray, derivative: np.ndarray, motion: np.ndarray) -> np.ndarray:
        """Derivative (N, 2, P + MOTION) of the pixels, in eye distances, by a step of FitState.moved; from `projected` and `motion`."""
        unit = state.scale * EYE_DISTANCE
        result = np.zeros((len(pixels), 2, motion.shape[2] + 3))
        result[..., :-3] = derivative @ motion / unit
        result[..., -3] = (pixels - state.offset) / unit
        result[:, 0, -2] = result[:, 1, -1] = 1
        return result

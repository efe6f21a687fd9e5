"""Pins in the fit: a term that draws the face to them."""

import numpy as np

from ..photo.landmarks import PinnedPoints
from .face_shapes import FaceShapes
from .head import EYE_DISTANCE
from .projection import FitState, LinearPoints

_WEIGHT = 250.0  # of a pin, where all landmarks together have 468


class PinTerm:
    """Pinned points against the model's, in eye distances, without mercy for outliers: the artist has seen them."""

    def __init__(self, shapes: FaceShapes, pins: PinnedPoints) -> None:
        self._points = LinearPoints(pins.shares @ shapes.points.mean, np.einsum("pn,knc->kpc", pins.shares, shapes.points.basis))
        self._target = pins.target * np.array([1.0, -1.0])

    def energy(self, state: FitState) -> float:
        """The term's energy."""
        _, pixels, _ = self._points.projected(state)
        return _WEIGHT * float((self._errors(pixels, state) ** 2).sum())

    def linearised(self, state: FitState) -> tuple[np.ndarray, np.ndarray]:
        """Weighted Jacobian (2 P, unknowns) and residuals (2 P,)."""
        points, pixels, derivative = self._points.projected(state)
        moves = self._points.moves(state, pixels, derivative, self._points.motion(state, points))
        root = np.sqrt(_WEIGHT)
        return moves.reshape(-1, moves.shape[2]) * root, self._errors(pixels, state).ravel() * root

    def _errors(self, pixels: np.ndarray, state: FitState) -> np.ndarray:
        return (pixels - self._target) / (state.scale * EYE_DISTANCE)

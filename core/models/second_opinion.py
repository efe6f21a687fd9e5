"""The term of the fit for a second detector's landmarks. They count where they agree with the other terms."""

import numpy as np

from .face_shapes import FaceShapes
from .head import EYE_DISTANCE
from .projection import FitState
from .solver import cauchy_loss, cauchy_weight

_SHARE = 0.45  # of the trust that the weights add up to: a quarter of that in the first detector, whose lips and lids count for more
_AGREES = 0.05  # eye distances (3 mm): where the pull begins to fade


class SecondOpinion:
    """iBUG's landmarks (68, 2), photo pixels, against the model's. shapes: those of the model's landmarks in the same order."""

    def __init__(self, shapes: FaceShapes, landmarks: np.ndarray) -> None:
        self._shapes, self._target = shapes, landmarks * np.array([1.0, -1.0])
        self._weight = _SHARE * shapes.weight

    def trust(self, state: FitState) -> None:
        """From now on count landmarks as much as the head's turn in a state shows them."""
        self._weight = _SHARE * self._shapes.shown_weight(state)

    def energy(self, state: FitState) -> float:
        """The term's energy, the same loss that `linearised` reweights."""
        _, pixels, _ = self._shapes.points.projected(state)
        return float(cauchy_loss((self._errors(pixels, state) ** 2).sum(1), _AGREES) @ self._weight)

    def linearised(self, state: FitState) -> tuple[np.ndarray, np.ndarray]:
        """Weighted Jacobian (136, P + 6) and residuals (136,)."""
        points, pixels, derivative = self._shapes.points.projected(state)
        errors = self._errors(pixels, state)
        moves = self._shapes.points.moves(state, pixels, derivative, self._shapes.points.motion(state, points))
        root = np.sqrt(cauchy_weight((errors**2).sum(1), _AGREES, self._weight))[:, None]
        return (moves * root[..., None]).reshape(-1, moves.shape[2]), (errors * root).ravel()

    def _errors(self, pixels: np.ndarray, state: FitState) -> np.ndarray:
        return (pixels - self._target) / (state.scale * EYE_DISTANCE)

"""Pins in the fit: a term that draws the face to them, and what brings the rest of the way where the model cannot follow."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..geometry.mesh import vertex_normals
from ..photo.landmarks import PinnedPoints
from ..photo.pins import spread
from .face_shapes import FaceShapes
from .head import EYE_DISTANCE, HeadModel
from .projection import FitState, LinearPoints

if TYPE_CHECKING:
    from .fit import ViewFit

_WEIGHT = 250.0  # of a pin, where all landmarks together have 468
_REACH = 0.022  # metres on the face over which a pin takes its surroundings along


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


def to_the_pins(model: HeadModel, fit: "ViewFit", pins: PinnedPoints) -> "ViewFit":
    """A fit whose pinned points lie on their pins exactly: the skin around each is moved across the view. Heads of the model are
    symmetric, and people are not."""
    landmarks = model.mediapipe.on(fit.vertices) + model.mediapipe.bias @ fit.rotation.T
    places = pins.shares @ landmarks
    for _ in range(2):  # the first moves what lies beside, too
        points = pins.shares @ landmarks
        apart = pins.target - fit.camera.project(points)
        depth = 1.0 if np.isinf(fit.camera.distance) else (fit.camera.distance - points[:, 2:]) / fit.camera.distance
        moves = np.column_stack([apart * [1, -1] / fit.camera.scale * depth, np.zeros(len(apart))])
        shift = lambda vertices, moves=moves: (vertices + spread(places, moves, vertices, _REACH)).astype(vertices.dtype)  # noqa: E731
        closed = shift(fit.closed_vertices)
        fit = replace(
            fit,
            vertices=shift(fit.vertices),
            closed_vertices=closed,
            closed_normals=vertex_normals(closed, model.closed_mesh.faces),
        )
        landmarks = model.mediapipe.on(fit.vertices) + model.mediapipe.bias @ fit.rotation.T
    return fit

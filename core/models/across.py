"""What brings a fitted face the rest of the way where the model cannot follow: skin is moved across the view, to pins, lips and lids."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..geometry.mesh import vertex_normals
from ..geometry.visibility import smoothstep
from ..photo.landmarks import LIDS, LIPS, MEDIAPIPE, PinnedPoints
from ..photo.pins import spread
from .head import HeadModel
from .observation import Observation

if TYPE_CHECKING:
    from .fit import ViewFit

_PIN_REACH = 0.022  # metres on the face over which a pin takes its surroundings along
_REACH = 0.005  # metres over which lips and lids do
_NOISE = 0.1  # variance of the detector's errors there over that of what the model lacks: 0.5 and 1.5 mm
_MOST = 0.003  # metres: what is farther off is no detail that the model lacks
_MIDDLE = 0.06  # metres behind the eyes: of the head, from which lips and lids face outwards; the skin of lids itself faces up and down
_FACING = (0.2, 0.5)  # cosine between that and the view over which they come to be trusted


def to_the_pins(model: HeadModel, fit: "ViewFit", pins: PinnedPoints) -> "ViewFit":
    """A fit whose pinned points lie on their pins exactly: the skin around each is moved across the view. Heads of the model are
    symmetric, and people are not."""
    places = pins.shares @ _landmarks(model, fit)
    for _ in range(2):  # the first moves what lies beside, too
        points = pins.shares @ _landmarks(model, fit)
        fit = _moved(model, fit, places, _across(fit, points, pins.target), _PIN_REACH)
    return fit


def to_lips_and_lids(model: HeadModel, fit: "ViewFit", seen: Observation) -> "ViewFit":
    """A fit whose lips and lids lie closer to where MediaPipe has found them. The model's identities have lips and eyes more alike than
    people have, and its expressions cannot narrow one eye or press thin lips."""
    if MEDIAPIPE not in seen.landmarks:
        return fit
    some = [*LIPS, *LIDS]
    places = _landmarks(model, fit)[some]
    moves = _across(fit, places, seen.landmarks[MEDIAPIPE][some, :2])
    outwards = places + _MIDDLE * fit.rotation[:, 2]
    facing = outwards[:, 2] / np.linalg.norm(outwards, axis=1)
    far = np.linalg.norm(moves, axis=1) / _MOST
    return _moved(model, fit, places, moves * (smoothstep(facing, *_FACING) / np.maximum(far, 1))[:, None], _REACH, _NOISE)


def _landmarks(model: HeadModel, fit: "ViewFit") -> np.ndarray:
    """MediaPipe's landmarks (468, 3) of a fit, camera frame, metres, where its detector sees them."""
    return model.mediapipe.on(fit.vertices) + model.mediapipe.bias @ fit.rotation.T


def _across(fit: "ViewFit", points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Moves (P, 3) in metres that bring points (P, 3) of the camera frame to their targets (P, 2), photo pixels, at the same depth."""
    apart = target - fit.camera.project(points)
    depth = 1.0 if np.isinf(fit.camera.distance) else (fit.camera.distance - points[:, 2:]) / fit.camera.distance
    return np.column_stack([apart * [1, -1] / fit.camera.scale * depth, np.zeros(len(apart))])


def _moved(model: HeadModel, fit: "ViewFit", places: np.ndarray, moves: np.ndarray, reach: float, noise: float = 1e-6) -> "ViewFit":
    shift = lambda vertices: (vertices + spread(places, moves, vertices, reach, noise)).astype(vertices.dtype)  # noqa: E731
    closed = shift(fit.closed_vertices)
    normals = vertex_normals(closed, model.closed_mesh.faces)
    return replace(fit, vertices=shift(fit.vertices), closed_vertices=closed, closed_normals=normals)

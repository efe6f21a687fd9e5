"""What brings a fitted face the rest of the way where the model cannot follow: skin is moved across the view, to pins, nose, lips, lids."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..geometry.mesh import vertex_normals
from ..geometry.visibility import smoothstep
from ..photo.landmarks import LIDS, LIPS, MEDIAPIPE, NOSE, NOSE_BASE, PinnedPoints
from ..photo.pins import spread
from .head import HeadModel
from .observation import Observation

if TYPE_CHECKING:
    from .fit import ViewFit

_PIN_REACH = 0.022  # metres on the face over which a pin takes its surroundings along
_REACH = 0.005  # metres over which lips and lids do
_NOISE = 0.1  # variance of the detector's errors there over that of what the model lacks: 0.5 and 1.5 mm
_MOST = 0.003  # metres: what is farther off is no detail that the model lacks
_NOSE_REACH, _NOSE_MOST = 0.008, 0.005  # metres, of the nose
_NOSE_BASE_ERROR = 0.0007  # metres by which MediaPipe sees a nose's base lower on photographs than on drawn heads, its bias left out
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


def to_the_nose(model: HeadModel, fit: "ViewFit", seen: Observation) -> "ViewFit":
    """A fit whose nose lies where MediaPipe has found it along the head: smiles raise its wings, which no expression of the model does, and
    its base lies higher on people than on the model. The detector knows its width no better than the fit."""
    if MEDIAPIPE not in seen.landmarks:
        return fit
    up = fit.rotation[:, 1] * [1, 1, 0]
    places, moves = _to_landmarks(model, fit, NOSE, seen.landmarks[MEDIAPIPE])
    along = moves @ up + _NOSE_BASE_ERROR * np.isin(NOSE, NOSE_BASE)
    return _moved(model, fit, places, _trusted(fit, places, along[:, None] * up, _NOSE_MOST), _NOSE_REACH, _NOISE)


def to_lips_and_lids(model: HeadModel, fit: "ViewFit", seen: Observation) -> "ViewFit":
    """A fit whose lips and lids lie closer to where MediaPipe has found them. The model's identities have lips and eyes more alike than
    people have, and its expressions cannot narrow one eye or press thin lips."""
    if MEDIAPIPE not in seen.landmarks:
        return fit
    places, moves = _to_landmarks(model, fit, [*LIPS, *LIDS], seen.landmarks[MEDIAPIPE])
    return _moved(model, fit, places, _trusted(fit, places, moves, _MOST), _REACH, _NOISE)


def _to_landmarks(model: HeadModel, fit: "ViewFit", some: Sequence[int], found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places (P, 3) of some landmarks and the moves (P, 3) across the view that bring them to the found ones (468, 3), photo pixels."""
    places = _landmarks(model, fit)[list(some)]
    return places, _across(fit, places, found[list(some), :2])


def _trusted(fit: "ViewFit", places: np.ndarray, moves: np.ndarray, most: float) -> np.ndarray:
    """Moves (P, 3) at places (P, 3) that face the camera, none longer than `most`."""
    outwards = places + _MIDDLE * fit.rotation[:, 2]
    facing = outwards[:, 2] / np.linalg.norm(outwards, axis=1)
    far = np.linalg.norm(moves, axis=1) / most
    return moves * (smoothstep(facing, *_FACING) / np.maximum(far, 1))[:, None]


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

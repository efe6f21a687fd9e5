"""The outline term of the fit: it draws the head's silhouette to the edge of the person's matte."""

import numpy as np
from scipy.ndimage import distance_transform_edt, map_coordinates

from .face_shapes import FaceShapes
from .head import EYE_DISTANCE, HeadModel
from .projection import FitState, LinearPoints

_SIZE = 160  # samples across the crop: 2.5 mm each
_REACH = 0.24  # half the side of the sampled square, metres at the head's depth
_BINS = 96
_LOWEST = -0.105  # metres: below lie neck and shoulders, whose outline clothes and posture make
_OUTSIDE, _SKIN, _HAIR = 1.5, 0.8, 0.05  # trust: model sticks out of the matte; matte wider beside the face; beside the scalp
_SKIN_SCALE, _HAIR_SCALE = 0.10, 0.40  # where the pull outwards fades, in eye distances: what is wider than that is hair or clothes
_HAIR_DEPTH = 0.35  # eye distances between scalp and matte that hair explains


class MatteField:
    """Signed distance to the matte's edge around the face, positive inside, in eye distances at the head's depth."""

    def __init__(self, matte: np.ndarray, state: FitState) -> None:
        self._origin = state.offset * [1, -1]
        self._pixel = 2 * _REACH * state.scale / _SIZE
        steps = (np.arange(_SIZE) + 0.5 - _SIZE / 2) * self._pixel
        rows, columns = np.meshgrid(self._origin[1] + steps - 0.5, self._origin[0] + steps - 0.5, indexing="ij")
        person = map_coordinates(matte, [rows, columns], order=1, mode="nearest") > 0.5
        self._known = ((rows >= 0) & (columns >= 0) & (rows < matte.shape[0] - 1) & (columns < matte.shape[1] - 1)).astype(np.float32)
        unit = EYE_DISTANCE * _SIZE / (2 * _REACH)
        self._distance = np.zeros(person.shape)
        if person.any() and not person.all():
            self._distance = (distance_transform_edt(person) - distance_transform_edt(~person)) / unit
        by_row, by_column = np.gradient(self._distance)
        self._gradient = np.stack([by_column, by_row]) * unit

    def sample(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Distance (N,), its gradient (N, 2) and whether the photo shows the place (N,), at pixels (N, 2) with y up."""
        where = (pixels * [1, -1] - self._origin) / self._pixel + _SIZE / 2 - 0.5
        at = [where[:, 1], where[:, 0]]
        distance = map_coordinates(self._distance, at, order=1, mode="nearest")
        gradient = np.stack([map_coordinates(part, at, order=1, mode="nearest") for part in self._gradient], axis=1)
        known = map_coordinates(self._known, at, order=0, mode="constant") > 0.5
        return distance, gradient * [1, -1], known


class Outline:
    """Signed distances of the model's outline vertices from the matte's edge; vertices are chosen once, at the given state."""

    def __init__(self, model: HeadModel, field: MatteField, state: FitState, shapes: FaceShapes) -> None:
        self._field = field
        skin = np.flatnonzero((model.part == 0) & (model.weights[:, 0] < 0.3))
        count, expression = shapes.count, model.expression[shapes.visible_expressions]
        shaped = shapes.rest + np.tensordot(state.shape[:count].astype(np.float32), model.identity[:count], 1)
        shaped += np.tensordot(state.shape[count:].astype(np.float32), expression, 1)
        chosen = skin[_silhouette(shaped[skin], state)]
        basis = np.concatenate([model.identity[:count, chosen], expression[:, chosen]])
        self._points = LinearPoints(shapes.rest[chosen], basis)
        scalp = model.regions["scalp"][chosen]
        self._inside_trust = _HAIR * scalp + _SKIN * (1 - scalp)
        self._inside_scale = _HAIR_SCALE * scalp + _SKIN_SCALE * (1 - scalp)
        self._slack = _HAIR_DEPTH * scalp

    def _sample(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        distance, gradient, known = self._field.sample(pixels)
        return np.where(distance < 0, distance, np.maximum(distance - self._slack, 0)), gradient, known

    def _weights(self, distance: np.ndarray, known: np.ndarray) -> np.ndarray:
        pull = self._inside_trust / (1 + (distance / self._inside_scale) ** 2) ** 2  # Geman-McClure
        return np.where(distance < 0, _OUTSIDE / (1 + (distance / 0.5) ** 2), pull) * known

    def energy(self, state: FitState) -> float:
        """The term's energy, the same loss that `linearised` reweights."""
        _, pixels, _ = self._points.projected(state)
        distance, _, known = self._sample(pixels)
        squared = distance**2
        inside = self._inside_trust * squared / (1 + squared / self._inside_scale**2)
        outside = _OUTSIDE * 0.25 * np.log1p(squared / 0.25)
        return float((np.where(distance < 0, outside, inside) * known).sum())

    def linearised(self, state: FitState) -> tuple[np.ndarray, np.ndarray]:
        """Weighted Jacobian (N, P + 6) and residuals (N,)."""
        points, pixels, derivative = self._points.projected(state)
        distance, gradient, known = self._sample(pixels)
        motion = self._points.motion(state, points)
        moves = self._points.moves(state, pixels, derivative, motion)
        root = np.sqrt(self._weights(distance, known))
        return root[:, None] * np.einsum("nc,ncp->np", gradient, moves), root * distance


def _silhouette(upright: np.ndarray, state: FitState) -> np.ndarray:
    """Ids of the outermost vertex in each direction around the head, where the head and not the neck makes the outline.

    upright (N, 3): vertices in head axes.
    """
    pixels = state.camera.project(upright @ state.rotation.T) * [1, -1]
    head = np.flatnonzero(upright[:, 1] > _LOWEST - 0.02)
    centre = pixels[head].mean(0)
    ray = pixels[head] - centre
    bins = ((np.arctan2(ray[:, 1], ray[:, 0]) / (2 * np.pi) + 0.5) * _BINS).astype(int) % _BINS
    radius = np.linalg.norm(ray, axis=1)
    outermost = np.full(_BINS, -1)
    for index in np.argsort(radius):
        outermost[bins[index]] = head[index]
    outermost = outermost[outermost >= 0]
    return outermost[upright[outermost, 1] > _LOWEST]

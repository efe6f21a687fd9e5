"""The outline term of the body fit: the naked body against the edge of the person's matte."""

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt, map_coordinates

from ..geometry.mesh import vertex_normals
from .articulation import Articulation, JointPoints

if TYPE_CHECKING:
    from .body_view import BodyState

_SIZE = 256  # samples across the person's surroundings
_MARGIN = 1.25
_EDGE = 0.22  # cosine between skin and view below which a vertex may make the outline
_EDGE_POINTS, _OUTER_POINTS = 320, 120
_OUTSIDE, _OUTSIDE_ROBUST = 0.014, 0.05  # metres: what sticks out of the matte is wrong
_INSIDE, _INSIDE_SCALE = 0.05, 0.04  # metres: clothes and hair stand off, so the pull outwards is weak and fades
_POINTS_ALIKE = 0.2  # neighbours tell the same
_TOLERATED = 0.004


class BodyMatte:
    """Signed distance to the matte's edge around a person, positive inside, in photo pixels."""

    def __init__(self, matte: np.ndarray, box: tuple[float, float, float, float], principal: np.ndarray) -> None:
        left, top, right, bottom = box
        side = _MARGIN * max(right - left, bottom - top)
        self._pixel, self._principal = side / _SIZE, principal
        self._corner = np.array([(left + right) / 2, (top + bottom) / 2]) - side / 2
        steps = (np.arange(_SIZE) + 0.5) * self._pixel - 0.5
        rows, columns = np.meshgrid(self._corner[1] + steps, self._corner[0] + steps, indexing="ij")
        person = map_coordinates(matte, [rows, columns], order=1, mode="nearest") > 0.5
        shown = (rows > 0) & (columns > 0) & (rows < matte.shape[0] - 2) & (columns < matte.shape[1] - 2)
        self._known = shown.astype(np.float32)
        self._distance = (distance_transform_edt(person) - distance_transform_edt(~person)) * self._pixel
        by_row, by_column = np.gradient(self._distance, self._pixel)
        self._gradient = by_column, by_row

    def sample(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Distance (N,), its gradient (N, 2) and whether the photo shows the place (N,), at pixels (N, 2) from the principal point."""
        where = (pixels * [1, -1] + self._principal - self._corner) / self._pixel - 0.5
        at = [where[:, 1], where[:, 0]]
        distance = map_coordinates(self._distance, at, order=1, mode="nearest")
        gradient = np.stack([map_coordinates(part, at, order=1, mode="nearest") for part in self._gradient], axis=1)
        known = map_coordinates(self._known, at, order=0, mode="constant") > 0.5
        return distance, gradient * [1, -1], known


class BodyOutline:
    """The matte's edge as a term: vertices are chosen once, at the given state."""

    def __init__(self, frame: Articulation, skin: JointPoints, matte: BodyMatte, state: "BodyState") -> None:
        """skin: all of the body's vertices."""
        body = frame.body
        self._matte = matte
        vertices = skin.at(state.shape, state.groups, state.rotation)
        normals = vertex_normals(vertices, body.faces)
        view = np.array([0, 0, state.distance]) - vertices - np.r_[state.offset / state.scale, 0]
        view /= np.linalg.norm(view, axis=1, keepdims=True)
        distance, _, _ = matte.sample(state.project(vertices))
        bare = body.regions["scalp"] < 0.3
        edge = np.flatnonzero((np.abs((normals * view).sum(1)) < _EDGE) & bare)
        outer = np.flatnonzero((distance < -_TOLERATED * state.scale) & bare)
        chosen = np.concatenate([_spread(edge, _EDGE_POINTS), _spread(outer, _OUTER_POINTS)])
        self._points = JointPoints(frame, skin.rest[chosen], skin.shapes[:, chosen], skin.weights[chosen])

    def term(self, state: "BodyState", jacobian: bool) -> tuple[float, tuple[np.ndarray, np.ndarray] | None]:
        """The energy and, where wanted, weighted residuals (N,) with their Jacobian (N, size)."""
        from .body_view import flat_moves

        pose = state.shape, state.groups, state.rotation
        points, moved = self._points.moves(*pose) if jacobian else (self._points.at(*pose), None)
        pixels = state.project(points)
        distance, gradient, known = self._matte.sample(pixels)
        distance = distance / state.scale
        out = distance < 0
        squared = distance**2
        strict = _OUTSIDE_ROBUST**2 * np.log1p(squared / _OUTSIDE_ROBUST**2) / _OUTSIDE**2
        weak = squared / (1 + squared / _INSIDE_SCALE**2) / _INSIDE**2  # Geman-McClure
        energy = float((np.where(out, strict, weak) * known).sum() * _POINTS_ALIKE)
        if moved is None:
            return energy, None
        weight = np.where(out, 1 / (1 + squared / _OUTSIDE_ROBUST**2) / _OUTSIDE**2, 1 / (1 + squared / _INSIDE_SCALE**2) ** 2 / _INSIDE**2)
        root = np.sqrt(weight * known * _POINTS_ALIKE)
        rows = np.einsum("na,nak->nk", gradient, flat_moves(state, points, pixels, moved)) * root[:, None]
        return energy, (distance * root, rows)


def _spread(ids: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the ids (N,), evenly among them."""
    return ids if len(ids) <= most else ids[np.linspace(0, len(ids) - 1, most).astype(int)]

"""The term of the fit for normals: the model's skin against the normals that a network saw in the photo."""

from dataclasses import dataclass

import numpy as np

from ..geometry.visibility import sample_picture, smoothstep
from .face_shapes import FaceShapes
from .head import EYE_DISTANCE, HeadModel
from .projection import FitState, LinearPoints
from .solver import cauchy_loss, cauchy_weight

_WEIGHT = 100.0  # of a face's normals against its 468 landmarks
_ROBUST = 0.5  # length of a difference of unit normals (29 degrees) from which on it counts less than its square
_FACING = (0.15, 0.4)  # cosine to the viewing ray over which a triangle begins to count
_SURE = 0.7  # length of an interpolated normal below which its neighbours disagree
_SKIN = 0.3  # least share of a triangle's corners in the face


@dataclass(frozen=True)
class NormalPicture:
    """Unit normals (S, S, 3) in camera axes over the square box (left column, top row, side; photo pixels), 0 where there are none, and how
    much each counts (S, S), in [0, 1]."""

    normals: np.ndarray
    trust: np.ndarray
    box: tuple[float, float, float]


@dataclass(frozen=True)
class _Seen:
    """Triangles (T) of a state: points (N, 3) of the camera frame, pixels (N, 2) with y up and the projection's derivative (N, 2, 3); edges
    from the first corner, centre and normal (T, 3) each, area (T,); error (T, 3) against the picture, its slope (T, 2, 3) by the picture's
    pixels to the right and down, trust (T,); step: the picture's pixels in one of the photo."""

    points: np.ndarray
    pixels: np.ndarray
    derivative: np.ndarray
    edges: tuple[np.ndarray, np.ndarray]
    centre: np.ndarray
    normal: np.ndarray
    area: np.ndarray
    error: np.ndarray
    slope: np.ndarray
    trust: np.ndarray
    step: float


class NormalTerm:
    """Differences between the normals of the face's triangles and those of a picture where the triangles are seen. Which count, and how
    much, is chosen once, at the given state."""

    def __init__(self, model: HeadModel, picture: NormalPicture, state: FitState, shapes: FaceShapes) -> None:
        count = shapes.count
        face = model.regions["face"] * (1 - model.regions["ears"])
        triangles = model.faces[model.face_part == 0]
        triangles = triangles[face[triangles].min(1) > _SKIN]
        used, corner = np.unique(triangles, return_inverse=True)
        basis = np.concatenate([model.identity[:count, used], model.expression[np.ix_(shapes.visible_expressions, used)]])
        self._points, self._corners = LinearPoints(shapes.rest[used], basis), corner.reshape(-1, 3)
        down, right = np.gradient(picture.normals, axis=(0, 1))
        self._layers = np.concatenate([picture.normals, right, down, picture.trust[..., None]], axis=2).astype(np.float32)
        self._box = picture.box
        seen = self._seen(state)
        ray = seen.centre - [0, 0, state.distance]
        facing = -(seen.normal * ray).sum(1) / np.linalg.norm(ray, axis=1)
        weight = face[triangles].mean(1) * seen.area * seen.trust * smoothstep(facing, *_FACING)
        kept = weight > 1e-3 * weight.max(initial=1e-12)
        self._corners, self._weight = self._corners[kept], _WEIGHT * weight[kept] / max(weight[kept].sum(), 1e-12)

    def energy(self, state: FitState) -> float:
        """The term's energy, the same loss that `linearised` reweights."""
        return float(cauchy_loss((self._seen(state).error ** 2).sum(1), _ROBUST) @ self._weight)

    def linearised(self, state: FitState) -> tuple[np.ndarray, np.ndarray]:
        """Weighted Jacobian (3 T, P + 6) and residuals (3 T,) of T triangles."""
        seen = self._seen(state)
        motion = self._points.motion(state, seen.points)
        start, *ends = (motion[self._corners[:, corner]] for corner in range(3))
        first, second = (end - start for end in ends)
        turned = np.cross(first, seen.edges[1][:, :, None], axis=1) + np.cross(seen.edges[0][:, :, None], second, axis=1)
        along = np.einsum("ta,tap->tp", seen.normal, turned)
        turned = (turned - seen.normal[:, :, None] * along[:, None]) / (2 * seen.area[:, None, None])
        # The picture's normals change too where the triangle goes.
        moves = self._points.moves(state, seen.pixels, seen.derivative, motion)[self._corners].mean(1)
        moves = moves * (state.scale * EYE_DISTANCE * seen.step * np.array([1, -1]))[:, None]
        jacobian = -np.einsum("tca,tcp->tap", seen.slope, moves)
        jacobian[..., :-3] += turned
        root = np.sqrt(cauchy_weight((seen.error**2).sum(1), _ROBUST, self._weight))
        return (jacobian * root[:, None, None]).reshape(-1, jacobian.shape[2]), (seen.error * root[:, None]).ravel()

    def _seen(self, state: FitState) -> _Seen:
        points, pixels, derivative = self._points.projected(state)
        corners = points[self._corners]
        edges = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        normal = np.cross(*edges)
        double = np.maximum(np.linalg.norm(normal, axis=1), 1e-20)
        normal /= double[:, None]
        left, top, side = self._box
        middle = pixels[self._corners].mean(1)
        place = (np.stack([middle[:, 0] - left, middle[:, 1] + top], axis=1) * 2 / side) - [1, -1]
        values = sample_picture(self._layers, place)
        length = np.linalg.norm(values[:, :3], axis=1, keepdims=True)
        error = normal - values[:, :3] / np.maximum(length, 1e-6)
        slope = values[:, 3:9].reshape(-1, 2, 3)
        trust = values[:, 9] * (length[:, 0] > _SURE)
        step = len(self._layers) / side
        return _Seen(points, pixels, derivative, edges, corners.mean(1), normal, double / 2, error, slope, trust, step)

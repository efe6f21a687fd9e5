"""Where the points around a person in one photo are in another photo, by the fitted models of both.

Near the fitted surface points move with it, as much turned as it is there; so the expression and the neck of each photo are followed, and
farther off the points around, such as hair, move as the nearest part of the head does.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from ..geometry.closest import ClosestSurface
from ..geometry.mesh import smoothing_matrix
from ..photo.framing import Framing
from ..photo.view import Camera
from .prior import PriorSurface
from .rotation import nearest_rotation

_CELLS = 40  # a side: 10 mm each around a head
_RINGS = 24  # of neighbours that tell how a part of the surface is turned
_ROUNDS = 8
_BLUR = 1.0  # cells: where two parts that move apart are equally near


@dataclass(frozen=True)
class FittedView:
    """A fitted surface as one photo's camera sees it: vertices (V, 3) of `surface` in the camera frame, metres; the surface, in the crop
    frame, and the camera."""

    vertices: np.ndarray
    surface: PriorSurface
    camera: Camera

    @property
    def framing(self) -> Framing:
        """Of the crop."""
        return self.surface.framing


@dataclass(frozen=True)
class Carrier:
    """A smooth map from one photo's crop frame into another's.

    matrix (3, 3), offset (3,): the affine map next to it. rest (3, N, N, N): what it differs by on a lattice over the first crop; outside,
    as much as at the lattice's border.
    """

    matrix: np.ndarray
    offset: np.ndarray
    rest: np.ndarray

    @classmethod
    def between(cls, start: FittedView, end: FittedView, cells: int = _CELLS) -> Self:
        """From the crop frame of `start` into that of `end`; both are the same model. cells: of the lattice, a side."""
        lattice = _lattice(cells)
        points = start.framing.from_crop(lattice, start.camera)
        closest = ClosestSurface(start.vertices, start.surface.topology or start.surface.faces)
        _, face, barycentric = closest.query(points)
        turns = local_rotations(start.vertices, end.vertices, start.surface.faces).reshape(-1, 9)
        here, there = (closest.interpolate(vertices, face, barycentric) for vertices in (start.vertices, end.vertices))
        turn = closest.interpolate(turns, face, barycentric).reshape(-1, 3, 3)
        moved = there + np.einsum("nij,nj->ni", turn, points - here)
        return cls._of(lattice, end.framing.to_crop(moved, end.camera), _BLUR)

    @classmethod
    def rigid(cls, start: FittedView, end: FittedView, turn: np.ndarray, cells: int = _CELLS) -> Self:
        """As `between` of two views whose vertices differ by a turn (3, 3) alone: exact, and in a fiftieth of the time."""
        lattice = _lattice(cells)
        points = start.framing.from_crop(lattice, start.camera)
        return cls._of(lattice, end.framing.to_crop(points @ turn.T, end.camera), 0.0)

    def inverse(self) -> Self:
        """The map back, exact on the lattice's points."""
        lattice = _lattice(self.rest.shape[1] - 1)
        back = np.linalg.inv(self.matrix)
        found = (lattice - self.offset) @ back.T
        for _ in range(_ROUNDS):
            found = found + (lattice - self(found)) @ back.T
        return self._of(lattice, found, 0.0)

    @classmethod
    def _of(cls, lattice: np.ndarray, places: np.ndarray, blur: float) -> Self:
        columns = np.column_stack([lattice, np.ones(len(lattice))])
        affine = np.linalg.lstsq(columns, places, rcond=None)[0]
        cells = round(len(lattice) ** (1 / 3))
        rest = (places - columns @ affine).reshape(cells, cells, cells, 3)
        rest = gaussian_filter(rest, (blur, blur, blur, 0)) if blur else rest
        return cls(affine[:3].T, affine[3], np.ascontiguousarray(np.moveaxis(rest, 3, 0), np.float32))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 3) float32 in the second crop frame of points (N, 3) in the first."""
        place = (points.T + 1) * ((self.rest.shape[1] - 1) / 2)
        rest = np.stack([map_coordinates(part, place, order=1, mode="nearest") for part in self.rest], axis=1)
        return (points @ self.matrix.T + self.offset + rest).astype(np.float32)


def _lattice(cells: int) -> np.ndarray:
    axis = (np.arange(cells + 1) * (2 / cells) - 1).astype(np.float32)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)


def local_rotations(start: np.ndarray, end: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """The rotation (V, 3, 3) of each vertex's surroundings from vertices (V, 3) to the same ones elsewhere (V, 3): the best one of some
    rings of neighbours (Kabsch 1976, in the manner of as-rigid-as-possible surfaces, Sorkine & Alexa 2007)."""
    once = smoothing_matrix(faces, len(start), 0.7)
    products = np.concatenate([(end[:, :, None] * start[:, None, :]).reshape(-1, 9), start, end], axis=1)
    for _ in range(_RINGS):
        products = once @ products
    covariance = products[:, :9].reshape(-1, 3, 3) - products[:, 12:15, None] * products[:, None, 9:12]
    return nearest_rotation(covariance).astype(np.float32)

"""Values of one surface on another that lies close to it, such as colours of the reconstructed mesh on the rigged head, and back."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..geometry.closest import ClosestSurface


@dataclass(frozen=True)
class Transfer:
    """For each of N points, its closest place on a mesh: the face's vertices (N, 3) with barycentric shares (N, 3), and the distance (N,)
    in the mesh's unit, negative inside."""

    corners: np.ndarray
    shares: np.ndarray
    distance: np.ndarray

    @classmethod
    def between(cls, vertices: np.ndarray, faces: np.ndarray, points: np.ndarray) -> Self:
        """From a mesh (V, 3), (F, 3) to points (N, 3) in the same frame, for instance a result's upright vertices and its rigged head
        posed as in the photo, either way."""
        distance, face, shares = ClosestSurface(vertices, faces).query(points)
        return cls(np.asarray(faces)[face], shares, distance)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Values (V, C) or (V,) of the mesh's vertices at the points, (N, C) or (N,)."""
        return np.einsum("ni...,ni->n...", values[self.corners], self.shares)

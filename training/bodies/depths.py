"""Labels brought to the depth of the fit, limb by limb.

A photo hardly tells how far away a limb is. A field that is taught the true depths under a fit whose legs stand some centimetres nearer
or farther learns all depths that are likely: legs and feet as thick as the doubt, arms as blades. The fit has to say where a limb is;
what the field adds are clothes, shape and outline. So labels move along the viewing direction with the fitted body: by as much as its
surface there lies nearer or farther than the true body's. Where they lie in the picture stays.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.spatial import cKDTree

_NEIGHBOURS, _BLUR = 8, 0.03  # vertices of the body that move a point, and crop units within which they count alike
_STEP = 0.02  # crop units, for the slope of the move
_SPACING = 0.03  # crop units between stored points of the surface: nearer to each other than this, they tell nothing


@dataclass(frozen=True)
class LimbDepths:
    """How labels move: the true body's vertices (V, 3) in the crop frame of the fit, and how much farther towards the camera the fit has
    each, (V,)."""

    tree: cKDTree
    move: np.ndarray

    @classmethod
    def of(cls, true: np.ndarray, fitted: np.ndarray) -> Self:
        """Of the true and the fitted body's vertices (V, 3) in the crop frame of the fit."""
        return cls(cKDTree(true), fitted[:, 2] - true[:, 2])

    def moved(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 3) of the labels, as the fit has them."""
        result = np.array(points, np.float32)
        result[:, 2] += self._at(points)
        return result

    def turned(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Unit normals (N, 3) of the moved surface, from its normals at points (N, 3) before; zero where they were."""
        here = self._at(points)
        slope = np.stack([(self._at(points + step) - here) / _STEP for step in _STEP * np.eye(3)], axis=1)
        # Normals are covectors: for z' = z + move(x, y, z) they go by the inverse transposed derivative.
        deep = normals[:, 2:] / np.maximum(1 + slope[:, 2:], 0.3)
        turned = np.concatenate([normals[:, :2] - slope[:, :2] * deep, deep], axis=1)
        return (turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-6)).astype(np.float32) * (
            np.linalg.norm(normals, axis=1, keepdims=True) > 0.5
        )

    def _at(self, points: np.ndarray) -> np.ndarray:
        distance, vertex = self.tree.query(points, _NEIGHBOURS)
        share = 1 / (distance**2 + _BLUR**2)
        return ((self.move[vertex] * share).sum(1) / share.sum(1)).astype(np.float32)


def contradicted(points: np.ndarray, distance: np.ndarray, surface: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """(N,) bool: moved points (N, 3) whose distances (N,) the moved surface (M, 3) with its normals contradicts, because limbs have come
    nearer to each other or apart. Crop units."""
    found, nearest = cKDTree(surface).query(points)
    side = ((points - surface[nearest]) * normals[nearest]).sum(1)
    wrong_side = (side * distance < 0) & (np.minimum(found, np.abs(distance)) > _SPACING / 2)
    return wrong_side | (found < np.abs(distance) - _SPACING)

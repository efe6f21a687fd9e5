"""The signed distance of a fitted model, whose parts may reach into each other."""

import numpy as np
import torch

from ..geometry.closest import ClosestSurface
from ..geometry.raster import LayeredDepth, fragments
from ..geometry.visibility import sample_picture
from ..models.prior import PriorSurface
from .crop import signed_distance_to_outline

_SIZE = 512  # pixels of the pictures in which sides and outlines are told


class FittedField:
    """The signed distance of a fitted model's closed surface in its crop frame, whose parts may reach into each other: an arm into the
    trunk."""

    def __init__(self, surface: PriorSurface) -> None:
        self._closest = ClosestSurface(surface.vertices, surface.topology or surface.faces)
        vertices = torch.from_numpy(np.ascontiguousarray(surface.vertices, np.float32))
        pieces = fragments(vertices, torch.from_numpy(np.asarray(surface.faces, np.int64)), _SIZE)
        self._inside = LayeredDepth(pieces)
        covered = np.zeros(_SIZE * _SIZE, np.float32)
        covered[pieces.pixel.numpy()] = 1
        self._outline = signed_distance_to_outline(covered.reshape(_SIZE, _SIZE))

    def distance(self, points: np.ndarray) -> np.ndarray:
        """(N,) at points (N, 3), negative inside. A place inside of one part is inside, also where another part's surface is nearer."""
        distance = self._closest.query(points)[0]
        outside = np.flatnonzero(distance > 0)
        distance[outside[self._within(points[outside])]] *= -1
        return distance

    def outline(self, points: np.ndarray) -> np.ndarray:
        """(N,) signed distance to the surface's own outline in the picture, negative inside."""
        return sample_picture(self._outline, points)

    def _within(self, points: np.ndarray) -> np.ndarray:
        """(N,) bool: inside by the viewing rays through all four pixel centres around a point, which is sure."""
        column, row = ((points[:, axis] * sign + 1) * (_SIZE / 2) - 0.5 for axis, sign in ((0, 1), (1, -1)))
        depth = torch.from_numpy(np.ascontiguousarray(points[:, 2], np.float32))
        sure = np.ones(len(points), bool)
        for right in (0, 1):
            for down in (0, 1):
                x, y = (np.clip(np.floor(value) + step, 0, _SIZE - 1).astype(np.int64) for value, step in ((column, right), (row, down)))
                sure &= (self._inside.winding(torch.from_numpy(y * _SIZE + x), depth).abs() > 0.5).numpy()
        return sure

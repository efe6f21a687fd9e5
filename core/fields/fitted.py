"""The field of a fitted model alone: its own surface, stretched in the picture to the person's outline. What clothes and hair add in depth
is not in it."""

import numpy as np
import torch

from ..geometry.closest import ClosestSurface
from ..geometry.raster import LayeredDepth, fragments
from ..geometry.visibility import sample_picture
from ..models.prior import PriorSurface
from ..progress import Cancel
from .crop import signed_distance_to_outline
from .field import Field
from .silhouette import fit_field_to_silhouette

_SIZE = 512  # pixels of the pictures in which sides and outlines are told
_CELLS = 256  # of the picture a side, on which the outline is compared: 8 mm on a grown-up
_NEAR = 0.16  # crop units from the fitted surface within which a coarse lattice must look: what stretching may reach, and a cell
_UNCOLOURED = 0.5


class FittedField:
    """The signed distance of a fitted model's closed surface in its crop frame, whose parts may reach into each other: an arm into the
    trunk. Its colour is grey."""

    def __init__(self, surface: PriorSurface) -> None:
        self._closest = ClosestSurface(surface.vertices, surface.topology or surface.faces)
        self._canonical = surface.canonical.astype(np.float32)
        vertices = torch.from_numpy(np.ascontiguousarray(surface.vertices, np.float32))
        pieces = fragments(vertices, torch.from_numpy(np.asarray(surface.faces, np.int64)), _SIZE)
        self._inside = LayeredDepth(pieces)
        covered = np.zeros(_SIZE * _SIZE, np.float32)
        covered[pieces.pixel.numpy()] = 1
        self._outline = signed_distance_to_outline(covered.reshape(_SIZE, _SIZE))

    def distance(self, points: np.ndarray) -> np.ndarray:
        """As Field. A place inside of one part is inside, also where another part's surface is nearer."""
        distance = self._closest.query(points)[0]
        outside = np.flatnonzero(distance > 0)
        distance[outside[self._within(points[outside])]] *= -1
        return distance

    prior_distance = distance

    def colours(self, points: np.ndarray) -> np.ndarray:
        """As Field."""
        return np.full((len(points), 3), _UNCOLOURED, np.float32)

    def correspondence(self, points: np.ndarray) -> np.ndarray:
        """The canonical coordinates (N, 3) of PriorSurface at the nearest place."""
        _, face, barycentric = self._closest.query(points)
        return self._closest.interpolate(self._canonical, face, barycentric)

    def may_contain_surface(self, points: np.ndarray) -> np.ndarray:
        """As Field."""
        return np.abs(self._closest.query(points)[0]) < _NEAR

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


def fitted_field(surface: PriorSurface, matte: np.ndarray, cancel: Cancel | None = None) -> Field:
    """The FittedField of a surface, cut and stretched to the outline of the crop's matte (S, S) in [0, 1]. Raises Cancelled."""
    field, outside = FittedField(surface), signed_distance_to_outline(matte)
    silhouette = lambda points: sample_picture(outside, points)  # noqa: E731
    return fit_field_to_silhouette(field, silhouette=silhouette, own_outline=field.outline, cells=_CELLS, cancel=cancel)

"""Adds the parts of a person that the photo shows and a field leaves out, such as a wide skirt or a leg that the fitted body has elsewhere.

Where a column of depth is inside the outline and the field has nothing in it, it is filled as round as its outline (Igarashi et al. 1999,
Teddy), in the depth of what is beside it.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.ndimage import binary_dilation, binary_opening, distance_transform_edt, gaussian_filter, label, map_coordinates, maximum_filter

from ..geometry.visibility import smoothstep
from ..progress import Cancel
from .field import Field, PointFunction, evaluate

_CELLS, _DEEP = 128, 64  # columns a side, and samples of each
_LEAST = 0.02  # crop units by which a column passes the surface that misses something
_SMALLEST = 25  # columns of a missing part
_ROUND = 9  # columns either side among which the widest tells how round a part is
_BETWEEN = 40  # columns between two missing parts that are one
_THICKEST = 0.2  # crop units, half of the depth of what is added
_JOINED, _EVEN = 5, 1.5  # columns by which it overlaps what is there, and over which it is smooth
_BLEND = 0.05  # crop units over which it passes into what is there
_APART = 0.3  # crop units that keep it off everything else
_NEAR = 0.08  # crop units around it in which there may be surface


@dataclass(frozen=True)
class _WithMissing:
    """A Field. added: signed distance to what was missing."""

    base: Field
    added: PointFunction

    def distance(self, points: np.ndarray, /) -> np.ndarray:
        """As Field."""
        own, other = self.base.distance(points), self.added(points)
        between = np.maximum(_BLEND - np.abs(own - other), 0) / _BLEND
        return np.minimum(own, other) - between**2 * (_BLEND / 4)

    def colours(self, points: np.ndarray, /) -> np.ndarray:
        """As Field."""
        return self.base.colours(points)

    def correspondence(self, points: np.ndarray, /) -> np.ndarray:
        """As Field."""
        return self.base.correspondence(points)

    def may_contain_surface(self, points: np.ndarray, /) -> np.ndarray:
        """As Field."""
        return self.base.may_contain_surface(points) | (self.added(points) < _NEAR)

    def prior_distance(self, points: np.ndarray, /) -> np.ndarray:
        """As Field."""
        return np.minimum(self.base.prior_distance(points), self.added(points))


def with_missing_parts(field: Field, silhouette: PointFunction, cancel: Cancel | None = None) -> Field:
    """A crop frame's field with what it misses inside the outline. silhouette: points -> signed distance (N,) to it in the picture.
    Raises Cancelled."""
    axis = ((np.arange(_CELLS) + 0.5) * (2 / _CELLS) - 1).astype(np.float32)
    deep = ((np.arange(_DEEP) + 0.5) * (2 / _DEEP) - 1).astype(np.float32)
    columns = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    outline = silhouette(np.pad(columns, ((0, 0), (0, 1)))).reshape(_CELLS, _CELLS)
    within = np.flatnonzero(outline.ravel() < 0)
    points = np.concatenate([np.repeat(columns[within], _DEEP, axis=0), np.tile(deep, len(within))[:, None]], axis=1)
    some = field.may_contain_surface(points)
    distances = np.ones(len(points), np.float32)
    distances[some] = evaluate(field.distance, points[some], cancel)
    distances = distances.reshape(-1, _DEEP)
    least = np.full(outline.size, -1.0, np.float32)
    least[within] = distances.min(1)
    there = np.zeros(outline.size, bool)
    there[within] = distances.min(1) < 0
    missing = _large(binary_opening((least > _LEAST).reshape(outline.shape)))
    there = there.reshape(outline.shape)
    if not missing.any() or not there.any():
        return field
    missing = _bridged(missing, outline < 0)
    solid = distances < 0
    first, last = solid.argmax(1), _DEEP - 1 - solid[:, ::-1].argmax(1)
    middle = np.zeros(outline.size, np.float32)
    middle[within] = (deep[first] + deep[last]) / 2
    middle = middle.reshape(outline.shape)[tuple(distance_transform_edt(~there, return_distances=False, return_indices=True))]
    inside = np.maximum(-outline, 0)
    widest = maximum_filter(inside, 2 * _ROUND + 1)
    rounded = np.minimum(np.sqrt(np.maximum(2 * widest * inside - inside**2, 0)), _THICKEST)
    nearest = tuple(distance_transform_edt(~missing, return_distances=False, return_indices=True))
    middle, thick = gaussian_filter(middle, 2 * _EVEN), gaussian_filter(np.minimum(rounded, rounded[nearest]), _EVEN)
    reach = gaussian_filter(binary_dilation(missing, iterations=_JOINED).astype(np.float32), 1)

    def added(points: np.ndarray) -> np.ndarray:
        place = (points[:, :2].T + 1) * (_CELLS / 2) - 0.5
        at, wide, own = (map_coordinates(part, place, order=1, mode="nearest") for part in (middle, thick, reach))
        return (np.abs(points[:, 2] - at) - wide + _APART * (1 - smoothstep(own, 0, 0.5))).astype(np.float32)

    return _WithMissing(field, added)


def _bridged(missing: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """A mask (S, S) bool, by x and y, with what lies between two of its places at one height: the legs below a skirt. inside (S, S) bool:
    no air is between them."""
    bridged = missing.copy()
    for row, (places, person) in enumerate(zip(missing.T, inside.T, strict=True)):
        found = np.flatnonzero(places)
        for start, end in pairwise(found):
            if 1 < end - start <= _BETWEEN and person[start:end].all():
                bridged[start:end, row] = True
    return bridged


def _large(mask: np.ndarray) -> np.ndarray:
    """The parts of a mask (S, S) bool that have enough columns."""
    part, count = label(mask)
    sizes = np.bincount(part.ravel(), minlength=count + 1)
    sizes[0] = 0
    return (sizes >= _SMALLEST)[part]

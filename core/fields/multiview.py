"""One field of several photos of a person: what each photo's field says, weighed by how well that photo sees the place.

The frame is the main photo's crop frame. A field knows best what is near its photo's outline, it knows what its photo shows otherwise, and
the rest it guesses. So the distances are averaged by how surely each is known, and the shape is then fitted to every photo's outline.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..geometry.visibility import sample_picture, smoothstep
from ..progress import Cancel
from .field import Field, PointFunction, ReshapedField, evaluate
from .silhouette import fit_field_to_silhouette
from .smoothed import front_depth

_CELLS = 32  # a side, on which is told what a photo sees: 12.5 mm each on a head
_BEHIND = (0.02, 0.1)  # crop units behind the visible surface over which a place becomes hidden
_FACING = (-0.3, 0.3)  # cosine between the fitted surface's normal and the way to the camera: from hidden to seen
_OUTLINE, _ANCHORED = (
    0.05,
    4.0,
)  # crop units around the outline in which a photo tells for sure where the surface is, and how much that counts
_NEARLY = (-1.0, 0.5)  # the same for guesses: who sees a place's surroundings guesses it better
_GUESS = 0.02  # weight of a guess beside what is seen
_BORDER, _LEAST = 0.06, 1e-5  # crop units from a crop's border over which its field comes in; a weight that is never 0
_MOVED = 0.05  # crop units by which the outline of another photo than the main one may move the surface
_NEGLIGIBLE = 0.01  # share of the weight under which a photo's field is not asked


@dataclass(frozen=True)
class FieldView:
    """A photo's own field, in its own crop frame, and what tells where it is to be trusted. All functions take points of that frame.

    silhouette: signed distance to the outline in the picture; facing: cosine of the fitted surface's normal with the way to the camera;
    confidence: how good the photo is beside the others; counts: share (N,) to which it has a say, None for everywhere. carry: from the main
    photo's crop frame into this one; back: from this one into the main photo's; None for the main photo itself. protect: what the outline
    must not stretch, as fit_field_to_silhouette has it.
    """

    field: Field
    silhouette: PointFunction
    facing: PointFunction
    confidence: float = 1.0
    counts: PointFunction | None = None
    carry: PointFunction | None = None
    back: PointFunction | None = None
    protect: PointFunction | None = None

    def here(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 3) of the main photo's frame in this one."""
        return points if self.carry is None else self.carry(points)


class SeenWeight:
    """How much a view's field is believed at points (N, 3) of its frame: (N,) > 0."""

    def __init__(self, view: FieldView, cancel: Cancel | None = None) -> None:
        axis = (np.arange(_CELLS + 1) * (2 / _CELLS) - 1).astype(np.float32)
        lattice = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
        values = view.field.prior_distance(lattice).astype(np.float32)
        near = view.field.may_contain_surface(lattice)
        values[near] = evaluate(view.field.distance, lattice[near], cancel)
        depth = front_depth(values.reshape((_CELLS + 1,) * 3))
        # A picture: rows from the top, and samples that lie on the lattice's points.
        self._depth = np.where(np.isfinite(depth), depth, -1).T[::-1]
        self._view, self._inside = view, _CELLS / (_CELLS + 1)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        facing = self._view.facing(points)
        behind = sample_picture(self._depth, points * self._inside) - points[:, 2]
        # The main photo tells the surface's depth badly where it sees it face on, and its place in the picture well where that is the
        # outline. Those of the others lie some millimetres off: a turn of 5 degrees that nobody knows of is 9 mm at the back of a head.
        anchored = 1.0
        if self._view.carry is None:
            anchored = 1 + _ANCHORED * np.exp(-((self._view.silhouette(points) / _OUTLINE) ** 2))
        seen = (1 - smoothstep(behind, *_BEHIND)) * smoothstep(facing, *_FACING) * anchored
        weight = self._view.confidence * (seen + _GUESS * (0.1 + smoothstep(facing, *_NEARLY)))
        if self._view.counts is None:
            return weight
        inside = smoothstep(1 - np.abs(points).max(1), 0, _BORDER)
        return np.maximum(weight * inside * self._view.counts(points), _LEAST)


class MultiviewField:
    """The weighted mean of several photos' fields, of which the first is the main photo's; its frame is that one's crop frame."""

    def __init__(self, views: Sequence[FieldView], cancel: Cancel | None = None) -> None:
        self._views, self._main = views, views[0].field
        self._weights = [SeenWeight(view, cancel) for view in views]

    def weights(self, points: np.ndarray) -> np.ndarray:
        """(views, N) shares of each photo's field, which add up to 1, at points (N, 3)."""
        found = np.stack([weight(view.here(points)) for view, weight in zip(self._views, self._weights, strict=True)])
        return found / found.sum(0)

    def distance(self, points: np.ndarray) -> np.ndarray:
        """As Field."""
        places = [view.here(points) for view in self._views]
        shares = np.stack([weight(place) for weight, place in zip(self._weights, places, strict=True)])
        shares = shares / shares.sum(0)
        shares = np.where(shares < _NEGLIGIBLE, 0, shares)
        total = np.zeros(len(points), np.float32)
        for view, place, share in zip(self._views, places, shares, strict=True):
            asked = share > 0
            if asked.any():
                total[asked] += share[asked] * view.field.distance(place[asked])
        return total / shares.sum(0)

    def colours(self, points: np.ndarray) -> np.ndarray:
        """As Field: the main photo's."""
        return self._main.colours(points)

    def correspondence(self, points: np.ndarray) -> np.ndarray:
        """As Field: the main photo's."""
        return self._main.correspondence(points)

    def may_contain_surface(self, points: np.ndarray) -> np.ndarray:
        """As Field: the main photo's, whose outline bounds the person from all sides."""
        return self._main.may_contain_surface(points)

    def prior_distance(self, points: np.ndarray) -> np.ndarray:
        """As Field: the main photo's."""
        return self._main.prior_distance(points)


def multiview_field(views: Sequence[FieldView], cancel: Cancel | None = None) -> Field:
    """What a surface is extracted from that several photos show, the main one first: the mean of their fields, stretched to the outline in
    each photo, the main photo's last. Its frame is the main photo's crop frame. Raises Cancelled."""
    field: Field = MultiviewField(views, cancel)
    main, *others = views
    for view in others:
        field = _stretched(field, view, cancel)
    return fit_field_to_silhouette(field, silhouette=main.silhouette, protect_mask=main.protect, cancel=cancel)


def _stretched(field: Field, view: FieldView, cancel: Cancel | None) -> Field:
    """A field of the main photo's frame, stretched to the outline that another photo shows, as far as that one's place is known."""
    assert view.carry is not None and view.back is not None
    back, carry = view.back, view.carry
    base = CarriedField(field, back)
    there = fit_field_to_silhouette(base, silhouette=view.silhouette, protect_mask=view.protect, cancel=cancel)

    def distance(points: np.ndarray) -> np.ndarray:
        place, result = carry(points), field.distance(points)
        counts = np.ones(len(points), np.float32) if view.counts is None else view.counts(place)
        chosen = counts > 0
        if chosen.any():
            change = there.distance(place[chosen]) - result[chosen]
            result[chosen] += counts[chosen] * np.clip(change, -_MOVED, _MOVED)
        return result

    return ReshapedField(field, distance)


@dataclass(frozen=True)
class CarriedField:
    """A field of another frame, into which `there` takes the points (N, 3) of this one."""

    base: Field
    there: PointFunction

    def distance(self, points: np.ndarray) -> np.ndarray:
        """As Field."""
        return self.base.distance(self.there(points))

    def colours(self, points: np.ndarray) -> np.ndarray:
        """As Field."""
        return self.base.colours(self.there(points))

    def correspondence(self, points: np.ndarray) -> np.ndarray:
        """As Field."""
        return self.base.correspondence(self.there(points))

    def may_contain_surface(self, points: np.ndarray) -> np.ndarray:
        """As Field."""
        return self.base.may_contain_surface(self.there(points))

    def prior_distance(self, points: np.ndarray) -> np.ndarray:
        """As Field."""
        return self.base.prior_distance(self.there(points))

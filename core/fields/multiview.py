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
from .silhouette import Stretch, silhouette_stretch, stretched
from .smoothed import front_depth

_CELLS = 32  # a side, on which is told what a photo sees: 12.5 mm each on a head
_BEHIND = (0.02, 0.1)  # crop units behind the visible surface over which a place becomes hidden
_FACING = (-0.3, 0.3)  # cosine between the fitted surface's normal and the way to the camera: from hidden to seen
_OUTLINE, _ANCHORED = (
    0.05,
    4.0,
)  # crop units around the outline in which a photo tells for sure where the surface is, and how much that counts
_NEARLY = (-1.0, 0.5)  # the same for guesses: who sees a place's surroundings guesses it better
_SEEN, _GUESSED = 0.01, 0.04  # crop units by which a field errs where its photo shows the surface, and where it guesses
_BORDER, _LEAST = 0.06, 1e-5  # crop units from a crop's border over which its field comes in; a weight that is never 0
_MOVED = 0.05  # crop units by which the outline of another photo than the main one may move the surface
_STILL = 2e-4  # crop units (0.04 mm) by which an outline moves what stays in its place
_NEGLIGIBLE = 0.01  # share of the weight under which a photo's field is not asked


@dataclass(frozen=True)
class FieldView:
    """A photo's own field, in its own crop frame, and what tells where it is to be trusted. All functions take points of that frame.

    silhouette: signed distance to the outline in the picture; facing: cosine of the fitted surface's normal with the way to the camera;
    confidence: how good the photo is beside the others; counts: share (N,) to which it has a say, None for everywhere. carry: from the main
    photo's crop frame into this one; back: from this one into the main photo's; None for the main photo itself. error: how far, in crop
    units, these may be off. protect: what the outline must not stretch, as silhouette_stretch has it.
    """

    field: Field
    silhouette: PointFunction
    facing: PointFunction
    confidence: float = 1.0
    counts: PointFunction | None = None
    carry: PointFunction | None = None
    back: PointFunction | None = None
    error: float = 0.0
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
        seen = (1 - smoothstep(behind, *_BEHIND)) * smoothstep(facing, *_FACING)
        # A photo tells the surface's depth badly where it sees it face on, and its place in the picture well where that is the outline.
        anchored = 1 + _ANCHORED * np.exp(-((self._view.silhouette(points) / _OUTLINE) ** 2))
        guessed = 0.1 + smoothstep(facing, *_NEARLY)
        error = self._view.error**2
        weight = self._view.confidence * (seen * anchored / (_SEEN**2 + error) + guessed / (_GUESSED**2 + error))
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
    mean = MultiviewField(views, cancel)
    main, *others = views
    outlines = [_Outline.of(mean, view, cancel) for view in others]

    def distance(points: np.ndarray) -> np.ndarray:
        result = mean.distance(points)
        changes = np.stack([np.zeros_like(result), *(outline.change(mean, points, result) for outline in outlines)])
        # What two photos from nearly the same side ask for is asked for once.
        return result + changes.max(0) + changes.min(0)

    whole = ReshapedField(mean, distance)
    return stretched(whole, silhouette_stretch(whole, silhouette=main.silhouette, protect_mask=main.protect, cancel=cancel))


@dataclass(frozen=True)
class _Outline:
    """What another photo's outline, from `view`, asks of a field of the main photo's frame, as far as that photo's place is known."""

    view: FieldView
    stretch: Stretch

    @classmethod
    def of(cls, field: Field, view: FieldView, cancel: Cancel | None) -> "_Outline":
        """Raises Cancelled."""
        assert view.back is not None
        there = CarriedField(field, view.back)
        return cls(view, silhouette_stretch(there, silhouette=view.silhouette, protect_mask=view.protect, cancel=cancel))

    def change(self, field: Field, points: np.ndarray, result: np.ndarray) -> np.ndarray:
        """What to add to the field's distances (N,), result, at points (N, 3)."""
        view, change = self.view, np.zeros_like(result)
        assert view.carry is not None and view.back is not None
        place = view.carry(points)
        counts = np.ones(len(points), np.float32) if view.counts is None else view.counts(place)
        rows = np.flatnonzero(counts > 0)
        before, bound = self.stretch(place[rows])
        there, moved = result[rows], np.linalg.norm(before - place[rows], axis=1) > _STILL
        if moved.any():
            there[moved] = field.distance(view.back(before[moved]))
        known = _GUESSED**2 / (_GUESSED**2 + view.error**2)  # beside what is there, mostly a guess
        change[rows] = known * counts[rows] * np.clip(np.maximum(there, bound) - result[rows], -_MOVED, _MOVED)
        return change


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

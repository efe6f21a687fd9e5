"""A head's field that is reshaped to the outlines of further photos of the person. Its frame is the main photo's crop frame.

The fields of further photos take no part: where they see what the main photo hides, they err as the main photo's guess does, and by the
same (docs/decisions.md). Outlines are what further photos know better.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..geometry.visibility import smoothstep
from ..progress import Cancel
from .field import Field, PointFunction, ReshapedField
from .silhouette import Stretch, silhouette_stretch, stretched

_BORDER = 0.06  # crop units from a crop's border over which its outline begins to count
_KNOWN = 0.7  # share of what an outline asks for that is done: its photo's place is known to some millimetres
_MOVED = 0.08  # crop units (16 mm) by which the outline of another photo may move the surface
_OWN = 0.15  # crop units (30 mm) within the main photo's outline over which other outlines begin to count
_STILL = 2e-4  # crop units (0.04 mm) by which an outline moves what stays in its place


@dataclass(frozen=True)
class Silhouette:
    """A further photo's outline. carry: from the main photo's crop frame into its own; back: the other way. distance: signed distance (N,)
    to the outline in its picture, of points (N, 3) of its own frame; counts: share (N,) to which it has a say, of points (N, 3) of its own
    frame."""

    distance: PointFunction
    counts: PointFunction
    carry: PointFunction
    back: PointFunction


def multiview_field(
    field: Field, silhouette: PointFunction, protect: PointFunction, others: Sequence[Silhouette], cancel: Cancel | None = None
) -> Field:
    """The main photo's field, stretched to the outlines of the others and to its own, `silhouette`, last. protect: [0, 1] (N,), what no
    outline stretches (silhouette_stretch). Raises Cancelled."""
    outlines = [_Outline.of(field, other, protect, cancel) for other in others]

    def distance(points: np.ndarray) -> np.ndarray:
        result = field.distance(points)
        # Where the main photo shows the outline itself, there is nothing to add: at the crown, two photos that disagree leave an edge.
        share = smoothstep(-silhouette(points), 0, _OWN)
        changes = np.stack([np.zeros_like(result), *(share * outline.change(field, points, result) for outline in outlines)])
        # What two photos from nearly the same side ask for is asked for once.
        return result + changes.max(0) + changes.min(0)

    whole = ReshapedField(field, distance)
    return stretched(whole, silhouette_stretch(whole, silhouette=silhouette, protect_mask=protect, cancel=cancel))


@dataclass(frozen=True)
class _Outline:
    """What another photo's outline asks of a field of the main photo's frame."""

    seen: Silhouette
    stretch: Stretch

    @classmethod
    def of(cls, field: Field, seen: Silhouette, protect: PointFunction, cancel: Cancel | None) -> "_Outline":
        """Raises Cancelled."""
        there = CarriedField(field, seen.back)
        protected = lambda points: protect(seen.back(points))  # noqa: E731
        # Drawn in, because an edge where two outlines cut shows as a crease.
        stretch = silhouette_stretch(there, silhouette=seen.distance, protect_mask=protected, inwards=_MOVED, cancel=cancel)
        return cls(seen, stretch)

    def change(self, field: Field, points: np.ndarray, result: np.ndarray) -> np.ndarray:
        """What to add to the field's distances (N,), result, at points (N, 3)."""
        place, change = self.seen.carry(points), np.zeros_like(result)
        counts = self.seen.counts(place) * smoothstep(1 - np.abs(place[:, :2]).max(1), 0, _BORDER)
        rows = np.flatnonzero(counts > 0)
        before, bound = self.stretch(place[rows])
        there, moved = result[rows], np.linalg.norm(before - place[rows], axis=1) > _STILL
        if moved.any():
            there[moved] = field.distance(self.seen.back(before[moved]))
        change[rows] = _KNOWN * counts[rows] * np.clip(np.maximum(there, bound) - result[rows], -_MOVED, _MOVED)
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

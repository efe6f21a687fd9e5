"""What every field answers, and how it is evaluated at many points."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..progress import BATCH, Cancel, batches

PointFunction = Callable[[np.ndarray], np.ndarray]
"""From points (N, 3) float32 of a frame to one value or row for each."""


class Field(Protocol):
    """A surface and its colours as functions of points (N, 3) float32 in one frame, whose units are those of the distances.

    The frame is the crop frame for fields of one head; a body's field has the body's.
    """

    def distance(self, points: np.ndarray, /) -> np.ndarray:
        """(N,) signed distance, negative inside. Its zero is the surface."""
        ...

    def colours(self, points: np.ndarray, /) -> np.ndarray:
        """(N, 3) sRGB in [0, 1]."""
        ...

    def correspondence(self, points: np.ndarray, /) -> np.ndarray:
        """(N, 3) canonical coordinates in [0, 1], fading with distance from the subject."""
        ...

    def may_contain_surface(self, points: np.ndarray, /) -> np.ndarray:
        """(N,) bool: whether a coarse lattice should evaluate the distance here. Elsewhere the sign of `prior_distance` is taken."""
        ...

    def prior_distance(self, points: np.ndarray, /) -> np.ndarray:
        """(N,) signed distance of the fitted model: rough and cheap."""
        ...


@dataclass(frozen=True)
class ReshapedField:
    """A field with another distance; all else is that of `base`."""

    base: Field
    distance: PointFunction

    def colours(self, points: np.ndarray, /) -> np.ndarray:
        """As Field."""
        return self.base.colours(points)

    def correspondence(self, points: np.ndarray, /) -> np.ndarray:
        """As Field."""
        return self.base.correspondence(points)

    def may_contain_surface(self, points: np.ndarray, /) -> np.ndarray:
        """As Field."""
        return self.base.may_contain_surface(points)

    def prior_distance(self, points: np.ndarray, /) -> np.ndarray:
        """As Field."""
        return self.base.prior_distance(points)


def evaluate(
    function: PointFunction, points: np.ndarray, cancel: Cancel | None = None, size: int = BATCH, shape: tuple[int, ...] = ()
) -> np.ndarray:
    """A function of points, evaluated in batches of `size`: (N, *shape) float32. Raises Cancelled."""
    return np.concatenate([np.zeros((0, *shape), np.float32), *(function(points[batch]) for batch in batches(len(points), cancel, size))])

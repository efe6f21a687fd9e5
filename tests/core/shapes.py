"""Fields of shapes made by hand, as tests need them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from likeness.core.fields.field import PointFunction


def everywhere(points: np.ndarray) -> np.ndarray:
    """True for all points."""
    return np.ones(len(points), bool)


def no_rows(points: np.ndarray) -> np.ndarray:
    """Zeros (N, 3)."""
    return np.zeros((len(points), 3), np.float32)


@dataclass(frozen=True)
class Shape:
    """A Field with this signed distance; prior_distance: the fitted model's, which is the shape itself unless it is given."""

    distance: PointFunction
    prior: PointFunction | None = None
    may_contain_surface: Callable[[np.ndarray], np.ndarray] = everywhere
    colours: PointFunction = no_rows
    correspondence: PointFunction = no_rows

    def prior_distance(self, points: np.ndarray, /) -> np.ndarray:
        """(N,) of points (N, 3)."""
        return (self.prior or self.distance)(points)

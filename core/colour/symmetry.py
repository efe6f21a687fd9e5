"""Where a head's points lie on the head, and its plane of symmetry: what semantic correspondences say of places in the crop."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..networks.semantic import OFFSET, SCALE

_LEAST = 100
_CHIN = 0.3  # of the correspondence's height: necks bend


@dataclass(frozen=True)
class Symmetry:
    """The straight map from the crop to the upright mean head, on which correspondences are points @ turn (3, 3) + shift (3,), off it as
    well."""

    turn: np.ndarray
    shift: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray, correspondences: np.ndarray) -> Self | None:
        """From points (N, 3) in the crop frame with correspondences (N, 3), 0 off the head; None where they are too few."""
        on_head = correspondences[:, 1] > _CHIN
        if on_head.sum() < _LEAST:
            return None
        columns = np.column_stack([points[on_head], np.ones(on_head.sum())])
        found = np.linalg.lstsq(columns, correspondences[on_head], rcond=None)[0]
        return cls(found[:3], found[3])

    def upright(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 3) on the mean head: crop units from between the eyes, x to the person's left, y up, z forward."""
        return ((points @ self.turn + self.shift - OFFSET) / SCALE).astype(np.float32)

    def mirrored(self, points: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points (N, 3) and normals (N, 3) of the crop frame as the plane of symmetry mirrors them, float32."""
        across = self.turn[:, 0]
        twice = 2 * across / (across @ across)
        moved = points - np.outer(points @ across + self.shift[0] - OFFSET[0], twice)
        return moved.astype(np.float32), (normals - np.outer(normals @ across, twice)).astype(np.float32)

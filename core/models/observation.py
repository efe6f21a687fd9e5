"""What a fit needs of one photo."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..photo.view import View


@dataclass(frozen=True)
class Observation:
    """landmarks (N, 3): photo pixels, as in View, in the order of one of the model's landmark sets. matte (H, W) float32 in [0, 1]: the
    person, or None. focal: pixels, or None when unknown. name: for messages."""

    landmarks: np.ndarray
    matte: np.ndarray | None = None
    focal: float | None = None
    name: str = ""

    @classmethod
    def of(cls, view: View) -> Self:
        """What a prepared photo shows."""
        return cls(view.landmarks, view.matte, view.focal, view.name)

    @property
    def outline(self) -> np.ndarray | None:
        """The matte, if the person ends somewhere in it."""
        return self.matte if self.matte is not None and self.matte.min() < 0.5 < self.matte.max() else None

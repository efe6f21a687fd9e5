"""What fits of heads and of bodies need of one photo."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from ..photo.people import BodyLandmarks
from ..photo.view import View


@dataclass(frozen=True)
class Observation:
    """landmarks (468, 3): MediaPipe's, photo pixels, as in View, or None when only landmarks68 are known. matte (H, W) float32 in [0, 1]:
    the person, or None. focal: pixels, or None when unknown. name: for messages. landmarks68 (68, 2): iBUG's, from a second detector,
    photo pixels, or None; beside landmarks they count where they agree."""

    landmarks: np.ndarray | None
    matte: np.ndarray | None = None
    focal: float | None = None
    name: str = ""
    landmarks68: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.landmarks is None and self.landmarks68 is None:
            raise ValueError("an observation needs landmarks")

    @classmethod
    def of(cls, view: View) -> Self:
        """What a prepared photo shows."""
        return cls(None if view.modelled else view.landmarks, view.matte, view.focal, view.name, view.landmarks68)

    @property
    def outline(self) -> np.ndarray | None:
        """The matte, if the person ends somewhere in it."""
        return self.matte if self.matte is not None and self.matte.min() < 0.5 < self.matte.max() else None


@dataclass(frozen=True)
class BodyObservation:
    """What a body fit needs of one photo. readings: the detector's landmarks of the person, in several framings. principal (2,): the point
    of the photo, pixels, that the camera's axis passes through, the picture's middle. matte, focal, name as in Observation."""

    readings: Sequence[BodyLandmarks]
    principal: np.ndarray
    matte: np.ndarray | None = None
    focal: float | None = None
    name: str = "the photo"

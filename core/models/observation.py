"""What fits of heads and of bodies need of one photo."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from ..photo.landmarks import IBUG68, MEDIAPIPE, Landmarks, PinnedPoints
from ..photo.people import BodyLandmarks
from ..photo.view import View
from .turned_landmarks import TurnedLandmarks


@dataclass(frozen=True)
class Observation:
    """landmarks: photo pixels, by kind: MediaPipe's, or iBUG's, or both; beside MediaPipe's, iBUG's count where they agree. matte (H, W)
    float32 in [0, 1]: the person, or None. focal: pixels, or None when unknown. name: for messages. pins: what the artist has put where it
    belongs, or None."""

    landmarks: Landmarks
    matte: np.ndarray | None = None
    focal: float | None = None
    name: str = ""
    pins: PinnedPoints | None = None

    def __post_init__(self) -> None:
        if not {MEDIAPIPE, IBUG68} & self.landmarks.keys():
            raise ValueError("an observation needs landmarks")

    @classmethod
    def of(cls, view: View) -> Self:
        """What a prepared photo shows."""
        seen = {kind: points for kind, points in view.landmarks.items() if not (view.modelled and kind == MEDIAPIPE)}
        return cls.detected(seen, view.matte, view.focal, view.name, view.pins)

    @classmethod
    def detected(
        cls,
        landmarks: Landmarks,
        matte: np.ndarray | None = None,
        focal: float | None = None,
        name: str = "",
        pins: PinnedPoints | None = None,
    ) -> Self:
        """Of landmarks as detectors report them; MediaPipe's of a turned face are mended. Raises AssetError."""
        if MEDIAPIPE in landmarks:
            landmarks = {**landmarks, MEDIAPIPE: TurnedLandmarks.load().corrected(landmarks[MEDIAPIPE])}
        return cls(landmarks, matte, focal, name, pins)

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

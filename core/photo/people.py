"""People's body landmarks: MediaPipe's 33, read in several framings of one person."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from .mediapipe_parts import mediapipe_solutions

LANDMARKS = 33
"""MediaPipe's body landmarks: 0 nose, 11 and 12 shoulders, 23 and 24 hips, 31 and 32 toes; the person's left comes first."""
_LEFT_RIGHT = ((1, 4), (2, 5), (3, 6), (7, 8), (9, 10), *((i, i + 1) for i in range(11, LANDMARKS, 2)))
_SIDE = 512  # pixels of a framing
_MARGINS = (1.16, 1.45)  # side of a framing over the longer side of the person's box
_LEAST_SCORE = 0.3
_SEEN = 0.5  # visibility


def _partners() -> np.ndarray:
    partner = np.arange(LANDMARKS)
    for left, right in _LEFT_RIGHT:
        partner[left], partner[right] = right, left
    return partner


PARTNER = _partners()
"""(33,) the landmark on the other side, itself for the nose."""


@dataclass(frozen=True)
class BodyLandmarks:
    """One reading of a person's body.

    points (33, 2): column and row, photo pixels. depth (33,): in the same unit, growing towards the viewer, 0 at the hips. visibility (33,)
    in [0, 1]. world (33, 3): metres about the middle of the hips, camera axes (x right, y up, z towards the viewer).
    """

    points: np.ndarray
    depth: np.ndarray
    visibility: np.ndarray
    world: np.ndarray

    @property
    def hips(self) -> np.ndarray:
        """(2,) their middle, photo pixels."""
        return self.points[[23, 24]].mean(0)

    @property
    def torso(self) -> float:
        """Pixels from the middle of the shoulders to that of the hips, or across them where the person is seen from above."""
        shoulders = self.points[[11, 12]]
        return float(max(np.linalg.norm(shoulders.mean(0) - self.hips), np.linalg.norm(shoulders[0] - shoulders[1]), 1e-6))

    def seen(self, shape: tuple[int, ...]) -> np.ndarray:
        """(33,) bool: the landmarks that a picture of this shape shows, uncovered as far as the detector can tell."""
        inside = ((self.points >= 0) & (self.points < [shape[1], shape[0]])).all(1)
        return inside & (self.visibility > _SEEN)

    def mirrored(self, width: float) -> Self:
        """As the person looks in a picture of this width that is flipped left to right."""
        return type(self)(
            (self.points * [-1, 1] + [width, 0])[PARTNER], self.depth[PARTNER], self.visibility[PARTNER], (self.world * [-1, 1, 1])[PARTNER]
        )

    def placed(self, scale: float, corner: np.ndarray) -> Self:
        """Moved from a framing whose pixel is `scale` photo pixels wide and whose corner (2,) is a photo pixel."""
        return type(self)(self.points * scale + corner, self.depth * scale, self.visibility, self.world)


def combined(readings: Sequence[BodyLandmarks]) -> BodyLandmarks:
    """The readings of one person as one: the median, point by point."""
    median = lambda name: np.median([getattr(reading, name) for reading in readings], axis=0)  # noqa: E731
    return BodyLandmarks(median("points"), median("depth"), median("visibility"), median("world"))


class BodyDetector:
    """MediaPipe's pose network (`full`, bundled with MediaPipe 0.10.21). Not safe to share between threads."""

    def __init__(self) -> None:
        with mediapipe_solutions() as solutions:
            self._graph = solutions.pose.Pose(static_image_mode=True, model_complexity=1, min_detection_confidence=_LEAST_SCORE)
            self._graph.process(np.zeros((64, 64, 3), np.uint8))

    def read(self, image: np.ndarray) -> BodyLandmarks | None:
        """The most prominent person of an (H, W, 3) uint8 picture."""
        found = self._graph.process(np.ascontiguousarray(image))
        if found.pose_landmarks is None:
            return None
        height, width = image.shape[:2]
        flat = np.array([[point.x, point.y, point.z, point.visibility] for point in found.pose_landmarks.landmark])
        world = np.array([[point.x, -point.y, -point.z] for point in found.pose_world_landmarks.landmark])
        return BodyLandmarks(flat[:, :2] * [width, height], -flat[:, 2] * width, flat[:, 3], world)

    def readings(self, image: np.ndarray, box: Sequence[float]) -> list[BodyLandmarks]:
        """The person in a box (left, top, right, bottom) of photo pixels, read in several framings, each also flipped left to right.

        MediaPipe frames people by itself and may cut their feet off, or take one side for the other; rarely in every framing.
        """
        left, top, right, bottom = box
        middle, longer = np.array([(left + right) / 2, (top + bottom) / 2]), max(right - left, bottom - top)
        found = []
        for margin in _MARGINS:
            framing, scale, corner = _framing(image, middle, margin * longer)
            for flipped in (False, True):
                reading = self.read(framing[:, ::-1] if flipped else framing)
                if reading is not None:
                    found.append((reading.mirrored(_SIDE) if flipped else reading).placed(scale, corner))
        return found

    def read_square(self, image: np.ndarray, middle: np.ndarray, side: float) -> BodyLandmarks | None:
        """The most prominent person in a square of a picture, in the picture's pixels."""
        framing, scale, corner = _framing(image, middle, side)
        reading = self.read(framing)
        return None if reading is None else reading.placed(scale, corner)


def _framing(image: np.ndarray, middle: np.ndarray, side: float) -> tuple[np.ndarray, float, np.ndarray]:
    """A square of a picture in _SIDE pixels, its edges carried on; photo pixels of one of them, and the square's corner (2,)."""
    scale, corner = side / _SIDE, middle - side / 2
    # warpAffine counts pixel centres from 0, photo pixels from 0.5.
    shift = scale / 2 - 0.5 + corner
    inverse = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    flags = cv2.WARP_INVERSE_MAP | (cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR)
    return cv2.warpAffine(image, inverse, (_SIDE, _SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE), scale, corner

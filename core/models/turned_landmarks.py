"""Where MediaPipe's landmarks of a turned face belong: from some 20 degrees on, the detector draws a face that is turned less.

A linear map from the landmarks' own shape, with its products with the head's turn, to their corrections, in the levelled square around the
face. It has learned from drawn people whose landmarks are known (training/landmarks.py). Faces that look ahead stay as they are.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..arrays import REAL, Array, Schema
from ..geometry.visibility import smoothstep
from ..photo.crop import face_square
from .files import read_model
from .rotation import nearest_rotation

TURNED_FILE = Path(__file__).parents[2] / "weights" / "turned_landmarks.npz"
_LANDMARKS = 468
_TURNED = tuple(np.radians([20, 40]))  # over which the correction comes in
_BESIDE = 0.7  # radians: the turn's unit
SCHEMA = Schema(
    {
        "reference": Array(REAL, (_LANDMARKS, 3)),
        "mean": Array(REAL, (3 * _LANDMARKS,)),
        "components": Array(REAL, ("K", 3 * _LANDMARKS)),
        "map": Array(REAL, ("B", 3 * _LANDMARKS)),
    },
    most=100_000,
)


@dataclass(frozen=True)
class TurnedLandmarks:
    """reference (468, 3): the mean head's landmarks, which tell a face's turn, y up; mean (1404,) and components (K, 1404): shapes of faces
    in the square, scaled so that a usual face's share of each is 1; map (5 + 3 K, 1404): from `basis` to corrections."""

    reference: np.ndarray
    mean: np.ndarray
    components: np.ndarray
    map: np.ndarray

    @classmethod
    @lru_cache(maxsize=1)
    def load(cls) -> "TurnedLandmarks":
        """The bundled ones. Raises AssetError."""
        return cls(**read_model(TURNED_FILE, SCHEMA, "file of landmarks"))

    def corrected(self, landmarks: np.ndarray) -> np.ndarray:
        """Landmarks (468, 3), photo pixels, of a face that may be turned."""
        square = face_square(landmarks)
        points = square.levelled(landmarks)
        share = float(smoothstep(np.array([abs(self.turn(points))]), *_TURNED)[0])
        if not share:
            return landmarks
        correction = (self.basis(points) @ self.map).reshape(-1, 3)
        return square.in_photo(points + share * correction)

    def turn(self, points: np.ndarray) -> float:
        """Radians that a face (468, 3) in its square looks to a side, by the rotation that lays the reference on it."""
        there, here = points * [1, -1, 1], self.reference - self.reference.mean(0)
        rotation = nearest_rotation((there - there.mean(0)).T @ here)
        return float(np.arctan2(rotation[0, 2], rotation[2, 2]))

    def basis(self, points: np.ndarray) -> np.ndarray:
        """(5 + 3 K,): powers of the turn, and the face's shares of the components times its powers."""
        turn = self.turn(points) / _BESIDE
        shares = self.components @ (points.ravel() - self.mean)
        return np.concatenate([[1, turn, turn**2, abs(turn), turn**3], shares, shares * turn, shares * turn**2])

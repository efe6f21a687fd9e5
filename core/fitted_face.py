"""The fitted face as it lies over a photo, for an artist who moves pins; numpy only, as Blender's process reads it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from .arrays import REAL, TEXT, WHOLE, Array, ArrayError, Schema
from .errors import AssetError

_SCHEMA = Schema(
    {
        "vertices": Array(REAL, ("V", 3)),
        "faces": Array(WHOLE, ("F", 3), below="V"),
        "landmark_names": Array(TEXT, ("N",)),
        "landmarks": Array(REAL, ("N", 3)),
        "pins": Array(REAL, ("P", 3)),
    },
    most=1_000_000,
)


@dataclass(frozen=True)
class FittedFace:
    """vertices (V, 3), faces (F, 3): a net over the fitted face. landmarks (N, 3) with their names (N,): NAMED_LANDMARKS. pins (P, 3):
    the points of the pins. All points are column and row in the photo, pixels, and z in the camera frame, metres."""

    vertices: np.ndarray
    faces: np.ndarray
    landmark_names: tuple[str, ...]
    landmarks: np.ndarray
    pins: np.ndarray

    def save(self, path: Path) -> None:
        """As .npz."""
        _SCHEMA.save(path, vars(self))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises AssetError."""
        try:
            return cls(**_SCHEMA.load(path)[0])
        except ArrayError as error:
            raise AssetError(f"{path} is not a fitted face; move a pin again.") from error

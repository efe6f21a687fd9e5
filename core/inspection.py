"""What is seen in a photo before anything is made of it: the people to choose from, and the mask; numpy only, as Blender reads it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from .arrays import ANY, BYTE, REAL, Array, ArrayError, Schema
from .errors import AssetError

THUMBNAIL = 96
"""Pixels a side."""
_SCHEMA = Schema(
    {
        "boxes": Array(REAL, ("N", 4)),
        "thumbnails": Array(BYTE, ("N", THUMBNAIL, THUMBNAIL, 3)),
        "focal_35mm": Array(REAL, ()),
        "matte": Array(BYTE, (ANY, ANY), optional=True),
    },
    most=100_000,
)


@dataclass(frozen=True)
class Inspection:
    """boxes (N, 4): left, top, right and bottom of each person's face, or body where no face is found, as shares of the photo, from left
    to right; thumbnails (N, THUMBNAIL, THUMBNAIL, 3) uint8 sRGB of them. focal_35mm: what the photo's EXIF says, millimetres on
    35 mm film; 0 where it does not. matte (H, W) uint8: 255 where the chosen person is, or None."""

    boxes: np.ndarray
    thumbnails: np.ndarray
    focal_35mm: float
    matte: np.ndarray | None = None

    def save(self, path: Path) -> None:
        """As .npz."""
        _SCHEMA.save(path, vars(self) | {"focal_35mm": np.float32(self.focal_35mm)})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises AssetError."""
        try:
            found = _SCHEMA.load(path)[0]
        except ArrayError as error:
            raise AssetError(f"{path} is no inspection of a photo; try again.") from error
        return cls(found["boxes"], found["thumbnails"], float(found["focal_35mm"]), found.get("matte"))

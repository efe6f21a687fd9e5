"""Frames of a video that stand for photos of the person in it; numpy only, as Blender reads them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from ..arrays import ANY, BYTE, REAL, TEXT, WHOLE, Array, ArrayError, Schema
from ..errors import AssetError

MOST_FRAMES = 8
_SCHEMA = Schema(
    {
        "source": Array(TEXT, ()),
        "numbers": Array(WHOLE, ("N",), low=0),
        "turns": Array(REAL, ("N",)),
        "pictures": Array(BYTE, ("N", ANY, ANY, 3)),
    },
    most=4096,
    most_bytes=2**29,
)


@dataclass(frozen=True)
class VideoFrames:
    """source: the video's name. numbers (N,): in the video, from 0. turns (N,): degrees by which the face is turned to its own left,
    roughly. pictures (N, H, W, 3) uint8 sRGB. The first is the one most from the front."""

    source: str
    numbers: np.ndarray
    turns: np.ndarray
    pictures: np.ndarray

    @property
    def names(self) -> list[str]:
        """A name for each picture, without suffix, in this order also when sorted."""
        stem = Path(self.source).stem
        return [f"{stem} {place + 1} (frame {number})" for place, number in enumerate(self.numbers)]

    @property
    def note(self) -> str:
        """A sentence for the user when there is little to gain from these frames, else empty."""
        if len(self.numbers) > 1:
            return ""
        return f"{self.source} shows the person from one side only, so one frame is used; a video in which they turn gives more."

    def save(self, path: Path) -> None:
        """As .npz."""
        _SCHEMA.save(path, vars(self))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises AssetError."""
        try:
            return cls(**_SCHEMA.load(path)[0])
        except ArrayError as error:
            raise AssetError(f"{path} holds no frames of a video; try again.") from error

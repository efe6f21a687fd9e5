"""What is where on a reconstructed head: parts of its surface and named landmarks; numpy only, as Blender's process reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from ..arrays import REAL, TEXT, Array, Schema

_SCHEMA = Schema(
    {
        "part_names": Array(TEXT, ("G",)),
        "parts": Array(REAL, ("G", "V"), low=0, high=1),
        "landmark_names": Array(TEXT, ("N",)),
        "landmarks": Array(REAL, ("N", 3)),
    },
    prefix="anatomy_",
    most=100_000_000,
)


@dataclass(frozen=True)
class Anatomy:
    """part_names (G,), parts (G, V) float32 in [0, 1]: shares of the surface's vertices, which may overlap. landmark_names (N,), landmarks
    (N, 3) float32: points of the fitted face, upright frame, metres."""

    part_names: tuple[str, ...]
    parts: np.ndarray
    landmark_names: tuple[str, ...]
    landmarks: np.ndarray

    def of_vertices(self, ids: np.ndarray) -> Self:
        """Of a surface with these of the vertices, (W,)."""
        return replace(self, parts=self.parts[:, ids])

    def arrays(self) -> dict[str, Any]:
        """As they lie in a result's file."""
        return _SCHEMA.pack(vars(self))

    @classmethod
    def from_arrays(cls, data: Mapping[str, np.ndarray]) -> Self | None:
        """None where a file has none. Raises ArrayError."""
        return cls(**_SCHEMA.check(data)) if _SCHEMA.prefix + "part_names" in data else None

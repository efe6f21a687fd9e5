"""What Blender and the worker hand each other when a mesh of the artist's gets a texture: the mesh there, a picture back. numpy only."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ..arrays import ANY, BYTE, REAL, WHOLE, Array, ArrayError, Schema
from ..errors import AssetError


@dataclass(frozen=True)
class _Arrays:
    """Arrays in one .npz."""

    _schema: ClassVar[Schema]
    _filled: ClassVar[str]
    """The array that may not be empty."""

    def save(self, path: Path) -> None:
        self._schema.save(path, vars(self))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises AssetError when the file is something else."""
        try:
            arrays, _ = cls._schema.load(path)
            if not len(arrays[cls._filled]):
                raise ArrayError(cls._filled)
        except ArrayError as error:
            raise AssetError(f"{path.name} is damaged; bake again.") from error
        return cls(**arrays)


@dataclass(frozen=True)
class UvMesh(_Arrays):
    """A mesh on a reconstruction: vertices (V, 3) float32 metres in the upright frame of the Result, faces (F, 3) int32, outward;
    uv (U, 2) float32, bottom-left origin, faces_uv (F, 3) int32."""

    _schema = Schema(
        {
            "vertices": Array(REAL, ("V", 3)),
            "faces": Array(WHOLE, ("F", 3), below="V"),
            "uv": Array(REAL, ("U", 2)),
            "faces_uv": Array(WHOLE, ("F", 3), below="U"),
        }
    )
    _filled = "faces"

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    faces_uv: np.ndarray


@dataclass(frozen=True)
class Texture(_Arrays):
    """colours (S, S, 3) uint8 sRGB, row 0 at the top."""

    _schema = Schema({"colours": Array(BYTE, (ANY, ANY, 3))})
    _filled = "colours"

    colours: np.ndarray

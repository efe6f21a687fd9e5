"""What Blender and the worker hand each other when a mesh of the artist's gets textures: the mesh there, pictures back. numpy only."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ..arrays import BYTE, REAL, WHOLE, Array, ArrayError, Schema
from ..errors import AssetError


@dataclass(frozen=True)
class _Arrays:
    """Arrays in one .npz."""

    _schema: ClassVar[Schema]
    _filled: ClassVar[str] = ""
    """The array that may not be empty, if any."""

    def save(self, path: Path) -> None:
        self._schema.save(path, vars(self))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises AssetError when the file is something else."""
        try:
            arrays, _ = cls._schema.load(path)
            if cls._filled and not len(arrays[cls._filled]):
                raise ArrayError(cls._filled)
        except ArrayError as error:
            raise AssetError(f"{path.name} is damaged; bake again.") from error
        return cls(**arrays)


@dataclass(frozen=True)
class UvMesh(_Arrays):
    """A mesh on a reconstruction: vertices (V, 3) float32 metres in the upright frame of the Result, faces (F, 3) int32, outward;
    uv (U, 2) float32, bottom-left origin, faces_uv (F, 3) int32; as its shading has them, normals (U, 3) and tangents with the sign of the
    bitangent (U, 4), float32."""

    _schema = Schema(
        {
            "vertices": Array(REAL, ("V", 3)),
            "faces": Array(WHOLE, ("F", 3), below="V"),
            "uv": Array(REAL, ("U", 2)),
            "faces_uv": Array(WHOLE, ("F", 3), below="U"),
            "normals": Array(REAL, ("U", 3)),
            "tangents": Array(REAL, ("U", 4)),
        }
    )
    _filled = "faces"

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    faces_uv: np.ndarray
    normals: np.ndarray
    tangents: np.ndarray


COLOUR, NORMAL, DISPLACEMENT, OBSERVED = "colour", "normal", "displacement", "observed"
"""What can be baked."""


@dataclass(frozen=True)
class BakedMaps:
    """What is wanted: names of Textures' pictures; size, texels a side; cage: metres from the mesh in which the reconstruction is looked
    for; margin: texels around the islands of the UV map that repeat them."""

    names: tuple[str, ...] = (COLOUR, NORMAL, DISPLACEMENT, OBSERVED)
    size: int = 2048
    cage: float = 0.01
    margin: int = 64


@dataclass(frozen=True)
class Textures(_Arrays):
    """Pictures by what they show, those that were asked for, row 0 at the top: colour (S, S, 3) uint8 sRGB; normal (S, S, 3) uint8, tangent
    space, Y up; displacement (S, S) float32 metres along the mesh's normal; observed (S, S) uint8, 255 where a photo was copied."""

    _schema = Schema(
        {
            COLOUR: Array(BYTE, ("S", "S", 3), optional=True),
            NORMAL: Array(BYTE, ("S", "S", 3), optional=True),
            DISPLACEMENT: Array(REAL, ("S", "S"), optional=True),
            OBSERVED: Array(BYTE, ("S", "S"), optional=True),
        }
    )

    colour: np.ndarray | None = None
    normal: np.ndarray | None = None
    displacement: np.ndarray | None = None
    observed: np.ndarray | None = None

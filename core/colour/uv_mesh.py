"""What Blender and the worker hand each other when a mesh of the artist's gets a texture: the mesh there, a picture back. numpy only."""

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np

from ..errors import AssetError

_LIMIT = 20_000_000  # rows


@dataclass(frozen=True)
class _Arrays:
    """Arrays in one .npz without pickles."""

    def save(self, path: Path) -> None:
        np.savez(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises AssetError when the file is something else."""
        try:
            with np.load(path, allow_pickle=False) as data:
                loaded = cls(**{field.name: data[field.name] for field in fields(cls)})
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise AssetError(f"{path.name} is damaged; bake again.") from error
        if not loaded._sound():
            raise AssetError(f"{path.name} is damaged; bake again.")
        return loaded

    def _sound(self) -> bool:
        raise NotImplementedError


@dataclass(frozen=True)
class UvMesh(_Arrays):
    """A mesh on a reconstruction: vertices (V, 3) float32 metres in the frame of Result.upright_vertices, faces (F, 3) int32, outward;
    uv (U, 2) float32, bottom-left origin, faces_uv (F, 3) int32."""

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    faces_uv: np.ndarray

    def _sound(self) -> bool:
        for points, size, corners in ((self.vertices, 3, self.faces), (self.uv, 2, self.faces_uv)):
            if points.ndim != 2 or points.shape[1] != size or points.dtype.kind != "f" or not np.isfinite(points).all():
                return False
            if corners.shape != (len(self.faces), 3) or corners.dtype.kind not in "iu" or not 0 < len(corners) < _LIMIT:
                return False
            if corners.min() < 0 or corners.max() >= len(points):
                return False
        return True


@dataclass(frozen=True)
class Texture(_Arrays):
    """colours (S, S, 3) uint8 sRGB, row 0 at the top."""

    colours: np.ndarray

    def _sound(self) -> bool:
        return self.colours.dtype == np.uint8 and self.colours.ndim == 3 and self.colours.shape[0] > 0 and self.colours.shape[2] == 3

"""A mesh of quads with a UV map for retopology, as the worker and other processes hand it to Blender. numpy only."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from ..arrays import REAL, WHOLE, Array, ArrayError, Schema
from ..errors import AssetError

_SCHEMA = Schema(
    {
        "vertices": Array(REAL, ("V", 3)),
        "faces": Array(WHOLE, ("F", 4), low=-1),
        "uv": Array(REAL, ("U", 2)),
        "faces_uv": Array(WHOLE, ("F", 4), low=-1),
        "colours": Array(REAL, ("V", 3)),
        "observed": Array(REAL, ("V",)),
        "wrapped": Array(REAL, ("V",)),
    },
)


@dataclass(frozen=True)
class QuadMesh:
    """vertices (V, 3) float32 metres in the upright frame of a Result; faces (F, 4) int32, outward, and faces_uv (F, 4) into uv (U, 2),
    bottom-left origin: a triangle's fourth corner is -1. colours (V, 3) float32 sRGB, observed (V,) in [0, 1]: the reconstruction's;
    wrapped (V,) in [0, 1]: how much a vertex is to stay on the reconstruction, 0 for the insides of mouth and eye sockets."""

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    faces_uv: np.ndarray
    colours: np.ndarray
    observed: np.ndarray
    wrapped: np.ndarray

    def save(self, path: Path) -> None:
        """Write one .npz without pickles."""
        _SCHEMA.save(path, vars(self))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises AssetError when the file is something else."""
        try:
            arrays, _ = _SCHEMA.load(path)
            faces, faces_uv = arrays["faces"], arrays["faces_uv"]
            for corners, count in ((faces, len(arrays["vertices"])), (faces_uv, len(arrays["uv"]))):
                if not len(corners) or corners[:, :3].min() < 0 or corners.max() >= count:
                    raise ArrayError("faces")
            if ((faces < 0) != (faces_uv < 0)).any():
                raise ArrayError("faces_uv")
        except ArrayError as error:
            raise AssetError(f"{path.name} is damaged; make the retopo mesh again.") from error
        return cls(**arrays)


def paired(faces: np.ndarray, faces_uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quads (Q, 4) of triangles (F, 3) that were split in two, one after the other, and their UV corners; what has no other half stays a
    triangle, its fourth corner -1."""
    quads, quads_uv, row = [], [], 0
    while row < len(faces):
        merged = _merged(faces[row], faces[row + 1]) if row + 1 < len(faces) else None
        merged_uv = _merged(faces_uv[row], faces_uv[row + 1]) if merged is not None else None
        if merged is None or merged_uv is None:
            merged, merged_uv = [*faces[row], -1], [*faces_uv[row], -1]
            row -= 1
        quads.append(merged)
        quads_uv.append(merged_uv)
        row += 2
    return np.array(quads, np.int32), np.array(quads_uv, np.int32)


def _merged(one: np.ndarray, other: np.ndarray) -> list[int] | None:
    """The quad of two triangles that run along a common edge in opposite directions, from a corner of the first one on."""
    for start in range(3):
        a, b, c = (int(one[(start + step) % 3]) for step in range(3))
        for turn in range(3):
            if (int(other[turn]), int(other[(turn + 1) % 3])) == (c, b):
                return [a, b, int(other[(turn + 2) % 3]), c]
    return None

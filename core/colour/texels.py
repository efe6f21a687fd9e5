"""The texels of a UV layout and the places of a mesh that they show."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ..errors import InputError
from ..geometry.raster import fragments, nearest

_CHUNK = 262_144
PADDING = 64
"""Texels around the islands that repeat them, unless more or fewer are wanted."""
SIZES = (256, 8192)
Progress = Callable[[float], None]
"""Told the share in [0, 1] that is done, some times a second; may raise Cancelled."""


@dataclass(frozen=True)
class Texels:
    """Texels that lie on a mesh, N of a square texture of `size` texels a side, row 0 at the top.

    index (N,) int64 row * size + column; corners (N, 3) int64 the vertices of the face that is shown; barycentric (N, 3) float32;
    face (N,) int64.
    """

    size: int
    index: torch.Tensor
    face: torch.Tensor
    corners: torch.Tensor
    barycentric: torch.Tensor

    @classmethod
    def of(cls, faces: np.ndarray, uv: np.ndarray, faces_uv: np.ndarray, size: int) -> "Texels":
        """Faces (F, 3) laid out by uv (U, 2), bottom-left origin, and faces_uv (F, 3). Only the tile [0, 1] x [0, 1] is kept.

        Raises InputError when nothing lies in it, or the size is out of SIZES.
        """
        if not SIZES[0] <= size <= SIZES[1]:
            raise InputError(f"A texture of {size} texels a side cannot be made; choose from {SIZES[0]} to {SIZES[1]}.")
        flat = torch.from_numpy(np.concatenate([2 * uv - 1, np.zeros((len(uv), 1))], axis=1).astype(np.float32))
        picture = nearest(fragments(flat, torch.from_numpy(faces_uv.astype(np.int64)), size))
        face = picture.face.view(-1)
        index = torch.nonzero(face >= 0)[:, 0]
        if not len(index):
            raise InputError("The mesh has no UV map inside the unit square; unwrap it first.")
        face = face[index]
        return cls(size, index, face, torch.from_numpy(faces.astype(np.int64))[face], picture.barycentric.view(-1, 3)[index])

    def chunks(self, progress: Progress | None = None, begin: float = 0.0, end: float = 1.0) -> Iterator[slice]:
        """Slices of at most a quarter of a million texels, so that memory stays bounded; progress goes from `begin` to `end`."""
        for start in range(0, len(self.index), _CHUNK):
            if progress is not None:
                progress(begin + (end - begin) * start / len(self.index))
            yield slice(start, start + _CHUNK)

    def interpolate(self, attributes: torch.Tensor, part: slice) -> torch.Tensor:
        """Vertex attributes (V, C) at some of the texels (n, C)."""
        corners, barycentric = self.corners[part], self.barycentric[part]
        values = attributes[corners[:, 0]] * barycentric[:, :1]
        for corner in (1, 2):
            values += attributes[corners[:, corner]] * barycentric[:, corner : corner + 1]
        return values

    def picture(self, values: np.ndarray, margin: int = PADDING) -> np.ndarray:
        """Values (N, C) as a picture (size, size, C). Texels off the mesh repeat the nearest one on it up to `margin` texels away, so that
        neither filtering nor smaller versions of the texture mix in anything else; beyond that they are the mean."""
        index = self.index.numpy()
        outside = np.ones(self.size**2, np.uint8)
        outside[index] = 0
        distance, label = cv2.distanceTransformWithLabels(
            outside.reshape(self.size, self.size), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
        )
        # Labels number the texels on the mesh in an order of OpenCV's own.
        order = np.empty(len(index) + 1, np.int64)
        order[label.ravel()[index]] = np.arange(len(index))
        picture = values[order[np.asarray(label, np.int64)]]
        picture[distance > margin] = values.mean(0).astype(values.dtype)
        return picture

"""Square crops of photos, which the networks and the colour projection read, and the levelled square around a face before any fit."""

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from .framing import CropBox
from .view import Pictured

FOREHEAD, CHIN = 10, 152
"""Topmost and lowest landmark of the face in MediaPipe's numbering."""
_FACE_MARGIN = 1.6  # side of the square over the longer side of the landmarks' box


@dataclass(frozen=True)
class FaceSquare:
    """A levelled square around a face: centre (column, row) and half side in pixels; turn: radians that the face leans clockwise."""

    ROOM: ClassVar[float] = 1.5
    """Half side of the upright square `around` it over its own: the diagonal, and a little."""

    centre: tuple[float, float]
    half: float
    turn: float

    @property
    def face_side(self) -> float:
        """Longer side of the landmarks' box, pixels."""
        return 2 * self.half / _FACE_MARGIN

    def around(self) -> CropBox:
        """An upright square that holds this one, whichever way that leans."""
        half = self.half * self.ROOM
        return (self.centre[0] - half, self.centre[1] - half, 2 * half)

    def levelled(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 3) of the photo, pixels with their depth, in the square: x and y (down) from -1 to 1, depth in the same unit."""
        return np.column_stack([(points[:, :2] - self.centre) @ self._turned.T, points[:, 2]]) / self.half

    def in_photo(self, points: np.ndarray) -> np.ndarray:
        """Where points (N, 3) of the square lie in the photo."""
        return np.column_stack([self.half * points[:, :2] @ self._turned + self.centre, self.half * points[:, 2]])

    @property
    def _turned(self) -> np.ndarray:
        """(2, 2) from the photo's axes to the square's."""
        return np.array([[np.cos(self.turn), np.sin(self.turn)], [-np.sin(self.turn), np.cos(self.turn)]])


def face_square(landmarks: np.ndarray) -> FaceSquare:
    """The square around landmarks (468, 2 or 3), column and row, level with the line from chin to forehead: unlike the line between the
    eyes that one is long from every side."""
    up = landmarks[FOREHEAD, :2] - landmarks[CHIN, :2]
    turn = float(np.arctan2(up[0], -up[1]))
    back = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    level = landmarks[:, :2] @ back.T
    low, high = level.min(0), level.max(0)
    column, row = back.T @ ((low + high) / 2)
    return FaceSquare((float(column), float(row)), float(_FACE_MARGIN / 2 * max((high - low).max(), 1e-6)), turn)


def crop_picture(picture: np.ndarray, box: CropBox, size: int, border: int = cv2.BORDER_CONSTANT) -> np.ndarray:
    """A (H, W, ...) picture resampled over a square of it to (size, size, ...) float32; 0 outside the picture, or OpenCV's border.

    uint8 pictures come out in [0, 1]. Shrinking averages, so that a large photo does not alias.
    """
    left, top, side = box
    values = picture.astype(np.float32) / 255 if picture.dtype == np.uint8 else picture.astype(np.float32)
    step = side / size
    if step > 2:
        factor = int(step)
        height, width = (values.shape[0] // factor * factor, values.shape[1] // factor * factor)
        values = cv2.resize(values[:height, :width], (width // factor, height // factor), interpolation=cv2.INTER_AREA)
        left, top, step = left / factor, top / factor, step / factor
    # Crop pixel centre (i + 0.5) lies at left + (i + 0.5) * step in photo pixels, whose centres are at +0.5 as well.
    matrix = np.array([[step, 0, left + 0.5 * step - 0.5], [0, step, top + 0.5 * step - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(values, matrix, (size, size), flags=flags, borderMode=border, borderValue=(0.0,))


def shown(photo: np.ndarray, box: CropBox, size: int) -> np.ndarray:
    """(size, size) bool: which pixels of a square a photo (H, W, ...) shows."""
    return crop_picture(np.ones(photo.shape[:2], np.float32), box, size) > 0.999


def network_photo(view: Pictured, box: CropBox, size: int) -> np.ndarray:
    """Masked sRGB and matte (size, size, 4) float32: the photo as the networks see it."""
    image = crop_picture(view.image, box, size)
    matte = np.clip(crop_picture(view.matte, box, size), 0, 1)
    return np.concatenate([image * matte[..., None], matte[..., None]], axis=-1)

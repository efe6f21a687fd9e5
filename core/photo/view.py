"""One photo prepared for reconstruction, and the camera that took it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .landmarks import MEDIAPIPE, Landmarks, PinnedPoints
from .parsing import Parsing


@dataclass(frozen=True)
class Camera:
    """Perspective camera on the axis through the origin of the camera frame, or an orthographic one.

    Camera frame: x right, y up, z towards the viewer, metres, origin between the eyes' joints.
    centre: (column, row) in photo pixels where the origin projects, pixel centres at integer + 0.5.
    scale: photo pixels a metre at depth z = 0. distance: metres from the camera to the origin; infinity is orthographic.
    """

    centre: tuple[float, float]
    scale: float
    distance: float = float("inf")

    def _magnification(self, z: np.ndarray) -> np.ndarray:
        return np.ones_like(z) if np.isinf(self.distance) else self.distance / (self.distance - z)

    def project(self, points: np.ndarray) -> np.ndarray:
        """Photo pixels (N, 2), column and row, of camera-frame points (N, 3)."""
        flat = points[:, :2] * self._magnification(points[:, 2])[:, None] * self.scale
        return np.stack([self.centre[0] + flat[:, 0], self.centre[1] - flat[:, 1]], axis=1)

    def fold_perspective(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 3) of the camera frame where an orthographic camera of this scale shows them as this one does; depths stay."""
        return np.concatenate([points[:, :2] * self._magnification(points[:, 2])[:, None], points[:, 2:]], axis=1)

    def unfold_perspective(self, points: np.ndarray) -> np.ndarray:
        """The inverse of fold_perspective."""
        return np.concatenate([points[:, :2] / self._magnification(points[:, 2])[:, None], points[:, 2:]], axis=1)

    def normals_to_crop(self, normals: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Unit normals (N, 3) in the crop frame of camera-frame normals (N, 3) at camera-frame points (N, 3)."""
        if np.isinf(self.distance):
            return normals
        scale, shear = self._magnification(points[:, 2])[:, None], points[:, :2] / (self.distance - points[:, 2:])
        turned = np.concatenate([normals[:, :2] / scale, normals[:, 2:] - (shear * normals[:, :2]).sum(1, keepdims=True)], axis=1)
        return turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-6)

    def normals_from_crop(self, normals: np.ndarray, points: np.ndarray) -> np.ndarray:
        """The inverse of normals_to_crop, at the same camera-frame points."""
        if np.isinf(self.distance):
            return normals
        flat, shear = normals[:, :2] * self._magnification(points[:, 2])[:, None], points[:, :2] / (self.distance - points[:, 2:])
        turned = np.concatenate([flat, normals[:, 2:] + (shear * flat).sum(1, keepdims=True)], axis=1)
        return turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-6)


class Pictured(Protocol):
    """What crops of a photo need of a view."""

    @property
    def image(self) -> np.ndarray:
        """(H, W, 3) uint8 sRGB."""
        ...

    @property
    def matte(self) -> np.ndarray:
        """(H, W) float32 in [0, 1], the person."""
        ...


@dataclass(frozen=True)
class View:
    """A photo with what was seen in it.

    image: (H, W, 3) uint8 sRGB, upright. matte: (H, W) float32 in [0, 1], the person. landmarks: photo pixels, by kind;
    MediaPipe's mesh is always there. focal: pixels, or None when unknown. name: file stem.
    scatter: how far the landmarks wander when they are looked for again, as a share of the eye corners' distance, or None when unknown.
    parsing: what each pixel around the head is, or None without a parsing network.
    modelled: MediaPipe did not find the face, and its mesh is that of a head model fitted to another detector's landmarks.
    roll: quarter turns (0..3, counter-clockwise) that the photo was turned by to find the face upright; image is already turned.
    people: how many people of the photo can be chosen. notes: sentences about what was chosen.
    pins: points that the artist has put where they belong, or None.
    """

    image: np.ndarray
    matte: np.ndarray
    landmarks: Landmarks
    focal: float | None
    name: str
    warnings: tuple[str, ...] = ()
    roll: int = 0
    scatter: float | None = None
    parsing: Parsing | None = None
    modelled: bool = False
    people: int = 1
    notes: tuple[str, ...] = ()
    pins: PinnedPoints | None = None

    @property
    def mesh(self) -> np.ndarray:
        """MediaPipe's landmarks (468, 3), photo pixels."""
        return self.landmarks[MEDIAPIPE]

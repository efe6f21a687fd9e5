"""A photo as its camera would have taken it, had it looked straight at a face beside the photo's middle.

The head's fit and its networks take the camera's axis to pass through the head. A camera that turns about its own centre sees the same rays
elsewhere in its picture: so the photo is resampled, and what is found in the turned picture is turned back, without any error of
perspective.
"""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from .view import Camera


@dataclass(frozen=True)
class TurnedCamera:
    """principal (2,): photo pixels, where the photo's own axis passes; focal: pixels, of both. rotation (3, 3): the photo's camera axes to
    the turned ones."""

    principal: np.ndarray
    focal: float
    rotation: np.ndarray

    @classmethod
    def towards(cls, camera: Camera, pixel: np.ndarray) -> Self:
        """Turned from a photo's camera, whose centre is its principal point, to look at a pixel (2,) of the photo."""
        principal, focal = np.array(camera.centre), camera.scale * camera.distance
        return cls(principal, focal, _turn_ahead(_ray(pixel - principal, focal)))

    @property
    def to_photo(self) -> np.ndarray:
        """The homography (3, 3) from pixels of the turned picture, counted from its own axis, to the photo's."""
        lens = np.diag([self.focal, -self.focal, -1.0])
        lens[:2, 2] = -self.principal
        return lens @ self.rotation.T @ np.diag([1 / self.focal, -1 / self.focal, -1.0])

    def picture(self, photo: np.ndarray, half: float) -> tuple[np.ndarray, np.ndarray]:
        """The photo (H, W, ...) as the turned camera takes it, within `half` pixels of its axis and as far as the photo shows all, and
        where (2,) the axis passes in this picture, pixels."""
        height, width = photo.shape[:2]
        left_up, right_up, left_down, right_down = self.from_photo(np.array([[0, 0], [width, 0], [0, height], [width, height]], float))
        low = np.ceil(np.maximum([max(left_up[0], left_down[0]), max(left_up[1], right_up[1])], -half))
        high = np.floor(np.minimum([min(right_up[0], right_down[0]), min(left_down[1], right_down[1])], half))
        across, down = np.maximum(high - low, 1).astype(int)
        shift = np.eye(3)
        shift[:2, 2] = low
        to_indices = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])  # OpenCV counts from the first pixel's centre
        matrix = to_indices @ self.to_photo @ shift @ np.linalg.inv(to_indices)
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        picture = cv2.warpPerspective(photo, matrix, (int(across), int(down)), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return picture, -low

    def from_photo(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels (N, 2) of the turned picture, counted from its own axis, of the photo's (N, 2)."""
        homogeneous = np.column_stack([pixels, np.ones(len(pixels))]) @ np.linalg.inv(self.to_photo).T
        return homogeneous[:, :2] / homogeneous[:, 2:]

    def to_camera(self, points: np.ndarray, seen: Camera, axis: np.ndarray, distance: float) -> np.ndarray:
        """Points (N, 3), metres, in the frame of the photo's camera, `distance` metres before it, of what a fit to the turned picture found
        in its own camera frame `seen`; axis (2,): as of `picture`.

        Rigid: shapes stay. The photo's camera projects the points where `seen` does; if the fit's centre is not quite on the axis, off by
        that angle times the head's size in the picture over the focal length.
        """
        turned = _turn_ahead(_ray(np.array(seen.centre) - axis, self.focal)) @ self.rotation
        return (points - [0, 0, seen.distance]) @ turned + [0, 0, distance]


def _ray(offset: np.ndarray, focal: float) -> np.ndarray:
    """Unit viewing ray (3,) of a pixel (2,) counted from the camera's axis."""
    ray = np.array([offset[0], -offset[1], -focal])
    return ray / np.linalg.norm(ray)


def _turn_ahead(ray: np.ndarray) -> np.ndarray:
    """The smallest rotation (3, 3) that brings a unit viewing ray (3,) to straight ahead, -z."""
    x, y, z = ray
    across = np.array([[0, 0, x], [0, 0, y], [-x, -y, 0]])  # of the vector product of the ray and -z
    return np.eye(3) + across + across @ across / (1 - z)

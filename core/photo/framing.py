"""Which cube of space a crop shows, and the maps between the camera frame, the crop frame and the photo.

Networks, fields and surfaces work in the crop frame, where viewing rays are parallel to z whatever the camera was. How large the cube is
and where it lies depends on what is reconstructed: whoever works in a crop is given its framing.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from .view import Camera

CropBox = tuple[float, float, float]
"""Left column, top row and side length of a square in photo pixels, which may reach over the photo's edges."""


@dataclass(frozen=True)
class Framing:
    """A cube of the camera frame, perspective folded into it.

    half: half its side in metres, which is one crop unit. centre: of the cube in the camera frame, metres.
    """

    half: float
    centre: tuple[float, float, float]

    @property
    def eye_depth(self) -> float:
        """z in the crop frame, crop units, of the camera frame's origin between the eyes; depths of the fitted model count from there."""
        return -self.centre[2] / self.half

    def scaled(self, factor: float) -> "Framing":
        """The cube of a camera frame that is so many times as large."""
        across, up, depth = (value * factor for value in self.centre)
        return Framing(self.half * factor, (across, up, depth))

    def to_crop(self, points: np.ndarray, camera: Camera) -> np.ndarray:
        """Crop-frame points (N, 3) of camera-frame points (N, 3), metres. x and y are where the camera projects them."""
        return (camera.fold_perspective(points) - np.array(self.centre, points.dtype)) / self.half

    def from_crop(self, points: np.ndarray, camera: Camera) -> np.ndarray:
        """Camera-frame points (N, 3), metres, of crop-frame points (N, 3); the inverse of to_crop."""
        return camera.unfold_perspective(points * self.half + np.array(self.centre, points.dtype))

    def corners(self, camera: Camera) -> np.ndarray:
        """The cube's corners (8, 3) in the camera frame, metres; the last coordinate changes fastest."""
        return self.from_crop(np.array(list(product((-1.0, 1.0), repeat=3))), camera)

    def crop_box(self, camera: Camera) -> CropBox:
        """The square of the photo over which the crop's x and y reach from -1 to 1."""
        half, (across, up, _) = self.half * camera.scale, self.centre
        return (camera.centre[0] + across * camera.scale - half, camera.centre[1] - up * camera.scale - half, 2 * half)


HEAD = Framing(0.20, (0.0, -0.03, -0.08))
"""The head crop, 0.4 m wide. Its centre is lower than the eyes and inside the head, whose hair reaches far back."""

"""How a subject stands before a camera."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pose:
    """The rigid map from a subject's upright frame into the camera frame of one view (docs/architecture.md describes both frames).

    rotation (3, 3): its columns are the subject's axes in the camera frame. translation (3,) metres: where the origin of the upright
    frame, the neck joint, is in the camera frame.
    """

    rotation: np.ndarray
    translation: np.ndarray

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """Camera-frame points (..., 3) of upright ones, metres."""
        return points @ self.rotation.T + self.translation

    def to_upright(self, points: np.ndarray) -> np.ndarray:
        """Upright points (..., 3) of camera-frame ones, metres; the inverse of to_camera."""
        return (points - self.translation) @ self.rotation

    def directions_to_camera(self, directions: np.ndarray) -> np.ndarray:
        """Camera-frame directions (..., 3), as normals are, of upright ones."""
        return directions @ self.rotation.T

    def directions_to_upright(self, directions: np.ndarray) -> np.ndarray:
        """Upright directions (..., 3) of camera-frame ones; the inverse of directions_to_camera."""
        return directions @ self.rotation

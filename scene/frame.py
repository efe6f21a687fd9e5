"""The map from the frames of a Result to the Blender frame: Z up, person facing -Y, metres, origin at the neck joint."""

import numpy as np

from ..core.photo.pose import Pose

HEAD_TO_BLENDER = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float32)
"""Rotation of the subject's upright frame (x to the person's left, y up, z forward) into Blender's axes."""


def camera_to_blender(pose: Pose) -> np.ndarray:
    """(4, 4) float64 rigid map of a view's camera-frame points into the Blender frame; undoes the subject's pose."""
    placed = np.eye(4)
    placed[:3, :3] = HEAD_TO_BLENDER @ pose.rotation.T
    placed[:3, 3] = placed[:3, :3] @ -pose.translation
    return placed

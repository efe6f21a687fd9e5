"""The map from the camera frame of a Result to the Blender frame: Z up, person facing -Y, metres, origin at the neck joint."""

import numpy as np

from ..core.result import Result

_HEAD_TO_BLENDER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""The head's own frame (x to the person's left, y up, z forward) to Blender's axes."""


def blender_rotation(result: Result) -> np.ndarray:
    """(3, 3) rotation of camera-frame vectors into the Blender frame; undoes the head's pose."""
    return _HEAD_TO_BLENDER @ np.asarray(result.rotation, np.float64).T


def to_blender(result: Result, points: np.ndarray) -> np.ndarray:
    """Blender-frame points (N, 3) float32 of camera-frame points (N, 3)."""
    return ((points - result.neck) @ blender_rotation(result).T).astype(np.float32)

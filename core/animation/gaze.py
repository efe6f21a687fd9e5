"""Where the eyes look, from the irises in a picture and a fitted head."""

import numpy as np

from ..models.head import HeadModel
from ..models.joints import LEFT_EYE, RIGHT_EYE
from ..photo.view import Camera

_RADIUS = 0.011
"""Metres from the centre about which a human eye turns to the plane of its iris; the head model's eyeballs are drawn larger."""
_LIMIT = np.radians(40.0)


class Eyes:
    """The eyeballs of one person of the head model, identity (K,)."""

    def __init__(self, model: HeadModel, identity: np.ndarray) -> None:
        joints = model.skeleton.joints + np.tensordot(identity, model.skeleton.identity, 1)
        self._centres = joints[[LEFT_EYE, RIGHT_EYE]].astype(np.float64)

    def gaze(self, irises: np.ndarray, rotation: np.ndarray, camera: Camera) -> np.ndarray:
        """Rotation vector (3,), head axes, that both eyes share.

        irises (2, 2 or more): pixels of the left and the right one; rotation (3, 3): head to camera axes. The mean of both eyes, because a
        millimetre of error turns an eye by 5 degrees; by the shortest way from straight ahead (Listing's law).
        """
        directions = [
            _direction(iris[:2], rotation @ centre, camera) @ rotation for iris, centre in zip(irises, self._centres, strict=True)
        ]
        looking = np.sum(directions, axis=0)
        looking = looking / np.linalg.norm(looking)
        across = np.array([-looking[1], looking[0], 0.0])  # straight ahead x looking
        sine = float(np.linalg.norm(across))
        return across * (min(np.arctan2(sine, looking[2]), _LIMIT) / sine if sine > 1e-9 else 0.0)


def _direction(pixel: np.ndarray, centre: np.ndarray, camera: Camera) -> np.ndarray:
    """Unit vector (3,), camera axes, from an eyeball's centre (3,) to where a pixel's ray first meets the ball, or passes nearest."""
    flat = (pixel - camera.centre) / camera.scale * [1, -1]
    far = np.isinf(camera.distance)
    start = np.array([*flat, 1.0]) if far else np.array([0.0, 0.0, camera.distance])
    ray = np.array([0.0, 0.0, -1.0]) if far else np.array([*flat, 0.0]) - start
    ray /= np.linalg.norm(ray)
    along = float((centre - start) @ ray)
    nearest = start + along * ray - centre
    deep = np.sqrt(max(_RADIUS**2 - float(nearest @ nearest), 0.0))
    point = nearest - deep * ray
    return point / np.linalg.norm(point)

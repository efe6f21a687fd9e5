"""The person's matte around the head, at the photo's resolution: MediaPipe's selfie segmentation, sharpened with the photo as guide."""

from typing import Any

import cv2
import numpy as np

from .faces import LEFT_EYE_CORNER, RIGHT_EYE_CORNER, Face, quiet_libraries

REGION_HALF = 0.30
"""Half the side of the square in which the matte is made, metres: the head crop with room for the network to see shoulders."""
_EYE_CORNERS = 0.090  # metres between the outer corners of adult eyes
_REGION_CENTRE_Y = -0.03
_NET_SIDE = 512
_GUIDE_SIDE = 1024


def metres_per_pixel(face: Face) -> float:
    """Rough scale at the face, from the distance between the eye corners with its depth, so that it holds for turned heads."""
    return _EYE_CORNERS / max(float(np.linalg.norm(face.landmarks[LEFT_EYE_CORNER] - face.landmarks[RIGHT_EYE_CORNER])), 1e-6)


def head_region(face: Face) -> tuple[int, int, int]:
    """Left column, top row and side of the square around an upright face; may reach over the photo's edges."""
    scale = 1 / metres_per_pixel(face)
    centre = (face.landmarks[LEFT_EYE_CORNER] + face.landmarks[RIGHT_EYE_CORNER])[:2] / 2
    half = REGION_HALF * scale
    return round(centre[0] - half), round(centre[1] - _REGION_CENTRE_Y * scale - half), max(2, round(2 * half))


class MatteNetwork:
    """MediaPipe 0.10.21's general selfie segmentation (256 x 256). Not safe to share between threads."""

    def __init__(self) -> None:
        with quiet_libraries():
            import mediapipe

            solutions: Any = mediapipe.solutions  # pyright: ignore[reportAttributeAccessIssue]
            self._network = solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)
            self._network.process(np.zeros((64, 64, 3), np.uint8))

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Soft mask (H, W) float32 of every person in an (H, W, 3) uint8 picture."""
        return self._network.process(image).segmentation_mask


def person_matte(image: np.ndarray, face: Face, network: MatteNetwork | None = None) -> np.ndarray:
    """Matte (H, W) float32 in [0, 1] of the person with this upright face; 0 outside `head_region`."""
    network = network or MatteNetwork()
    left, top, side = head_region(face)
    height, width = image.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    around = (y0 - top, top + side - y1, x0 - left, left + side - x1)
    part = image[y0:y1, x0:x1]
    region = cv2.copyMakeBorder(part, *around, cv2.BORDER_REPLICATE)
    shrink = cv2.INTER_AREA if side > _NET_SIDE else cv2.INTER_CUBIC
    soft = network(cv2.resize(region, (_NET_SIDE, _NET_SIDE), interpolation=shrink))
    soft = cv2.resize(soft, (side, side), interpolation=cv2.INTER_LINEAR)[y0 - top : y1 - top, x0 - left : x1 - left]
    matte = np.zeros((height, width), np.float32)
    matte[y0:y1, x0:x1] = np.clip(soft, 0, 1)
    return matte

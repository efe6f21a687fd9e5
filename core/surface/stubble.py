"""Where stubble grows that the parsing takes for skin: its hairs and their border are dark lines, but no furrows."""

import cv2
import numpy as np

from ..geometry.visibility import smoothstep
from .mesoscopic import linear_light

_FINE, _AROUND = 1.2e-3, 5e-3  # metres: what is finer is texture, and how far around its contrast is averaged
_PURE, _KNOWN = 0.9, 0.3  # share of skin in a pixel, and of such pixels around
_SMOOTH = 25  # percentile of that contrast over the face: its smooth skin
_ROUGH = (2.5, 4.0)  # times as rough as that, from pores to stubble
_GROWS = (-0.36, -0.30)  # height on the mean head, crop units, below which beards grow on cheeks
_FINEST = 0.9e-3  # metres a pixel beyond which a picture does not show it
_LEAST, _DARK = 300, 0.02  # pixels of skin; linear light below which ratios are noise


def stubble(photo: np.ndarray, skin: np.ndarray, places: np.ndarray, pixel: float) -> np.ndarray:
    """(S, S) float32 in [0, 1]: where a photo (S, S, 3) float sRGB shows stubble on its skin, share (S, S). places (N, N, 2): on the mean
    head; pixel: metres."""
    pure = cv2.erode((skin > _PURE).astype(np.float32), np.ones((5, 5), np.uint8))
    if pixel > _FINEST or pure.sum() < _LEAST:
        return np.zeros(skin.shape, np.float32)
    light = np.log(linear_light(np.clip(photo[..., 0], 0, 1)) + _DARK).astype(np.float32)
    blurred = lambda picture, width: cv2.GaussianBlur(picture, (0, 0), width / pixel)  # noqa: E731
    mean = blurred(light * pure, _FINE) / np.maximum(blurred(pure, _FINE), 1e-3)
    around = blurred(pure, _AROUND)
    rough = np.sqrt(blurred(((light - mean) * pure) ** 2, _AROUND) / np.maximum(around, 1e-2)) * (around > _KNOWN)
    height = cv2.resize(np.ascontiguousarray(places[..., 1]), skin.shape[::-1], interpolation=cv2.INTER_LINEAR)
    grows = 1 - smoothstep(height, *_GROWS)
    return (grows * smoothstep(rough / np.percentile(rough[pure > 0], _SMOOTH), *_ROUGH)).astype(np.float32)

"""Tells shirts and ties from skin by the tone of the person's own face: a parser takes what shows between lapels for a bare chest."""

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from .crop import CHIN, FOREHEAD
from .parsing import CLASSES

_SURE, _LEAST = 0.8, 200  # share of skin, and pixels of a face that show its tone
_BLACK = 0.06  # sRGB: below it ratios are noise
_LIGHT = 0.3  # weight of the lightness beside the tints: light falls unevenly
_ALIKE = 0.04  # natural logarithm: no face is more alike than this
_SHADE = 0.6  # of the face's median: tints of what is darker mean less, and the chin's shadow is no cloth
_DARKER, _REFLECTED = 0.2, 0.4  # share of its light that skin in the shade of skin lacks; natural logarithm by which its tints are warmer
_BLUR = 0.004  # of the picture's side (2.4 mm)
_UNLIKE = (2.5, 4.0)  # standard deviations of the face
_BELOW = 0.06  # of the face's height, below the chin


def skin_by_tone(shares: np.ndarray, picture: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Shares (S, S, len(CLASSES)) of a picture (S, S, 3) uint8 sRGB in which skin below the chin whose tone the face does not have has
    become clothes. landmarks (N, 2): the face's mesh, pixels of the picture, upright.

    Tone: the ratios of red and blue to green, which hardly depend on the light's strength, and what is lighter than the face.
    """
    skin, clothes = CLASSES.index("skin"), CLASSES.index("clothes")
    hull = np.zeros(shares.shape[:2], np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.round(landmarks).astype(np.int32)), (1,))
    face = (hull > 0) & (shares[..., skin] > _SURE)
    if face.sum() < _LEAST:
        return shares
    logarithm = np.log(picture.astype(np.float32) / 255 + _BLACK)
    red, green, blue = np.moveaxis(logarithm, -1, 0)
    tone = np.stack([red - green, blue - green, _LIGHT * logarithm.mean(-1)], axis=-1)
    away = tone - np.median(tone[face], axis=0)
    inverse = np.linalg.inv(np.cov(away[face].T) + _ALIKE**2 * np.eye(3))
    light = picture.mean(-1)
    away[..., :2] *= np.clip(light / (_SHADE * max(float(np.median(light[face])), 1.0)), 0, 1)[..., None]
    away[..., 2] = np.maximum(away[..., 2], 0)
    # Of a throat in the shade the light has come from skin before: its red is stronger, and its blue weaker.
    darker = np.clip((1 - light / max(float(np.median(light[face])), 1.0)) / _DARKER, 0, 1)
    warmer = np.clip(np.stack([away[..., 0], -away[..., 1]], axis=-1), 0, _REFLECTED)
    warmer *= (darker * (warmer.min(-1) > 0))[..., None]
    away[..., :2] -= warmer * [1, -1]
    unlike = gaussian_filter(np.sqrt(np.einsum("...i,ij,...j->...", away, inverse, away)), _BLUR * len(shares))
    chin, forehead = landmarks[CHIN, 1], landmarks[FOREHEAD, 1]
    below = np.clip((np.arange(len(shares)) - chin) / max(_BELOW * (chin - forehead), 1), 0, 1)[:, None]
    worn = shares[..., skin] * below * np.clip((unlike - _UNLIKE[0]) / (_UNLIKE[1] - _UNLIKE[0]), 0, 1)
    found = shares.copy()
    found[..., skin] -= worn
    found[..., clothes] += worn
    return found

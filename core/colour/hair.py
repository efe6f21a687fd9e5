"""Which pixels of a photo show hair or a hat rather than bare skin."""

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter

from ..geometry.visibility import smoothstep

_ENOUGH = 150  # pixels, for a mean and a covariance
_FLOOR = np.diag([5.0, 2.5, 2.5]) ** 2  # CIE Lab: no group of pixels is more alike than this
_REACH = 5  # pixels (4 mm) over which hair thins out and casts its shadow


def bare_skin(photo: np.ndarray, skin: np.ndarray, hair: np.ndarray, blur: float) -> np.ndarray:
    """How surely each pixel shows bare skin: (S, S) float32 in [0, 1], soft at hair's edges.

    photo (S, S, 3) float32 sRGB; skin and hair (S, S) bool: pixels that surely show one or the other, the latter also a hat;
    blur: pixels over which the photo mixes what lies side by side.
    Two normal distributions in CIE Lab, learned from this photo alone. Without hair, all is skin.
    """
    if min(skin.sum(), hair.sum()) < _ENOUGH:
        return np.ones(skin.shape, np.float32)
    lab = cv2.cvtColor(np.ascontiguousarray(photo, np.float32), cv2.COLOR_RGB2LAB)
    ratio = _log_density(lab, lab[hair]) - _log_density(lab, lab[skin])
    unlike = 1 / (1 + np.exp(-np.clip(gaussian_filter(ratio, 1.0), -30, 30)))
    reach = _REACH + int(np.ceil(blur))
    return smoothstep(1 - gaussian_filter(maximum_filter(unlike, 2 * reach + 1), reach / 2), 0.3, 0.9).astype(np.float32)


def _log_density(lab: np.ndarray, samples: np.ndarray) -> np.ndarray:
    # Medians: some of the sure pixels are not what they should be.
    middle = np.median(samples, axis=0)
    near = samples[np.linalg.norm(samples - middle, axis=1) <= np.percentile(np.linalg.norm(samples - middle, axis=1), 90)]
    covariance = np.cov(near.T) + _FLOOR
    offset = lab - middle
    distance = np.einsum("...i,ij,...j->...", offset, np.linalg.inv(covariance), offset)
    return -0.5 * (distance + np.log(np.linalg.det(covariance)))

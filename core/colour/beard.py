"""Where a beard that the photo shows in part goes on: over jaw and cheek to the ear, and up before it."""

import numpy as np

from ..geometry.visibility import smoothstep

_DEPTHS = (-0.3, -0.27, -0.2, -0.1, 0.05, 0.15)  # on the mean head, crop units, from the ear to the lips
_TOPS = (0.0, -0.1, -0.24, -0.32, -0.3, -0.24)  # heights there that beards reach
_BOTTOMS = (-0.4, -0.44, -0.54, -0.6, -0.64, -0.68)  # and to which they grow down
_SOFT = 0.04  # crop units (8 mm) over which beards begin
_EAR = (-0.34, -0.29)  # depth on the mean head, where ears begin
JAW = -0.4
"""Height on the mean head, crop units, of the mouth: what grows below it on the jaw does so up to the ear, though cheeks be shaved."""


def beard_grows(upright: np.ndarray) -> np.ndarray:
    """(K,) in [0, 1]: do beards grow at places (K, 3) on the mean head (Symmetry.upright)?"""
    depth, height = upright[:, 2], upright[:, 1]
    top, bottom = np.interp(depth, _DEPTHS, _TOPS), np.interp(depth, _DEPTHS, _BOTTOMS)
    within = smoothstep(top - height, -_SOFT, _SOFT) * smoothstep(height - bottom, -_SOFT, _SOFT)
    return within * smoothstep(depth, *_EAR)

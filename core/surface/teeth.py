"""The row of teeth between parted lips, where the photo shows it: an arch behind the lips' rim with the photo's gaps and slits."""

import cv2
import numpy as np

from ..geometry.visibility import smoothstep

_SHOWN = 0.5  # share of a pixel from which teeth are seen
_FEWEST, _FEWEST_LIPS = 30, 100  # pixels that tell
_RIM = (0.008, 0.02)  # crop units beside the teeth from and up to which lips tell where the arch lies
_SURE_LIPS = 0.5
_BEHIND = 0.007  # crop units (1.4 mm) behind the lips
_EDGE = 0.01  # crop units inside their border over which the lips end
_FINE, _BROAD = 0.003, 0.024  # crop units: borders of the band of light that tells of gaps
_DEPTH, _MOST = 0.03, 0.25  # crop units for each unit of the natural logarithm, and the logarithm beyond which gaps hardly grow
_OUTWARDS = 0.3  # of that for what is lighter: bright teeth stand out less than gaps are deep
_GAPS = (0.002, 0.008)  # crop units inside their border over which gaps begin


def with_teeth(depth: np.ndarray, teeth: np.ndarray, lips: np.ndarray, light: np.ndarray, pixel: float) -> np.ndarray:
    """Depth (S, S), z in crop units, of a face with the teeth that are seen; as it was where the lips are closed.

    teeth, lips (S, S): their shares, of lips only what has its own form; light (S, S): natural logarithm; pixel: crop units.
    """
    shown = cv2.GaussianBlur(teeth, (0, 0), _FINE / pixel) > _SHOWN
    outside = cv2.distanceTransform((~shown).astype(np.uint8), cv2.DIST_L2, 5) * pixel
    rim = (outside > _RIM[0]) & (outside < _RIM[1]) & (lips > _SURE_LIPS)
    if shown.sum() < _FEWEST or rim.sum() < _FEWEST_LIPS:
        return depth
    inside = cv2.distanceTransform(shown.astype(np.uint8), cv2.DIST_L2, 5) * pixel
    down, right = (index * pixel for index in np.indices(depth.shape))
    across = right - right[shown].mean()
    # Bent across the mouth alone: lips pout, teeth stand upright.
    terms = np.stack([np.ones_like(across), across, down, across**2], axis=-1)
    arch = terms @ np.linalg.lstsq(terms[rim], depth[rim], rcond=None)[0] - _BEHIND
    weight = shown.astype(np.float32)
    fine, broad = (_mean(light, weight, width / pixel) for width in (_FINE, _BROAD))
    gaps = _DEPTH * _MOST * np.tanh((fine - broad) / _MOST) * np.where(fine > broad, _OUTWARDS, 1) * smoothstep(inside, *_GAPS)
    return (depth + smoothstep(inside, 0, _EDGE) * (arch + gaps - depth)).astype(np.float32)


def _mean(values: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """Weighted means (S, S) around each pixel."""
    total, sure = (cv2.GaussianBlur(part, (0, 0), sigma) for part in (values * weight, weight))
    return total / np.maximum(sure, 1e-3)

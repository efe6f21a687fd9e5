"""Ordinary locks, for long hair of which a photo shows too little light and shade to be repeated."""

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

_LIGHT = 0.08  # natural logarithm (root mean square): light and shade of strands that hair which hangs has at least
_DEEP = 4.5e-3  # crop units (0.9 mm, root mean square): relief of locks
_LOCKS = (0.06, 0.025), (0.03, 0.006)  # crop units along and across, standard deviations: locks of 1 to 3 cm, and the strands in them
_STRANDS = 0.5  # height of these strands, of the locks'
_WAVES, _WAVY = (0.05, 0.12), 0.03  # crop units along and across over which they wave, and how far


def add_locks(texture: np.ndarray, long: float, unit: float) -> None:
    """Add locks to a texture (N, N, C) whose light, its first channel, differs too little, and to the relief, its second one.

    In a dark photo black hair is black all over: repeated, it was flat, and smooth in clay. long: in [0, 1], 0 leaves it as it is; unit:
    pixels in a crop unit."""
    lacking = long * np.sqrt(max(0.0, 1 - (float(texture[..., 0].std()) / _LIGHT) ** 2))
    if lacking:
        strengths = np.array([_LIGHT, _DEEP], np.float32)[: texture.shape[2]]
        texture[..., :2] += lacking * strengths * ordinary_locks(len(texture), unit)[..., None]


def ordinary_locks(size: int, unit: float) -> np.ndarray:
    """Waving locks (size, size), tiled, with mean 0 and variance 1: round, with narrow gaps between them. unit: pixels in a crop unit."""
    random = np.random.default_rng(0)

    def noise(sigma: tuple[float, float]) -> np.ndarray:
        found = gaussian_filter(random.standard_normal((size, size)), np.multiply(sigma, unit), mode="wrap")
        return (found / found.std()).astype(np.float32)

    # Where noise passes through 0 its absolute value has a sharp valley.
    locks, strands = (np.abs(noise(sigma)) for sigma in _LOCKS)
    rows, columns = np.indices((size, size), np.float32)
    across = (columns + _WAVY * unit * noise(_WAVES)).astype(np.float32)
    waving = cv2.remap(locks + _STRANDS * strands, across, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return (waving - waving.mean()) / waving.std()

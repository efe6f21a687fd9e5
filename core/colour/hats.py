"""Hats end in a step over hair and skin, all round."""

import numpy as np

from ..geometry.visibility import smoothstep
from .voxel_means import VoxelMeans

_THICK = 0.03  # crop units (6 mm): of a knitted hem, or of felt and the band within
_EDGE = (0.3, 0.7)  # share of hat around, across its edge
_EVENED = 8  # rounds of smoothing, of 4 mm each, over which the step is made up for on either side
_SHOWN = (0.3, 0.7)  # share of what is seen around, whose step the photo's outline and shading have already


def hats_rise(cells: VoxelMeans, hat: np.ndarray, vertices: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Crop units (V,) along the normals by which hats, share (K,) of cells, stand off what they end on, at their edges alone. vertices
    (V, 3); shown (K,): how much of what is around the photo shows."""
    even = hat[:, None]
    for _ in range(_EVENED):
        even = cells.smoothed(even)
    edge = smoothstep(cells.smoothed(hat[:, None])[:, 0], *_EDGE)
    here, around, seen = cells.spread(np.column_stack([edge, even, shown]), vertices).T
    return (_THICK * (here - around) * (1 - smoothstep(seen, *_SHOWN))).astype(np.float32)

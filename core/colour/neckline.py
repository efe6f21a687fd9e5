"""Where clothes end around the neck is one smooth closed curve: its height changes evenly with the angle around the neck's axis."""

import numpy as np
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.visibility import smoothstep
from .kinds import HAIR, HAT
from .voxel_means import VoxelMeans

_AXIS, _REACH, _CHIN = -0.42, 0.6, -0.1  # on the mean head, crop units: depth of the neck's axis, how far around it and below what it is
_BETWEEN = (0.2, 0.8)  # share of clothes of cells through which their edge runs
_HAIRED, _AROUND = 0.1, 6  # share of hair around, which hangs over such an edge, and rounds of smoothing, of 4 mm each, that tell it
_SECTORS, _FEWEST = 48, 36  # of the circle, and those at least in which the edge is found
_STIFF = 4.0  # of the curve: bends shorter than some 60 degrees are taken out
_SEEN = 4.0  # times as much an edge counts that the photo shows
_NEAR = (0.08, 0.14)  # crop units (16 to 28 mm) from the edge that was found, within which it moves
_OUTER = (0.04, 0.1)  # crop units (8 to 20 mm) farther from the axis than the edge, where no neck is but a raised shoulder
_SOFT = 0.045  # crop units (9 mm) on either side of the curve over which shares pass into each other


def even_neckline(
    cells: VoxelMeans, clothes: np.ndarray, share: np.ndarray, weight: np.ndarray, upright: np.ndarray, face: np.ndarray
) -> np.ndarray:
    """How surely cells are clothes (K,) in [0, 1], whose edge on the neck, where nobody sees it, weight (K,), lies on a smooth curve.

    share (K, len(KINDS)): what cells are of; upright (K, 3): places on the mean head; face (K,) bool: of a bare face, before which clothes
    do not end but go on behind it.
    """
    x, y, z = upright.T
    z = z - _AXIS
    radius, turn = np.hypot(x, z), np.arctan2(x, z) / (2 * np.pi) * _SECTORS
    hair = share[:, [HAIR, HAT]].sum(1, keepdims=True)
    for _ in range(_AROUND):
        hair = cells.smoothed(hair)
    neck = (y < _CHIN) & (radius < _REACH) & (hair[:, 0] < _HAIRED) & ~face
    edge = np.flatnonzero(neck & (clothes > _BETWEEN[0]) & (clothes < _BETWEEN[1]))
    sector, count = np.floor(turn[edge]).astype(np.int64) % _SECTORS, 1 + _SEEN * weight[edge]
    found = np.bincount(sector, count, _SECTORS)
    if (found > 0).sum() < _FEWEST:
        return clothes
    known = np.minimum(found / found[found > 0].mean(), 1)
    # Sectors are told in their middles.
    around = lambda curve: np.interp(turn - 0.5, np.arange(-_SECTORS, 2 * _SECTORS), np.tile(curve, 3))  # noqa: E731
    height, wide = (_faired(np.bincount(sector, count * one[edge], _SECTORS) / np.maximum(found, 1e-9), known) for one in (y, radius))
    slope = (np.roll(height, -1) - np.roll(height, 1)) / (4 * np.pi / _SECTORS * wide)
    below = around(height) - y
    near = 1 - smoothstep(cKDTree(cells.centre[edge]).query(cells.centre, distance_upper_bound=2 * _NEAR[1])[0], *_NEAR)
    moved = neck * near * (1 - np.clip(weight, 0, 1)) * (1 - smoothstep(radius - around(wide), *_OUTER))
    even = np.clip(0.5 + below / np.sqrt(1 + around(slope) ** 2) / (2 * _SOFT), 0, 1)
    return (clothes + moved * (even - clothes)).astype(np.float32)


def _faired(height: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Heights (S,) around a circle, known where weight (S,) says, as a smoothing spline has them (Whittaker 1923)."""
    one = np.eye(len(height))
    bend = np.roll(one, 1, 1) - 2 * one + np.roll(one, -1, 1)
    return np.linalg.solve(np.diag(weight + 1e-6) + _STIFF * bend.T @ bend, weight * height)

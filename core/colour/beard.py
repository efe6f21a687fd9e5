"""Where a beard that the photo shows in part goes on: over jaw and cheek to the ear, and up before it; and hair down before the ear."""

import numpy as np

from ..geometry.visibility import smoothstep
from .kinds import SKIN
from .seam import membrane
from .voxel_means import VoxelMeans

_DEPTHS = (-0.3, -0.24, -0.2, -0.1, 0.05, 0.15)  # on the mean head, crop units, from the ear to the lips
_TOPS = (0.08, 0.05, -0.2, -0.31, -0.3, -0.24)  # heights there that beards reach: before the ear they meet the hair
_BALD_TOP = -0.08  # and beside bald temples
_TEMPLES = (0.08, 0.25), (-0.45, -0.2)  # heights and depths on the mean head above the ears, whose hair a beard meets
_BOTTOMS = (-0.4, -0.44, -0.54, -0.6, -0.64, -0.68)  # and to which they grow down
_SOFT = 0.04  # crop units (8 mm) over which beards begin
_EAR = (-0.34, -0.29)  # depth on the mean head, where ears begin
_LEAST = 0.05  # of such a place
_REACH = 1.0  # crop units (20 cm) over which what is seen of a beard goes on
_SEEN = 4.0  # weight of what is seen beside what is around
_SIDES = -0.08  # depth on the mean head of cheeks and jaw's sides: both sides have the same beard
_ENOUGH = 0.08  # of those sides seen, mostly of the one that is turned to the camera, tell whether they have a beard at all
_BARE = (0.02, 0.08)  # share of beard there, from shaved sides beside a goatee to a beard
_THICK = (0.1, 0.45)  # share of beard around, which the parsing often takes for skin
_FRONTS = (-0.2, -0.05, 0.1, 0.22), (-0.27, -0.25, -0.2, -0.14)  # heights on the mean head, and depths to which sideburns reach there
_BEHIND, _SIDEBURN_END = -0.36, -0.06  # depth at which the ear begins, and height at which sideburns end over a shaved cheek
_THINNED = 4  # rounds of smoothing, of 4 mm each, over which hidden hair thins out into skin
_RISE = 0.0075  # crop units (1.5 mm) by which cropped hair stands off the scalp, which the field takes for its surface
_TOLD, _CROPPED = 0.8, (0.03, 0.06)  # share of hair that tells its thickness, and crop units (6 to 12 mm) of that


def bearded(cells: VoxelMeans, beard: np.ndarray, weight: np.ndarray, upright: np.ndarray, hair: np.ndarray) -> np.ndarray:
    """(K,) in [0, 1]: is this cell in a beard, of which shares (K,) are seen where weight (K,) says? What is seen last of it goes on along
    where beards grow, up to the hair, of which there are shares (K,), seen or not; upright (K, 3): places on the mean head
    (Symmetry.upright)."""
    grows, found = beard_grows(upright, _haired_temples(hair, upright)), np.zeros(len(upright))
    some = np.flatnonzero(grows > _LEAST)
    if len(some):
        links, spring = cells.links[some][:, some], 3 * (cells.size / _REACH) ** 2
        found[some] = membrane(links, beard[some, None], _SEEN * weight[some], spring, cells.place[some] // 5)[:, 0]
        sides = some[upright[some, 2] < _SIDES]
        found[sides] = np.maximum(found[sides], found[sides].mean() if len(sides) else 0)
        seen = weight[sides].sum()
        if seen > _ENOUGH * len(sides):
            found[sides] *= smoothstep(beard[sides] @ weight[sides] / seen, *_BARE)
    return grows * smoothstep(found, *_THICK)


def sideburns(hair: np.ndarray, upright: np.ndarray) -> np.ndarray:
    """(K,) in [0, 1]: does hair, of which there are shares (K,), come down before the ear at places (K, 3) on the mean head? To the middle
    of the ear, ever more thinly: below it beards begin."""
    depth, height = upright[:, 2], upright[:, 1]
    before = smoothstep(np.interp(height, *_FRONTS) - depth, -_SOFT, _SOFT) * smoothstep(depth - _BEHIND, 0, _SOFT)
    within = smoothstep(height - _SIDEBURN_END, -_SOFT, 2 * _SOFT) * (1 - smoothstep(height, _FRONTS[0][-1], _FRONTS[0][-1] + _SOFT))
    return _haired_temples(hair, upright) * before * within


def thinned_out(cells: VoxelMeans, share: np.ndarray, kind: int, stays: np.ndarray) -> None:
    """Change shares (K, len(KINDS)): one kind of hair thins out into skin, but for what stays as it is, (K,) in [0, 1]."""
    both = share[:, kind] + share[:, SKIN]
    values = np.column_stack([share[:, kind], both])
    for _ in range(_THINNED):
        values = cells.smoothed(values)
    soft = both * values[:, 0] / np.maximum(values[:, 1], 1e-6)
    share[:, kind] = soft + np.clip(stays, 0, 1) * (share[:, kind] - soft)
    share[:, SKIN] = both - share[:, kind]


def cropped(distance: np.ndarray, hair: np.ndarray) -> float:
    """In [0, 1]: is the seen hair, shares (K,), cropped, by its distance (K,) from the fitted head?"""
    told = hair > _TOLD
    return float(1 - smoothstep(np.asarray(np.median(distance[told])), *_CROPPED)) if told.any() else 0.0


def cropped_rises(cells: VoxelMeans, distance: np.ndarray, hair: np.ndarray, weight: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Crop units (V,) along the normals by which cropped hair stands off vertices (V, 3), seen or not, with a soft edge: flat, it would be
    paint on a bald head. hair (K,): share of it of cells; distance (K,) from the fitted head; weight (K,): how much is seen."""
    rise = _RISE * cropped(distance, weight * hair) * cells.smoothed(hair[:, None])
    return cells.spread(rise, vertices)[:, 0].astype(np.float32)


def _haired_temples(hair: np.ndarray, upright: np.ndarray) -> float:
    """Share of hair (K,) above the ears."""
    (low, high), (back, front) = _TEMPLES
    there = (upright[:, 1] > low) & (upright[:, 1] < high) & (upright[:, 2] > back) & (upright[:, 2] < front)
    return float(hair[there].mean()) if there.any() else 1.0


def beard_grows(upright: np.ndarray, haired: float = 1.0) -> np.ndarray:
    """(K,) in [0, 1]: do beards grow at places (K, 3) on the mean head (Symmetry.upright)? haired: share of hair at its temples."""
    depth, height = upright[:, 2], upright[:, 1]
    top, bottom = np.interp(depth, _DEPTHS, _TOPS), np.interp(depth, _DEPTHS, _BOTTOMS)
    top = top + (1 - haired) * (np.minimum(top, _BALD_TOP) - top)
    within = smoothstep(top - height, -_SOFT, _SOFT) * smoothstep(height - bottom, -_SOFT, _SOFT)
    return within * smoothstep(depth, *_EAR)

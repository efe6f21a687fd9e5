"""Collars: a shirt stands above the jacket over it all round the neck, and what is worn ends in a step over what it covers."""

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.visibility import smoothstep
from .garments import Garments
from .voxel_means import VoxelMeans

_STANDS_OUT = (0.1, 0.06)  # crop units (20 to 12 mm) from the neck's edge within which the collar is what is seen
_BESIDE = 0.05  # crop units (1 cm): cloth so near to seen skin borders the neck
_BACK, _FARTHEST = 0.05, 0.25  # crop units of depth over which what is seen farther back counts e times as much; the share that lies
# farthest back counts alike, or a few cells of a lapel beside the neck's outline would tell alone
_SEEN, _LEAST = 0.3, 5  # weight of seen skin, and cells of cloth beside it that tell of a collar
_MOSTLY, _EACH = 0.5, 0.25  # share of what borders the neck there, and of what does so on each side
_TELLING = 0.5  # of the cells of the other side: of a side that shows less the other one tells
_SHORT = -0.5  # height on the mean head above which hair that ends there is no long hair
_THICK, _OVER = 0.02, 0.0125  # crop units (4 and 2.5 mm) by which clothes stand off skin, and what covers a collar off that
_WIDE = 0.3  # difference of shares, some four millimetres, over which a step rises
_EVENED = 8  # rounds of smoothing, of 4 mm each, over which a step is made up for on either side
_ISLAND = 0.1  # of the largest part of clothes
_COVERED = (0.05, 0.3)  # share of hair around from which on it hides a step
_CHIN, _NECK = -0.1, 0.55  # height on the mean head, and crop units from its middle, within which necks are


def with_collar(
    cells: VoxelMeans,
    share: np.ndarray,
    known: np.ndarray,
    clothes: np.ndarray,
    seen: np.ndarray,
    skin: tuple[np.ndarray, np.ndarray],
    upright: np.ndarray,
) -> tuple[np.ndarray, int | None]:
    """Shares (K, C) of garments in which, where nobody knows (K,) better, the one that borders the neck where it is seen farthest back
    goes round the neck; and which one that is, None if it is not clear.

    clothes (K,) in [0, 1]; seen (K, C): garments that the photo shows; skin: shares (K,) of it, and how much of it is seen (K,); upright
    (K, 3): places on the mean head.
    """
    bare, shown = skin
    neck = (upright[:, 1] < _CHIN) & (np.abs(upright[:, 0]) < _NECK)
    # What is seen steeply may be skin though the surface there is cloth: lapels bordered on such a seam.
    around = np.flatnonzero(neck & (shown > _SEEN) & (bare > 0.5))
    cloth = np.flatnonzero(neck & seen.any(1))
    if not len(around) or not len(cloth):
        return share, None
    points = cells.centre
    cloth = cloth[cKDTree(points[around]).query(points[cloth], distance_upper_bound=_BESIDE)[0] < np.inf]
    if len(cloth) < _LEAST:
        return share, None
    both = _bordering(seen[cloth], upright[cloth, 2])
    collar = np.eye(seen.shape[1])[both.argmax()]
    left = upright[cloth, 0] > 0
    for side in (left, ~left):
        # Of a head that is turned the other side tells.
        if side.sum() >= max(_LEAST, _TELLING * (~side).sum()) and _bordering(seen[cloth][side], upright[cloth[side], 2]) @ collar < _EACH:
            return share, None
    behind = (clothes @ ((1 - np.clip(known, 0, 1))[:, None] * share)).argmax()
    if both @ collar < _MOSTLY or both.argmax() == behind:
        return share, None
    # Long hair hides the collar, and short hair may end on it.
    edge = neck & (clothes < 0.5) & ((bare > 0.5) | (upright[:, 1] > _SHORT))
    distance = cKDTree(points[edge]).query(points)[0] if edge.any() else np.full(len(points), np.inf)
    # What is no cloth counts as the collar's, or the band would be narrower where borders are made smooth.
    band = np.maximum(neck * smoothstep(distance, *_STANDS_OUT), 1 - clothes)
    return share + (band * (1 - np.clip(known, 0, 1)))[:, None] * (collar - share), int(both.argmax())


def _bordering(seen: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Shares (C,) of garments among the seen ones (N, C), mostly of those that lie farthest back in depth (N,)."""
    count = np.exp(-np.maximum(depth - np.quantile(depth, _FARTHEST), 0) / _BACK) @ seen
    return count / max(count.sum(), 1e-9)


def edges_rise(cells: VoxelMeans, clothes: Garments, collar: int, vertices: np.ndarray, neck: np.ndarray, closed: np.ndarray) -> np.ndarray:
    """Crop units (V,) along the normals by which clothes stand off the skin, and what covers a collar, which garment or 0, off that: at
    their edges alone, and on the upper side of these, so that outlines stay and the neck has no groove. vertices (V, 3), of garments
    `clothes`, of which 0 is none; neck, closed (K,): share of cells that are its skin, and that close a cut."""
    dressed = clothes.other_than(0, edge=_WIDE)
    levels = np.column_stack([dressed, clothes.other_than(0, collar, edge=_WIDE)] if collar else [dressed])
    around = cells.mean(np.column_stack([levels, dressed]))
    # Hair and a jaw lie over clothes, what skin surrounds is a shadow that the parsing takes for cloth, and a cut is no edge of it.
    around[:, -1] = np.clip(1 - around[:, -1] - neck, 0, 1) + _islands(cells, clothes.garment > 0) + closed
    for _ in range(_EVENED):
        around = cells.smoothed(around)
    around = cells.spread(around, vertices)
    raised = 2 * np.maximum(levels - around[:, :-1], 0) @ [_THICK, _OVER][: levels.shape[1]]
    return (raised * (1 - smoothstep(around[:, -1], *_COVERED))).astype(np.float32)


def _islands(cells: VoxelMeans, chosen: np.ndarray) -> np.ndarray:
    """Which of the chosen cells (K,) bool are of a part much smaller than their largest, bool."""
    index, found = np.flatnonzero(chosen), np.zeros(len(chosen), bool)
    if len(index):
        part = connected_components(cells.links[index][:, index], directed=False)[1]
        size = np.bincount(part)
        found[index] = (size < _ISLAND * size.max())[part]
    return found

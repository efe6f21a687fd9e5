"""Small patches that lie apart from the rest of their kind where the photo does not show them: stray strokes of hair on a temple, blots of
skin in hair."""

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.visibility import smoothstep
from .kinds import CLOTHES, HAIR, HAT, SKIN
from .voxel_means import VoxelMeans

_SOME = 0.1  # share from which a cell belongs to a patch of a kind
_LEAST = 2.5e-3 / 0.04  # square crop units (25 cm²): what is smaller is an island
_LEAST_SKIN = 7e-3 / 0.04  # the same of skin (70 cm²), which is joined to the face's but for ears
_SEEN = 0.3  # mean weight of the photo in a patch, over which it is what the photo shows
_GLEAM, _WITHIN = 1e-3 / 0.04, 0.9  # square crop units (10 cm²) of a spot of one garment's colour in another; share of that around it
_RIM = 2  # cells around an island in which its shares run out
_SHOWN = 0.3  # weight from which a cell is seen
_SEEN_LEAST = (3e-4 / 0.04, 1e-3 / 0.04)  # square crop units (3 cm² of face and ears, 10 cm² of all else) of what is seen through a gap
_GLIMPSED, _BESIDE_EAR = (0.1, 0.2), 4  # share of an ear that is seen, and cells around it to which the rest of its picture reaches


def without_islands(cells: VoxelMeans, share: np.ndarray, weight: np.ndarray, ears: np.ndarray) -> np.ndarray:
    """Shares (K, len(KINDS)) without the small connected parts of one kind that the photo, weight (K,), hardly shows. ears (K,) bool: where
    skin may stand alone in hair; brows and beards may everywhere."""
    found = share.copy()
    for kind in (SKIN, HAIR, CLOTHES, HAT):
        part, area = _parts(cells, share[:, kind] > _SOME)
        count = np.maximum(np.bincount(part), 1)
        hidden = np.bincount(part, weight) / count < _SEEN
        alone = np.bincount(part, ears) / count > 0.5 if kind == SKIN else np.zeros(len(count), bool)
        small = (area < (_LEAST_SKIN if kind == SKIN else _LEAST)) & hidden & ~alone
        small[0] = False
        found[_with_rims(cells, small, part), kind] = 0
    told = found.sum(1) > _SOME
    if told.any() and not told.all():
        found[~told] = found[told][cKDTree(cells.centre[told]).query(cells.centre[~told])[1]]
    return found / np.maximum(found.sum(1, keepdims=True), 1e-6)


def without_gleams(cells: VoxelMeans, garment: np.ndarray) -> np.ndarray:
    """Garments of cells (K,), 0 for none, in which small parts of one that lie within one other are of that: light on black leather is as
    pale as a shirt, and where such a spot ends at the border of what is seen, it would go on as a blot."""
    found = garment.copy()
    for one in range(1, garment.max() + 1):
        part, area = _parts(cells, garment == one)
        area[0] = 0
        for small in np.flatnonzero((area > 0) & (area < np.minimum(_GLEAM, area.max()))):
            own = part == small
            beside = np.bincount(garment[(cells.links @ own > 0) & ~own])
            if beside.argmax() > 0 and beside.max() > _WITHIN * beside.sum():
                found[own] = beside.argmax()
    return found


def seen_apart(cells: VoxelMeans, weight: np.ndarray, bare: np.ndarray) -> np.ndarray:
    """(K,) bool: small connected parts of what the photo shows, weight (K,), that nothing else that it shows is next to. bare (K,) in
    [0, 1]: the face and ears, of which ears are seen apart from the face."""
    part, area = _parts(cells, weight > _SHOWN)
    on_face = np.bincount(part, bare) / np.maximum(np.bincount(part), 1)
    small = area < np.where(on_face > 0.5, *_SEEN_LEAST)
    small[0] = False
    return _with_rims(cells, small, part)


def glimpsed_ears(cells: VoxelMeans, weight: np.ndarray, ears: np.ndarray, left: np.ndarray) -> np.ndarray:
    """(K,) in [0, 1]: bare ears, share (K,), of which the photo shows but a rim, weight (K,), with what is around them: such a rim hardly
    ever lies on that of the surface, and would be a second ear beside it. left (K,) bool: on the person's left."""
    found = np.zeros(len(weight))
    for ear in (ears * left, ears * ~left):
        shown = 1 - smoothstep((ear @ weight) / max(ear.sum(), 1e-9), *_GLIMPSED)
        near = ear > 0.5
        for _ in range(_BESIDE_EAR):
            near = near | (cells.links @ near > 0)
        found = np.maximum(found, shown * near)
    return cells.smoothed(found[:, None])[:, 0]


def _parts(cells: VoxelMeans, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which connected part of the chosen cells (K,) bool each cell is in, (K,), 0 off them; and the parts' areas, square crop units."""
    ids = np.flatnonzero(chosen)
    part = np.zeros(len(chosen), np.int64)
    part[ids] = 1 + connected_components(cells.links[ids][:, ids], directed=False)[1]
    return part, np.bincount(part) * cells.size**2


def _with_rims(cells: VoxelMeans, small: np.ndarray, part: np.ndarray) -> np.ndarray:
    """(K,) bool: the cells of small parts, (P,) bool, with what is around them and in none of the parts, of which part (K,) tells."""
    found = small[part]
    for _ in range(_RIM):
        found = found | ((cells.links @ found > 0) & (part == 0))
    return found

"""Which triangles of a mesh run through each other."""

from collections.abc import Iterator
from itertools import product

import numpy as np
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.mesh import cross

_VOXEL = 3.5  # median edges: a side of the cubes in which normals are compared
_CUBES = 256  # along the longest side at most: edges of no length would ask for any number
_STRAYS = 0.75  # cosine to the mean normal around it below which a face may belong to another layer
_MIDDLE = 13  # of a cube and its 26 neighbours, in the order x, y, z
_FLAT = 1e-9  # of the unit of lengths: what is nearer to a plane than rounding can tell counts as on both sides of it
_ALIKE = 0.5  # cosine between two faces that a hasty look takes for the same layer


def intersecting_faces(corners: np.ndarray, normals: np.ndarray, faces: np.ndarray, hasty: bool = False) -> np.ndarray:
    """Ids (N,) of the faces of a mesh that run through another one, neighbours across an edge apart.

    corners (3, F, 3): places of the faces' first, second and third vertices; normals (F, 3): unit; faces (F, 3). Looked for only where
    normals vary within a few edges, as they do wherever a smooth surface meets itself; in a hasty look, which takes half of the time where
    much is crumpled, nothing is found of two layers that cross at less than 60 degrees and look the same way.
    """
    middle = corners.mean(0)
    usual = float(np.median(np.linalg.norm(corners[0] - corners[1], axis=1)))
    side = max(_VOXEL * usual, float(np.ptp(middle, axis=0).max(initial=0)) / _CUBES, 1e-9)
    chosen = np.flatnonzero(_near_strays(middle, normals, side))
    if not len(chosen):
        return chosen
    corners, normals, some = corners[:, chosen].astype(np.float64), normals[chosen], faces[chosen]
    middle = corners.mean(0)
    reach = np.maximum(np.linalg.norm(corners - middle, axis=2).max(0), 1e-9)  # faces without an area have none
    pairs = _near_pairs(middle, reach)
    apart = [pair[np.einsum("ij,ij->i", *normals[pair.T]) < _ALIKE] for pair in pairs] if hasty else list(pairs)
    a, b = np.concatenate(apart).T
    for axis in np.moveaxis(corners, -1, 0):
        low, high = axis.min(0), axis.max(0)
        meet = (low[a] <= high[b]) & (low[b] <= high[a])
        a, b = a[meet], b[meet]
    same = some[a][:, :, None] == some[b][:, None, :]
    far = same.any(2).sum(1) < 2
    a, b, same = a[far], b[far], same[far]
    # Faces meet only where each has corners on both sides of the other one's plane, beside what they share.
    planes = cross(corners[1] - corners[0], corners[2] - corners[0])
    for _ in range(2):
        crossing = _on_both_sides(corners[0], planes, corners, a, b, same.any(1))
        a, b, same = b[crossing], a[crossing], same[crossing].transpose(0, 2, 1)
    through = _pierced(some[a], some[b], corners[:, a], corners[:, b]) | _pierced(some[b], some[a], corners[:, b], corners[:, a])
    return chosen[np.unique(np.concatenate([a[through], b[through]]))]


def _near_pairs(middle: np.ndarray, reach: np.ndarray) -> Iterator[np.ndarray]:
    """Ids (P, 2), in parts, of all pairs whose balls, of middles (N, 3) and radii (N,), meet, and of some that do not; each once.

    Balls are looked up among those of like size, within half an octave: where a fine mesh meets a coarse one, the coarse one's reach would
    pair the fine one's faces with thousands of each other. Those of less than half of the median are few, and count as one size.
    """
    level = np.maximum(np.floor(2 * np.log2(reach / np.median(reach))), -2)
    members = [np.flatnonzero(level == number) for number in np.unique(level)]
    # Splits in the middle and boxes as they come: these trees are asked hardly longer than they take to build.
    trees = [cKDTree(middle[ids], balanced_tree=False, compact_nodes=False) for ids in members]
    reaches = [float(reach[ids].max()) for ids in members]
    for fine, (ids, tree) in enumerate(zip(members, trees, strict=True)):
        yield ids[tree.query_pairs(2 * reaches[fine], output_type="ndarray")]
        for coarse in range(fine + 1, len(members)):
            found = trees[coarse].sparse_distance_matrix(tree, reaches[fine] + reaches[coarse], output_type="ndarray")
            yield np.column_stack([members[coarse][found["i"]], ids[found["j"]]])


def _near_strays(middle: np.ndarray, normals: np.ndarray, side: float) -> np.ndarray:
    """(F,) bool: faces in or beside a cube with a face that looks another way than what is around it."""
    cube = ((middle - middle.min(0)) / side).astype(np.int64) + 1
    shape = tuple(cube.max(0) + 2)  # the outermost cubes are empty
    place = np.asarray(np.ravel_multi_index(tuple(cube.T), shape))
    size = int(np.prod(shape))
    # Few of the cubes around a mesh hold a part of it: those have a row each, and one empty row stands for all others.
    used = np.flatnonzero(np.bincount(place, minlength=size))
    rows = np.full(size, len(used))
    rows[used] = np.arange(len(used))
    steps = [np.ravel_multi_index(step, shape) for step in product((0, 1, 2), repeat=3)]
    around = [rows[used + step - steps[_MIDDLE]] for step in steps]
    row = rows[place]
    of_cubes = np.stack([np.bincount(row, normals[:, axis], len(used) + 1) for axis in range(3)], axis=1)
    mean = sum(of_cubes[cubes] for cubes in around)
    mean /= np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-30)
    strays = np.zeros(len(used) + 1, bool)
    strays[row[np.einsum("ij,ij->i", mean[row], normals) < _STRAYS]] = True
    return np.logical_or.reduce([strays[cubes] for cubes in around])[row]


def _on_both_sides(
    origins: np.ndarray, planes: np.ndarray, corners: np.ndarray, a: np.ndarray, b: np.ndarray, shared: np.ndarray
) -> np.ndarray:
    """(N,) bool: whether faces b (N,) have corners on both sides of the planes of faces a (N,), or as good as in them; not counting corners
    that are shared, (N, 3) bool. origins (F, 3): places in the planes; planes (F, 3): their normals, of any length; corners (3, F, 3)."""
    origin, normal = origins[a], planes[a]
    away = np.stack([np.einsum("ij,ij->i", corner[b] - origin, normal) for corner in corners], axis=1)
    flat = _FLAT * np.linalg.norm(planes, axis=1)[a]
    return (np.where(shared, np.inf, away).min(1) <= flat) & (np.where(shared, -np.inf, away).max(1) >= -flat)


def _pierced(faces: np.ndarray, others: np.ndarray, corners: np.ndarray, other_corners: np.ndarray) -> np.ndarray:
    """(N,) bool: whether an edge of the second triangles runs through the first; not edges at a shared vertex. Corners (3, N, 3)."""
    origin, u, v = corners[0], corners[1] - corners[0], corners[2] - corners[0]
    found = np.zeros(len(faces), bool)
    for k in range(3):
        start, along = other_corners[k], other_corners[(k + 1) % 3] - other_corners[k]
        across, turned = cross(along, v), cross(start - origin, u)
        with np.errstate(divide="ignore", invalid="ignore"):
            volume = (u * across).sum(1)
            first, second, share = (
                ((start - origin) * across).sum(1) / volume,
                (along * turned).sum(1) / volume,
                (v * turned).sum(1) / volume,
            )
            hit = (first >= 0) & (second >= 0) & (first + second <= 1) & (share >= 0) & (share <= 1)
        found |= hit & ~(others[:, [k, (k + 1) % 3], None] == faces[:, None, :]).any((1, 2))
    return found

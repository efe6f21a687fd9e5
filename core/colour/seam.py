"""Colours continued from what is seen into what is not: the light that falls there, and no seam between them."""

import numpy as np
import scipy.sparse as sp

from ..geometry.solve import solve_positive
from .voxel_means import VoxelMeans

_REACH = 0.3  # crop units (6 cm) over which the seam's correction decays into the hidden side
_MIRROR_REACH = 0.2  # crop units (4 cm) where the other side's colours are taken
_HUGGED = 4.0  # weight of a cell's colour beside its neighbours' corrections
_LIGHT_REACH = 1.0  # crop units (20 cm) over which light changes
_LIGHT_WEIGHT = 0.1  # of a cell's colour: light is what differs over centimetres
_LIGHT_MOST = 0.7  # natural logarithm
_TINT = 0.3  # of the light's tint is kept: rims have the background's
_BLACK = 0.06  # sRGB: below it ratios are noise
_OTHER = 0.1  # sRGB: across a step of this size in the level, a correction hardly spreads


def with_local_light(cells: VoxelMeans, level: np.ndarray, seen: np.ndarray, weight: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The level (K, 3) in the light that falls there: as much lighter or darker as what is seen (K, 3), with weight (K,), is around,
    within each kind, share (K, len(KINDS))."""
    ratio = np.clip(np.log((seen + _BLACK) / (level + _BLACK)), -_LIGHT_MOST, _LIGHT_MOST)
    grey = ratio.mean(1, keepdims=True)
    screening = 3 * (cells.size / _LIGHT_REACH) ** 2
    change = membrane(_alike(cells, level, share), grey + _TINT * (ratio - grey), _LIGHT_WEIGHT * weight, screening, cells.place // 5)
    return (level + _BLACK) * np.exp(change) - _BLACK


def without_seam(
    cells: VoxelMeans, level: np.ndarray, seen: np.ndarray, weight: np.ndarray, mirrored: np.ndarray, share: np.ndarray | None
) -> np.ndarray:
    """The level (K, 3) brought to the seen colours (K, 3) where their weight (K,) says, which fades within each kind, and sooner into what
    is mirrored (K,)."""
    reach = np.array([_REACH, _MIRROR_REACH])[:, None]
    screening = 3 * (cells.size / reach) ** 2 * np.stack([1 - mirrored, mirrored])
    return level + membrane(_alike(cells, level, share), seen - level, _HUGGED * weight, screening.sum(0), cells.place // 5)


def _alike(cells: VoxelMeans, level: np.ndarray, share: np.ndarray | None) -> sp.csr_matrix:
    """The cells' links, weak where the level (K, 3) has a step or the kind (K, len(KINDS)) changes."""
    links = cells.links.tocoo(copy=True)
    step = ((level[links.row] - level[links.col]) ** 2).sum(1)
    alike = 1 if share is None else np.minimum(share[links.row], share[links.col]).sum(1) ** 2
    links.data = alike * np.exp(-step / (2 * _OTHER**2)) + 0.01
    return links.tocsr()


def carried_difference(vertices: np.ndarray, faces: np.ndarray, difference: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The difference (V, 3) of seen and prior colours, known where weight (V,) says, continued into the hidden side: float64 (V, 3).

    A membrane that decays over 6 cm (a screened form of Poisson image editing, Perez et al. 2003, on the mesh). Crop frame.
    """
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    length = float(np.linalg.norm(vertices[start] - vertices[end], axis=1).mean())
    half = sp.csr_matrix((np.full(len(start), 0.5), (start, end)), shape=(len(vertices), len(vertices)))
    # On a triangle lattice with edges h, the umbrella Laplacian is 1.5 h^2 times the continuous one.
    screening = 1.5 * (length / _REACH) ** 2
    blocks = np.floor((vertices - vertices.min(0)) / (5 * length)).astype(np.int64)
    return membrane((half + half.T).tocsr(), difference, weight, screening, blocks)


def membrane(
    links: sp.csr_matrix, difference: np.ndarray, weight: np.ndarray, screening: float | np.ndarray, blocks: np.ndarray
) -> np.ndarray:
    """Smooth over links (N, N), near the difference (N, C) where weight (N,) says, decaying with the screening; blocks (N, 3): coarser.

    On a square lattice with cells h, links to all 8 neighbours make 3 h² times the continuous Laplacian.
    """
    seen = weight.astype(np.float64)
    matrix = (sp.diags(np.asarray(links.sum(1)).ravel() + seen + screening) - links).tocsr()
    extent = blocks.max(0) + 1
    clusters = np.unique((blocks[:, 0] * extent[1] + blocks[:, 1]) * extent[2] + blocks[:, 2], return_inverse=True)[1]
    return solve_positive(matrix, seen[:, None] * difference.astype(np.float64), clusters, tolerance=1e-3)

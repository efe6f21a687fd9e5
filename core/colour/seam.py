"""Colours continued from what is seen into what is not: the light that falls there, and no seam between them."""

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from ..geometry.solve import solve_positive
from ..geometry.visibility import smoothstep
from .voxel_means import VoxelMeans

_REACH = 0.3  # crop units (6 cm) over which the seam's correction decays into the hidden side
_MIRROR_REACH = 0.2  # crop units (4 cm) where the other side's colours are taken
_HUGGED = 4.0  # weight of a cell's colour beside its neighbours' corrections
_LIGHT_REACH = 0.4  # crop units (8 cm) over which light changes
_LIGHT_WEIGHT = 0.1  # of a cell's colour: light is what differs over centimetres
_LIGHT_MOST = 0.3  # natural logarithm: hidden skin stays as light as the face mostly is
_MIRRORED_MOST = 1.2  # natural logarithm: the other side may lie in shadow
_MIRRORED_WEIGHT = 1.0  # of a mirrored cell's colour: of the other side nothing but detail finer than a centimetre is its own
_TINT = 0.6  # of the light's tint is kept: rims have the background's
_BORDER = 0.12  # crop units (2.4 cm) around the border of what is seen in which light is evened
_WITHIN = (0.6, 0.95)  # share of what is seen around
_BRIDGE_SEEN, _BRIDGE_HIDDEN = (0.6, 0.82), (0.03, 0.2)  # share of what is seen around, where the shade at the border ends
_EVENED_MOST = 0.4  # natural logarithm
_BRIDGED_MOST, _ADDED_MOST = 0.7, 1.8  # natural logarithm: by which what is seen may be darkened and lightened
_FREE = 1e-4  # weight that keeps solvable what nothing holds
_EVENED_ROUNDS = 3  # of smoothing, of 4 mm each: finer light and shade is the photo's
_BLACK = 0.06  # sRGB: below it ratios are noise
_OTHER = 0.1  # sRGB: across a step of this size in the level, a correction hardly spreads


def around_border(cells: VoxelMeans, weight: np.ndarray) -> np.ndarray:
    """(K,) in [0, 1]: share of what is seen, weight (K,), around each cell: one half at its border, 0 or 1 centimetres away."""
    spring = np.full(len(weight), 3 * (cells.size / _BORDER) ** 2)
    return membrane(cells.links, weight[:, None], spring, 0, cells.place // 5)[:, 0]


def well_inside(around: np.ndarray) -> np.ndarray:
    """(K,) in [0, 1]: does a cell lie well inside of what is seen? By `around_border`; 0 at the border, where light grazes."""
    return smoothstep(around, *_WITHIN)


def bridged(
    cells: VoxelMeans,
    colours: np.ndarray,
    share: np.ndarray,
    layers: Sequence[tuple[np.ndarray, np.ndarray]],
    around: np.ndarray,
    rounds: int = 1,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """How much darker each layer [(colours (K, 3), weight (K,)), ...] of one kind, what is seen and what is hidden, is to be around the
    border of what is seen for the shade at this border to be gone, (K, 3), natural logarithm, and how much light is to be added, (K, 3),
    sRGB. As a ratio it would make more of the colour of what is darkest, shaded creases, whose blue is black.

    Light then goes evenly from what is well inside to what is well outside, by `around_border` (K,). colours (K, 3): of the layers
    together; share (K,): of the kind; rounds: of smoothing, of 4 mm each: finer light and shade stays.
    """
    near = np.where(around > 0.5, 1 - smoothstep(around, *_BRIDGE_SEEN), smoothstep(around, *_BRIDGE_HIDDEN))
    links = cells.links.tocoo(copy=True)
    links.data = np.minimum(share[links.row], share[links.col]) ** 2 + 0.01
    even = membrane(links.tocsr(), _around(cells, colours, share, rounds), share * (1 - near), _FREE, cells.place // 5)
    return [_towards(even, _around(cells, one, weight, rounds), near) for one, weight in layers]


def _towards(even: np.ndarray, around: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What brings colours around, natural logarithm (K, 3), to even ones as far as they are near (K,): the shade, natural logarithm, and
    the light that is added."""
    change = np.clip((even - around) * near[:, None], -_BRIDGED_MOST, _ADDED_MOST)
    return np.minimum(change, 0), np.exp(around) * np.expm1(np.maximum(change, 0))


def _around(cells: VoxelMeans, colours: np.ndarray, weight: np.ndarray, rounds: int) -> np.ndarray:
    """Natural logarithm (K, 3) of colours (K, 3), with weight (K,), around each cell."""
    light = np.log(np.maximum(colours, 0) + _BLACK)
    values = np.column_stack([light * weight[:, None], weight])
    for _ in range(rounds):
        values = cells.smoothed(values)
    return values[:, :3] / np.maximum(values[:, 3:], 1e-6)


def evened(cells: VoxelMeans, level: np.ndarray, seen: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """How much lighter the level (K, 3) is than what is seen (K, 3), with weight (K,), around each cell: (K, 1), natural logarithm."""
    # What was brought to seen colours may lie a little below black.
    change = np.log((np.maximum(level, 0) + _BLACK) / (np.maximum(seen, 0) + _BLACK)).mean(1)
    values = np.column_stack([change * weight, weight])
    for _ in range(_EVENED_ROUNDS):
        values = cells.smoothed(values)
    return np.clip(values[:, :1] / np.maximum(values[:, 1:], 1e-6), -_EVENED_MOST, _EVENED_MOST)


def lightened(colours: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Colours (N, 3) sRGB, lighter by change (N,) or (N, 3), natural logarithm."""
    return (colours + _BLACK) * np.exp(change.reshape(len(colours), -1)) - _BLACK


def local_light(
    cells: VoxelMeans, level: np.ndarray, seen: np.ndarray, weight: np.ndarray, share: np.ndarray, most: float, tint: float
) -> np.ndarray:
    """The light that falls on cells beside that of the level (K, 3): how much lighter or darker what is seen (K, 3), with weight (K,), is
    around, within each kind, share (K, len(KINDS)); (K, 3), natural logarithm, at most so much, with so much of its tint."""
    ratio = np.clip(np.log((seen + _BLACK) / (level + _BLACK)), -most, most)
    grey = ratio.mean(1, keepdims=True)
    screening = 3 * (cells.size / _LIGHT_REACH) ** 2
    return membrane(_alike(cells, level, share), grey + tint * (ratio - grey), weight, screening, cells.place // 5)


def with_local_light(cells: VoxelMeans, level: np.ndarray, seen: np.ndarray, weight: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The level (K, 3) in the light that falls there, by what is seen around, as `local_light` takes them."""
    return lightened(level, local_light(cells, level, seen, _LIGHT_WEIGHT * weight, share, _LIGHT_MOST, _TINT))


def out_of_its_light(cells: VoxelMeans, level: np.ndarray, mirrored: np.ndarray, weight: np.ndarray, share: np.ndarray) -> np.ndarray:
    """How much what is mirrored (K, 3), with weight (K,), is to be lightened to lie in the level's (K, 3) light, not in that of the side
    that it comes from: (K, 3), natural logarithm. share (K, len(KINDS))."""
    return -local_light(cells, level, mirrored, _MIRRORED_WEIGHT * weight, share, _MIRRORED_MOST, 1)


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

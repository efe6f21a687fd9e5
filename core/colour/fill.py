"""Colours of the vertices that the photo does not show: by material, from the mirrored side, and without a seam."""

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from ..geometry.solve import solve_positive
from ..geometry.visibility import smoothstep
from .cells import Cells
from .material import SURE, Evidence, materials
from .project import Projection
from .strands import Strands
from .symmetry import Symmetry

_CELL = 0.02  # crop units (4 mm): nothing that is guessed is finer
_REACH = 0.35  # crop units (7 cm) over which the seam's correction decays into the hidden side
_MIRROR_REACH = 0.1  # crop units (2 cm) where the other side's colours are taken
_OTHER = 0.1  # sRGB: across a step of this size in the level, a correction hardly spreads
_CHIN = (0.1, 0.25)  # of the code's height: collars below are not symmetric
_UNLIKE = 0.3  # sRGB: a mirrored colour this far from the level is of something that the other side does not have
_TEXTURED = 0.4  # of the visible hair's contrast: believable strands, none of them in its true place

Guess = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From points (N, 3) in the crop frame to the field's colours (N, 3) and the head model's semantic codes (N, 3), 0 off the head."""


def colour_vertices(
    vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray, photo_crop: np.ndarray, matte_crop: np.ndarray, guess: Guess
) -> tuple[np.ndarray, np.ndarray]:
    """Colours (V, 3) float32 sRGB in [0, 1] of all vertices, and observed (V,) float32 in [0, 1], 1 where the photo was copied.

    vertices (V, 3) and unit normals (V, 3) in the crop frame, faces (F, 3); photo_crop (S, S, 3) float sRGB, matte_crop (S, S).
    guess: asked at one vertex in some dozens only.
    """
    projection = Projection.of(vertices, faces, photo_crop, matte_crop)
    colours, observed = projection.look(vertices, normals)
    cells = Cells.of(vertices, _CELL)
    points = vertices[cells.first]
    level, codes = guess(points)
    level = cells.smoothed(level)
    seen, weight = cells.mean(colours, observed), cells.mean(observed)
    there, detail = np.zeros_like(weight), np.zeros_like(colours)
    symmetry = Symmetry.of(points, codes)
    if symmetry is not None:
        upright = symmetry.upright(points)
        other, trust = projection.mirrored(*symmetry.mirrored(vertices, normals))
        found = materials(Evidence(level, seen, weight, cells.mean(other, trust), cells.mean(trust), codes, upright))
        level, face = (level, np.zeros(len(level), bool)) if found is None else (found.colours, found.face)
        near = np.maximum(
            np.exp(-((((other - level[cells.cell]) / _UNLIKE) ** 2).sum(1) ** 2)), face[cells.cell] * smoothstep(trust, *SURE)
        )
        trust = (trust * near * smoothstep(codes[:, 1], *_CHIN)[cells.cell]).astype(np.float32)
        there = cells.mean(trust)
        level = level + there[:, None] * (cells.mean(other, trust) - level)
        detail = trust[:, None] * (other - cells.spread(level, vertices))
        if found is not None:
            detail += _strands(photo_crop, vertices, symmetry, cells, found.share[:, 1], observed, trust)
    level = level + _carried(cells, level, seen - level, weight, there)
    hidden = np.clip(cells.spread(level, vertices) + detail, 0, 1)
    return (hidden + observed[:, None] * (colours - hidden)).astype(np.float32), observed


def _strands(
    photo: np.ndarray, vertices: np.ndarray, symmetry: Symmetry, cells: Cells, hair: np.ndarray, observed: np.ndarray, mirrored: np.ndarray
) -> np.ndarray:
    """Texture (V, 3) for hair, given by cell (K,), that neither the photo nor its mirror image shows."""
    texture = np.zeros_like(vertices)
    shown = observed > 0.8
    strands = Strands.of(photo, vertices[shown], hair[cells.cell[shown]] > 0.8)
    if strands is not None:
        share = _TEXTURED * cells.spread(hair[:, None], vertices)[:, 0] * (1 - observed) * (1 - mirrored)
        wanted = np.flatnonzero(share > 0.01)
        texture[wanted] = share[wanted, None] * strands.at(symmetry.upright(vertices[wanted]))
    return texture


def _carried(cells: Cells, level: np.ndarray, difference: np.ndarray, weight: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """The difference (K, 3) of seen colours and level (K, 3), known where weight (K,) says, continued within each material, but not far
    into what is mirrored (K,)."""
    links = cells.links.tocoo()
    step = ((level[links.row] - level[links.col]) ** 2).sum(1)
    links.data = np.exp(-step / (2 * _OTHER**2)) + 0.01
    # On a square lattice with cells h, links to all 8 neighbours make 3 h^2 times the continuous Laplacian.
    reach = np.array([_REACH, _MIRROR_REACH])[:, None]
    screening = 3 * (cells.size / reach) ** 2 * np.stack([1 - mirrored, mirrored])
    return _membrane(links.tocsr(), difference, weight, screening.sum(0), cells.place // 5)


def fill_hidden(
    vertices: np.ndarray,
    faces: np.ndarray,
    colours: np.ndarray,
    weight: np.ndarray,
    prior_colours: np.ndarray,
) -> np.ndarray:
    """Colours (V, 3) float32: `colours` where weight (V,) is 1, else the prior's detail with the seen colours' level at the seam."""
    hidden = np.clip(prior_colours + carried_difference(vertices, faces, colours - prior_colours, weight), 0, 1)
    return (hidden + weight[:, None] * (colours - hidden)).astype(np.float32)


def carried_difference(vertices: np.ndarray, faces: np.ndarray, difference: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The difference (V, 3) of seen and prior colours, known where weight (V,) says, continued into the hidden side: float64 (V, 3).

    A membrane that decays over 7 cm (a screened form of Poisson image editing, Perez et al. 2003, on the mesh). Crop frame.
    """
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    length = float(np.linalg.norm(vertices[start] - vertices[end], axis=1).mean())
    half = sp.csr_matrix((np.full(len(start), 0.5), (start, end)), shape=(len(vertices), len(vertices)))
    # On a triangle lattice with edges h, the umbrella Laplacian is 1.5 h^2 times the continuous one.
    screening = 1.5 * (length / _REACH) ** 2
    blocks = np.floor((vertices - vertices.min(0)) / (5 * length)).astype(np.int64)
    return _membrane((half + half.T).tocsr(), difference, weight, screening, blocks)


def _membrane(
    links: sp.csr_matrix, difference: np.ndarray, weight: np.ndarray, screening: float | np.ndarray, blocks: np.ndarray
) -> np.ndarray:
    """Smooth over links (N, N), near the difference (N, C) where weight (N,) says, decaying with the screening; blocks (N, 3): coarser."""
    seen = weight.astype(np.float64)
    matrix = (sp.diags(np.asarray(links.sum(1)).ravel() + seen + screening) - links).tocsr()
    extent = blocks.max(0) + 1
    clusters = np.unique((blocks[:, 0] * extent[1] + blocks[:, 1]) * extent[2] + blocks[:, 2], return_inverse=True)[1]
    return solve_positive(matrix, seen[:, None] * difference.astype(np.float64), clusters, tolerance=1e-3)

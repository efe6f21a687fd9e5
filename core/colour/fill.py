"""Colours of the vertices that the photo does not show: by kind, from the mirrored side, in the light that falls there, without a seam."""

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
from scipy.ndimage import maximum_filter

from ..geometry.visibility import smoothstep
from ..photo.parsing import CLASSES
from .cells import Cells, membrane
from .guessed import CHEEKS, SURE, guessed_kinds, within
from .kinds import HAIR, Places, continued, hidden_kinds, kind_pictures
from .material import levels
from .project import Projection
from .strands import Strands
from .symmetry import Symmetry

_CELL = 0.02  # crop units (4 mm): nothing that is guessed is finer
_REACH = 0.35  # crop units (7 cm) over which the seam's correction decays into the hidden side
_MIRROR_REACH = 0.2  # crop units (2 cm) where the other side's colours are taken
_LIGHT_REACH = 1.0  # crop units (20 cm) over which light changes
_LIGHT_WEIGHT = 0.1  # of a cell's colour: light is what differs over centimetres
_TINT = 0.3  # of the light's tint is kept: rims have the background's
_LIGHT_MOST = 0.7  # natural logarithm
_BLACK = 0.06  # sRGB: below it ratios are noise
_OTHER = 0.1  # sRGB: across a step of this size in the level, a correction hardly spreads
_CHIN = (0.1, 0.25)  # of the code's height: collars below are not symmetric
_UNLIKE = 0.3  # sRGB: a mirrored colour this far from the level is of something that the other side does not have
_ALIKE = (0.3, 0.8)  # share of kinds that a mirrored place has in common with the place
_PURE = (0.85, 0.98)  # share of one kind: thin hair has skin's tint, skin at its edge has hair's
_TEXTURED = 0.4  # of the visible hair's contrast: believable strands, none of them in its true place
_APART = 0.012  # crop units (2.4 mm) around glasses and things that have their shadow
_COVERED = (0.3, 0.6)  # share of things in front
_MIRRORED = 0.5  # weight of what the other side is beside what is seen

Guess = Callable[[np.ndarray], tuple[np.ndarray, Places]]
"""From points (N, 3) in the crop frame to the field's colours (N, 3) and places on the fitted head."""


def colour_vertices(
    vertices: np.ndarray,
    faces: np.ndarray,
    normals: np.ndarray,
    photo_crop: np.ndarray,
    matte_crop: np.ndarray,
    guess: Guess,
    parsing_crop: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Colours (V, 3) float32 sRGB in [0, 1] of all vertices, and observed (V,) float32 in [0, 1], 1 where the photo was copied.

    vertices (V, 3) and unit normals (V, 3) in the crop frame, faces (F, 3); photo_crop (S, S, 3) float sRGB, matte_crop (S, S).
    guess: asked at one vertex in some dozens only. parsing_crop: (S, S, len(CLASSES)) shares; things in front of the person are not copied,
    and what is not seen is told by it instead of by the guess.
    """
    told = parsing_crop is not None
    pictures = photo_crop if parsing_crop is None else np.concatenate([photo_crop, _kinds_and_others(parsing_crop)], axis=-1)
    projection = Projection.of(vertices, faces, pictures, matte_crop)
    shown, observed = projection.look(vertices, normals)
    colours = shown[:, :3]
    cells = Cells.of(vertices, _CELL)
    points = vertices[cells.first]
    level, places = guess(points)
    head = smoothstep(places.code[:, 1], *_CHIN)[cells.cell]
    if told:
        # A tie, a brooch or a microphone on the chest may stay as paint.
        observed = observed * (1 - head * smoothstep(shown[:, -1], *_COVERED))
    level = cells.smoothed(level)
    seen, weight = cells.mean(shown, observed), cells.mean(observed)
    there, detail = np.zeros_like(weight), np.zeros_like(colours)
    symmetry = Symmetry.of(points, places.code)
    share = None
    if symmetry is not None:
        upright = symmetry.upright(points)
        other, trust = projection.mirrored(*symmetry.mirrored(vertices, normals))
        if told:
            features = smoothstep(places.features, 0.1, 0.4)[cells.cell]
            trust = trust * (1 - smoothstep(other[:, -1] + other[:, -2] + other[:, -3] * (1 - features), 0.1, 0.4))
        mirrored, trusted = cells.mean(other, trust), cells.mean(trust)
        if told:
            clean = weight * np.clip(seen[:, 3:-3].sum(1), 0, 1) * (1 - smoothstep(seen[:, -2], 0.1, 0.4))
            kinds = _normalised(seen[:, 3:-3])
            pure = smoothstep(kinds.max(1), *_PURE)
            by_place = hidden_kinds(kinds, clean, places, upright)
            evidence = [(kinds, clean), (_normalised(mirrored[:, 3:-3]), _MIRRORED * trusted)]
            share = continued(cells.links, cells.place // 5, cells.size, by_place, evidence)
        else:
            clean, pure = weight, np.ones_like(weight)
            share = guessed_kinds(level, seen, weight, mirrored, trusted, places.code, upright)
        if share is not None:
            level = levels(level, seen[:, :3], clean * pure, share, upright)
        if told:
            near = smoothstep(np.minimum(_normalised(other[:, 3:-3]), share[cells.cell]).sum(1), *_ALIKE)
        else:
            near = np.exp(-((((other - level[cells.cell]) / _UNLIKE) ** 2).sum(1) ** 2))
            if share is not None:
                near = np.maximum(near, within(places.code, CHEEKS)[cells.cell] * smoothstep(trust, *SURE))
        trust = (trust * near * head).astype(np.float32)
        there = cells.mean(trust)
        level = level + there[:, None] * (cells.mean(other[:, :3], trust) - level)
        light = _light(cells, _alike_links(cells, level, share), level, seen[:, :3], clean) if told else np.ones_like(level)
        detail = trust[:, None] * (other[:, :3] - cells.spread(level, vertices))
        level = (level + _BLACK) * light - _BLACK
        if share is not None:
            detail += _strands(photo_crop, vertices, symmetry, cells, share[:, HAIR], observed, trust)
        weight = clean
    level = level + _carried(cells, _alike_links(cells, level, share), seen[:, :3] - level, weight, there)
    hidden = np.clip(cells.spread(level, vertices) + detail, 0, 1)
    return (hidden + observed[:, None] * (colours - hidden)).astype(np.float32), observed


def _kinds_and_others(parsing: np.ndarray) -> np.ndarray:
    """Shares (S, S, len(KINDS) + 3): the kinds; eyes, lips and teeth; glasses and what they shade; things in front."""
    share = lambda *names: parsing[..., [CLASSES.index(name) for name in names]].sum(-1)  # noqa: E731
    around = 2 * round(_APART * len(parsing) / 2) + 1
    others = [share("eyes", "lips", "teeth"), maximum_filter(share("glasses"), around), maximum_filter(share("object"), around)]
    return np.concatenate([kind_pictures(parsing), np.stack(others, axis=-1)], axis=-1).astype(np.float32)


def _normalised(shares: np.ndarray) -> np.ndarray:
    return shares / np.maximum(shares.sum(1, keepdims=True), 1e-6)


def _light(cells: Cells, links: sp.csr_matrix, level: np.ndarray, seen: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """How much lighter (K, 3) than the level (K, 3) things are in the light that falls there: of what is seen (K, 3), smooth over it."""
    ratio = np.clip(np.log((seen + _BLACK) / (level + _BLACK)), -_LIGHT_MOST, _LIGHT_MOST)
    grey = ratio.mean(1, keepdims=True)
    screening = 3 * (cells.size / _LIGHT_REACH) ** 2
    return np.exp(membrane(links, grey + _TINT * (ratio - grey), _LIGHT_WEIGHT * weight, screening, cells.place // 5))


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


def _carried(cells: Cells, links: sp.csr_matrix, difference: np.ndarray, weight: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """The difference (K, 3) of seen colours and level (K, 3), known where weight (K,) says, continued within each material, but not far
    into what is mirrored (K,)."""
    reach = np.array([_REACH, _MIRROR_REACH])[:, None]
    screening = 3 * (cells.size / reach) ** 2 * np.stack([1 - mirrored, mirrored])
    return membrane(links, difference, 4 * weight, screening.sum(0), cells.place // 5)


def _alike_links(cells: Cells, level: np.ndarray, share: np.ndarray | None) -> sp.csr_matrix:
    """The cells' links, weak where the level (K, 3) has a step or the kind (K, len(KINDS)) changes."""
    links = cells.links.tocoo(copy=True)
    step = ((level[links.row] - level[links.col]) ** 2).sum(1)
    alike = 1 if share is None else np.minimum(share[links.row], share[links.col]).sum(1) ** 2
    links.data = alike * np.exp(-step / (2 * _OTHER**2)) + 0.01
    return links.tocsr()


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
    return membrane((half + half.T).tocsr(), difference, weight, screening, blocks)

"""What is worn has a form of its own: cloth spans the hollows of a body, garments end in a step over what they cover, shoes have no toes.

The networks' surface follows the body as if it were bare. Which garments there are tell the photo's parsing and colours; where they hide
from the photo, whoever calls carries them on.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import scipy.sparse as sp
from scipy.cluster.hierarchy import fcluster, linkage

from ..geometry.mesh import adjacency, vertex_normals
from ..geometry.solve import solve_positive
from ..geometry.visibility import smoothstep
from ..photo.parsing import CLASSES
from .smooth import groups_of, spanned

_CLOTH, _SHOES = ("clothes", "hat"), ("shoes",)
ALIKE = 16.0
"""Of `cloth_tones`: mean distance of colours that are one garment's."""
_COLOURS, _SAMPLES, _FEWEST = 6, 256, 200  # colours of cloth, pixels a side that tell them, and of cloth among those
_LIGHTNESS = np.array([0.4, 1, 1], np.float32)  # of CIE Lab: folds change it
_DARK = 25.0  # of CIE Lab's lightness
_NOISE = 1.0  # pixels of the crop
_LEAST = 0.03  # metres: what is narrower is no garment but a print, a belt or a strap
_SHARE, _BARE = 0.02, 6e-3  # of all cloth that a garment covers at least, and square metres of what is bare
_RISE, _SHOE = (9e-3, 5e-3), 2e-3  # metres above bare skin, from the topmost garment to the lowest, and of shoes
_SPANS, _SHOE_SPANS = 0.2, 0.1  # metres: shorter waves are the body's or the toes', not the cloth's or the shoe's
_WORN = (0.3, 0.7)  # share from which on a place is covered
_RIM = (0.25, 0.6)  # z of the normal: at the outline the photo tells the form
_SHARP, _EVEN = 4, 3e-3  # power of the shares, and metres over which they pass into each other: a hem is narrow, and not jagged
_ENDS = 0.03  # metres over which the step at a garment's end is made up for on either side


@dataclass(frozen=True)
class Layers:
    """What is worn in a crop. shares (S, S, L) float32 that sum to 1: of garments from the topmost down, of shoes, and of what is bare.
    patches: (S, S) bool each: all cloth, by its colours."""

    shares: np.ndarray
    patches: tuple[np.ndarray, ...]


def worn_layers(photo: np.ndarray, matte: np.ndarray, parsing: np.ndarray, half: float) -> Layers | None:
    """From photo (S, S, 3) sRGB and matte (S, S) in [0, 1] and parsing (S, S, len(CLASSES)) over a crop; half: metres of a crop unit.
    None where nothing is worn."""
    share = lambda names: parsing[..., [CLASSES.index(name) for name in names]].sum(-1)  # noqa: E731
    person = matte > 0.5
    cloth, shoes = share(_CLOTH) > 0.5, share(_SHOES) > 0.5
    colours, centres = cloth_colours(photo, person & (cloth | shoes))
    if not len(centres):
        return None
    side = max(3, 2 * round(_LEAST * len(photo) / (2 * half) / 2) + 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    opened = lambda mask: cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc)  # noqa: E731
    garment = (fcluster(linkage(centres, "average"), ALIKE, "distance") - 1)[colours]
    kinds = [opened(person & cloth & (garment == one)) for one in np.unique(garment)]
    kinds = [one for one in kinds if one.sum() > _SHARE * (person & cloth).sum()]
    kinds.sort(key=lambda one: float(np.nonzero(one)[0].mean()))
    kinds += [opened(person & shoes), _pieces(opened(person & ~cloth & ~shoes), _BARE / (2 * half / len(photo)) ** 2)]
    # What is too narrow for a layer of its own belongs to the nearest one.
    distance = np.stack([cv2.distanceTransform(1 - one, cv2.DIST_L2, 5) for one in kinds])
    shares = cv2.GaussianBlur(np.eye(len(kinds), dtype=np.float32)[distance.argmin(0)], (0, 0), max(_EVEN * len(photo) / (2 * half), 0.5))
    covered = person & (shares[..., -1] < 0.5)
    return Layers(shares, tuple(covered & (garment == one) for one in np.unique(garment[covered])))


def dressed(vertices: np.ndarray, faces: np.ndarray, shares: np.ndarray, free: np.ndarray, half: float) -> np.ndarray:
    """Vertices (V, 3) float32 of a crop frame's surface in the form of what is worn. shares (V, L): as Layers; free (V,) in [0, 1]: how far
    they may move."""
    edge = float(np.linalg.norm(vertices[faces[:, 0]] - vertices[faces[:, 1]], axis=1).mean()) * half
    neighbours = adjacency(faces, len(vertices))
    inner = free * smoothstep(np.abs(vertex_normals(vertices, faces)[:, 2]), *_RIM)
    cloth, shoes = (smoothstep(one, *_WORN) * inner for one in (shares[:, :-2].sum(1), shares[:, -2]))
    covered = spanned(vertices, faces, np.maximum(cloth, shoes * (_SHOE_SPANS / _SPANS) ** 4), _SPANS / half)
    sharp = np.maximum(shares, 0) ** _SHARP
    rise = sharp @ np.r_[np.linspace(*_RISE, shares.shape[1] - 2), _SHOE, 0] / np.maximum(sharp.sum(1), 1e-9) / half
    links = sp.diags(np.asarray(neighbours.sum(1)).ravel()) - neighbours
    matrix = (sp.identity(len(vertices)) + (_ENDS / edge) ** 2 / 3 * links).tocsr()
    beside = solve_positive(matrix, rise[:, None], groups_of(vertices), tolerance=1e-3)
    return (covered + (free * (rise - beside[:, 0]))[:, None] * vertex_normals(covered, faces)).astype(np.float32)


def cloth_colours(photo: np.ndarray, cloth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of some colours (S, S) each pixel has, and those colours (N, 3) in CIE Lab; cloth (S, S) bool tells them."""
    size = (_SAMPLES, _SAMPLES)
    small = cloth_tones(cv2.resize(photo, size, interpolation=cv2.INTER_AREA))
    told = small[cv2.resize(cloth.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.95]
    if len(told) < _FEWEST:
        return np.zeros(cloth.shape, np.int64), np.zeros((0, 3))
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_MAX_ITER, 30, 0.0)
    centres = cv2.kmeans(told, _COLOURS, np.empty(0), stop, 2, cv2.KMEANS_PP_CENTERS)[2]
    own = cv2.GaussianBlur(cloth_tones(photo), (0, 0), _NOISE)
    return np.stack([((own - one) ** 2).sum(-1) for one in centres]).argmin(0), centres


def cloth_tones(picture: np.ndarray) -> np.ndarray:
    """(S, S, 3): what a picture (S, S, 3) sRGB tells of materials, CIE Lab; of what is nearly black the hue is noise."""
    lab = cv2.cvtColor(np.ascontiguousarray(picture, np.float32), cv2.COLOR_RGB2LAB)
    lab[..., 1:] *= np.minimum(lab[..., :1] / _DARK, 1)
    return lab * _LIGHTNESS


def _pieces(mask: np.ndarray, area: float) -> np.ndarray:
    """The parts of a mask (S, S) uint8 that have so many pixels."""
    _, part, told, _ = cv2.connectedComponentsWithStats(mask)
    large = told[:, cv2.CC_STAT_AREA] > area
    large[0] = False
    return large[part.astype(np.int64)].astype(np.uint8)

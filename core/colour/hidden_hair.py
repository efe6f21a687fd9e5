"""Hair that a photo does not show: the strands of the seen hair, in colour and relief."""

from typing import NamedTuple

import numpy as np

from ..geometry.visibility import sample_picture, smoothstep
from .channels import COLOUR
from .hair_texture import HairTexture
from .material import BLACK, Tints
from .seam import lightened
from .symmetry import Symmetry
from .voxel_means import VoxelMeans

_SHOWN = 0.8  # of the photo, and of hair, to be a sample
_TEXTURED = 0.9  # of the visible hair's contrast: believable strands, none of them in its true place
_RELIEF = 0.8  # of the visible hair's relief, the same strands
_LIVELY = 0.7  # of the seen relief, locks and all, that long hair's has at least
_SHORT = 0.0035  # crop units (0.7 mm): standard deviation of short hair's heights at most, whose gaps would be holes
_LOWEST = 2  # percentile of the seen hair's height that tells where it ends
_LONG = (0.15, 0.4)  # crop units below the eyes on the mean head, over which its end makes it long
_ENDS = 1.0  # of the share of hair that thins out, by which strands are denser or sparser than the mean, for each standard deviation
_ENDING = (0.05, 0.3)  # share of what else is there, from hair to its end
_TAPER = (0.5, 0.95)  # share of hair within a centimetre over which it thins out to its end


class HiddenHair(NamedTuple):
    """What is like the seen hair, at vertices that may be of hidden hair: share (V,) of it, thinning out to its end; texture (V, 3), to be
    added to its colour, and heights (V,), crop units, both 0 where there is none. mean: of the seen hair's heights."""

    share: np.ndarray
    texture: np.ndarray
    heights: np.ndarray
    mean: float

    @classmethod
    def of(
        cls,
        photo: np.ndarray,
        heights: np.ndarray | None,
        vertices: np.ndarray,
        symmetry: Symmetry,
        cells: VoxelMeans,
        hair: np.ndarray,
        observed: np.ndarray,
        level: np.ndarray,
        tints: Tints | None,
        ends: bool = True,
    ) -> "HiddenHair":
        """hair (K,): share of cells; heights (S, S): the seen hair's; level (K, 3): the hidden colours, to which the seen hair's tints at
        growing lightness belong, if they are known."""
        around = cells.smoothed(cells.smoothed(hair[:, None]))
        ending = _ends_downwards(cells, around[:, 0], symmetry.upright(cells.centre))
        share, around, ending = cells.spread(np.column_stack([hair, around, ending]), vertices).T
        texture, raised, mean, spread = np.zeros_like(vertices), np.zeros(len(vertices), np.float32), 0.0, 0.0
        shown = (observed > _SHOWN) & (share > _SHOWN)
        light = np.log(photo[..., COLOUR].mean(-1) + BLACK)
        picture = light[..., None] if heights is None else np.dstack([light, heights])
        if heights is not None and shown.any():
            of_seen = sample_picture(heights, vertices[shown])
            mean, spread = float(of_seen.mean()), float(of_seen.std())
        lowest = np.percentile(symmetry.upright(vertices[shown])[:, 1], _LOWEST) if shown.any() else 0
        long = float(smoothstep(-np.array(lowest), *_LONG))
        strands = HairTexture.of(picture, vertices[observed > _SHOWN], hair[cells.cell[observed > _SHOWN]] > _SHOWN, long)
        if share.max() > _SHOWN:
            strands = HairTexture.unknown(picture) if strands is None else strands
            tinted = (lambda colours: colours) if tints is None else tints.given_to
            wanted = np.flatnonzero(share > 0.01)
            values = strands.at(symmetry.upright(vertices[wanted]))
            here = cells.spread(level, vertices[wanted])
            texture[wanted] = share[wanted, None] * (tinted(lightened(here, _TEXTURED * values[:, 0])) - tinted(here))
            texture[wanted] += ends * ending[wanted, None] * _single_hairs(share[wanted], values[:, 0], here, level[hair > _SHOWN])
            if heights is not None:
                raised[wanted] = _depth(float(values[:, 1].std()), spread, long) * values[:, 1]
        return cls(smoothstep(around, *_TAPER), texture, raised, mean)


def _depth(spread: float, seen: float, long: float) -> float:
    """What strands whose heights have the standard deviation `spread` are multiplied by, beside seen hair with that of its own: long hair,
    in [0, 1], is at least so lively, short hair no deeper than it is thick."""
    spread = max(spread, 1e-9)
    lively = _RELIEF * max(1.0, long * _LIVELY * seen / spread)
    return lively + (1 - long) * (min(lively, _SHORT / spread) - lively)


def _ends_downwards(cells: VoxelMeans, hair: np.ndarray, upright: np.ndarray) -> np.ndarray:
    """(K,) in [0, 1]: does hair, share (K,) of cells at places (K, 3) of the mean head, end along its strands and not beside them?"""
    links, hair = cells.links, hair[:, None]
    slope = links @ (hair * upright) - upright * (links @ hair) - hair * (links @ upright) + hair * upright * np.asarray(links.sum(1))
    return cells.smoothed(np.maximum(slope[:, 1:2], 0) ** 2 / np.maximum((slope**2).sum(1, keepdims=True), 1e-12))[:, 0]


def _single_hairs(share: np.ndarray, light: np.ndarray, here: np.ndarray, hair: np.ndarray) -> np.ndarray:
    """What to add to colours (N, 3) of which shares (N,) are hair, so that it ends in hairs with skin between them and not in a mist; light
    (N,): of its strands; hair (M, 3): colours of the rest of it."""
    if not len(hair):
        return np.zeros_like(here)
    strand = np.clip(light / (light.std() + 1e-9), -1, 1)
    towards = np.median(hair, axis=0) - here
    # Bright strands are of bright hair, or gaps between dark ones.
    return (_ENDS * share * smoothstep(1 - share, *_ENDING) * strand * np.sign(towards.mean(1)))[:, None] * towards

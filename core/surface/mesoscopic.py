"""Fine relief from the photo's own shading: dark is deep (Beeler et al. 2010, mesoscopic augmentation), strands run as they are seen.

Normals of a network tell bends of some centimetres. Wrinkles, lids, lips and locks are in the photo's shading: the band-pass of its
logarithm moves the surface along its normals, material by material. Depth is a guess, place and course are the photo's.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import cv2
import numpy as np

from ..geometry.mesh import vertex_normals
from ..geometry.visibility import depth_picture, sample_picture, smoothstep, visibility
from ..photo.parsing import CLASSES
from .creases import SkinLines, bounds
from .shading import ShadedSkin

_SIGMAS = (0.4e-3, 0.8e-3, 1.6e-3, 3.2e-3, 6.4e-3, 12.8e-3, 25.6e-3, 51.2e-3)  # metres: borders of the bands
_DARK = 0.02  # of white, linear: below it the logarithm is noise
_OUTWARDS = 0.6  # highlights are lighter than what is high
_SURE, _LEAST_SURE, _DOUBTFUL = (
    0.95,
    200,
    (0.98, 1.0),
)  # shares, and pixels, of hair and skin that show their tone; of hair that may be none
_BLACK = 0.03  # sRGB: below it ratios are noise
_APART, _LIKE_HAIR = 0.4, (0.3, 0.6)  # natural logarithm between their tones, and share of the way from skin's to hair's
_EVEN = 0.006  # of the picture's side (2.4 mm)
_LEAST = 0.02  # share of a material in a pixel that counts
_PURE = (0.5, 0.9)  # share of a material beside which others' light is left out
_STRAND, _STRAND_STEPS = 15e-3, 7  # metres along which strands are averaged either way, and steps
_COMBED = (0.2, 0.5)  # coherence of the gradients, from curls and stubble to strands that run one way
_SHARPER = 1.3  # of strands, whose averages are fainter
_CELLS, _PIXELS = 0.5, 1.0  # finest band, in cells of the mesh and in pixels of the photo
_SOFT = 0.8e-3  # metres over which a rise begins
_SOFT_HAIR = 2e-3  # of hair and beards, which thin out: a step would be a cut
_THIN = (0.5, 0.95)  # share of hair within so many metres around, over which its light becomes its own
_BESIDE_HAIR = (0.1, 0.5)  # and over which its shade falls on the skin beside it
_AROUND = 2e-3  # metres around glasses, hands and eyes that have their edge and shadow
_RIM = (0.005, 0.03)  # crop units inside the matte's edge over which it fades in
_GRAZING = (0.1, 0.5)  # z of the surface's normal over which it fades in
_GRAZING_HAIR = (0.35, 0.7)  # the same of hair: drawn out in depth, its strands are lumps; others take their place (HiddenHair)
_MOST_RAISED = 2.5  # times that the relief of hair of little contrast is raised at most
_SHADING_SIZE = 256  # pixels a side at most in which skin is shaded: 1.6 mm, as fine as its light tells
_SHADED = ("skin", "lips")


@dataclass(frozen=True)
class Material:
    """How shading of some parsing classes becomes relief. gain: height of a band over its width, for each unit of the logarithm; most:
    the logarithm beyond which it hardly grows; coarsest: metres; noise: the logarithm up to which it is grain, pores and freckles;
    rise: metres above what is beside; channels: weights of linear red, green and blue; strands: does it run in strands? contrast: the root
    mean square of the logarithm's bands up to which it is raised, because its colour tells how deep it looks, not how deep it is."""

    classes: tuple[str, ...]
    gain: float
    most: float
    coarsest: float
    noise: float
    rise: float = 0.0
    channels: tuple[float, float, float] = (0.2126, 0.7152, 0.0722)
    strands: bool = False
    contrast: float = 0.0


_RED = (1.0, 0.0, 0.0)  # freckles, blush and lips hardly differ from skin in it: what is dark there is shade
MATERIALS = (
    Material(("skin",), 0.8, 0.25, 3.2e-3, 0.03, channels=_RED),
    Material(("lips",), 1.2, 0.2, 3.2e-3, 0.02, 0.3e-3, _RED),
    Material(("hair",), 2.5, 0.35, 6.4e-3, 0.01, 1.5e-3, strands=True, contrast=0.12),
    Material(("beard",), 1.2, 0.4, 3.2e-3, 0.02, 1.8e-3, strands=True, contrast=0.12),
    Material(("hat",), 0.6, 0.3, 12.8e-3, 0.02),
)
_LEFT_OUT = ("eyes", "glasses", "object")


@dataclass(frozen=True)
class FineDetail:
    """What a photo's crop tells of fine relief. heights (S, S) float32: crop units along the surface's normals; light, skin (T, T): linear
    red light and share of skin, whose shading bends the surface; hair (T, T): share of hair; lines: of its skin; strength: 1 as the photo
    suggests."""

    heights: np.ndarray
    light: np.ndarray
    skin: np.ndarray
    hair: np.ndarray
    lines: SkinLines
    strength: float

    @classmethod
    def of(
        cls,
        photo: np.ndarray,
        matte: np.ndarray,
        parsing: np.ndarray,
        half: float,
        cells: int,
        photo_pixel: float,
        strength: float = 1.0,
        plain: np.ndarray | None = None,
    ) -> Self:
        """photo (S, S, 3) sRGB and matte (S, S), both in [0, 1], and parsing (S, S, len(CLASSES)) over the crop; half: metres of a crop
        unit; cells: of the mesh, a side; photo_pixel: metres. Nothing finer than cells and photo_pixel is made. plain (N, N): where lines
        are no furrows."""
        parsing, finest = _hair_by_tone(parsing, photo), max(2 * half / cells * _CELLS, photo_pixel * _PIXELS)
        kept = _kept(parsing, 2 * half / len(photo))
        heights = shading_heights(photo, matte, parsing, kept, half, finest)
        size = (min(cells, _SHADING_SIZE),) * 2
        apart = _apart_from_hair(parsing, 2 * half / len(photo))
        skin = matte * _share(parsing, _SHADED) * apart
        pictures = linear_light(photo[..., 0]), skin, parsing[..., CLASSES.index("hair")]
        lines = np.log(pictures[0] + _DARK).astype(np.float32)
        bare = smoothstep(matte * parsing[..., CLASSES.index("skin")] * kept * apart, *_PURE).astype(np.float32)
        if plain is not None:
            bare *= 1 - cv2.resize(plain, matte.shape[::-1], interpolation=cv2.INTER_LINEAR)
        light, skin, hair = (cv2.resize(one.astype(np.float32), size, interpolation=cv2.INTER_AREA) for one in pictures)
        return cls(strength * heights, light, skin, hair, SkinLines(lines, bare, half, finest), strength)

    def on(self, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
        """Vertices (V, 3) float32 of the crop frame with the visible ones moved along their normals, fading out where the surface turns
        away."""
        normals = vertex_normals(vertices, faces)
        depth = depth_picture(vertices, faces, len(self.skin)).depth
        share = detailed_share(vertices, normals, depth, sample_picture(self.hair, vertices))
        moved = sample_picture(self.heights, vertices)
        skin = ShadedSkin.of(self.light, self.skin, depth)
        if skin is not None:
            furrows = sample_picture(self.lines.heights(skin.expected, skin.facing), vertices)
            moved += self.strength * (normals[:, 2] * sample_picture(skin.heights(), vertices) + furrows)
        return (vertices + (share * moved)[:, None] * normals).astype(np.float32)


def detailed_share(vertices: np.ndarray, normals: np.ndarray, depth: np.ndarray, hair: np.ndarray | float = 1.0) -> np.ndarray:
    """(V,) in [0, 1]: how far `FineDetail` moves vertices (V, 3) with unit normals (V, 3), of a surface with the depth picture (D, D);
    hair (V,): share of it."""
    facing, of_hair = (smoothstep(normals[:, 2], *limits) for limits in (_GRAZING, _GRAZING_HAIR))
    return visibility(vertices, normals, depth) * (facing + hair * (of_hair - facing))


def shading_heights(photo: np.ndarray, matte: np.ndarray, parsing: np.ndarray, kept: np.ndarray, half: float, finest: float) -> np.ndarray:
    """Heights (S, S) float32 in crop units along the surface's normals of what is dark, runs in strands or stands out; as FineDetail.of,
    kept (S, S): what is not left out; finest: metres."""
    pixel = 2 * half / len(photo)
    height, apart = np.zeros(matte.shape, np.float32), _apart_from_hair(parsing, pixel)
    for material in MATERIALS:
        own = _share(parsing, material.classes) * matte.astype(np.float32)
        box = bounds(own > _LEAST, round(_SOFT_HAIR * 4 / pixel))
        if box is not None:
            heights = material_heights(material, photo[box], own[box], kept[box], pixel, finest)
            height[box] += heights if material.strands else heights * apart[box]
    inside = cv2.distanceTransform((matte > 0.5).astype(np.uint8), cv2.DIST_L2, 5) * (2 / len(matte))
    return (height / half * kept * smoothstep(inside, *_RIM)).astype(np.float32)


def _kept(parsing: np.ndarray, pixel: float) -> np.ndarray:
    """(S, S) in [0, 1]: what lies apart from eyes, glasses and hands and from their shadows; pixel: metres."""
    kernel = np.ones((2 * round(_AROUND / pixel / 2) + 1,) * 2, np.uint8)
    return 1 - _blurred(cv2.dilate(_share(parsing, _LEFT_OUT), kernel), _SOFT / pixel)


def _apart_from_hair(parsing: np.ndarray, pixel: float) -> np.ndarray:
    """(S, S) in [0, 1]: what lies apart from hair and beards, whose shade on the skin beside them would be a groove; pixel: metres.

    Brows, which the parsing calls beards, frown."""
    hair, eyes = _share(parsing, ("hair", "beard")), np.flatnonzero((_share(parsing, ("eyes",)) > 0.5).any(1))
    if len(eyes):
        hair[: eyes[-1]] -= parsing[: eyes[-1], :, CLASSES.index("beard")]
    return 1 - smoothstep(_blurred(hair, _SOFT_HAIR / pixel), *_BESIDE_HAIR)


def _share(parsing: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    return np.ascontiguousarray(parsing[..., [CLASSES.index(name) for name in names]].sum(-1), np.float32)


def _hair_by_tone(parsing: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """The parsing with skin where it takes for hair by half what looks like the person's sure skin: a frowning forehead, a shaved head."""
    hair, skin = CLASSES.index("hair"), CLASSES.index("skin")
    light = np.log(photo + _BLACK)
    sure = [light[parsing[..., kind] > _SURE] for kind in (skin, hair)]
    if min(len(one) for one in sure) < _LEAST_SURE:
        return parsing
    own, other = (np.median(one, axis=0) for one in sure)
    way = other - own
    like_hair = smoothstep(_blurred((light - own) @ way / max(way @ way, 1e-6), _EVEN * len(photo)), *_LIKE_HAIR)
    doubtful = parsing[..., hair] * (1 - like_hair) * (1 - smoothstep(parsing[..., hair], *_DOUBTFUL)) * (np.linalg.norm(way) > _APART)
    found = parsing.copy()
    found[..., hair] -= doubtful
    found[..., skin] += doubtful
    return found


def material_heights(material: Material, photo: np.ndarray, own: np.ndarray, kept: np.ndarray, pixel: float, finest: float) -> np.ndarray:
    """Heights (H, W) in metres that one material adds. own, kept (H, W): its share, and what is not left out."""
    pure = smoothstep(own * kept, *_PURE).astype(np.float32)
    light = np.log(linear_light(photo) @ np.array(material.channels) + _DARK).astype(np.float32)
    relief = _bands(material, light, pure, pixel, finest)
    if material.strands:
        relief = _combed(relief, light, pixel) * smoothstep(_blurred(own, _SOFT_HAIR / pixel), *_THIN)
    return own * relief + material.rise * _blurred(own, (_SOFT_HAIR if material.strands else _SOFT) / pixel)


def _bands(material: Material, light: np.ndarray, pure: np.ndarray, pixel: float, finest: float) -> np.ndarray:
    """Heights (H, W) in metres of a material's shading, band by band. pure (H, W): where the light (H, W) is its own; finest: metres."""
    height = np.zeros_like(light)
    sigmas = [sigma for sigma in _SIGMAS if finest <= sigma <= material.coarsest]
    means = [_mean(light, pure, sigma / pixel) for sigma in sigmas]
    bands = [fine - coarse for fine, coarse in pairwise(means)]
    raised = _raised(material, bands, pure)
    for sigma, apart in zip(sigmas, bands, strict=False):
        apart = raised * apart
        apart = np.sign(apart) * np.maximum(np.abs(apart) - material.noise, 0) * np.where(apart > 0, _OUTWARDS, 1)
        height += material.gain * sigma * material.most * np.tanh(apart / material.most)
    return height


def _raised(material: Material, bands: list[np.ndarray], pure: np.ndarray) -> float:
    """By how much the bands (H, W) of a material whose light and shade hardly differ, as black hair's, are multiplied."""
    square = sum(float((pure * band**2).sum()) for band in bands) / max(len(bands) * float(pure.sum()), 1e-6)
    return float(np.clip(material.contrast / max(np.sqrt(square), 1e-6), 1.0, _MOST_RAISED))


def _combed(height: np.ndarray, light: np.ndarray, pixel: float) -> np.ndarray:
    """Heights (H, W) averaged along the strands (line integral convolution, Cabral & Leedom 1993) where they run one way."""
    fine = _blurred(light, _SOFT / pixel)
    right, down = cv2.Sobel(fine, cv2.CV_32F, 1, 0), cv2.Sobel(fine, cv2.CV_32F, 0, 1)
    wide, tall, both = (_blurred(part, 4 * _SOFT / pixel) for part in (right * right, down * down, right * down))
    across = 0.5 * np.arctan2(2 * both, wide - tall)
    combed = smoothstep(np.hypot(wide - tall, 2 * both) / np.maximum(wide + tall, 1e-9), *_COMBED)
    along = np.stack([-np.sin(across), np.cos(across)], axis=-1).astype(np.float32)
    place = np.stack(np.meshgrid(*[np.arange(size, dtype=np.float32) for size in height.shape[::-1]]), axis=-1)
    total, weights = height.copy(), 1.0
    for way in (along, -along):
        here, step = place.copy(), way
        for number in range(1, _STRAND_STEPS + 1):
            here = here + step * (_STRAND / pixel / _STRAND_STEPS)
            at = np.ascontiguousarray(here[..., 0]), np.ascontiguousarray(here[..., 1])
            there = cv2.remap(along, *at, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
            step = there * np.where((there * step).sum(-1, keepdims=True) < 0, np.float32(-1), np.float32(1))
            weight = 0.5 + 0.5 * np.cos(np.pi * number / (_STRAND_STEPS + 1))
            total += weight * cv2.remap(height, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            weights += weight
    return height + combed * (_SHARPER / weights * total - height)


def _mean(values: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """Weighted means (H, W) around each pixel."""
    return _blurred(values * weight, sigma) / np.maximum(_blurred(weight, sigma), 1e-4)


def linear_light(picture: np.ndarray) -> np.ndarray:
    """Linear light of a picture in sRGB, both in [0, 1]."""
    return ((picture + 0.055) / 1.055) ** 2.4


def _blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), max(sigma, 0.3), borderType=cv2.BORDER_REPLICATE)

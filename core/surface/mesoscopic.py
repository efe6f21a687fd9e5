"""Fine relief from the photo's own shading: dark is deep (Beeler et al. 2010, mesoscopic augmentation), strands run as they are seen.

Normals of a network tell bends of some centimetres. Wrinkles, lids, lips and locks are in the photo's shading: the band-pass of its logarithm
moves the surface along its normals. Depth is a guess, place and course are the photo's.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ..geometry.visibility import depth_picture, sample_picture, smoothstep, visibility
from ..photo.parsing import CLASSES

_SIGMAS = (0.4e-3, 0.8e-3, 1.6e-3, 3.2e-3, 6.4e-3, 12.8e-3)  # metres: borders of the bands
_NOISE = 0.01  # natural logarithm: grain and blocks of compression
_DARK = 0.02  # of white, linear: below it the logarithm is noise
_OUTWARDS = 0.6  # highlights are lighter than what is high
_PURE = (0.5, 0.9)  # share of a material beside which others' light is left out
_STRAND, _STRAND_STEPS = 6e-3, 5  # metres along which strands are averaged either way, and steps
_COMBED = (0.2, 0.5)  # coherence of the gradients, from curls and stubble to strands that run one way
_SHARPER = 1.3  # of strands, whose averages are fainter
_COARSE_CELLS, _COARSE_PIXELS = 0.5, (0.6, 1.4)  # finest band, in cells of the mesh and in pixels of the photo
_SOFT = 0.8e-3  # metres over which a rise begins
_AROUND = 2e-3  # metres around glasses, hands and eyes that have their edge and shadow
_RIM = (0.005, 0.03)  # crop units inside the matte's edge over which it fades in
_GRAZING = (0.1, 0.5)  # z of the surface's normal over which it fades in
_DEPTH_SIZE = 512


@dataclass(frozen=True)
class Material:
    """How shading of some parsing classes becomes relief. gain: height of a band over its width, for each unit of the logarithm; most:
    the logarithm beyond which it hardly grows; coarsest: metres; rise: metres above what is beside; channels: weights of linear red,
    green and blue; strands: does it run in strands?"""

    classes: tuple[str, ...]
    gain: float
    most: float
    coarsest: float
    rise: float = 0.0
    channels: tuple[float, float, float] = (0.2126, 0.7152, 0.0722)
    strands: bool = False


_RED = (1.0, 0.0, 0.0)  # freckles, blush and lips hardly differ from skin in it: what is dark there is shade
MATERIALS = (
    Material(("skin", "teeth"), 1.5, 0.25, 6.4e-3, channels=_RED),
    Material(("lips",), 1.5, 0.2, 3.2e-3, 0.3e-3, _RED),
    Material(("hair",), 1.0, 0.5, 12.8e-3, 0.8e-3, strands=True),
    Material(("beard",), 1.0, 0.4, 3.2e-3, 0.5e-3, strands=True),
    Material(("clothes", "hat"), 0.6, 0.3, 12.8e-3),
)
_LEFT_OUT = ("eyes", "glasses", "object")


def shading_heights(
    photo: np.ndarray, matte: np.ndarray, parsing: np.ndarray, half: float, cell: float, photo_pixel: float, strength: float = 1.0
) -> np.ndarray:
    """Heights (S, S) float32 in crop units along the surface's normals.

    photo (S, S, 3) sRGB and matte (S, S), both in [0, 1], and parsing (S, S, len(CLASSES)) over the crop; half: metres of a crop unit;
    cell: of the mesh, and photo_pixel, in metres: nothing finer than they are is made. strength: 1 as the photo suggests.
    """
    linear = ((photo + 0.055) / 1.055) ** 2.4
    pixel = 2 * half / len(photo)
    share = lambda names: np.ascontiguousarray(parsing[..., [CLASSES.index(name) for name in names]].sum(-1), np.float32)  # noqa: E731
    kernel = np.ones((2 * round(_AROUND / pixel / 2) + 1,) * 2, np.uint8)
    left_out = _blurred(cv2.dilate(share(_LEFT_OUT), kernel), _SOFT / pixel)
    height = np.zeros(matte.shape, np.float32)
    for material in MATERIALS:
        own = share(material.classes) * matte.astype(np.float32)
        pure = smoothstep(own * (1 - left_out), *_PURE).astype(np.float32)
        if not pure.any():
            continue
        light = np.log(linear @ np.array(material.channels) + _DARK).astype(np.float32)
        relief = _bands(material, light, pure, pixel, cell, photo_pixel)
        if material.strands:
            relief = _combed(relief, light, pixel)
        height += own * relief + material.rise * _blurred(own, _SOFT / pixel)
    return strength / half * height * (1 - left_out)


def displaced(vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray, heights: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """Vertices (V, 3) float32 of the crop frame with the visible ones moved along their unit normals (V, 3) by heights (S, S) in crop
    units, fading out where the surface turns away and at the edge of the matte (S, S)."""
    depth = depth_picture(vertices, faces, _DEPTH_SIZE).depth
    inside = cv2.distanceTransform((matte > 0.5).astype(np.uint8), cv2.DIST_L2, 5) * (2 / len(matte))
    share = visibility(vertices, normals, depth) * smoothstep(normals[:, 2], *_GRAZING)
    height = sample_picture((heights * smoothstep(inside, *_RIM)).astype(np.float32), vertices)
    return (vertices + (share * height)[:, None] * normals).astype(np.float32)


def _bands(material: Material, light: np.ndarray, pure: np.ndarray, pixel: float, cell: float, photo_pixel: float) -> np.ndarray:
    """Heights (S, S) in metres of a material's shading, band by band. pure (S, S): where the light (S, S) is its own."""
    height = np.zeros_like(light)
    sigmas = [sigma for sigma in _SIGMAS if _COARSE_CELLS * cell <= sigma * 1.01 and sigma <= material.coarsest]
    means = [_mean(light, pure, sigma / pixel) for sigma in sigmas]
    for sigma, fine, coarse in zip(sigmas, means, means[1:], strict=False):
        apart = fine - coarse
        apart = np.sign(apart) * np.maximum(np.abs(apart) - _NOISE, 0) * np.where(apart > 0, _OUTWARDS, 1)
        sharp = float(smoothstep(np.array(sigma / photo_pixel), *_COARSE_PIXELS))
        height += sharp * material.gain * sigma * material.most * np.tanh(apart / material.most)
    return height


def _combed(height: np.ndarray, light: np.ndarray, pixel: float) -> np.ndarray:
    """Heights (S, S) averaged along the strands (line integral convolution, Cabral & Leedom 1993) where they run one way."""
    fine = _blurred(light, _SOFT / pixel)
    right, down = cv2.Sobel(fine, cv2.CV_32F, 1, 0), cv2.Sobel(fine, cv2.CV_32F, 0, 1)
    wide, tall, both = (_blurred(part, 4 * _SOFT / pixel) for part in (right * right, down * down, right * down))
    across = 0.5 * np.arctan2(2 * both, wide - tall)
    combed = smoothstep(np.hypot(wide - tall, 2 * both) / np.maximum(wide + tall, 1e-9), *_COMBED)
    along = np.stack([-np.sin(across), np.cos(across)], axis=-1).astype(np.float32)
    place = np.stack(np.meshgrid(*[np.arange(len(height), dtype=np.float32)] * 2), axis=-1)
    total, weights = height.copy(), 1.0
    for way in (along, -along):
        here, step = place.copy(), way
        for number in range(1, _STRAND_STEPS + 1):
            here = here + step * (_STRAND / pixel / _STRAND_STEPS)
            there = cv2.remap(along, here, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
            step = there * np.where((there * step).sum(-1, keepdims=True) < 0, np.float32(-1), np.float32(1))
            weight = 0.5 + 0.5 * np.cos(np.pi * number / (_STRAND_STEPS + 1))
            total += weight * cv2.remap(height, here, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            weights += weight
    return height + combed * (_SHARPER / weights * total - height)


def _mean(values: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """Weighted means (S, S) around each pixel."""
    return _blurred(values * weight, sigma) / np.maximum(_blurred(weight, sigma), 1e-4)


def _blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), max(sigma, 0.3), borderType=cv2.BORDER_REPLICATE)

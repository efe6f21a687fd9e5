"""Wrinkles and folds of skin: dark lines of the photo that the surface's own shading does not explain become furrows.

A line is darker than what lies to both sides of it, the lesser difference counting (Koller et al. 1995): the edge of a cast shadow is none.
It is looked for along eight directions and averaged along itself, so that pores, freckles and stubble are none either.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ..geometry.visibility import smoothstep

_WIDTHS = (1.2e-3, 2.0e-3, 3.0e-3)  # metres: half of a line's width, from wrinkles to the fold between cheek and lip
_ACROSS, _ALONG, _APART = 0.6, 3.0, 2.0  # of that: standard deviations of the average across and along a line, and way to its sides
_DIRECTIONS = 8
_COARSE = 1.6  # pixels of a width in which lines are looked for
_BESIDE = (0.3, 0.7)  # share of skin on a line and to its sides over which it counts
# Lines of young skin, and where blush and the light on a cheek end, are fainter.
_NOISE = (0.02, 0.04, 0.08)  # of the logarithm, for each width
_SHARP = ((0.0, 1.0), (0.35, 0.6), (0.6, 0.85))  # darkness at the width before, of that at each, from even valleys of light to folds
_GAIN, _REFERENCE = 2.0, 3e-3  # depth of a line over its width, for each unit of the logarithm; of a width of so many metres
_MOST = 0.25  # natural logarithm beyond which a furrow hardly grows
_BESIDE_RAISED, _SPREAD = 1.2, 9e-3  # share of a furrow that is raised around it, and metres over which
_FACING = (0.55, 0.8)  # z of the surface's normal over which lines fade in: jaws darken where they turn away
_NOSE = ((-0.30, 0.095), (-0.225, 0.1), (-0.2, 0.11), (-0.05, 0.08), (0.025, 0.06))  # heights and half widths on the mean head, crop units
_NOSE_ENDS, _NOSE_SIDE = (-0.29, -0.265, -0.01, 0.02), 0.035  # heights, and distance beside it, over which it ends
# Heights and half width on the mean head up to which glasses reach, crop units, and their edge.
_LENSES, _LENS_EDGE = (-0.18, 0.13, 0.4), 0.03
_RIM, _WORN = 0.15, (2e-4, 5e-4)  # share of a pixel that may be of a rim, and square metres of these over which glasses are worn


@dataclass(frozen=True)
class SkinLines:
    """What a photo shows of skin's lines. light (S, S) float32: natural logarithm of light in which skin is of one colour; share (S, S): of
    skin that may have them; half: metres of a crop unit; finest: metres of the narrowest line that mesh and photo show."""

    light: np.ndarray
    share: np.ndarray
    half: float
    finest: float

    def heights(self, expected: np.ndarray, facing: np.ndarray) -> np.ndarray:
        """Crop units (S, S) float32 that furrows move the surface outwards. expected (T, T): the light that it would have without any,
        natural logarithm; facing (T, T): z of its normals."""
        size, pixel = self.light.shape[::-1], 2 * self.half / len(self.light)
        expected, facing = (cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR) for picture in (expected, facing))
        left, top, wide, tall = cv2.boundingRect((self.share > 0).astype(np.uint8))
        box = slice(top, top + tall), slice(left, left + wide)
        heights = np.zeros(self.light.shape, np.float32)
        if wide * tall:
            share = self.share[box] * smoothstep(facing[box], *_FACING)
            depth = self._depth(self.light[box], expected[box], self.share[box], pixel)
            raised = _BESIDE_RAISED * cv2.GaussianBlur(depth, (0, 0), _SPREAD / pixel)
            heights[box] = share * (raised - depth) / self.half
        return heights

    def _depth(self, light: np.ndarray, expected: np.ndarray, share: np.ndarray, pixel: float) -> np.ndarray:
        """Metres (H, W) of furrows in a part of the picture. Lines have to be in the light and in what is unexplained of it."""
        pictures = np.stack([light, light - expected], axis=-1)
        depth, narrower = np.zeros(light.shape, np.float32), None
        for width, noise, sharp in zip(_WIDTHS, _NOISE, _SHARP, strict=True):
            if width >= self.finest:
                lines = dark_lines(pictures, share, width / pixel).min(-1)
                dark = np.maximum(lines - noise, 0)
                if narrower is not None:
                    dark *= smoothstep(narrower / np.maximum(lines, 1e-6), *sharp)
                depth, narrower = np.maximum(depth, _GAIN * np.sqrt(width * _REFERENCE) * _MOST * np.tanh(dark / _MOST)), lines
        return depth


def without_furrows(places: np.ndarray, glasses: np.ndarray, pixel: float) -> np.ndarray:
    """(S, S) float32 in [0, 1]: where dark lines are no furrows, by places (S, S, 2) on the mean head: on the nose, and around the eyes of
    who wears glasses, whose thin rims are told here and there alone; glasses (S, S): their share; pixel: metres."""
    across, up = np.abs(places[..., 0]), places[..., 1]
    low, high, side = _LENSES
    within = np.minimum(np.minimum(up - low, high - up), side - across)
    around = smoothstep(within, 0, _LENS_EDGE)
    worn = smoothstep(((glasses > _RIM) & (around > 0)).sum() * pixel**2, *_WORN)
    return np.maximum(_on_nose(places), worn * around).astype(np.float32)


def _on_nose(places: np.ndarray) -> np.ndarray:
    """(S, S) float32 in [0, 1]: share of the nose and its sides, by places (S, S, 2) on the mean head. Their shade is not of furrows."""
    across, up = np.abs(places[..., 0]), places[..., 1]
    heights, widths = zip(*_NOSE, strict=True)
    beside = smoothstep(across - np.interp(up, heights, widths), 0, _NOSE_SIDE)
    low, begun, ending, high = _NOSE_ENDS
    return ((1 - beside) * smoothstep(up, low, begun) * (1 - smoothstep(up, ending, high))).astype(np.float32)


def dark_lines(pictures: np.ndarray, share: np.ndarray, width: float) -> np.ndarray:
    """How much darker a line of half this width, pixels, is than both its sides, (H, W, C), in pictures (H, W, C) of which a share (H, W)
    counts."""
    scale = min(_COARSE / width, 1.0)
    sums = np.concatenate([pictures * share[..., None], share[..., None]], axis=-1).astype(np.float32)
    sums = cv2.resize(sums, (0, 0), fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    width *= scale
    reach = int(np.ceil(2.5 * _ALONG * width))
    whole = np.zeros((*sums.shape[:2], pictures.shape[-1]), np.float32)
    box = bounds(sums[..., -1] > 0, reach + int(np.ceil(_APART * width)) + 1)
    if box is None:
        return np.zeros(pictures.shape, np.float32)
    sums = sums[box]
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1] / width
    darkest = np.zeros_like(sums[..., :-1])
    for angle in np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS:
        right, down = np.cos(angle), np.sin(angle)  # across the line
        kernel = np.exp(-0.5 * ((x * right + y * down) / _ACROSS) ** 2 - 0.5 * ((y * right - x * down) / _ALONG) ** 2)
        blurred = cv2.filter2D(sums, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
        weight = blurred[..., -1:]
        values = np.concatenate([blurred[..., :-1] / np.maximum(weight, 1e-3), weight], axis=-1)
        sides = [_shifted(values, way * _APART * width * np.array([right, down])) for way in (1, -1)]
        lesser = np.minimum(*sides)
        known = smoothstep(np.minimum(lesser[..., -1:], weight), *_BESIDE)
        darkest = np.maximum(darkest, known * (lesser[..., :-1] - values[..., :-1]))
    whole[box] = darkest
    return cv2.resize(whole, share.shape[::-1], interpolation=cv2.INTER_LINEAR).reshape(pictures.shape)


def bounds(mask: np.ndarray, margin: int) -> tuple[slice, ...] | None:
    """Rows and columns of the mask and so many beside it, or None where it is empty."""
    places = [np.flatnonzero(mask.any(axis)) for axis in (1, 0)]
    return tuple(slice(max(one[0] - margin, 0), one[-1] + margin + 1) for one in places) if len(places[0]) else None


def _shifted(picture: np.ndarray, way: np.ndarray) -> np.ndarray:
    """A picture (H, W, C) moved by so many pixels to the right and down, (2,)."""
    matrix = np.column_stack([np.eye(2), way])
    return cv2.warpAffine(picture, matrix, picture.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

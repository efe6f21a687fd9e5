"""Linear shape from shading (Pentland 1990) on skin: what is lighter or darker than the surface would be in the photo's light bends it.

The light is estimated from the surface itself, constant and linear in the normal (spherical harmonics of first order, Basri & Jacobs 2003).
One picture tells the slope along the light alone: what it does not tell stays, and long waves are the network's and the fit's.
"""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
import scipy.sparse as sp

from ..geometry.solve import solve_positive

_LONGEST = 0.06  # crop units (12 mm): standard deviation of the mean around that counts as even light and colour
_LEAST_SKIN, _FEWEST = 0.8, 500  # share of skin in a pixel, and pixels, that tell
_STEEPEST = 2.0  # slope beyond which a surface's light is not known well enough
_DARK = 0.02  # of white, linear
_FAINTEST = 0.1  # of the median: light cannot be less
_MOST = 0.25  # natural logarithm: moles, brows and cast shadows are darker than any slope makes
_DOUBT = 0.4  # variance of what is no shading over that of slopes, squared logarithm
_WAVE, _OUTSIDE = 0.6, 0.25  # crop units (12 and 5 cm): beyond it heights return to the surface, on skin and beside it
_RUN_OUT = 21  # pixels across, beside skin
_CLUSTER = 8


@dataclass(frozen=True)
class ShadedSkin:
    """The skin of a surface in the photo's light, (S, S) each. known: bool, where it is seen well; apart: how much lighter it is than the
    surface would be, and expected: what that would be, both the natural logarithm; effect (2, S, S): how that changes with slopes to the
    right and downwards; facing: z of the surface's normals."""

    known: np.ndarray
    apart: np.ndarray
    expected: np.ndarray
    effect: np.ndarray
    facing: np.ndarray

    @classmethod
    def of(cls, light: np.ndarray, skin: np.ndarray, depth: np.ndarray) -> Self | None:
        """light (S, S): linear, in which skin is of one colour; skin (S, S): its share; depth (S, S): z of the surface in crop units, -inf
        off it. None where too little skin is seen to tell the light."""
        pixel = 2 / len(depth)
        there = np.isfinite(depth)
        down, right = np.gradient(cv2.GaussianBlur(np.where(there, depth, 0).astype(np.float32), (0, 0), 0.7)) / np.float32(pixel)
        length = np.sqrt(1 + right**2 + down**2)
        known = there & (skin > _LEAST_SKIN) & (length < np.hypot(1, _STEEPEST))
        known = cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        if known.sum() < _FEWEST:
            return None
        normals = np.stack([-right, down, np.ones_like(right)]) / length
        terms = np.concatenate([np.ones_like(right)[None], normals])
        ambient, *towards = np.linalg.lstsq(terms[:, known].T, light[known], rcond=None)[0]
        lit = np.tensordot(towards, normals, 1)
        shaded = np.maximum(ambient + lit, _FAINTEST * np.median(light[known])) + _DARK
        expected = np.log(shaded).astype(np.float32)
        apart = _uneven(np.log(light + _DARK), known, pixel) - _uneven(expected, known, pixel)
        # How the logarithm of the light changes with the slopes to the right and downwards.
        by_right = (-towards[0] - lit * right / length) / length / shaded
        by_down = (towards[1] - lit * down / length) / length / shaded
        return cls(known, np.clip(apart, -_MOST, _MOST), expected, np.where(known, [by_right, by_down], 0), normals[2])

    def heights(self) -> np.ndarray:
        """Heights (S, S) float32 in crop units towards the viewer that explain what is apart, as far as slopes can."""
        domain = cv2.dilate(self.known.astype(np.uint8), np.ones((_RUN_OUT,) * 2)) > 0
        return _integrated(self.apart, self.effect, self.known, domain)


def _integrated(apart: np.ndarray, effect: np.ndarray, known: np.ndarray, domain: np.ndarray) -> np.ndarray:
    """The heights (S, S) whose slopes to the right and downwards, times their effect (2, S, S), explain what the light is apart: least
    squares with small slopes. Off the known skin nothing is explained, and they run out within the domain."""
    size, count, pixel = len(known), int(domain.sum()), 2 / len(known)
    number = np.full(known.shape, -1)
    number[domain] = np.arange(count)
    whole = domain[:-1, :-1] & domain[:-1, 1:] & domain[1:, :-1]
    here, beside, below = (part[whole] for part in (number[:-1, :-1], number[:-1, 1:], number[1:, :-1]))
    row, ones = np.arange(len(here)), np.ones(len(here)) / pixel
    slopes = [
        sp.csr_matrix((np.concatenate([-ones, ones]), (np.concatenate([row, row]), np.concatenate([here, there]))), (len(here), count))
        for there in (beside, below)
    ]
    change = sp.diags(effect[0, :-1, :-1][whole]) @ slopes[0] + sp.diags(effect[1, :-1, :-1][whole]) @ slopes[1]
    stiff = sp.diags((2 * np.pi / np.where(known[domain], _WAVE, _OUTSIDE)) ** 2)
    matrix = (change.T @ change + _DOUBT * (slopes[0].T @ slopes[0] + slopes[1].T @ slopes[1] + stiff)).tocsr()
    rows, columns = np.nonzero(domain)
    clusters = np.unique(rows // _CLUSTER * size + columns // _CLUSTER, return_inverse=True)[1]
    heights = np.zeros(known.shape, np.float32)
    heights[domain] = solve_positive(matrix, (change.T @ apart[:-1, :-1][whole])[:, None], clusters, tolerance=1e-2)[:, 0]
    return heights


def _uneven(values: np.ndarray, known: np.ndarray, pixel: float) -> np.ndarray:
    """Values (S, S) without their mean around, 0 where they are not known."""
    weight = known.astype(np.float32)
    mean = [cv2.GaussianBlur(part.astype(np.float32), (0, 0), _LONGEST / pixel) for part in (values * weight, weight)]
    return np.where(known, values - mean[0] / np.maximum(mean[1], 1e-4), 0)

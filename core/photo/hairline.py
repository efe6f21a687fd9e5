"""Tells foreheads and bald crowns from hair by this photo's colours: a parser that knows drawn people lets hair begin a centimetre or more
too low on most real foreheads, and takes bald crowns for hair."""

from typing import NamedTuple, Self

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter, label

from .crop import CHIN, FOREHEAD
from .faces import LEFT_EYE_CORNER, RIGHT_EYE_CORNER
from .parsing import CLASSES

_SKIN, _HAIR = CLASSES.index("skin"), CLASSES.index("hair")
_SURE, _LEAST = 0.8, 200  # share of a class, and pixels of a sample
_BLACK = 0.06  # sRGB: below it ratios are noise
_LIGHT, _FINE = 0.5, 0.15  # weights of lightness, which is uneven, and of how fine it changes, beside the tints
_EVEN = 0.01  # natural logarithm by which no skin is more even
_ALIKE = 0.06  # no group of pixels is more alike than this
_FAR = 3.0  # standard deviations of the face: hair so far from it is surely none of it
_BLUR = 0.002  # of the picture's side (1.2 mm): strands
_ABOVE = 0.6  # of the height from eyes to chin, above the face's mesh: where bald crowns end
_STRIP = 0.006  # of the picture's side (4 mm): lit locks are narrower
_BESIDE = 0.1  # of the face's width, beside its mesh, where temples end
_RIM = 0.026  # of the picture's side (16 mm): where no more is left, it is the shade at a bald head's outline
_PART, _MORE = 0.2, 10.0  # share of the hair, up to which the colours must be clearer the more would change, by so much
_CLEAR = (1.2, 1.6)  # natural logarithm of how much likelier skin is


def forehead_by_colour(shares: np.ndarray, picture: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Shares (S, S, len(CLASSES)) of a picture (S, S, 3) uint8 sRGB in which hair above the eyes that is joined to the face's skin, and is
    more like it than like other hair in tint, light and evenness, has become skin. landmarks (N, 2): the face's mesh, pixels of the
    picture, upright."""
    hair, skin = shares[..., _HAIR], shares[..., _SKIN]
    rows, columns = np.arange(len(shares))[:, None], np.arange(len(shares))
    eyes, chin, forehead = landmarks[[LEFT_EYE_CORNER, RIGHT_EYE_CORNER], 1].mean(), landmarks[CHIN, 1], landmarks[FOREHEAD, 1]
    hull = np.zeros(shares.shape[:2], np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.round(landmarks).astype(np.int32)), (1,))
    face = (hull > 0) & (skin > _SURE)
    if face.sum() < _LEAST:
        return shares
    looks = _looks(picture)
    as_skin = _Normal.of(looks[face])
    sample = (hair > _SURE) & (rows < chin) & (as_skin.squared(looks) > _FAR**2)
    if sample.sum() < _LEAST:
        return shares
    likelier = as_skin.log_density(looks) - _Normal.of(looks[sample]).log_density(looks)
    low, high = landmarks[:, 0].min(), landmarks[:, 0].max()
    across = (columns > low - _BESIDE * (high - low)) & (columns < high + _BESIDE * (high - low))
    zone = (rows < eyes) & (rows > forehead - _ABOVE * (chin - eyes)) & across
    possible = zone & (hair + skin > 0.5) & (gaussian_filter(np.clip(likelier, -8, 8), 1.0) > 0) | face
    parts = np.asarray(label(_wide(possible, _STRIP * len(shares)))[0])
    joined = zone & np.isin(parts, np.setdiff1d(parts[face], [0]))
    bare = hair * gaussian_filter(joined.astype(np.float32), 1.0)
    changed = joined & (hair > 0.5)
    if changed.any():
        # Fair hair is as smooth and as light as skin in places.
        needed = _MORE * min(changed.sum() / (hair > 0.5).sum(), _PART)
        if _wide((hair > 0.5) & ~joined, _RIM * len(shares)).sum() < _LEAST:
            bare = hair
        bare = bare * np.clip((np.median(likelier[changed]) - needed - _CLEAR[0]) / (_CLEAR[1] - _CLEAR[0]), 0, 1)
    found = shares.copy()
    found[..., _HAIR] -= bare
    found[..., _SKIN] += bare
    return found


def _wide(region: np.ndarray, width: float) -> np.ndarray:
    """A region (S, S) bool without what is narrower than so many pixels, as 0 and 1."""
    across = max(1, round(width))
    return cv2.morphologyEx(region.astype(np.uint8), cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (across, across)))


def _looks(picture: np.ndarray) -> np.ndarray:
    """(S, S, 4): the ratios of red and blue to green, lightness, and its unevenness around, weighted natural logarithms."""
    logarithm, blur = np.log(picture.astype(np.float32) / 255 + _BLACK), _BLUR * len(picture)
    red, green, blue = np.moveaxis(logarithm, -1, 0)
    light = logarithm.mean(-1)
    uneven = np.sqrt(gaussian_filter((light - gaussian_filter(light, blur)) ** 2, 2 * blur))
    tone = gaussian_filter(np.stack([red - green, blue - green, _LIGHT * light], axis=-1), (blur, blur, 0))
    return np.dstack([tone, _FINE * np.log(uneven + _EVEN)])


class _Normal(NamedTuple):
    """A normal distribution: middle (C,), the inverse (C, C) of its covariance and the logarithm of that one's determinant."""

    middle: np.ndarray
    inverse: np.ndarray
    logarithm: float

    @classmethod
    def of(cls, sample: np.ndarray) -> Self:
        """Of most of a sample (N, C): some of it is not what it should be."""
        middle = np.median(sample, axis=0)
        distance = np.linalg.norm(sample - middle, axis=1)
        covariance = np.cov(sample[distance <= np.percentile(distance, 90)].T) + _ALIKE**2 * np.eye(len(middle))
        return cls(middle, np.linalg.inv(covariance), float(np.linalg.slogdet(covariance)[1]))

    def squared(self, looks: np.ndarray) -> np.ndarray:
        """Squares (...) of how many standard deviations away looks (..., C) are."""
        away = looks - self.middle
        return np.einsum("...i,ij,...j->...", away, self.inverse, away)

    def log_density(self, looks: np.ndarray) -> np.ndarray:
        return -0.5 * (self.squared(looks) + self.logarithm)

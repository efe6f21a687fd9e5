"""Tells beards and shaved scalps by this photo's own tones: a parser that knows drawn people takes half of a beard for skin, and the shade
on a shaved head by half for hair."""

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from ..geometry.visibility import smoothstep
from .crop import CHIN, FOREHEAD
from .parsing import CLASSES

_SKIN, _HAIR, _BEARD = (CLASSES.index(name) for name in ("skin", "hair", "beard"))
_CHEEKS = (234, 137, 147, 187, 205, 98, 2, 327, 425, 411, 376, 366, 454)
"""Landmarks of MediaPipe's mesh along the upper edge of where beards grow, from ear to ear below the nose."""
_JAW = (323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93)
_LEFT, _RIGHT = 187, 411  # landmarks in the middle of the cheeks
_BELOW = 0.1  # of the face's height, below the jaw
_SOFT = 0.02  # of the face's height over which the place where beards grow begins
_BLACK = 0.06  # sRGB: below it ratios are noise
_SURE, _LEAST = 0.8, 150  # share, and pixels that show a tone
_TOLD, _ENOUGH = 0.5, (0.005, 0.02)  # share of beard in a pixel, and of such pixels where beards grow
_LIKE = (0.35, 0.65)  # share of the way from the tone of the cheeks to that of what is told
_SEEDS = 10  # pixels of beard that are told in what is joined to them
_BLUR = 0.004  # of the picture's side (2.4 mm): hairs and the skin between them
_APART = (0.5, 1.0)  # natural logarithm between the tones of skin and beard, from which on they tell
_DOUBTFUL, _MOSTLY = (0.3, 0.8), (0.8, 1.6)  # shares of doubtful hair, and how much more of it there is than of sure hair on a shaved head
_STUBBLE = (0.5, 0.8)  # natural logarithm between the tones of skin and of such hair, from stubble to hair


def beard_by_tone(shares: np.ndarray, picture: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Shares (S, S, len(CLASSES)) of a picture (S, S, 3) uint8 sRGB in which skin has become beard, where beards grow and it is nearer to
    the tone of the beard that is told than to that of the cheek on its side.

    landmarks (N, 2): the face's mesh, pixels of the picture, upright. Nothing changes where no beard at all is told: shadows are dark, too.
    """
    grows = _where_beards_grow(landmarks, shares.shape[:2])
    skin, beard = shares[..., _SKIN], shares[..., _BEARD]
    light = np.log(picture.astype(np.float32) / 255 + _BLACK)
    told = (grows > 0.5) & (beard > _TOLD)
    face = np.zeros(shares.shape[:2], np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(np.round(landmarks).astype(np.int32)), (1,))
    face = (face > 0) & (grows < 0.05) & (skin > _SURE)
    enough = smoothstep(told.sum() / max(((grows > 0.5) & (skin + beard > 0.5)).sum(), 1), *_ENOUGH)
    if min(told.sum(), face.sum()) < _LEAST or not enough:
        return shares
    cheek = _from_cheek_to_cheek(light, face, landmarks)
    way = np.median(light[told], axis=0) - np.median(light[face], axis=0)
    enough *= smoothstep(np.asarray(np.linalg.norm(way)), *_APART)
    soft = gaussian_filter(light, (_BLUR * len(shares), _BLUR * len(shares), 0))
    found, like = shares.copy(), smoothstep((soft - cheek) @ way / (way @ way), *_LIKE)
    # What a moustache does not reach is the jaw's shade.
    _, part = cv2.connectedComponents((((like > 0.5) & (grows > 0.5)) | told).astype(np.uint8))
    joined = np.isin(part, np.flatnonzero(np.bincount(part[told]) > _SEEDS)) & (part > 0)
    of_beard = skin * grows * enough * like * gaussian_filter(joined.astype(np.float32), _BLUR * len(shares))
    found[..., _SKIN] -= of_beard
    found[..., _BEARD] += of_beard
    return found


def shaved_by_tone(shares: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Shares (S, S, len(CLASSES)) of a picture (S, S, 3) uint8 sRGB in which hair has become skin, if more of it is doubtful than sure and
    its tone is nearly the skin's."""
    hair, skin = shares[..., _HAIR], shares[..., _SKIN] > _SURE
    doubtful = (hair > _DOUBTFUL[0]) & (hair < _DOUBTFUL[1])
    if min(doubtful.sum(), skin.sum()) < _LEAST:
        return shares
    light = np.log(picture.astype(np.float32) / 255 + _BLACK)
    of_hair = hair > _TOLD if (hair > _TOLD).any() else doubtful
    apart = np.abs(np.median(light[of_hair], axis=0) - np.median(light[skin], axis=0)).mean()
    shaved = smoothstep(doubtful.sum() / max((hair >= _DOUBTFUL[1]).sum(), 1), *_MOSTLY) * (1 - smoothstep(apart, *_STUBBLE))
    found = shares.copy()
    found[..., _SKIN] += shaved * hair
    found[..., _HAIR] -= shaved * hair
    return found


def _from_cheek_to_cheek(light: np.ndarray, face: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Tones (1, S, 3) of skin, light (S, S, 3) in the mask (S, S) bool, from that of the one half of the face to that of the other: light
    mostly falls from one side."""
    columns = np.arange(len(light))
    left, right = landmarks[[_LEFT, _RIGHT], 0]
    halves = [face & (columns < (left + right) / 2), face & (columns >= (left + right) / 2)]
    one, other = (np.median(light[half if half.sum() > _LEAST else face], axis=0) for half in halves)
    across = np.clip((columns - left) / max(right - left, 1), 0, 1)[None, :, None]
    return one + across * (other - one)


def _where_beards_grow(landmarks: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(S, S) float32 in [0, 1], by landmarks (N, 2) of an upright face."""
    height = float(np.linalg.norm(landmarks[FOREHEAD] - landmarks[CHIN]))
    jaw = landmarks[list(_JAW)].copy()
    # The jaw's corners are as low as the lips; before the ears nothing grows below.
    jaw[:, 1] += _BELOW * height * np.clip((jaw[:, 1] - jaw[:, 1].min()) / max(np.ptp(jaw[:, 1]), 1), 0, 1)
    grows = np.zeros(shape, np.float32)
    cv2.fillPoly(grows, [np.round(np.concatenate([landmarks[list(_CHEEKS)], jaw])).astype(np.int32)], (1.0,))
    return gaussian_filter(grows, _SOFT * height)

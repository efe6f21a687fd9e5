"""Hair that flies: background seen through it, and strands too thin for a solid. An artist would leave both out of a sculpture."""

import cv2
import numpy as np

from .parsing import CLASSES
from .scenery import colour_bins, frequency

_SURE, _LEAST = 0.9, 300  # share, and pixels, of hair and skin that tell the person's colours
_RATIO = 20.0  # times as frequent beside the person as on the person
_RARE = 1e-5  # of the person: so rare is what the sure pixels do not show
_LIGHTER = 25  # of 255 above hair's usual lightness: what is darker may be its own shade
_SPREAD = 1.5e-3  # metres over which colours are averaged
_THIN, _JUTS = 11e-3, 8e-3  # metres: half the thickness of strands that are left out, and how far such a strand must stand out
_FLAP, _FLAPS = 33e-3, 20e-3  # metres: the same of what the wind carries away from the head
_WIDE, _WIDEST, _WIDER = 0.115, 0.13, 0.3  # metres from the head's middle to which hair hangs, and at most; and for each below the eyes
_CHEEK, _FLIES = 0.09, 8e-4  # metres below the eyes, and square metres above that of what is wider than hair at most hangs: it flies
_HAT = 0.1  # mean share: a brim is half taken for hair
_ROUND = 60e-3  # metres: radius to which what is left beside it is rounded, which was a knob
_ON_CLOTHES = 15e-3  # metres from clothes within which hair stays as it is


def flying_hair(picture: np.ndarray, shares: np.ndarray, soft: np.ndarray, eyes: float, pixel: float) -> np.ndarray:
    """(S, S) bool: what of a person's soft mask (S, S) in a (S, S, 3) uint8 picture is flying hair or the background in it.

    shares (S, S, len(CLASSES)): of the parsing; eyes: their row, above which hair tells its colours, for below it flies; pixel: metres.
    What is darker than hair mostly is stays, however dark the background is: hair shades itself.
    """
    person = soft > 0.5
    hair = person & (shares[..., CLASSES.index("hair")] > 0.5 * (1 - shares[..., 0]))
    left = person & ~(hair & _through(picture, shares, soft, eyes, pixel))
    left &= ~_juts_out(left, hair, _THIN / pixel, _JUTS / pixel)
    flap = _juts_out(left, hair, _FLAP / pixel, _FLAPS / pixel) | _far_out(left, hair, shares[..., CLASSES.index("hat")], eyes, pixel)
    left &= ~flap
    beside = _beside(flap, _juts_out(left, hair, _ROUND / pixel, _JUTS / pixel))
    # Clothes from which hair is taken would be left as a spur.
    bare = ~(person & (shares[..., CLASSES.index("clothes")] > 0.5))
    dressed = cv2.distanceTransform(bare.astype(np.uint8), cv2.DIST_L2, 5) < _ON_CLOTHES / pixel
    left &= ~(beside & ~_beside(dressed, beside))
    # And what is cut off by it.
    _, part = cv2.connectedComponents(left.astype(np.uint8))
    return person & ~(left & ((part == np.bincount(part[left]).argmax()) | ~hair)) if left.any() else person & ~left


def _juts_out(person: np.ndarray, hair: np.ndarray, thin: float, juts: float) -> np.ndarray:
    """(S, S) bool: what of the hair (S, S) bool of a person (S, S) bool is in parts thinner than twice `thin` that reach `juts` beyond what
    is thicker; pixels."""
    reach = max(round(thin), 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    # Beyond the picture's border the person goes on.
    padded = np.pad(person.astype(np.uint8), 2 * reach, mode="edge")
    thick = cv2.morphologyEx(padded, cv2.MORPH_OPEN, kernel)[2 * reach : -2 * reach, 2 * reach : -2 * reach] > 0
    found = person & ~thick & hair
    away = cv2.distanceTransform((~thick).astype(np.uint8), cv2.DIST_L2, 5)
    count, part = cv2.connectedComponents(found.astype(np.uint8))
    far = np.bincount(np.asarray(part)[found & (away > juts)], minlength=count) > 0
    return far[part] & found


def _far_out(person: np.ndarray, hair: np.ndarray, hat: np.ndarray, eyes: float, pixel: float) -> np.ndarray:
    """(S, S) bool: what of the hair (S, S) bool of a person (S, S) bool the wind carries farther from the head than hair hangs. eyes:
    their row; pixel: metres. Hair on the shoulders alone may be wide, hair that is so on both sides is a hairdo, and what touches or may
    be a hat, of shares (S, S), is its brim."""
    row, column = np.mgrid[: len(person), : len(person)]
    above = person & (row < eyes)
    if not above.any():
        return above
    below = np.maximum(row - eyes, 0) * pixel
    farther = np.abs(column - np.median(column[above])) * pixel - _WIDER * below
    beyond = hair & person & (farther > _WIDE)
    count, part = cv2.connectedComponents(beyond.astype(np.uint8))
    part = np.asarray(part)
    surely = beyond & (farther > _WIDEST) & (below < _CHEEK)
    right = column > np.median(column[above])
    if min((surely & right).sum(), (surely & ~right).sum()) * pixel**2 > _FLIES:
        return np.zeros_like(person)
    flies = np.bincount(part[surely], minlength=count) * pixel**2 > _FLIES
    flies &= np.bincount(part.ravel(), hat.ravel()) < _HAT * np.bincount(part.ravel())
    return flies[part] & beyond & ~_beside(hat > _SURE, beyond)


def _beside(gone: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """(S, S) bool: what of the parts (S, S) bool, whole ones, touches what is gone (S, S) bool."""
    _, part = cv2.connectedComponents(parts.astype(np.uint8))
    touched = np.unique(part[cv2.dilate(gone.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0])
    return parts & np.isin(part, touched)


def _through(picture: np.ndarray, shares: np.ndarray, soft: np.ndarray, eyes: float, pixel: float) -> np.ndarray:
    """(S, S) bool: what has a colour that is beside the person and not in the face or in hair above the eyes."""
    share = lambda name: shares[..., CLASSES.index(name)]  # noqa: E731
    hair = (share("hair") > _SURE) & (np.arange(len(soft)) < eyes)[:, None]
    own, scene = hair | (share("skin") > _SURE), soft < 1 - _SURE
    if min(hair.sum(), scene.sum()) < _LEAST:
        return np.zeros(soft.shape, bool)
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
    bins = colour_bins(lab)
    ours, theirs = (frequency(bins, mask)[tuple(np.moveaxis(bins, -1, 0))] for mask in (own, scene))
    mean = lambda values: cv2.GaussianBlur(values.astype(np.float32), (0, 0), _SPREAD / pixel)  # noqa: E731
    evidence = mean(np.log((theirs + 0.1 * _RARE) / (ours + _RARE)))
    return (evidence > np.log(_RATIO)) & (mean(lab[..., 0]) > np.median(lab[hair, 0]) + _LIGHTER)

"""What a figure's mask has taken from the scene: away from the limbs, of a colour that the scene has and the person has not."""

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from .parsing import CLASSES

_BINS, _BLUR_BINS = 16, 0.8  # of each axis of CIE Lab in 8 bits
_AWAY = 0.012  # of the figure's height: what lies nearer to the stick figure is the person's
_OWN = 0.006  # of the figure's height: what lies nearer tells the person's colours
_AROUND = 30  # pixels around the mask that tell the scene's colours
_RATIO, _BESIDE = 10.0, 2.0  # times as frequent in the scene as on the person, anywhere and beside what is the scene's
_SPREAD = (3.0, 1.0)  # pixels over which the evidence is averaged; the narrower one tells beside what is the scene's
_LEAST = 1e-6
_LEGS = (23, 25, 27), (24, 26, 28)
"""Hips, knees and ankles among `people.BodyLandmarks.points`."""
_HANDS = slice(15, 23)
_AMID, _BETWEEN = 0.85, 0.25  # share of a gap that lies between the legs; of the way from one leg's bones to the other's, at least
_CLASPED = 0.5  # of the way from the hips to the knees: what is higher may be hands


def scenery(picture: np.ndarray, soft: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """(S, S) bool: pixels of a person's soft mask (S, S) that are the scene's, in a (S, S, 3) uint8 sRGB picture.

    guide: (S, S) bool, a stick figure of the pose. Without one, or without a scene, there are none. A skirt or a bag stays, for the scene
    does not have its colour, and a white shirt before a white wall, for the person has it."""
    person = soft > 0.5
    nothing = np.zeros_like(person)
    if not (guide & person).any():
        return nothing
    height = np.ptp(np.nonzero(guide)[0]) + 1
    distance = cv2.distanceTransform((~guide).astype(np.uint8), cv2.DIST_L2, 5) / height
    around = cv2.dilate(person.astype(np.uint8), np.ones((2 * _AROUND + 1, 2 * _AROUND + 1), np.uint8)) > 0
    scene = around & (soft < 0.1)
    if not scene.any():
        return nothing
    lab = colour_bins(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB))
    ours, theirs = (frequency(lab, mask)[tuple(np.moveaxis(lab, -1, 0))] for mask in (person & (distance <= _OWN), scene))
    evidence = np.log((theirs + _LEAST) / (ours + _LEAST)).astype(np.float32)
    weight = person.astype(np.float32)

    def mean(spread: float) -> np.ndarray:
        blur = lambda values: cv2.GaussianBlur(values, (0, 0), spread)  # noqa: E731
        return blur(evidence * weight) / np.maximum(blur(weight), 1e-3)

    wide, narrow = (mean(spread) for spread in _SPREAD)
    sure = person & (distance > _AWAY) & (wide > np.log(_RATIO))
    maybe = person & (distance > 0) & (np.maximum(wide, narrow) > np.log(_BESIDE))
    # Else a rim would be left, between the limb and what is far enough from it.
    count, part = cv2.connectedComponents((sure | maybe).astype(np.uint8))
    return (np.bincount(np.asarray(part)[sure], minlength=count) > 0)[part] & (sure | maybe)


def leg_gaps(soft: np.ndarray, shares: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(S, S) bool: pixels of a person's soft mask (S, S) that show the scene between the legs: what is told as skin there, away from hands.
    It is too narrow for `scenery`, and what is seen between legs is in their shade, as skin is. shares (S, S, len(CLASSES)); points
    (33, 2): landmarks, pixels, nan where they are not known."""
    skin, found = (soft > 0.5) & (shares[..., CLASSES.index("skin")] == shares.max(-1)), np.zeros(soft.shape, bool)
    legs = points[list(_LEGS[0])], points[list(_LEGS[1])]
    if not np.isfinite(legs).all():
        return found
    one, other = (_distance(soft.shape, leg) for leg in legs)
    between = np.minimum(one, other) > _BETWEEN * (one + other)
    (hips, knees, _), hands = np.mean(legs, axis=0), points[_HANDS][np.isfinite(points[_HANDS]).all(1)]
    near_hands = np.zeros(soft.shape, bool)
    for column, row in np.round(hands).astype(int):
        cv2.circle(near_hands.view(np.uint8), (int(column), int(row)), round(float(np.linalg.norm(knees - hips)) / 4), (1,), -1)
    pieces = cv2.connectedComponents(skin.astype(np.uint8))[1]
    for number in np.unique(pieces[skin & between]):
        piece = pieces == number
        middle = float(np.nonzero(piece)[0].mean())
        low = middle > hips[1] + _CLASPED * (knees[1] - hips[1])
        if low and between[piece].mean() > _AMID and not near_hands[piece].any():
            found |= piece
    return found


def _distance(shape: tuple[int, ...], line: np.ndarray) -> np.ndarray:
    """(S, S): pixels from a line through points (N, 2)."""
    drawn = np.ones(shape, np.uint8)
    cv2.polylines(drawn, [np.round(line).astype(np.int32)], False, (0,))
    return cv2.distanceTransform(drawn, cv2.DIST_L2, 5)


def colour_bins(lab: np.ndarray) -> np.ndarray:
    """The bins (S, S, 3) int64 of colours (S, S, 3) uint8, CIE Lab in 8 bits."""
    return lab.astype(np.int64) * _BINS // 256


def frequency(lab: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(_BINS, _BINS, _BINS): how frequent each colour (S, S, 3) of the bins is in a mask (S, S)."""
    found = np.zeros((_BINS,) * 3)
    np.add.at(found, tuple(lab[mask].T), 1.0)
    return gaussian_filter(found, _BLUR_BINS) / max(int(mask.sum()), 1)

"""The person's matte around the head, at the photo's resolution.

MediaPipe's selfie segmentation says roughly where the person is, GrabCut (Rother et al. 2004) moves the outline to the photo's edges,
and a guided filter with the photo as guide (He et al. 2013) makes it soft where hair is soft.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from .faces import LEFT_EYE_CORNER, RIGHT_EYE_CORNER, Face, quiet_libraries

REGION_HALF = 0.30
"""Half the side of the square in which the matte is made, metres: the head crop with room for the network to see shoulders."""
REGION_CENTRE_Y = -0.03
EYE_CORNERS = 0.090  # metres between the outer corners of adult eyes

# The work is done at one fixed scale, so that every radius below is a length on the head: 512 pixels for 0.6 m, 54 for an eye distance.
_SIDE = 512
_NETWORK_ZOOMS = (0.85, 1.0, 1.17)  # the mean over a few crops and their mirror images is much steadier than one answer
_MAYBE, _SURELY = 0.15, 0.9
_INNER, _OUTER = 3, 4  # pixels by which the sure inside and the sure outside keep off the outline
_GRABCUT_STEPS = 3
_MAX_HOLE = 27 * 27  # a larger gap is background seen between arm, hair and neck
_FINE_SIDE = 2048  # pixels up to which the photo itself is the guide: 0.3 mm
_GUIDE_RADIUS, _GUIDE_EPSILON = 3, 1e-4


def metres_per_pixel(face: Face) -> float:
    """Rough scale at the face, from the distance between the eye corners with its depth, so that it holds for turned heads."""
    return EYE_CORNERS / max(float(np.linalg.norm(face.landmarks[LEFT_EYE_CORNER] - face.landmarks[RIGHT_EYE_CORNER])), 1e-6)


def head_region(face: Face) -> tuple[int, int, int]:
    """Left column, top row and side of the square around an upright face; may reach over the photo's edges."""
    scale = 1 / metres_per_pixel(face)
    centre = (face.landmarks[LEFT_EYE_CORNER] + face.landmarks[RIGHT_EYE_CORNER])[:2] / 2
    half = REGION_HALF * scale
    return round(centre[0] - half), round(centre[1] - REGION_CENTRE_Y * scale - half), max(2, round(2 * half))


class MatteNetwork:
    """MediaPipe 0.10.21's general selfie segmentation (256 x 256). Not safe to share between threads."""

    def __init__(self) -> None:
        with quiet_libraries():
            import mediapipe

            solutions: Any = mediapipe.solutions  # pyright: ignore[reportAttributeAccessIssue]
            self._network = solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)
            self._network.process(np.zeros((64, 64, 3), np.uint8))

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Soft mask (H, W) float32 of every person in an (H, W, 3) uint8 picture."""
        return self._network.process(image).segmentation_mask


def person_matte(image: np.ndarray, face: Face, others: Sequence[Face] = (), network: MatteNetwork | None = None) -> np.ndarray:
    """Matte (H, W) float32 in [0, 1] of the person with this upright face in an (H, W, 3) uint8 photo; 0 outside `head_region`.

    others: further faces of the photo, whose people are left out.
    """
    left, top, side = head_region(face)
    height, width = image.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    part = image[y0:y1, x0:x1]
    region = cv2.copyMakeBorder(part, y0 - top, top + side - y1, x0 - left, left + side - x1, cv2.BORDER_REPLICATE)
    region = cv2.resize(region, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA if side > _SIDE else cv2.INTER_CUBIC)
    scale = _SIDE / side

    def to_region(one: Face) -> np.ndarray:
        return (one.landmarks[:, :2] - [left, top]) * scale

    soft = _soft_mask(region, network or MatteNetwork())
    soft[~_nearest_to(to_region(face), [to_region(one) for one in others])] = 0
    hull = np.zeros((_SIDE, _SIDE), np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.round(to_region(face)).astype(np.int32)), (1,))
    inside = np.s_[
        int((y0 - top) * scale) : int(np.ceil((y1 - top) * scale)),
        int((x0 - left) * scale) : int(np.ceil((x1 - left) * scale)),
    ]
    hard = _outline(region[inside], soft[inside], hull[inside])
    matte = np.zeros((height, width), np.float32)
    shrink = min(1.0, _FINE_SIDE / max(part.shape))
    guide = cv2.resize(part, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else part
    matte[y0:y1, x0:x1] = cv2.resize(_soften(region[inside], hard, guide), (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    return matte


def _soft_mask(region: np.ndarray, network: MatteNetwork) -> np.ndarray:
    masks = []
    for zoom in _NETWORK_ZOOMS:
        offset = (1 - zoom) * _SIDE / 2
        warp = np.array([[zoom, 0, offset], [0, zoom, offset]])
        crop = cv2.warpAffine(region, warp, (_SIDE, _SIDE), borderMode=cv2.BORDER_REPLICATE)
        mask = network(crop) + network(np.ascontiguousarray(crop[:, ::-1]))[:, ::-1]
        masks.append(cv2.warpAffine(mask / 2, cv2.invertAffineTransform(warp), (_SIDE, _SIDE), borderMode=cv2.BORDER_REPLICATE))
    return np.mean(masks, axis=0)


def _nearest_to(subject: np.ndarray, others: Sequence[np.ndarray]) -> np.ndarray:
    """(side, side) bool: pixels nearer to the subject than to anyone else.

    A person is a vertical line from the middle of the face down through the chest; distances are in units of that person's face.
    """
    rows, columns = np.mgrid[:_SIDE, :_SIDE].astype(np.float32)

    def distance(points: np.ndarray) -> np.ndarray:
        size = float(np.ptp(points, axis=0).max())
        column, row = points.mean(0)
        return np.hypot(columns - column, rows - np.clip(rows, row, row + 2.5 * size)) / size

    own = distance(subject)
    return np.all([own <= distance(one) for one in others], axis=0) if others else np.ones_like(own, bool)


def _outline(region: np.ndarray, soft: np.ndarray, hull: np.ndarray) -> np.ndarray:
    """Binary mask (H, W) uint8 whose outline follows the picture's edges: one component with the face, without small holes."""
    sure = cv2.erode((soft > _SURELY).astype(np.uint8), _disc(_INNER)) | hull
    possible = cv2.dilate((soft > _MAYBE).astype(np.uint8), _disc(_OUTER)) | hull
    labels = np.where(soft > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[possible == 0] = cv2.GC_BGD
    labels[sure > 0] = cv2.GC_FGD
    if np.any(possible == 0):  # GrabCut needs samples of both sides
        cv2.setRNGSeed(0)  # its colour models start from a random clustering
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(region, labels, (0, 0, 1, 1), *models, _GRABCUT_STEPS, cv2.GC_INIT_WITH_MASK)
    mask = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
    _, components = cv2.connectedComponents(mask, connectivity=4)
    mask = (components == np.bincount(components[hull > 0]).argmax()).astype(np.uint8)
    _, holes, statistics, _ = cv2.connectedComponentsWithStats(1 - mask, connectivity=4)
    mask[statistics[holes, cv2.CC_STAT_AREA] <= _MAX_HOLE] = 1
    return mask


def _soften(region: np.ndarray, mask: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """Guided filter of the mask with a colour guide: linear coefficients from the small picture, applied to the same area of the photo."""
    guide = region.astype(np.float32) / 255
    target = mask.astype(np.float32)
    mean, mean_target = _box(guide), _box(target)
    covariance = np.empty((*target.shape, 3, 3), np.float32)
    for i in range(3):
        for j in range(i, 3):
            covariance[..., i, j] = covariance[..., j, i] = _box(guide[..., i] * guide[..., j]) - mean[..., i] * mean[..., j]
    covariance += _GUIDE_EPSILON * np.eye(3, dtype=np.float32)
    cross = _box(guide * target[..., None]) - mean * mean_target[..., None]
    slope = np.linalg.solve(covariance, cross[..., None])[..., 0]
    offset = mean_target - (slope * mean).sum(-1)
    size = photo.shape[1], photo.shape[0]
    slope, offset = (cv2.resize(_box(part), size, interpolation=cv2.INTER_LINEAR) for part in (slope, offset))
    matte = np.einsum("ijk,ijk->ij", slope, photo) / 255 + offset
    return np.clip((matte - 0.1) / 0.8, 0, 1)  # the filter leaves a faint veil on both sides


def _box(picture: np.ndarray) -> np.ndarray:
    side = 2 * _GUIDE_RADIUS + 1
    return cv2.boxFilter(picture, -1, (side, side), borderType=cv2.BORDER_REFLECT)


def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))

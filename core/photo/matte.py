"""The person's matte around the head, at the photo's resolution, and what each pixel there is.

A parsing network says softly what is person; without one, MediaPipe's selfie segmentation says roughly where the person is. A guided
filter with the photo as guide (He et al. 2013) brings the outline to the photo's edges and resolution.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from .crop import CHIN, FOREHEAD
from .faces import LEFT_EYE_CORNER, RIGHT_EYE_CORNER, Face
from .flying_hair import flying_hair
from .hair_tone import beard_by_tone, shaved_by_tone
from .hairline import forehead_by_colour
from .mediapipe_parts import mediapipe_solutions
from .parsing import CLASSES, Parser, Parsing
from .skin_tone import skin_by_tone
from .worn_colours import worn_by_colour

REGION_HALF = 0.30
"""Half the side of the square in which the matte is made, metres: the head crop with room for the network to see shoulders."""
REGION_CENTRE_Y = -0.03
EYE_CORNERS = 0.090
"""Metres between the outer corners of adult eyes."""
FINE_SIDE = 2048
"""Pixels of a square's side up to which the photo itself guides the matte's edge; 0.3 mm around a head."""

_SELFIE_ZOOMS = (0.85, 1.0, 1.17)  # the mean over a few crops and their mirror images is much steadier than one answer
_MAX_HOLE = 0.03  # metres; a wider gap is background seen between arm, hair and neck
_SOFT = 0.003  # metres inside the outline from which a person is not transparent
_SURELY, _STRAY = 0.9, 0.005  # coverage; metres from there beyond which doubtful hair is none
_HAIR_ALONE = 0.9  # hair's part of the coverage
_CONTRAST, _HAIR_CONTRAST = 3.0, 1.5
_GUIDE_RADIUS, _GUIDE_EPSILON = 0.0035, 1e-4  # metres; squared sRGB


def metres_per_pixel(face: Face) -> float:
    """Rough scale at the face, from the distance between the eye corners with its depth, so that it holds for turned heads."""
    return EYE_CORNERS / max(float(np.linalg.norm(face.mesh[LEFT_EYE_CORNER] - face.mesh[RIGHT_EYE_CORNER])), 1e-6)


def head_region(face: Face) -> tuple[int, int, int]:
    """Left column, top row and side of the square around an upright face; may reach over the photo's edges."""
    scale = 1 / metres_per_pixel(face)
    centre = (face.mesh[LEFT_EYE_CORNER] + face.mesh[RIGHT_EYE_CORNER])[:2] / 2
    half = REGION_HALF * scale
    return round(centre[0] - half), round(centre[1] - REGION_CENTRE_Y * scale - half), max(2, round(2 * half))


class SelfieSegmenter:
    """MediaPipe 0.10.21's general selfie segmentation (256 x 256): roughly where people are, where no parser tells what each pixel is.
    Not safe to share between threads."""

    size = 512
    """Pixels a side of the pictures that it takes."""

    def __init__(self) -> None:
        with mediapipe_solutions() as solutions:
            self._network = solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)
            self._network.process(np.zeros((64, 64, 3), np.uint8))

    def once(self, picture: np.ndarray) -> np.ndarray:
        """Soft mask (S, S) float32 of every person in an (S, S, 3) uint8 picture: one answer of the network."""
        return self._network.process(np.ascontiguousarray(picture)).segmentation_mask

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """As `once`, of several answers."""
        size, masks = len(picture), []
        for zoom in _SELFIE_ZOOMS:
            offset = (1 - zoom) * size / 2
            warp = np.array([[zoom, 0, offset], [0, zoom, offset]])
            crop = cv2.warpAffine(picture, warp, (size, size), borderMode=cv2.BORDER_REPLICATE)
            mask = self.once(crop) + self.once(crop[:, ::-1])[:, ::-1]
            masks.append(cv2.warpAffine(mask / 2, cv2.invertAffineTransform(warp), (size, size), borderMode=cv2.BORDER_REPLICATE))
        return np.mean(masks, axis=0)


def segment(
    image: np.ndarray, face: Face, segmenter: Parser | SelfieSegmenter, others: Sequence[Face] = ()
) -> tuple[np.ndarray, Parsing | None]:  # fmt: skip
    """Matte (H, W) float32 in [0, 1] of the person with this upright face in an (H, W, 3) uint8 photo, 0 outside `head_region`, and the
    classes there if the segmenter is a parser.

    others: further faces of the photo, whose people are left out.
    """
    region, (left, top, side) = head_region(face), _square(face, image.shape)
    size = segmenter.size
    height, width = image.shape[:2]
    (x0, y0, x1, y1), picture = square_picture(image, (left, top, side), size)
    part = image[y0:y1, x0:x1]
    scale = size / side

    def to_picture(one: Face) -> np.ndarray:
        return (one.mesh[:, :2] - [left, top]) * scale

    answer = segmenter(picture)
    shares, outline_stays = None, False
    if not isinstance(segmenter, SelfieSegmenter):
        outline_stays = segmenter.outline_stays
        shares = answer
        for by_colour in (skin_by_tone, worn_by_colour, forehead_by_colour, beard_by_tone):
            shares = by_colour(shares, picture, to_picture(face))
        shares = shaved_by_tone(shares, picture)
    pixel = metres_per_pixel(face) / scale
    if shares is None:
        soft = answer
    else:
        soft = surer(shares) * (1 - _in_front(shares, to_picture(face))) * ~_stray(shares, to_picture(face), round(_STRAY / pixel))
    own = _nearest_to(size, to_picture(face), [to_picture(one) for one in others])
    soft = np.where(own, soft, 0).astype(np.float32)
    inside = np.s_[
        int((y0 - top) * scale) : int(np.ceil((y1 - top) * scale)),
        int((x0 - left) * scale) : int(np.ceil((x1 - left) * scale)),
    ]
    hull = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.round(to_picture(face)).astype(np.int32)), (1,))
    soft[inside] = one_piece(soft[inside], hull[inside], (_MAX_HOLE / pixel) ** 2, round(_SOFT / pixel))
    if shares is not None and not outline_stays:
        soft[flying_hair(picture, shares, soft, to_picture(face)[[LEFT_EYE_CORNER, RIGHT_EYE_CORNER], 1].mean(), pixel)] = 0
    matte = np.zeros((height, width), np.float32)
    shrink = min(1.0, FINE_SIDE / max(part.shape))
    guide = cv2.resize(part, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else part
    fine = sharpen(picture[inside], soft[inside], guide, max(1, round(_GUIDE_RADIUS / pixel)))
    if others:  # sharpening follows the edges across to whoever stands beside
        fine = fine * cv2.resize(own[inside].astype(np.float32), fine.shape[::-1], interpolation=cv2.INTER_LINEAR)
    matte[y0:y1, x0:x1] = cv2.resize(fine, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    for axis, (first, length) in enumerate(((region[1], height), (region[0], width))):
        outside = np.ones(length, bool)
        outside[max(first, 0) : first + region[2]] = False
        matte[(outside, slice(None)) if axis == 0 else (slice(None), outside)] = 0
    return matte, None if shares is None else Parsing(with_coverage(shares, soft), (left, top, side))


def rough_matte(image: np.ndarray, face: Face, segmenter: SelfieSegmenter) -> np.ndarray:
    """As `segment`'s matte, within a few hundredths of a second: of all people around, and with an outline some millimetres off."""
    left, top, side = _square(face, image.shape)
    (x0, y0, x1, y1), picture = square_picture(image, (left, top, side), segmenter.size // 2)
    soft, scale = segmenter.once(picture), len(picture) / side
    place = np.array([[1 / scale, 0, left - x0], [0, 1 / scale, top - y0]])
    matte = np.zeros(image.shape[:2], np.float32)
    matte[y0:y1, x0:x1] = cv2.warpAffine(soft, place, (x1 - x0, y1 - y0))
    return matte


def _square(face: Face, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Left column, top row and side of the smallest square with the middle of `head_region` that holds all that the photo shows of it: the
    closer the photo, the finer the network sees it, and the head stays where the network expects it."""
    left, top, side = head_region(face)
    outside = min(max(-left, 0), max(left + side - shape[1], 0), max(-top, 0), max(top + side - shape[0], 0))
    return left + outside, top + outside, side - 2 * outside


def surer(shares: np.ndarray) -> np.ndarray:
    """Coverage (S, S) of shares (S, S, C) with more contrast: what is between 0 and 1 is mostly doubt, save in hair. On composites the mean
    error of the matte is 0.0068 instead of 0.0075."""
    coverage = 1 - shares[..., 0]
    hair = shares[..., CLASSES.index("hair")] / np.maximum(coverage, 1e-3)
    contrast = _CONTRAST + (_HAIR_CONTRAST - _CONTRAST) * hair
    return np.clip((coverage - 0.5) * contrast + 0.5, 0, 1)


def _in_front(shares: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """(S, S): objects' part of the coverage down to the chin: hands, cups and microphones are not to grow into the head. Further down
    they lie on the chest, and a strange cloth may be taken for one."""
    chin, forehead = landmarks[CHIN, 1], landmarks[FOREHEAD, 1]
    above = np.clip((chin - np.arange(len(shares))) / max(0.1 * (chin - forehead), 1) + 1, 0, 1)[:, None]
    return shares[..., CLASSES.index("object")] / np.maximum(1 - shares[..., 0], 1e-3) * above


def _stray(shares: np.ndarray, landmarks: np.ndarray, reach: int) -> np.ndarray:
    """(S, S) bool: hair that is doubtful, farther than so many pixels from what is surely the person, and open to the background.

    A dark pipe beside dark hair is half taken for it, and of flying hair the mesh can hold no more than its thick part. Below the chin
    scarves are doubtful, too, and above it a hat's brim, which is half taken for hair.
    """
    coverage = 1 - shares[..., 0]
    near = cv2.dilate((coverage > _SURELY).astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)) > 0
    above = (np.arange(len(shares)) < landmarks[CHIN, 1])[:, None]
    stray = above & ~near & (shares[..., CLASSES.index("hair")] > _HAIR_ALONE * coverage)
    _, part = cv2.connectedComponents(stray.astype(np.uint8))
    beside = cv2.dilate((coverage < 0.5).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return stray & np.isin(part, part[beside & stray])


def square_picture(image: np.ndarray, square: tuple[int, int, int], size: int) -> tuple[tuple[int, int, int, int], np.ndarray]:
    """What of a square (left, top, side; photo pixels) the photo (H, W, 3) shows (left, top, right, bottom), and the whole square as a
    picture (size, size, 3), continued beyond the photo's edges."""
    left, top, side = square
    height, width = image.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    picture = cv2.copyMakeBorder(image[y0:y1, x0:x1], y0 - top, top + side - y1, x0 - left, left + side - x1, cv2.BORDER_REPLICATE)
    picture = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA if side > size else cv2.INTER_CUBIC)
    return (x0, y0, x1, y1), picture


def with_coverage(shares: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """Shares (S, S, C) whose classes but the background add up to coverage (S, S), in the proportions that they had."""
    person = shares[..., 1:] + 1e-4 / (shares.shape[-1] - 1)
    person *= (coverage / person.sum(-1))[..., None]
    return np.concatenate([1 - coverage[..., None], person], axis=-1)


def _nearest_to(size: int, subject: np.ndarray, others: Sequence[np.ndarray]) -> np.ndarray:
    """(size, size) bool: pixels nearer to the subject than to anyone else.

    A person is a vertical line from the middle of the face down through the chest; distances are in units of that person's face.
    """
    rows, columns = np.mgrid[:size, :size].astype(np.float32)

    def distance(points: np.ndarray) -> np.ndarray:
        unit = float(np.ptp(points, axis=0).max())
        column, row = points.mean(0)
        return np.hypot(columns - column, rows - np.clip(rows, row, row + 2.5 * unit)) / unit

    own = distance(subject)
    return np.all([own <= distance(one) for one in others], axis=0) if others else np.ones_like(own, bool)


def one_piece(soft: np.ndarray, hull: np.ndarray, hole: float, depth: int) -> np.ndarray:
    """The soft mask (H, W) of the one piece that holds the face, whose hull (H, W) is sure, without holes of up to so many pixels; solid
    from a depth in pixels on."""
    soft = np.maximum(soft, hull)
    mask = (soft > 0.5).astype(np.uint8)
    _, pieces = cv2.connectedComponents(mask, connectivity=4)
    piece = (pieces == np.bincount(pieces[hull > 0]).argmax()).astype(np.uint8)
    _, holes, statistics, _ = cv2.connectedComponentsWithStats(1 - piece, connectivity=4)
    filled = (statistics[holes, cv2.CC_STAT_AREA] <= hole) & (piece == 0)
    # What is soft around the piece belongs to it.
    around = cv2.dilate(piece, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (15, 15)))
    other = cv2.dilate(mask - piece, np.ones((3, 3), np.uint8))
    filled |= cv2.erode(piece | filled.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * depth + 1, 2 * depth + 1))) > 0
    return np.where(filled, 1, np.where((around > 0) & (other == 0) | (piece > 0), soft, 0)).astype(np.float32)


def sharpen(region: np.ndarray, target: np.ndarray, photo: np.ndarray, radius: int) -> np.ndarray:
    """Guided filter of a soft mask with a colour guide: linear coefficients from the small picture, applied to the same area of the
    photo."""
    guide = region.astype(np.float32) / 255
    box = lambda picture: cv2.boxFilter(picture, -1, (2 * radius + 1,) * 2, borderType=cv2.BORDER_REFLECT)  # noqa: E731
    mean, mean_target = box(guide), box(target)
    covariance = np.empty((*target.shape, 3, 3), np.float32)
    for i in range(3):
        for j in range(i, 3):
            covariance[..., i, j] = covariance[..., j, i] = box(guide[..., i] * guide[..., j]) - mean[..., i] * mean[..., j]
    covariance += _GUIDE_EPSILON * np.eye(3, dtype=np.float32)
    cross = box(guide * target[..., None]) - mean * mean_target[..., None]
    slope = np.linalg.solve(covariance, cross[..., None])[..., 0]
    offset = mean_target - (slope * mean).sum(-1)
    size = photo.shape[1], photo.shape[0]
    slope, offset = (cv2.resize(box(part), size, interpolation=cv2.INTER_LINEAR) for part in (slope, offset))
    matte = np.einsum("ijk,ijk->ij", slope, photo) / 255 + offset
    return np.clip((matte - 0.1) / 0.8, 0, 1)  # the filter leaves a faint veil on both sides

"""Tells hats and scarves from hair by this photo's colours: a parser that knows drawn people takes a dark brim for hair, and is in doubt
about scarves; and cream shirts and dark lapels, which it half takes for skin, from throats. It takes dark stubble over a dark pullover for
cloth, too, which its colour does not tell, but the face's mesh does."""

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter, label

from .crop import CHIN, FOREHEAD
from .faces import LEFT_EYE_CORNER, RIGHT_EYE_CORNER
from .parsing import CLASSES

_SKIN, _HAIR, _BEARD, _CLOTHES, _HAT = (CLASSES.index(name) for name in ("skin", "hair", "beard", "clothes", "hat"))
_SEED, _LEAST_SEEDS = 0.5, 0.002  # share of hat, and of the picture's pixels, that tell of one
_SURE_HAIR, _SURE_CLOTHES, _LEAST = 0.85, 0.8, 300  # shares, and pixels of a sample
_FAR = 4.0  # standard deviations of the hat's colour: hair that is nearer may be the hat
_FLOOR = np.diag([5.0, 2.5, 2.5]) ** 2  # CIE Lab: no group of pixels is more alike than this
_BLUR = 0.003  # of the picture's side (1.8 mm): strands and knitting
_GAP = 0.013  # of the picture's side: strands before a brim
_GLEAMS, _BESIDE, _TWICE = 90, 0.25, 2  # per cent of the face; of its height, above the chin, where collars are; then more cloth is known
_SHADES = (1.0, 0.8, 0.63)  # cube roots of light: whole, a half, a quarter
_BLACK = np.array([16.0, 0.0, 0.0])  # of CIE Lab, where none is left, is at minus this
_THREAD = 0.012  # of the picture's side (7 mm): half the width of a necklace
_ISLAND, _GLEAM, _SURROUNDED = 0.008, 0.02, 0.8  # of the picture (29 cm² and 72 on foreheads), a piece of skin or cloth; share of the other
# around it, which it becomes
_SOME = 0.4  # share from which a pixel is of such a piece
_BINS, _LOW, _RANGE = (10, 20, 20), np.array([0.0, -80.0, -80.0]), np.array([100.0, 160.0, 160.0])  # CIE Lab
_RARE = 1e-5  # of a sample has a colour that none of it has
_DOUBT = (0.87, 0.97)  # share of one class among those compared, from doubtful to sure
_COVERED = (0.5, 0.8)  # share of all of them
_SKIN_DOUBT, _WORN = (0.99, 1.0), 0.6  # the same for skin, which is seldom sure of itself on cloth; share of clothes in their sample
_HIDES = (0.03, 0.06)  # share of the face's mesh: cloth on so much of it is a scarf before it, and not a jaw in the shade


def worn_by_colour(shares: np.ndarray, picture: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Shares (S, S, len(CLASSES)) of a picture (S, S, 3) uint8 sRGB in which hair has become hat, or doubtful hair and skin below the chin
    clothes, where colours say so; and clothes on the face, threads of it between skin, and small pieces within skin, have become skin.
    landmarks (N, 2): the face's mesh, pixels of the picture, upright."""
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab = gaussian_filter(lab, (_BLUR * len(shares), _BLUR * len(shares), 0))
    rows = np.arange(len(shares))[:, None]
    eyes = landmarks[[LEFT_EYE_CORNER, RIGHT_EYE_CORNER], 1].mean()
    below_chin = rows > landmarks[CHIN, 1]
    shares = _clothes(_hat(_bare_face(shares, landmarks), lab, rows > eyes), lab, below_chin)
    face, beside = _hull(shares, landmarks), _BESIDE * (landmarks[CHIN, 1] - landmarks[FOREHEAD, 1])
    low = rows > landmarks[CHIN, 1] - beside
    for _ in range(_TWICE):
        shares = _bare_throat(shares, lab, face, low)
    shares = _without_islands(_necklaces(shares, below_chin), _SKIN, [_CLOTHES], below_chin, _ISLAND)
    shares = _without_islands(shares, _CLOTHES, [_SKIN], low, _ISLAND)
    shares = _without_islands(shares, _CLOTHES, [_BEARD, _SKIN], low, _ISLAND)
    return _without_islands(shares, _CLOTHES, [_SKIN, _HAIR], rows < eyes, _GLEAM)


def _bare_throat(shares: np.ndarray, lab: np.ndarray, face: np.ndarray, low: np.ndarray) -> np.ndarray:
    """With doubtful skin below and beside the chin, off the face (S, S), that has a colour of the clothes, and none of the face, as clothes
    (Bayes' rule with the shares as the prior). low (S, 1) bool: rows that lie so."""
    skin, clothes, beside_chin = shares[..., _SKIN], shares[..., _CLOTHES], low & (face == 0)
    samples = (face > 0) & (skin > _SURE_HAIR), (clothes > _WORN) & beside_chin
    if min(sample.sum() for sample in samples) < _LEAST:
        return shares
    # Foreheads gleam, throats do not; white beards do.
    dull = samples[0] & (low | (lab[..., 0] < np.percentile(lab[samples[0], 0], _GLEAMS)))
    # Under a chin skin is in the shade, where red, green and blue are less by one factor, and so in CIE Lab are a, b and L + 16.
    lit = [(lab + _BLACK) / shade - _BLACK for shade in _SHADES]
    as_skin = np.log(np.max([_commonness(lab, dull, one) for one in lit], axis=0) + _RARE)
    as_clothes = np.log(_commonness(lab, samples[1]) + _RARE)
    compared = skin + clothes
    surest = np.maximum(skin, clothes) / np.maximum(compared, 1e-3)
    doubtful = beside_chin * (1 - _between(surest, *_SKIN_DOUBT)) * _between(compared, *_COVERED)
    prior = np.log((clothes + 0.02) / (skin + 0.02))
    worn = 1 / (1 + np.exp(-np.clip(prior + gaussian_filter(as_clothes - as_skin, 1.5), -20, 20)))
    return _moved(shares, _CLOTHES, {_SKIN: doubtful * np.clip(compared * worn - clothes, 0, skin)})


def _bare_face(shares: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """With skin for cloth on the face's mesh, whose outline is better known than the classes there, unless there is much of it."""
    face, clothes = _hull(shares, landmarks), shares[..., _CLOTHES]
    bare = 1 - _between((face * clothes).sum() / max(face.sum(), 1), *_HIDES)
    return _moved(shares, _SKIN, {_CLOTHES: bare * clothes * gaussian_filter(face, 1.0)})


def _necklaces(shares: np.ndarray, below_chin: np.ndarray) -> np.ndarray:
    """With skin for threads of cloth that have skin on both sides: a necklace is no collar that goes round the neck."""
    skin, clothes = shares[..., _SKIN], shares[..., _CLOTHES]
    width = round(_THREAD * len(shares))
    bare = np.pad((skin > 0.5).astype(np.uint8), width, mode="edge")
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1,) * 2)
    closed = cv2.morphologyEx(bare, cv2.MORPH_CLOSE, disc)[width:-width, width:-width]
    return _moved(shares, _SKIN, {_CLOTHES: clothes * below_chin * gaussian_filter(closed.astype(np.float32), 1.0)})


def _without_islands(shares: np.ndarray, kind: int, around: list[int], where: np.ndarray, most: float) -> np.ndarray:
    """With the first of some classes for pieces of a kind that these surround, where (S, S) bool, each but a small share of the picture: a
    scarf of nearly the skin's colour, or a forehead that gleams like cloth."""
    of_kind = shares[..., kind] * where
    parts = np.asarray(label(of_kind > _SOME)[0])
    islands = np.zeros(parts.shape, np.float32)
    for one in np.flatnonzero(np.bincount(parts.ravel())[1:] < most * parts.size) + 1:
        own = (parts == one).astype(np.uint8)
        beside = cv2.dilate(own, np.ones((5, 5), np.uint8)) > own
        if (shares[beside][:, around].sum(1) > _SOME).mean() > _SURROUNDED:
            islands[own > 0] = 1
    return _moved(shares, around[0], {kind: of_kind * gaussian_filter(islands, 1.0)})


def _hull(shares: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """(S, S) float32: 1 within the face's mesh."""
    face = np.zeros(shares.shape[:2], np.float32)
    cv2.fillConvexPoly(face, cv2.convexHull(np.round(landmarks).astype(np.int32)), (1.0,))
    return face


def _hat(shares: np.ndarray, lab: np.ndarray, below_eyes: np.ndarray) -> np.ndarray:
    """With all of a hat of which a part is told: what is joined to that part and nearer to its colour than to that of the hair below the
    eyes (normal distributions in CIE Lab)."""
    hair, hat = shares[..., _HAIR], shares[..., _HAT]
    seeds = hat > _SEED
    if seeds.mean() < _LEAST_SEEDS:
        return shares
    as_hat, away = _log_density(lab, lab[seeds])
    sample = (hair > _SURE_HAIR) & below_eyes & (away > _FAR)
    if sample.sum() < _LEAST:
        return shares
    nearer = gaussian_filter(as_hat - _log_density(lab, lab[sample])[0], 1.0) > 0
    possible = ((hair + hat > 0.5) & (nearer | seeds)).astype(np.uint8)
    width = max(1, round(_GAP * len(shares)))
    parts = np.asarray(label(cv2.morphologyEx(possible, cv2.MORPH_OPEN, np.ones((width, width), np.uint8)))[0])
    joined = np.isin(parts, np.setdiff1d(parts[seeds], [0])).astype(np.uint8)
    joined = cv2.morphologyEx(joined, cv2.MORPH_CLOSE, np.ones((width, width), np.uint8))
    return _moved(shares, _HAT, {_HAIR: hair * gaussian_filter(joined.astype(np.float32), 1.0)})


def _clothes(shares: np.ndarray, lab: np.ndarray, below_chin: np.ndarray) -> np.ndarray:
    """With doubtful hair below the chin, and doubtful hats there, told by how common their colour is in what is surely hair, and clothes
    (Bayes' rule with the shares as the prior)."""
    hair, clothes, hat = (shares[..., index] for index in (_HAIR, _CLOTHES, _HAT))
    samples = hair > _SURE_HAIR, (clothes > _SURE_CLOTHES) & below_chin
    if min(sample.sum() for sample in samples) < _LEAST:
        return shares
    as_hair, as_clothes = (np.log(_commonness(lab, sample) + _RARE) for sample in samples)
    compared = hair + clothes + hat
    surest = np.maximum(np.maximum(hair, clothes), hat) / np.maximum(compared, 1e-3)
    doubt = below_chin * (1 - _between(surest, *_DOUBT)) * _between(compared, *_COVERED)
    prior = np.log((clothes + hat + 0.02) / (hair + 0.02))
    wanted = 1 / (1 + np.exp(-np.clip(prior + gaussian_filter(as_clothes - as_hair, 1.5), -20, 20)))
    of_hair = doubt * np.clip(hair - compared * (1 - wanted), 0, None)
    back = doubt * np.clip(compared * (1 - wanted) - hair, 0, None)
    of_hat = doubt * hat
    found = _moved(shares, _CLOTHES, {_HAIR: of_hair, _HAT: of_hat})
    return _moved(found, _HAIR, {_CLOTHES: np.minimum(back, found[..., _CLOTHES])})


def _moved(shares: np.ndarray, to: int, away: dict[int, np.ndarray]) -> np.ndarray:
    found = shares.copy()
    for index, share in away.items():
        found[..., index] -= share
        found[..., to] += share
    return found


def _log_density(lab: np.ndarray, sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of colours (S, S, 3) by a normal distribution of a sample (N, 3), and how many standard deviations they are away."""
    middle = np.median(sample, axis=0)
    distance = np.linalg.norm(sample - middle, axis=1)
    # Some of the sample are not what they should be.
    covariance = np.cov(sample[distance <= np.percentile(distance, 90)].T) + _FLOOR
    offset = lab - middle
    squared = np.einsum("...i,ij,...j->...", offset, np.linalg.inv(covariance), offset)
    return -0.5 * (squared + np.log(np.linalg.det(covariance))), np.sqrt(squared)


def _commonness(lab: np.ndarray, sample: np.ndarray, colours: np.ndarray | None = None) -> np.ndarray:
    """Share of a sample (S, S) bool of a picture (S, S, 3) that has about the colour of each of its pixels, or of other colours."""
    place = lambda values: tuple(np.moveaxis((np.clip((values - _LOW) / _RANGE, 0, 0.999) * _BINS).astype(np.int64), -1, 0))  # noqa: E731
    counts = np.zeros(_BINS)
    np.add.at(counts, place(lab[sample]), 1)
    return gaussian_filter(counts / sample.sum(), 0.8)[place(lab if colours is None else colours)]


def _between(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.clip((values - low) / (high - low), 0, 1)

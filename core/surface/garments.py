"""Which garments a photo of head and shoulders shows, and which lies over which, by their colours and places.

A colour that passes into another without an edge is the same garment in another light, one that lies in many pieces is a pattern's or a
print's. What is seen farther from the middle is worn over what is nearer to it; a tie, which hardly borders skin, over the shirt.
"""

import cv2
import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from ..photo.parsing import CLASSES
from .worn import ALIKE, cloth_colours, cloth_tones

BARE = 1
"""Label of bare skin; those of garments follow, from the lowest to the topmost, and 0 is what is neither."""
_SKIN = ("skin", "beard", "lips")
_STRAY, _HOLE = (0.03, 2e-4), 3e-4  # share of all cloth, and square metres, of a piece that counts; square metres of holes that do not
_THIN = 2.5e-3  # metres: half the width of what is no garment but its border
_GRID, _ACROSS, _FEWEST = 2e-3, 4, 8  # metres between places that are compared across borders, at a distance of so many, at least so many
_EDGE, _MIXED = 12.0, 0.25  # of CIE Lab's weighted tones across a border; links across it for each one within
_NARROW = 4e-3  # metres: half the width of a garment's narrowest piece
_BORDERS, _LITTLE = 3e-3, 0.3  # metres from skin, and share of its border, of what is worn over what borders it
_MOST = 3  # garments: a shirt, a tie and a jacket; more colours are one garment's
_PIECE, _IN_TWO = (0.06, 4e-4), 0.6  # share of a garment, and square metres, of such a piece; share of it in its two largest pieces


def seen_garments(photo: np.ndarray, matte: np.ndarray, parsing: np.ndarray, pixel: float) -> np.ndarray:
    """(S, T) int labels of photo (S, T, 3) sRGB and matte (S, T) in [0, 1] and parsing (S, T, len(CLASSES)); pixel: metres."""
    share = lambda *names: parsing[..., [CLASSES.index(name) for name in names]].sum(-1)  # noqa: E731
    person = matte > 0.5
    cloth = _whole(person & (share("clothes") > 0.5), pixel)
    bare = person & ~cloth & (share(*_SKIN) > 0.5)
    found = np.where(bare, BARE, 0)
    if not cloth.any():
        return found
    pieces = _large_pieces(_told_apart(photo, cloth, pixel), pixel)
    if not 0 < len(pieces) <= _MOST:
        pieces = [cloth.astype(np.uint8)]
    garment = _nearest(pieces)
    order = _from_below([cloth & (garment == one) for one in range(len(pieces))], bare, pixel)
    found[cloth] = (BARE + 1 + np.argsort(order))[garment[cloth]]
    return found


def _from_below(garments: list[np.ndarray], bare: np.ndarray, pixel: float) -> list[int]:
    """The order of garments (S, T) bool from the lowest to the topmost; bare (S, T) bool: skin."""
    columns = np.arange(bare.shape[1])
    middle = np.average(columns, weights=bare.sum(0)) if bare.any() else columns.mean()
    across = [np.average(np.abs(columns - middle), weights=np.maximum(one.sum(0), 1e-9)) for one in garments]
    order = [int(one) for one in np.argsort(across)]
    beside = cv2.dilate(bare.astype(np.uint8), _disc(_BORDERS, pixel)) > 0
    bordering = [(one & beside).sum() for one in garments]
    if len(order) > 1 and bordering[order[0]] < _LITTLE * bordering[order[1]]:
        order[:2] = order[1], order[0]
    return order


def _whole(cloth: np.ndarray, pixel: float) -> np.ndarray:
    """A mask (S, T) bool without stray pieces and small holes."""
    cloth, (share, area) = cloth.copy(), _STRAY
    for stray in (True, False):
        _, part, told, _ = cv2.connectedComponentsWithStats((cloth == stray).astype(np.uint8))
        few = told[:, cv2.CC_STAT_AREA] < (max(share * cloth.sum(), area / pixel**2) if stray else _HOLE / pixel**2)
        few[0] = False
        cloth ^= few[part]
    return cloth


def _told_apart(photo: np.ndarray, cloth: np.ndarray, pixel: float) -> list[np.ndarray]:
    """Masks (S, T) uint8 of garments in a mask of cloth (S, T) bool, without what is thin."""
    colours, centres = cloth_colours(photo, cloth)
    if len(centres) < 2:
        return [cloth.astype(np.uint8)]
    kind = (fcluster(linkage(centres, "average"), ALIKE, "distance") - 1)[colours]
    masks = [cv2.morphologyEx((cloth & (kind == one)).astype(np.uint8), cv2.MORPH_OPEN, _disc(_THIN, pixel)) for one in np.unique(kind)]
    masks = [one for one in masks if one.any()] or [cloth.astype(np.uint8)]
    garment = np.where(cloth, _nearest(masks), -1)
    step = max(1, round(_GRID / pixel))
    into, tones = np.arange(len(masks)), cloth_tones(photo)[::step, ::step]
    while (pair := _same(np.where(garment < 0, -1, into[garment])[::step, ::step], tones)) is not None:
        into[into == pair[1]] = pair[0]
    return [np.isin(garment, np.flatnonzero(into == one)).astype(np.uint8) for one in np.unique(into)]


def _same(garment: np.ndarray, tones: np.ndarray) -> tuple[int, int] | None:
    """The two garments (H, W) int, -1 for none, that are most surely one, by tones (H, W, 3) and by how they interleave; None if all are
    apart."""
    count = garment.max() + 1
    links, contrast = np.zeros((count, count)), {}
    for picture, tone in ((garment, tones), (garment.T, tones.swapaxes(0, 1))):
        one, other = picture[1:], picture[:-1]
        beside = (one >= 0) & (other >= 0)
        np.add.at(links, (one[beside], other[beside]), 1)
        one, other = picture[_ACROSS:], picture[:-_ACROSS]
        apart = np.linalg.norm(tone[_ACROSS:] - tone[:-_ACROSS], axis=-1)
        for row, column in zip(*np.nonzero(~np.tri(count, dtype=bool)), strict=True):
            across = ((one == row) & (other == column)) | ((one == column) & (other == row))
            contrast.setdefault((int(row), int(column)), []).append(apart[across])
    links += links.T
    best, found = 1.0, None
    for (row, column), values in contrast.items():
        values = np.concatenate(values)
        if len(values) >= _FEWEST:
            mixed = links[row, column] / max(min(links[row, row], links[column, column]), 1)
            alike = max(_EDGE / max(float(np.median(values)), 1e-6), mixed / _MIXED)
            best, found = (alike, (row, column)) if alike > best else (best, found)
    return found


def _large_pieces(masks: list[np.ndarray], pixel: float) -> list[np.ndarray]:
    """The large pieces of each mask (S, T) uint8 that is a garment and no pattern or print."""
    found, (share, area) = [], _PIECE
    for mask in masks:
        opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, _disc(_NARROW, pixel))
        _, part, told, _ = cv2.connectedComponentsWithStats(opened)
        size = told[:, cv2.CC_STAT_AREA].astype(np.float64)
        size[0] = 0
        large = size > max(share * size.sum(), area / pixel**2)
        if np.sort(size)[-2:].sum() > _IN_TWO * size.sum() and large.any():
            found.append(large[part].astype(np.uint8))
    return found


def _nearest(masks: list[np.ndarray]) -> np.ndarray:
    """(S, T) int: which of the masks (S, T) uint8 is nearest."""
    return np.stack([cv2.distanceTransform(1 - one, cv2.DIST_L2, 5) for one in masks]).argmin(0)


def _disc(radius: float, pixel: float) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(radius / pixel) + 1,) * 2)

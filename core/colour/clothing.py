"""Clothes that the photo does not show: where they end, in a line, and which garment is where."""

from typing import NamedTuple

import cv2
import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.ndimage import gaussian_filter1d
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.visibility import smoothstep
from .collar import with_collar
from .islands import without_gleams
from .kinds import CLOTHES, SKIN, continued
from .voxel_means import VoxelMeans

_SEEN = 0.5  # photo weight, and share of clothes
_LEAST = 30  # seen cells that tell garments apart
_COLOURS = 6  # of clothes, before those of one garment are put together
_LIGHTNESS, _MEDIUM, _BLACK = 0.5, 30.0, 20.0  # of CIE Lab's L that counts; the light in which tints are compared; below it they are noise
_ONE = 16.0  # of CIE Lab: colours nearer than this are one garment in two lights
_PATTERN = 0.4  # links between two colours, as a share of those within the rarer one, from which on they are one garment's pattern
_LARGE, _IN_TWO = 0.2, 0.85  # share of clothes of a colour that may be a broad pattern's; share in its two largest pieces if it is none's
_SHOULDERS = 0.5  # share of a colour that is seen beyond the opening
_BORDER = 0.5  # links to others, as a share of those within, from which on colours are those of borders
_WITHIN = 0.8  # share of such links that go to one garment, from which on the colours are its own
_OPENING = (0.3, 0.5)  # crop units from the middle, where the front's opening ends: behind, clothes are as on the shoulders
_INNER = 1e-3  # weight of what the opening shows beside the shoulders
_BACK = 0.15  # crop units of depth over which what is seen farther back counts e times as much
_PITCH, _BAND = 0.02, 0.02  # crop units of height, in steps, and over which garments are looked for
_LITTLE = 0.01  # of what is seen at the most telling height: less tells nothing
_STEEP = 0.5  # weight of clothes that the photo shows too steeply to copy them
_ROUNDS = 5  # of smoothing edges, over a cell each
_FAIRED, _KEPT = 40, 0.8  # rounds before those, in which what is known stays so far
_SHARP = 4  # power of the shares after them
_LEAST_BARE = 0.1  # share of all else but clothes that tells what is there without them
_FAINT = 0.05  # photo weight from which on it tells which garment it shows
_STRAY = 0.3  # a patch of which a smaller share is seen is but guessed


class Worn(NamedTuple):
    """garment (K,) int: which garment a cell is of, 0 for what is no clothes; seen (K,) int: which one the photo shows there, 0 where none;
    share (K, C): of these, whose largest is the garment: between cells, where the borders run; collar: which one goes round the neck
    under the others, 0 for none."""

    garment: np.ndarray
    seen: np.ndarray
    share: np.ndarray
    collar: int = 0

    @classmethod
    def nothing(cls, cells: VoxelMeans) -> "Worn":
        """Of a surface without clothes."""
        none = np.zeros(len(cells.first), np.int64)
        return cls(none, none, np.ones((len(none), 1), np.float32))


def dressed(cells: VoxelMeans, share: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """How surely cells of shares (K, len(KINDS)) are clothes, (K,) in [0, 1], without patches of clothes, or in them, that nobody sees,
    weight (K,)."""
    clothes = share[:, CLOTHES]
    clothes = _faired(cells, np.column_stack([clothes, 1 - clothes]), weight)[:, 0]
    sure = clothes > _SEEN
    patches = _patches(cells, sure, weight) | _patches(cells, ~sure, weight)
    return np.where(patches, 1 - clothes, clothes).astype(np.float32)


def with_an_edge(cells: VoxelMeans, share: np.ndarray, clothes: np.ndarray) -> np.ndarray:
    """Shares (K, len(KINDS)) of cells of which those are clothes, and nothing else, that are more likely than not, (K,). What was hardly
    anything but clothes and is none, such as a patch that nobody sees, is what is nearest: within hair skin would be a stain."""
    kinds = np.arange(share.shape[1])
    bare = np.where(kinds == CLOTHES, 0, share)
    worn = clothes > _SEEN
    told = ~worn & (bare.sum(1) > _LEAST_BARE)
    unknown = ~worn & ~told
    if told.any() and unknown.any():
        bare[unknown] = bare[told][cKDTree(cells.centre[told]).query(cells.centre[unknown])[1]]
    bare = np.maximum(bare, 1e-3 * (kinds == SKIN))
    return np.where(worn[:, None], kinds == CLOTHES, bare / bare.sum(1, keepdims=True)).astype(np.float32)


def garments(
    cells: VoxelMeans,
    clothes: np.ndarray,
    seen: tuple[np.ndarray, np.ndarray],
    steep: tuple[np.ndarray, np.ndarray],
    upright: np.ndarray,
    skin: tuple[np.ndarray, np.ndarray] | None = None,
) -> Worn:
    """Which garments cells are of, of which clothes (K,) in [0, 1] are some.

    seen: colours (K, 3) of clothes and their weight (K,); steep: those that are seen too steeply to copy them; upright (K, 3): places on
    the mean head; skin: shares (K,) of it, and how much of it is seen (K,). Where nobody sees it, a garment is what is seen farthest back
    at that height, and around the neck what borders it in front.
    """
    chosen = seen[1] > _SEEN
    if chosen.sum() < _LEAST:
        return _worn(clothes, np.ones((len(clothes), 1)), chosen)
    centres, garment = _told_apart(cells, seen[0], chosen, np.where(np.abs(upright[:, 0]) > _OPENING[1], np.sign(upright[:, 0]), 0))
    here, beside = (garment[_nearest(centres, colours)] for colours, _ in (seen, steep))
    one_hot = np.vstack([np.eye(garment.max() + 1), np.zeros(garment.max() + 1)])
    back = np.exp(-(upright[:, 2] - upright[:, 2].min()) / _BACK) * (_INNER + smoothstep(np.abs(upright[:, 0]), *_OPENING))
    by_place = _all_round(one_hot[here] * (chosen * back)[:, None], upright)
    share = continued(
        cells, by_place, [(one_hot[here], seen[1] * (here >= 0)), (one_hot[beside], _STEEP * steep[1] * (1 - seen[1]) * (beside >= 0))]
    )
    known = np.maximum(seen[1], steep[1] * _STEEP)
    share = _faired(cells, share, known)
    collar = None
    if skin is not None:
        share, collar = with_collar(cells, share, known, clothes, one_hot[here] * chosen[:, None], skin, upright)
        share = _smooth(cells, share)
    worn = _worn(clothes, share, np.where(seen[1] > _FAINT, 1 + here, 0))
    garment = without_gleams(cells, worn.garment)
    whole = np.eye(worn.share.shape[1], dtype=np.float32)[garment]
    worn = worn._replace(garment=garment, share=np.where((garment == worn.garment)[:, None], worn.share, whole))
    return worn if collar is None else worn._replace(collar=1 + collar)


def _all_round(seen: np.ndarray, upright: np.ndarray) -> np.ndarray:
    """Shares (K, C) of garments that go round at the height of each cell: what both sides show there, seen (K, C), and else the garment of
    which most is seen."""
    main = np.eye(seen.shape[1])[seen.sum(0).argmax()]
    row = ((upright[:, 1] - upright[:, 1].min()) / _PITCH).astype(np.int64)
    sides = []
    for side in (upright[:, 0] > 0, upright[:, 0] <= 0):
        count = np.stack([np.bincount(row, one * side, row.max() + 1) for one in seen.T], axis=1)
        if count.any():
            here = np.bincount(row, seen.any(1) * side, row.max() + 1)[:, None]
            count = here / here.max() * count / np.maximum(count.sum(1, keepdims=True), 1e-30)
            count = gaussian_filter1d(count, _BAND / _PITCH, axis=0) + _LITTLE * main
            sides.append(count / count.sum(1, keepdims=True))
    both = np.min(sides, axis=0)
    return (both + main * (1 - both.sum(1, keepdims=True)))[row]


def _worn(clothes: np.ndarray, share: np.ndarray, seen: np.ndarray) -> Worn:
    share = np.column_stack([1 - clothes, clothes[:, None] * share / share.max(1, keepdims=True)])
    return Worn(share.argmax(1), seen.astype(np.int64), share.astype(np.float32))


def _told_apart(cells: VoxelMeans, seen: np.ndarray, chosen: np.ndarray, outer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours (C, 3), as `_cloth` has them, of the chosen cells (K,) bool of clothes seen (K, 3); and the garment of each, (C,) int from 0
    on, -1 for colours of borders between garments. outer (K,): the side, -1 or 1, of cells beyond the front's opening, 0 of others."""
    lab = _cloth(seen[chosen])
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_MAX_ITER, 30, 0.0)
    colour, centres = cv2.kmeans(lab, _COLOURS, np.empty(0), stop, 2, cv2.KMEANS_PP_CENTERS)[1:]  # pyright: ignore[reportCallIssue, reportArgumentType]
    garment = fcluster(linkage(centres, "average"), _ONE, "distance") - 1
    member = np.eye(garment.max() + 1)[garment[colour[:, 0]]]
    between = cells.links[chosen][:, chosen]
    links = member.T @ (between @ member)
    within = np.diag(links)
    alike = links > _PATTERN * np.maximum(np.maximum(within[:, None], within), 1)
    for one in np.flatnonzero(member.sum(0) > _LARGE * len(member)):
        size = np.sort(np.bincount(connected_components(between[member[:, one] > 0][:, member[:, one] > 0], directed=False)[1]))
        if size[-2:].sum() < _IN_TWO * size.sum():
            alike[one, (links - np.diag(within))[one].argmax()] = True
    # What is seen on a shoulder alone is the garment of the other shoulder in another light, or the one beside it.
    sides = np.stack([(outer[chosen] == side) @ member for side in (-1, 1)])
    beyond = sides.sum(0)
    lit = beyond > _SHOULDERS * member.sum(0)
    lit[beyond.argmax()] = False
    for one in np.flatnonzero(lit):
        opposite = np.where(np.arange(len(within)) == one, 0, sides[1 - sides[:, one].argmax()])
        alike[one, opposite.argmax() if opposite.max() >= _LEAST else (links - np.diag(within))[one].argmax()] = True
    pattern = connected_components(alike, directed=False)[1]
    same = pattern[:, None] == pattern
    border = np.bincount(pattern, (links * ~same).sum(1)) > _BORDER * np.bincount(pattern, (links * same).sum(1))
    # A border lies between two garments; what lies in one is that garment's, in light or bleached.
    kind = np.eye(len(border))[pattern]
    beside = (kind.T @ links @ kind) * ~np.eye(len(border), dtype=bool)
    within_one = border & (beside.max(1) > _WITHIN * beside.sum(1)) & ~border[beside.argmax(1)]
    order = np.where(border, -1, np.cumsum(~border) - 1)
    return centres, np.where(within_one, order[beside.argmax(1)], order)[pattern[garment]]


def _smooth(cells: VoxelMeans, share: np.ndarray) -> np.ndarray:
    for _ in range(_ROUNDS):
        share = cells.smoothed(share)
    return share


def _faired(cells: VoxelMeans, share: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Shares (K, C) whose borders run evenly where nobody sees them, known (K,), over a centimetre or two, and lie where they are known."""
    found, kept = share, _KEPT * np.clip(known, 0, 1)[:, None]
    for _ in range(_FAIRED):
        found = cells.smoothed(found)
        found = found + kept * (share - found)
    # Over so much they have become soft.
    found = found**_SHARP
    return _smooth(cells, found / np.maximum(found.sum(1, keepdims=True), 1e-9))


def _nearest(centres: np.ndarray, colours: np.ndarray) -> np.ndarray:
    return np.linalg.norm(_cloth(colours)[:, None] - centres[None], axis=2).argmin(1)


def _cloth(colours: np.ndarray) -> np.ndarray:
    """Colours (N, 3), sRGB, as CIE Lab with tints as they would be in the same light: folds change lightness, and tints with it."""
    lab = cv2.cvtColor(np.ascontiguousarray(np.clip(colours, 0, 1)[None], np.float32), cv2.COLOR_RGB2LAB)[0]
    return lab * np.column_stack([np.full(len(lab), _LIGHTNESS), *[(_MEDIUM + _BLACK) / (lab[:, 0] + _BLACK)] * 2]).astype(np.float32)


def _patches(cells: VoxelMeans, chosen: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Which of the chosen cells (K,) bool are neither of their largest part nor of one that is seen."""
    index, found = np.flatnonzero(chosen), np.zeros(len(chosen), bool)
    if len(index):
        count, part = connected_components(cells.links[index][:, index], directed=False)
        size, seen = np.bincount(part, minlength=count), np.bincount(part, weight[index], count)
        found[index] = ((size < size.max()) & (seen < _STRAY * size))[part]
    return found

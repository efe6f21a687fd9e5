"""What the surface is of, all over: as the photo shows it, and where nobody sees it by place and by what is seen at the same height."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from ..geometry.visibility import smoothstep
from .long_hair import CHEEKS, HAIR_EDGE, PITCH, falls, front_view, goes_on, hangs
from .seam import membrane
from .voxel_means import VoxelMeans

KINDS = ("skin", "hair", "clothes", "beard", "hat")
SKIN, HAIR, CLOTHES, BEARD, HAT = range(len(KINDS))
_BAND = (0.3, 0.04)  # crop units across and up: what is seen so near in the front view tells what is behind
_EARS = 0.1  # height on the mean head, crop units, above which the scalp is seen from the front
_BEHIND_EARS, _NAPE = (-0.46, -0.14), (-0.76, -0.34)  # depth and height on the mean head between which the hairline falls
_LONGER, _OVER_EARS = 0.1, (-0.08, 0.06)  # crop units (2 cm) by which it falls lower, and below the eyes where hair that is seen ends then
_TUFTS, _OFTEN = 0.02, (7, 12)  # crop units (4 mm) by which hair ends unevenly there, and how often around the neck
_NAPE_EDGE = 0.1  # crop units (2 cm) over which hair thins out there
_COLLAR = (-0.9, -0.7)  # height on the mean head, below which clothes are
_NECK_WIDTH = 0.3  # crop units from the middle to its sides
_BESIDE_NECK = (0.45, 0.6)  # crop units from the middle, where shoulders begin
_FRONT, _SIDES = 0.12, -0.2  # crop units from the middle and depth on the mean head, where the neck's sides begin
_GAP = 0.06  # crop units
_COLLAR_CELLS = 5  # seen cells by which a collar's height is known
_ABOVE = 0.15  # crop units above a collar's end where skin shows that it is one
_SLOPE = 0.05  # crop units by which one end of a collar may be lower
_EDGE = 0.04  # crop units
_AXIS, _NECK_REACH = -0.42, 0.6  # depth on the mean head of the neck's middle, and crop units around it
_SIDE, _SECTOR = 110, 10  # degrees from the front, to where a collar is as high as behind
_RISES, _RISING = 0.08, (80, 160)  # crop units (16 mm) by which collars are higher behind than beside, and degrees from the front
_HIGHEST = -0.44  # height on the mean head to which they rise so: some of the nape stays free
_WIDE, _LITTLE = 0.5, 1e-3  # and this far around where nothing is
_BACK = 0.15  # crop units of depth over which what is seen farther back counts e times as much
_MOSTLY, _NEARLY = (0.25, 0.75), (0.5, 0.9)  # share of the votes; and of those for a crown that is not bald
_UNSEEN = 0.12  # crop units of the crown that no photo need show to tell that it is bald
_THINS, _DIP, _CROWN_BACK = 0.05, 0.1, (0.3, 0.85)  # crop units: hair thins out to a bald crown, whose edge dips behind; depths there
_WORN, _HAT_CELLS, _LOWEST = 0.7, 30, 2  # share of hat in a seen cell, such cells that tell of a rim, and the percentile of its height
_RIM = 0.08  # crop units below it
_BEHIND = (-0.15, -0.35)  # depth on the mean head from the cheeks to the neck's sides
_BEFORE_EARS = (0.25, 0.37)  # the same, backwards, from the cheeks to the ears
STANDS_OFF = (0.05, 0.12)  # crop units (1 to 2.4 cm) from the fitted model, from bare skin to hair over it
_REACH = 0.12  # crop units over which what is seen at the edge goes on
_HUGGED = 4.0  # weight of the evidence beside a cell's neighbours
_SHOULDERS = (0.4, -0.65)  # crop units from the middle and height on the mean head, where shoulders begin
_BARE, _BARE_CELLS = (0.5, 0.8), 20  # share of skin among what is seen of shoulders, and such cells that tell
_COLUMN = 0.1  # crop units across in which the lowest place that is seen is looked for
_UNSEEN_BELOW = (0.02, 0.06)  # crop units below it
_SHARP = 3.0  # hairs and collars end within millimetres


class Places(NamedTuple):
    """Where points lie on the fitted head: correspondence (N, 3), semantic, 0 off the head; scalp, bare (face and ears) and features (eyes,
    lips and brows), (N,) in [0, 1], at the nearest place on it; distance (N,) to that, crop units; ears: (N,) in [0, 1], those that are
    known to be bare."""

    correspondence: np.ndarray
    scalp: np.ndarray
    bare: np.ndarray
    features: np.ndarray
    distance: np.ndarray
    ears: np.ndarray | float = 0.0

    @property
    def uncovered(self) -> np.ndarray:
        """(N,) in [0, 1]: is this a bare face or ear, and does no hair stand off it?"""
        return self.bare * (1 - smoothstep(self.distance, *STANDS_OFF))


def hidden_kinds(
    seen: np.ndarray, weight: np.ndarray, places: Places, upright: np.ndarray, of_scalp: np.ndarray | float = 0.0
) -> np.ndarray:
    """Shares of the kinds (K, len(KINDS)) by place: hair where the scalp is, if the seen scalp has any at that height, and as low as it
    hangs beside; elsewhere what is seen farthest back at the same height; on ears and cheeks skin, unless hair hangs over them.

    seen (K, len(KINDS)): shares where weight (K,) says; upright (K, 3): places on the mean head (Symmetry.upright); of_scalp
    (K, len(KINDS)): shares of the scalp that is seen however steeply.
    """
    near = 1 - smoothstep(places.distance, *STANDS_OFF)
    nape = _above_nape(upright, seen[:, HAIR] * weight * goes_on(seen[:, HAIR], upright)) * near
    scalp = np.maximum(smoothstep(places.scalp, 0.3, 0.7), nape * (1 - smoothstep(places.bare, 0.3, 0.7)))[:, None]
    farther_back = np.exp(-(upright[:, 2] - upright[:, 2].min()) / _BACK)
    back = weight * farther_back
    # Behind the ears hair grows as it does above them.
    above = np.maximum(upright, [-np.inf, _EARS, -np.inf])
    # Hair that makes the outline tells most of what is behind.
    told = np.maximum(seen * weight[:, None], of_scalp)
    on_scalp = _votes(told * [1, 1, 0, 0, 1], farther_back * scalp[:, 0] * (upright[:, 1] > _EARS), above)
    # A rim that is half taken for hair is a shaved head's.
    on_scalp = smoothstep(on_scalp, *_MOSTLY)
    on_scalp /= np.maximum(on_scalp.sum(1, keepdims=True), 1e-30)
    bald = np.maximum(on_scalp[:, HAIR] - _grown(told, weight, scalp[:, 0], above), 0)
    on_scalp[:, [SKIN, HAIR]] += bald[:, None] * [1, -1]
    hat = _from_below(on_scalp[:, HAT] * scalp[:, 0], above, np.maximum)[:, None]
    on_scalp = np.where(hat > on_scalp[:, HAT:], on_scalp * (1 - hat), on_scalp)
    on_scalp[:, HAT] = np.maximum(on_scalp[:, HAT], hat[:, 0])
    elsewhere = _votes(seen * [1, 1, 1, 0, 1], back * (1 - scalp[:, 0]), upright)
    bare_shoulders = _bare_shoulders(seen * weight[:, None], upright)
    # A neckline shows skin in front alone.
    elsewhere[:, SKIN] *= np.maximum(smoothstep(upright[:, 1], *_COLLAR), max(_LITTLE, bare_shoulders))
    elsewhere /= np.maximum(elsewhere.sum(1, keepdims=True), 1e-30)
    # Hats cover all that is above.
    behind = smoothstep(-upright[:, 2], -_BEHIND[0], -_BEHIND[1])
    _collar(elsewhere, seen * weight[:, None], upright, behind, near)
    rim = _above_rim(seen[:, HAT] * weight, upright)
    haired = min(float((seen[:, HAIR] * weight).sum()) / _HAT_CELLS, 1.0)
    for shares in (on_scalp, elsewhere):
        shares[:, [SKIN, HAIR, HAT]] += (shares[:, HAT] * (1 - rim))[:, None] * [1 - haired, haired, -1]
    covers = hangs(seen[:, HAT] * weight, upright) * rim
    elsewhere += covers[:, None] * (np.eye(len(KINDS))[HAT] - elsewhere)
    # What is taken for hair below a gap is dark cloth, unless a hat may hide what is above it.
    hatted = min(float((seen[:, HAT] * weight * (upright[:, 1] > _EARS)).sum()) / _HAT_CELLS, 1.0)
    of_head = seen[:, HAIR] * weight * np.maximum(goes_on(seen[:, HAIR], upright), hatted)
    hanging = hangs(of_head, upright) * behind * (1 - covers)
    elsewhere += hanging[:, None] * (np.eye(len(KINDS))[HAIR] - elsewhere)
    # No hair lies on cheeks and throat: what hangs before the ears stands off.
    throat = near * (1 - smoothstep(-upright[:, 2], *_BEFORE_EARS)) * smoothstep(upright[:, 1], *_COLLAR)
    elsewhere[:, [SKIN, HAIR]] += (throat * elsewhere[:, HAIR])[:, None] * [1, -1]
    _dressed(elsewhere, seen * weight[:, None], upright, behind, bare_shoulders)
    bare = np.maximum(places.bare * (1 - np.maximum(hanging, covers)), places.ears)
    elsewhere += (bare * near)[:, None] * (np.eye(len(KINDS))[SKIN] - elsewhere)
    return elsewhere + scalp * (1 - np.reshape(places.ears, (-1, 1))) * (on_scalp - elsewhere)


def _above_nape(upright: np.ndarray, hair: np.ndarray | float = 0.0) -> np.ndarray:
    """(K,) in [0, 1]: is this behind the ears and above the line to which hair grows there? Seen from behind it is round, narrower than the
    neck. hair (K,): what is seen of it; if that lies over the ears the nape's is longer, or both would end in one level line."""
    back = (_BEHIND_EARS[0] - upright[:, 2]) / (_BEHIND_EARS[0] - _NAPE[0])
    told = upright[np.broadcast_to(hair, back.shape) > 0.5, 1]
    longer = float(smoothstep(-np.array(np.percentile(told, _LOWEST)), *_OVER_EARS)) if len(told) else 0.0
    end = _BEHIND_EARS[1] + (_NAPE[1] - _LONGER * longer - _BEHIND_EARS[1]) * np.clip(back, 0, 1)
    # Not alike on both sides.
    around = np.arctan2(upright[:, 0], _AXIS - upright[:, 2])
    end = end + _TUFTS * np.mean([np.sin(often * around + often) for often in _OFTEN], axis=0)
    return smoothstep(upright[:, 1] - end, -_NAPE_EDGE / 2, _NAPE_EDGE / 2) * smoothstep(back, 0, 0.1)


def _dressed(share: np.ndarray, seen: np.ndarray, upright: np.ndarray, behind: np.ndarray, bare: float) -> None:
    """Change shares (K, len(KINDS)): hair behind (K,) falls no lower than the shoulder blades, and beside the middle sooner, by how wide
    it is beside the face; below it, and below all that the photo shows, are clothes, or as much bare skin as the shoulders show.

    seen (K, len(KINDS)): what is seen of each kind; bare: in [0, 1].
    """
    lowest = _lowest_seen(seen.sum(1), upright)
    below = smoothstep(lowest - upright[:, 1], *_UNSEEN_BELOW)
    ended = 1 - falls(seen[:, HAIR], seen.sum(1), upright, lowest)
    of_hair = share[:, HAIR] * ended * np.maximum(behind * smoothstep(CHEEKS - upright[:, 1], 0, HAIR_EDGE), below)
    of_skin = share[:, SKIN] * below
    share[:, HAIR] -= of_hair
    share[:, SKIN] += bare * of_hair - (1 - bare) * of_skin
    share[:, CLOTHES] += (1 - bare) * (of_hair + of_skin)


def _bare_shoulders(seen: np.ndarray, upright: np.ndarray) -> float:
    """In [0, 1]: does what is seen (K, len(KINDS)) of the shoulders tell that they are bare?"""
    shoulders = (np.abs(upright[:, 0]) > _SHOULDERS[0]) & (upright[:, 1] < _SHOULDERS[1])
    skin, clothes = seen[shoulders][:, [SKIN, CLOTHES]].sum(0)
    return float(smoothstep(skin / (skin + clothes), *_BARE)) if skin + clothes > _BARE_CELLS else 0.0


def _lowest_seen(weight: np.ndarray, upright: np.ndarray) -> np.ndarray:
    """(K,): the lowest height that is seen, weight (K,), in each place's column, and -inf where nothing is."""
    column = np.round(upright[:, 0] / _COLUMN).astype(np.int64)
    column -= column.min()
    lowest = np.full(column.max() + 1, np.inf)
    shown = weight > 0.5
    np.minimum.at(lowest, column[shown], upright[shown, 1])
    known = np.flatnonzero(np.isfinite(lowest))
    if not len(known):
        return np.full(len(weight), -np.inf)
    return np.interp(upright[:, 0] / _COLUMN - np.round(upright[:, 0].min() / _COLUMN), known, lowest[known])


def continued(cells: VoxelMeans, hidden: np.ndarray, evidence: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Shares (K, len(KINDS)) near the evidence, [(shares, weight (K,)), ...], continued into what is only known by place, `hidden`."""
    weight = _HUGGED * np.sum([one for _, one in evidence], axis=0)
    total = np.sum([_HUGGED * one[:, None] * (shares - hidden) for shares, one in evidence], axis=0)
    difference, screening = total / np.maximum(weight, 1e-6)[:, None], 3 * (cells.size / _REACH) ** 2
    found = np.clip(hidden + membrane(cells.links, difference, weight, screening, cells.place // 5), 1e-4, 1) ** _SHARP
    return (found / found.sum(1, keepdims=True)).astype(np.float32)


def _votes(seen: np.ndarray, weight: np.ndarray, upright: np.ndarray) -> np.ndarray:
    """Shares (K, C) seen around each place of the front view, left and right together."""
    flat, shape = front_view(upright)
    layers = [np.bincount(flat, weight * column, shape[0] * shape[1]).reshape(shape) for column in seen.T]
    blur = lambda layer, sigma: gaussian_filter(layer, sigma / PITCH, mode="reflect", truncate=8)  # noqa: E731
    votes = [blur(layer, np.array(_BAND)) + _LITTLE * blur(layer, np.array([_WIDE, _WIDE])) for layer in layers]
    votes = np.stack(votes, axis=-1).reshape(-1, len(layers))[flat]
    return votes / np.maximum(votes.sum(1, keepdims=True), 1e-30)


def _grown(told: np.ndarray, weight: np.ndarray, scalp: np.ndarray, upright: np.ndarray) -> np.ndarray:
    """(K,) in [0, 1]: may hair grow at this height of the scalp (K,), of which weight (K,) is seen, and shares told (K, len(KINDS)) however
    steeply?

    A crown of which more than a little is seen to be bald is so all round: as the camera sees it, hair beside it is nearest to what is
    hidden. But a forehead, however high, is not bald behind where hair is above it, or where nobody sees what is above it.
    """
    on_scalp = weight * scalp
    shown = upright[on_scalp > 0.5, 1]
    if not len(shown) or upright[scalp > 0.5, 1].max() - shown.max() > _UNSEEN:
        return np.ones(len(told))
    row = ((upright[:, 1] - upright[:, 1].min()) / PITCH).astype(np.int64)
    layers = np.stack([np.bincount(row, scalp * (upright[:, 1] > _EARS) * told[:, kind]) for kind in (SKIN, HAIR, HAT)])
    near, far = (gaussian_filter1d(layers, width / PITCH) for width in (_BAND[1], _WIDE))
    votes = near + _LITTLE * far
    hair = smoothstep(votes[1:].sum(0) / np.maximum(votes.sum(0), 1e-30), *_NEARLY)
    hair = gaussian_filter1d(np.maximum.accumulate(hair[::-1])[::-1], _THINS / PITCH, mode="nearest")
    # Hair around a bald crown is lower behind than beside it.
    dip = _DIP * smoothstep(-upright[:, 2], *_CROWN_BACK) * smoothstep(upright[:, 1], _EARS, _EARS + 2 * _DIP)
    return np.interp((upright[:, 1] + dip - upright[:, 1].min()) / PITCH, np.arange(len(hair)), hair)


def _above_rim(hat: np.ndarray, upright: np.ndarray) -> np.ndarray:
    """(K,) in [0, 1]: is this higher than where a hat ends, of which shares (K,) are seen? It ends as high behind as in front."""
    worn = hat > _WORN
    if worn.sum() < _HAT_CELLS:
        return np.ones(len(hat))
    return smoothstep(upright[:, 1] - np.percentile(upright[worn, 1], _LOWEST), -_RIM, 0)


def _collar(share: np.ndarray, seen: np.ndarray, upright: np.ndarray, behind: np.ndarray, fitted: np.ndarray) -> None:
    """Change shares (K, len(KINDS)): clothes end no higher than they do around the neck, and around its back (K,) just there.

    seen (K, len(KINDS)): what is seen of each kind; fitted (K,) in [0, 1]: is this near the fitted model? What stands off it is no neck.
    """
    ends = np.array([_collar_end(seen, upright * [side, 1, 1]) for side in (-1, 1)])
    if np.isnan(ends[:, 0]).all():
        return
    # One side may be hidden by the chin.
    heights = np.fmax(ends[:, 0], np.nanmax(ends[:, 0]) - _SLOPE)
    bares = np.where(np.isnan(ends[:, 1]), np.nan_to_num(np.fmax(*ends[:, 1]), nan=1), ends[:, 1])
    across = np.clip(upright[:, 0] / (2 * _NECK_WIDTH) + 0.5, 0, 1)
    height, bare = (one + across * (other - one) for one, other in (heights, bares))
    height = _around_neck(seen[:, CLOTHES], upright, height)
    possible = share[:, SKIN] + share[:, CLOTHES]
    below = possible * smoothstep(height - upright[:, 1], -_EDGE, _EDGE)
    # Shoulders may be higher than the collar when the head is bent.
    near = 1 - smoothstep(np.abs(upright[:, 0]), *_BESIDE_NECK)
    clothes = share[:, CLOTHES]
    clothes = clothes + near * fitted * bare * (np.minimum(clothes, below) - clothes)
    share[:, CLOTHES] = clothes + near * behind * (np.maximum(clothes, below) - clothes)
    share[:, SKIN] = possible - share[:, CLOTHES]


def _around_neck(clothes: np.ndarray, upright: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Height (K,) of a collar around the neck: at its sides and behind the given one (K,), in front as far down as clothes, of which shares
    (K,) are seen, and evenly between."""
    behind = upright[:, 2] - _AXIS
    angle = np.degrees(np.arctan2(np.abs(upright[:, 0]), behind))
    near = (clothes > 0.5) & (np.hypot(upright[:, 0], behind) < _NECK_REACH)
    height = ends.copy()
    for side in (upright[:, 0] > 0, upright[:, 0] <= 0):
        angles, tops = [], []
        for start in range(0, _SIDE, _SECTOR):
            found = np.sort(upright[near & side & (angle >= start) & (angle < start + _SECTOR), 1])
            if len(found) >= _COLLAR_CELLS:
                angles.append(start + _SECTOR / 2)
                tops.append(found[-_COLLAR_CELLS])
        if angles:
            last = np.clip((angle[side] - angles[-1]) / max(_SIDE - angles[-1], 1), 0, 1)
            front = np.interp(angle[side], angles, tops)
            height[side] = np.minimum(front + last * (ends[side] - front), ends[side])
    return np.maximum(height, np.minimum(height + _RISES * smoothstep(angle, *_RISING), _HIGHEST))


def _collar_end(seen: np.ndarray, upright: np.ndarray) -> tuple[float, float]:
    """Height of clothes to the left of the neck, and how much of what is above is skin, not hair or a hat; NaN where that is not seen."""
    beside = (upright[:, 0] > _FRONT) & (upright[:, 0] < _BESIDE_NECK[1])
    far = beside & (upright[:, 2] < _SIDES)
    heights = np.sort(upright[far & (seen[:, CLOTHES] > 0.5), 1])
    # What is above a gap is an earring, or a shadow that is taken for cloth, and what is below one a stray fold.
    heights = max(np.split(heights, np.flatnonzero(np.diff(heights) > _GAP) + 1), key=len)
    if len(heights) < _COLLAR_CELLS:
        return np.nan, np.nan
    end = float(heights[-_COLLAR_CELLS])
    above = (upright[:, 1] > end) & (upright[:, 1] < end + _ABOVE)
    skin = (above & far & (seen[:, SKIN] > 0.5)).sum()
    other = (above & beside & (seen[:, [HAIR, HAT]].max(1) > 0.5)).sum()
    return end, float(skin / (skin + other)) if skin + other >= _COLLAR_CELLS else np.nan


def _from_below(share: np.ndarray, upright: np.ndarray, extreme: np.ufunc) -> np.ndarray:
    """The extreme, np.minimum or np.maximum, of the shares (K,) here and below in the front view."""
    flat, shape = front_view(upright)
    found = np.full(shape, 1.0 if extreme is np.minimum else 0.0)
    extreme.at(found.reshape(-1), flat, share)
    return extreme.accumulate(found, axis=1).reshape(-1)[flat]

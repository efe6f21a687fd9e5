"""Bounds how far a surface may stand off the fitted model: as far as what the photo shows beside it at the same height."""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d, map_coordinates, maximum_filter1d

from .field import PointFunction

_CELLS = 64  # a side: 6.25 mm each
_LEAST = 0.09  # crop units (18 mm): short hair, a collar, where nothing tells what is worn
_BARE = 0.03  # crop units (6 mm): as near as the fitted model comes to bare skin
_MORE = 0.05  # crop units (10 mm): hair may be thicker behind than beside the head
_OWN = 0.05  # crop units (10 mm): around each seen column
_BEFORE = 0.12  # crop units (24 mm): a collar, a lock on the chest
_WIDTH = 4  # cells (25 mm) of a row: narrower excess is a stray lock or an error of the matte
_HANGS = 5  # rows (31 mm): what is seen at one height may be behind at the next
_BLUR = 2.0  # rows
_LIES = 0.03  # crop units (6 mm) farther from the model than its column must be: a lock beside cheek or neck
_FALLS, _BESIDE = 0.5, 1.0  # crop units more where hair is no such lock, or goes on; cells over which that passes into what ends
_CURTAIN = 0.06  # crop units (12 mm) beside the fitted model: hair that hangs, and not a sideburn
_THICKENED = 0.02  # crop units (4 mm) farther from the model than a seen column must be


class PictureShares(NamedTuple):
    """What the picture shows at crop-frame points (N, 3), shares (N,) in [0, 1]: what is worn (hair, hat and clothes, or what the photo
    does not show), hair alone, neck and clothes, clothes where the fitted model's nearest place is a bare face, clothes alone, and hair
    whose nearest place is a cheek or the neck."""

    worn: PointFunction
    hair: PointFunction
    trunk: PointFunction
    on_face: PointFunction | None = None
    clothes: PointFunction | None = None
    locks: PointFunction | None = None


class SolidBounds(NamedTuple):
    """Signed distances (N,) at crop-frame points (N, 3) to the solids in which hidden surface may lie, in which any may, and which are
    solid anyway: the fitted model, thickened. hair: share (N,) of it in the picture; hangs: (N,) in [0, 1], does hair hang beside the
    fitted model at this height, here or farther out? clothes: share (N,) of them. All three are None if nothing has parsed the photo."""

    hidden: PointFunction
    anywhere: PointFunction
    least: PointFunction
    hair: PointFunction | None
    hangs: PointFunction | None
    clothes: PointFunction | None = None


def solid_bounds(prior: PointFunction, silhouette: PointFunction, picture: PictureShares | None = None) -> SolidBounds:
    """How far solid may stand off the fitted model.

    prior: the fitted model's signed distance; silhouette: signed distance to the person's outline in the picture; picture: what is seen
    there, or None where nothing has parsed the photo. Where skin stands off the model, the model or the matte errs, so only what is worn
    may; a seen neck and seen clothes are solid where the model is, however unsure the network is between collar and jaw.
    A network that has seen long-haired people guesses hair behind everybody. But hair that hangs down behind a neck is nearly always seen
    beside it: where the outline keeps close to the fitted model all along a row of the picture, nothing but the model is behind. Each
    column that is seen may hold solid around its own least distance from the model, so that hair which is seen is never cut.
    Of a sliver between ear and collar or a lock's tip the photo shows no depth: a guess that puts it far before or behind the model makes
    a knob or a stump, so what is seen may stand off no more than its column must, by as much as clothes and locks do.
    A lock beside a cheek or the neck lies against it, and does not stand before the face.
    Clothes that are seen beside a jaw lie behind it: a raised shoulder, which a network joins to the jaw as a flap.
    """
    axis = (np.arange(_CELLS + 1) * (2 / _CELLS) - 1).astype(np.float32)
    lattice = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    distance = prior(lattice).reshape((len(axis),) * 3)
    nearest = distance.min(2)  # (x, y): how far the column passes the model
    columns = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    flat = np.pad(columns, ((0, 0), (0, 1)))
    shown = seen = silhouette(flat).reshape(nearest.shape) < 0
    least, solid, hangs = _LEAST, np.ones_like(distance), None
    if picture is not None:
        seen, least = seen & (picture.worn(flat).reshape(seen.shape) > 0.5), _BARE
        trunk = np.where(picture.trunk(lattice).reshape(distance.shape) > 0.5, distance, 1)
        passes = trunk.min(2, keepdims=True)
        solid = np.where(shown[..., None] & (passes > 0) & (trunk < 1), trunk - passes - _THICKENED, 1)
        hangs = _hangs(shown & (picture.hair(flat).reshape(shown.shape) > 0.5) & (nearest > _CURTAIN))
    excess = np.sort(np.where(seen, np.maximum(nearest, 0) + _MORE, 0), axis=0)[-_WIDTH]  # (y,)
    allowed = gaussian_filter1d(np.maximum(maximum_filter1d(excess, _HANGS), least), _BLUR)[None, :]
    allowed = np.maximum(allowed, np.where(seen, nearest + _OWN, 0)).astype(np.float32)

    deep = axis[distance.argmin(2)]  # of the column's place nearest to the model
    lies = np.maximum(nearest, 0) + _LIES
    if picture is not None and picture.locks is not None:
        hair, locks = picture.hair(flat), picture.locks(np.column_stack([columns, deep.ravel()]))
        lies += _FALLS * (1 - gaussian_filter(_ends(hair.reshape(seen.shape), locks.reshape(seen.shape)), _BESIDE))
    lies = lies.astype(np.float32)

    anywhere = np.maximum(allowed, np.where(seen, nearest, 0) + _BEFORE).astype(np.float32)

    def bound(most: np.ndarray) -> PointFunction:
        return lambda points: prior(points) - map_coordinates(most, (points[:, :2].T + 1) * (_CELLS / 2), order=1, mode="nearest")

    def off_face(points: np.ndarray) -> np.ndarray:
        found = bound(anywhere)(points)
        if picture is None:
            return found
        if picture.locks is not None:
            before = points[:, 2] > map_coordinates(deep, (points[:, :2].T + 1) * (_CELLS / 2), order=1, mode="nearest")
            lock = np.where(before, picture.locks(points), 0)
            found = np.where(lock > 0, np.maximum(found, bound(lies)(points) - _FALLS * (1 - lock)), found)
        if picture.on_face is not None:
            found = np.where(picture.on_face(points) > 0.5, np.maximum(found, prior(points) - _BARE), found)
        return found

    solid = solid.astype(np.float32)
    filled = lambda points: map_coordinates(solid, (points.T + 1) * (_CELLS / 2), order=1, mode="nearest")  # noqa: E731
    if picture is None or hangs is None:
        return SolidBounds(bound(allowed), off_face, filled, None, None)
    behind = lambda points: map_coordinates(hangs, (points[:, :2].T + 1) * (_CELLS / 2), order=1, mode="nearest")  # noqa: E731
    return SolidBounds(bound(allowed), off_face, filled, picture.hair, behind, picture.clothes)


def _ends(hair: np.ndarray, locks: np.ndarray) -> np.ndarray:
    """(X, Y) float32: does hair, (X, Y) in [0, 1], end on its way down while it still is a lock, (X, Y) in [0, 1]? What goes on to the
    shoulders hangs as it does above. 1 where no hair is."""
    there = hair > 0.5
    ends = ~there | (locks > 0.5 * hair)
    for row in range(1, ends.shape[1]):
        ends[:, row] = np.where(there[:, row] & there[:, row - 1], ends[:, row - 1], ends[:, row])
    return ends.astype(np.float32)


def _hangs(curtain: np.ndarray) -> np.ndarray:
    """(X, Y) float32: is some of what hangs, (X, Y) bool, at this height, here or farther out? By side of the crop's middle."""
    middle = len(curtain) // 2
    left, right = curtain[: middle + 1], curtain[middle:]
    inwards = [np.logical_or.accumulate(left, axis=0), np.logical_or.accumulate(right[::-1], axis=0)[::-1]]
    return np.concatenate([inwards[0][:-1], inwards[1]]).astype(np.float32)

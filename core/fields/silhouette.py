"""Stretches a field to the photo's outline: an uncertain field averages over shapes, and so ends inside the person's true outline."""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates, spline_filter

from ..geometry.visibility import smoothstep
from ..progress import Cancel
from .field import Field, PointFunction, ReshapedField, evaluate

CELLS = 64
"""Cells of the picture a side, on which the shape is compared with its outline; those of a head are 6.25 mm wide."""
_DEEP = 32  # samples of a column of depth
_NEAR = 0.06  # crop units: how near the outline the shape is measured against it
_FADE = 0.3  # crop units inside the outline over which the shape is stretched; more than 1.5 _MOST, or it would fold
_MOST = 0.12  # crop units
_BLUR, _ALONG = 1.5, 2.5  # cells, of the way and of the shortfall
_STAYS = 3.0  # cells, over which what stays in its place passes into what is stretched; with less the shape would fold

Stretch = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From points (N, 3) of a stretched shape to where they were before, (N, 3), and the least distance (N,) that the outline leaves them."""


def stretched(field: Field, stretch: Stretch) -> Field:
    """A field whose shape is stretched in the picture's plane, so that its outline is the person's where it falls short of it."""

    def distance(points: np.ndarray) -> np.ndarray:
        before, bound = stretch(points)
        return np.maximum(field.distance(before), bound)

    return ReshapedField(field, distance)


def silhouette_stretch(
    field: Field,
    *,
    silhouette: PointFunction,
    protect_mask: PointFunction | None = None,
    cells: int = CELLS,
    inwards: float = 0.0,
    cancel: Cancel | None = None,
) -> Stretch:
    """How a field is stretched to the person's outline.

    Its frame is the crop frame. silhouette: points -> signed distance (N,) to the outline in the picture; smoothed, it bounds the result
    too. protect_mask: points -> [0, 1] (N,), how far the shape is known there and stays: hair that is too thin beside a face must not
    draw the cheek outwards; None: nothing stays. inwards: crop units by which the shape is drawn in, at most, where it goes beyond the
    outline; what goes farther beyond is cut, flat and with the matte's edge as ridges. cells: CELLS, or more where the shape has parts
    that are thin in its cube. The least distance along a column of depth tells how far away the shape's own outline is, and where that is
    more than the silhouette says, the difference is what it falls short. Raises Cancelled.
    """
    axis = (np.arange(cells + 1) * (2 / cells) - 1).astype(np.float32)
    columns = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    outline = silhouette(np.pad(columns, ((0, 0), (0, 1))))
    near = np.flatnonzero(np.abs(outline) < _NEAR)
    deep = axis[:: cells // _DEEP]  # the least of a distance is flat
    points = np.concatenate([np.repeat(columns[near], len(deep), axis=0), np.tile(deep, len(near))[:, None]], axis=1)
    distances = np.full(len(points), np.inf, np.float32)
    somewhere = field.may_contain_surface(points)
    distances[somewhere] = evaluate(field.distance, points[somewhere], cancel)
    least = distances.reshape(-1, len(deep)).min(1)
    outline = outline.reshape(len(axis), -1)
    way = _way(outline, near, np.clip(least - outline.ravel()[near], -inwards, _MOST))
    # Wisps of the matte would be drawn along the whole depth as ridges.
    splines = [spline_filter(part, output=np.float32) for part in (*way, gaussian_filter(outline, _BLUR))]
    moves = None
    if protect_mask is not None:
        lattice = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
        moves = gaussian_filter(1 - protect_mask(lattice).reshape((len(axis),) * 3), _STAYS)

    def stretch(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        place = (points.T + 1) * (cells / 2)
        right, up, bound = (map_coordinates(part, place[:2], order=3, mode="nearest", prefilter=False) for part in splines)
        share = 1.0 if moves is None else map_coordinates(moves, place, order=1, mode="nearest")
        moved = points.copy()
        moved[:, 0] -= share * right
        moved[:, 1] -= share * up
        return moved, bound

    return stretch


def _way(outline: np.ndarray, near: np.ndarray, short: np.ndarray) -> np.ndarray:
    """How far (2, C, C) the shape moves outwards in x and y, from what it falls short at the columns `near`."""
    found, weight = np.zeros(outline.size, np.float32), np.zeros(outline.size, np.float32)
    found[near], weight[near] = short, 1
    found, weight = (gaussian_filter(values.reshape(outline.shape), _ALONG) for values in (found, weight))
    share = 1 - smoothstep(-outline, 0, _FADE)
    outward = np.stack(np.gradient(gaussian_filter(outline, _BLUR)))
    outward /= np.maximum(np.linalg.norm(outward, axis=0), 1e-6)
    return np.stack([gaussian_filter(part, _BLUR) for part in outward * found / np.maximum(weight, 1e-4) * share])

"""Smooths a field where the photo tells little: a blurred, coarse lattice of it replaces its fine noise there."""

import numpy as np
from scipy.ndimage import (
    distance_transform_edt,
    gaussian_filter,
    grey_opening,
    map_coordinates,
    maximum_filter,
    minimum_filter,
    spline_filter,
    zoom,
)

from ..geometry.visibility import smoothstep
from ..progress import Cancel
from .field import Field, PointFunction, ReshapedField, evaluate
from .hidden import SolidBounds

_CELLS = 64  # a side: 6.25 mm each
_BAND = 0.1  # crop units: how near the surface the lattice holds the field itself, wide enough for the blur
_FARTHEST = 0.15  # crop units to which distances are cut, so that guesses far away do not bleed in
_BLUR = 1.5  # cells, of the smooth field; ripples of less than 4 cm go
_SHARE_BLUR = 1.0
_BEHIND = (0.0, 0.08)  # crop units behind the visible surface over which the smooth field takes over
_LIMITED = (0.15, 0.3)  # crop units behind the visible surface over which hidden solid is limited
_APART = (0.015, 0.05)  # crop units between the network's and the fitted model's surface: skin lies below, hair and clothes above
_COVERED, _COVER_BLUR = (0.035, 0.075), 4.0  # the same over some 5 cm: a known place, such as an ear, that hair covers
_SEEN = 0.85  # share of the smooth field where hair and clothes are seen: their relief comes from the normals
_BULGE, _BULGES = 13, 0.05  # cells (8 cm) down hanging hair, and crop units (10 mm): what is shorter and stands off farther is an error
_DRAWN = 0.008  # crop units in each cell: by so much hair is drawn in on its way down
_RECEDES = 0.016  # crop units backwards in each cell (3 mm on 6 mm): by so much hair that hangs in front is drawn in on its way down
_ALL, _NOTHING = 0.995, 0.005
_SHOULDER = 0.2  # crop units (4 cm): radius of a shoulder
_SHEET = 2  # cells: half the thickness under which parts of clothes are taken off
_TAKEN = (0.02, 0.06)  # crop units that this changes the distance by, from doubtful to sure


def smooth_hidden_field(
    field: Field,
    *,
    protect_mask: PointFunction,
    clothing_mask: PointFunction,
    bounds: SolidBounds | None = None,
    cancel: Cancel | None = None,
) -> Field:
    """`field` with the parts that the photo does not show smoothed, and mostly so where it shows what the fitted model knows nothing of.

    Its frame is the crop frame. protect_mask: points -> [0, 1] (N,), where the model knows the shape so well that it stays, hidden or not,
    unless hair covers it; evaluated near the surface alone. clothing_mask: points -> bool (N,), where thin sheets are cloth and are taken
    off. bounds: of what may hold solid, None for anything. The result does
    not evaluate the field where it is hidden, which saves close to half of a surface's points.

    Blurring the distances instead of the mesh also takes off flakes, thin sheets and small hollows. The blur 2 G - G² leaves the
    curvature of broad shapes alone, where G would shrink them. Hidden is what lies behind the nearest surface along the parallel rays of
    the crop frame, so what is seen, the outline included, stays as it is. Raises Cancelled.
    """
    values = given = _sampled(field, cancel)
    if bounds is not None and bounds.hangs is not None:
        values = _fallen(values, bounds.hangs)
    if bounds is not None and bounds.clothes is not None:
        values = np.minimum(values, _thickened(values, bounds.clothes))
    thin = np.maximum(_opened(values) - values, 0)
    somewhere = thin > 0
    thin[somewhere] *= clothing_mask(_samples(_CELLS)[somewhere.reshape(-1)])
    if bounds is not None:
        beyond, anywhere = (np.clip(bound(_samples(_CELLS)).reshape(values.shape), -_FARTHEST, _FARTHEST) - values for bound in bounds[:2])
        deep = smoothstep(front_depth(values)[:, :, None] - _axis(_CELLS), *_LIMITED)
        thin = np.maximum(thin, np.maximum(beyond, 0) * deep)
        thin = np.maximum(thin, anywhere)
        bounded = values + thin
        bounded = np.minimum(bounded, np.clip(bounds.least(_samples(_CELLS)).reshape(values.shape), -_FARTHEST, _FARTHEST))
        if bounds.hair is not None:
            bounded = np.maximum(bounded, _beyond_hanging(bounded, bounds.hair))
            bounded = np.minimum(bounded, _draped(bounded, bounds.hair))
        thin = bounded - values
    values = values + thin
    smooth = gaussian_filter(values, _BLUR)
    smooth = spline_filter(2 * smooth - gaussian_filter(smooth, _BLUR), output=np.float32)
    share = np.maximum(
        _smooth_share(values, field, protect_mask), gaussian_filter(smoothstep(np.abs(values - given), *_TAKEN), _SHARE_BLUR)
    )

    def distance(points: np.ndarray) -> np.ndarray:
        place = (points.T + 1) * (_CELLS / 2)
        part = map_coordinates(share, place, order=1, mode="nearest")
        result = np.zeros(len(points), np.float32)
        detailed, mix = part < _ALL, part > _NOTHING
        if detailed.any():
            result[detailed] = field.distance(points[detailed])
        # Cubic, so that no creases show at the cells' walls.
        blurred = map_coordinates(smooth, place[:, mix], order=3, mode="nearest", prefilter=False)
        result[mix] += np.where(detailed[mix], part[mix], 1) * (blurred - result[mix])
        return result

    return ReshapedField(field, distance)


def _sampled(field: Field, cancel: Cancel | None) -> np.ndarray:
    """Distances at the lattice's samples, (CELLS + 1,) * 3: the field's near its surface, guessed from half as many elsewhere."""
    points = _samples(_CELLS // 2)
    values = field.prior_distance(points).astype(np.float32)
    near = field.may_contain_surface(points)
    values[near] = evaluate(field.distance, points[near], cancel)
    count = _CELLS // 2 + 1
    values = zoom(values.reshape(count, count, count), (_CELLS + 1) / count, order=1).reshape(-1)
    near = np.abs(values) < _BAND
    values[near] = evaluate(field.distance, _samples(_CELLS)[near], cancel)
    return np.clip(values, -_FARTHEST, _FARTHEST).reshape((_CELLS + 1,) * 3)


def _opened(values: np.ndarray) -> np.ndarray:
    """Distances to the solid without what is thinner than a ball."""
    x, y, z = np.mgrid[-_SHEET : _SHEET + 1, -_SHEET : _SHEET + 1, -_SHEET : _SHEET + 1]
    ball = x**2 + y**2 + z**2 <= _SHEET**2
    return minimum_filter(maximum_filter(values, footprint=ball), footprint=ball)


def _beyond_hanging(values: np.ndarray, hair: PointFunction) -> np.ndarray:
    """How far (N, N, N) the lattice's samples are in front of hair as it hangs: of distances (N, N, N) with what bulges between higher and
    lower hair taken off. A field takes a lock beside the jaw for as near as the chin, and what it turns into below for neck."""
    front = np.where((values < 0).any(2), _front(values), 10)
    hanging = grey_opening(front, size=(1, _BULGE), mode="nearest") + _BULGES
    flat = _samples(_CELLS).reshape(*values.shape, 3)[:, :, 0].reshape(-1, 3)
    hanging[hair(flat).reshape(hanging.shape) < 0.5] = 10
    return np.clip(_axis(_CELLS) - hanging[:, :, None], -_FARTHEST, _FARTHEST)


def _draped(values: np.ndarray, hair: PointFunction) -> np.ndarray:
    """Distances (N, N, N) with seen hair as far in front as it is above, but for a slope: it hangs from a jaw to the chest, where a field
    lets it end in a knob and begin again on the neck."""
    flat = _samples(_CELLS).reshape(*values.shape, 3)[:, :, 0].reshape(-1, 3)
    there = (hair(flat).reshape(values.shape[:2]) > 0.5) & (values < 0).any(2)
    front = np.where(there, _front(values), -10)
    hanging = front.copy()
    for row in range(_CELLS - 1, -1, -1):
        above = np.where(there[:, row], hanging[:, row + 1] - _RECEDES, -10)
        hanging[:, row] = np.maximum(hanging[:, row], above)
    before = _axis(_CELLS) - hanging[:, :, None]
    return np.where(_axis(_CELLS) > front[:, :, None], np.minimum(values, np.where(hanging > front, 0, 10)[:, :, None] + before), values)


def _thickened(values: np.ndarray, clothes: PointFunction) -> np.ndarray:
    """Distances (N, N, N) to what is behind seen clothes anyway: a shoulder is round, however thin a field makes one that is raised."""
    flat = _samples(_CELLS).reshape(*values.shape, 3)[:, :, 0].reshape(-1, 3)
    there = (values < 0).any(2)
    worn = there & (clothes(flat).reshape(there.shape) > 0.5)
    inside = np.minimum(distance_transform_edt(np.pad(there, ((1, 1), (0, 1))))[1:-1, :-1] * (2 / _CELLS), _SHOULDER)
    deep = 2 * np.sqrt(inside * (2 * _SHOULDER - inside))
    front = np.where(there, _front(values), 10)
    z = _axis(_CELLS)
    behind = np.maximum(z - front[:, :, None], (front - deep)[:, :, None] - z)
    return np.where(worn[:, :, None], np.clip(behind, -_FARTHEST, _FARTHEST), _FARTHEST).astype(values.dtype)


def _front(values: np.ndarray) -> np.ndarray:
    """z (N, N) of the nearest sample inside in each column of distances (N, N, N); of the farthest sample where none is."""
    return _axis(_CELLS)[_CELLS - (values < 0)[:, :, ::-1].argmax(2)]


def _fallen(values: np.ndarray, hangs: PointFunction) -> np.ndarray:
    """Distances (N, N, N) with hair behind what is seen, where hair hangs beside, as far out as it is above: it falls straight."""
    flat = _samples(_CELLS).reshape(*values.shape, 3)[:, :, 0].reshape(-1, 3)
    falls = (hangs(flat).reshape(values.shape[:2]) > 0.5)[:, :, None] & (_axis(_CELLS) < front_depth(values)[:, :, None] - _BEHIND[0])
    fallen = values.copy()
    for row in range(_CELLS - 1, -1, -1):
        above = np.minimum(fallen[:, row], fallen[:, row + 1] + _DRAWN)
        fallen[:, row] = np.where(falls[:, row], above, fallen[:, row])
    return fallen


def _smooth_share(values: np.ndarray, field: Field, protect_mask: PointFunction) -> np.ndarray:
    """Share in [0, 1] of the smooth field at the lattice's samples."""
    points = _samples(_CELLS)
    apart = np.abs(values - np.clip(field.prior_distance(points).reshape(values.shape), -_FARTHEST, _FARTHEST))
    unknown = smoothstep(gaussian_filter(apart, _BLUR), *_APART)
    hidden = smoothstep(front_depth(values)[:, :, None] - _axis(_CELLS), *_BEHIND)
    protected = np.zeros_like(values)
    near = np.abs(values) < _BAND
    protected[near] = protect_mask(points[near.reshape(-1)])
    protected *= 1 - smoothstep(gaussian_filter(apart, _COVER_BLUR), *_COVERED)
    share = np.maximum(hidden, _SEEN * unknown) * (1 - protected)
    return gaussian_filter(share, _SHARE_BLUR).astype(np.float32)


def front_depth(values: np.ndarray) -> np.ndarray:
    """z (N, N) of the nearest surface in each column (x, y) of distances (N, N, N) over the crop, the lowest of 3 x 3 so that steep surface
    counts as seen; -inf without any."""
    inside, cells = values < 0, values.shape[2] - 1
    last = np.minimum(cells - inside[:, :, ::-1].argmax(2), cells - 1)[:, :, None]
    within, beyond = (np.take_along_axis(values, last + step, 2)[:, :, 0] for step in (0, 1))
    crossing = last[:, :, 0] + np.clip(within / np.minimum(within - beyond, -1e-6), 0, 1)
    lowest = minimum_filter(np.where(inside.any(2), crossing * (2 / cells) - 1, np.inf), 3)
    return np.where(np.isfinite(lowest), lowest, -np.inf)


def _axis(cells: int) -> np.ndarray:
    return (np.arange(cells + 1) * (2 / cells) - 1).astype(np.float32)


def _samples(cells: int) -> np.ndarray:
    return np.stack(np.meshgrid(*[_axis(cells)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)

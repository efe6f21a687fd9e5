"""Makes skirts, dresses and closed coats one round solid from the hips to the hem, of which a field that knows legs makes trousers.

The photo tells where such cloth is (skirt_outline.py); its cross-sections are ellipses as wide as the outline, and in depth off the fitted
hips and legs by as much as at the sides.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.visibility import smoothstep
from .field import Field, PointFunction, ReshapedField
from .skirt_outline import SkirtOutline, Wearer, skirt_outline

_ABOUT = 0.03  # crop units of height in which its extents at a height are measured
_LEAST, _STEPS = 0.8, 4  # of a radius, in each of some steps, where the outline is narrower than the fitted body
_EVEN = 6.0  # rows over which depths are smooth
_BLEND = 0.03  # crop units over which it passes into the hips
_STARTS = (0.06, -0.06)  # crop units above the hip joints, from which on it takes the field's place
_OVERLAP = 0.04  # crop units by which legs reach into it
_SLEEVE, _TROUSERS = 0.06, 0.08  # crop units off the fitted arms and legs that stay beside and below a skirt
_NEAR = 0.08  # crop units around it in which there may be surface


@dataclass(frozen=True)
class _WithSkirt(ReshapedField):
    """skirt: its signed distance; distance: that of all."""

    distance: PointFunction
    skirt: PointFunction

    def may_contain_surface(self, points: np.ndarray, /) -> np.ndarray:
        """As Field."""
        return self.base.may_contain_surface(points) | (np.abs(self.skirt(points)) < _NEAR)

    def prior_distance(self, points: np.ndarray, /) -> np.ndarray:
        """As Field."""
        return np.minimum(self.base.prior_distance(points), self.skirt(points))


def with_skirt(field: Field, cloth: np.ndarray, matte: np.ndarray, wearer: Wearer) -> Field:
    """A crop frame's field with the skirt that the photo shows, or `field`. cloth, matte (S, S) in [0, 1] of the crop: clothes, and the
    whole person."""
    outline = skirt_outline(cloth, matte, wearer)
    if outline is None:
        return field
    skirt, legs = _solid(outline, wearer)
    arms, others = cKDTree(wearer.vertices[wearer.arms]), cKDTree(wearer.vertices[~wearer.arms])
    high, low = (outline.top + start for start in _STARTS)

    def distance(points: np.ndarray) -> np.ndarray:
        own, other = field.distance(points), skirt(points)
        between = np.maximum(_BLEND - np.abs(own - other), 0) / _BLEND
        joined = np.minimum(own, other) - between**2 * (_BLEND / 4)
        share = 1 - smoothstep(points[:, 1], low, high)
        some = np.flatnonzero(share > 0)
        if len(some):
            here = points[some]
            arm, leg = arms.query(here)[0], others.query(here)[0]
            arm = np.maximum((arm - leg) / 2, arm - _SLEEVE)
            kept = np.maximum(own[some], np.minimum(arm, np.maximum(legs(here), leg - _TROUSERS)))
            joined[some] += share[some] * (np.minimum(other[some], kept) - joined[some])
        return joined.astype(np.float32)

    return _WithSkirt(field, distance, skirt)


def _solid(outline: SkirtOutline, wearer: Wearer) -> tuple[PointFunction, PointFunction]:
    """Signed distances to the skirt, and to where its wearer's legs may be: below the hem, and a little above it within the skirt."""
    rows, body = outline.rows, wearer.vertices[~wearer.arms]
    hips = _around(body, outline.top)
    axes = np.linalg.eigh(np.cov(hips.T))[1]
    shins = wearer.legs[:, 1:, 1].mean()  # feet point forwards
    fitted = np.array([_extents(_around(body, max(y, shins)), axes) for y in rows])
    radii = np.maximum((fitted[:, 1] - fitted[:, 0]) / 2, np.subtract(*_extents(hips, axes)[::-1]) / 2)
    half = (outline.right - outline.left) / 2
    for _ in range(_STEPS):
        # By as much in all directions as the outline asks for.
        off = half - np.linalg.norm(radii * axes[0], axis=1)
        radii = np.maximum(radii + off[:, None], _LEAST * radii)
    slant = (radii**2 * axes[0] * axes[1]).sum(1) / half**2
    deep = radii.prod(1) / half
    depth = fitted.mean(1) @ axes[1]
    middle = (outline.right + outline.left) / 2
    deep, depth, slant = (gaussian_filter1d(part, _EVEN, mode="nearest") for part in (deep, depth, slant))

    def section(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Place across in half widths, depth off the middle in crop units, and half the width and depth of the skirt there."""
        at, wide, away, thick, slope = (np.interp(points[:, 1], rows, part) for part in (middle, half, depth, deep, slant))
        across = points[:, 0] - at
        return across / wide, points[:, 2] - away - slope * across, wide, thick

    level = wearer.level(float(outline.hem(middle).mean()))

    def below(points: np.ndarray) -> np.ndarray:
        hem = np.array(points)
        hem[:, 1] = outline.hem(points[:, 0])
        across, ahead, _, thick = section(hem)
        rim = thick * np.sqrt(np.maximum(1 - across**2, 0)) * (1 if level <= 0 else -1)
        return hem[:, 1] + level * (ahead - rim) - points[:, 1]

    def around(points: np.ndarray) -> np.ndarray:
        across, ahead, wide, thick = section(points)
        ahead = ahead / thick
        radius, slope = np.hypot(across, ahead), np.hypot(across / wide, ahead / thick)
        return np.where(radius > 1e-3, radius * (radius - 1) / np.maximum(slope, 1e-6), -np.minimum(wide, thick))

    def skirt(points: np.ndarray) -> np.ndarray:
        return np.maximum(np.maximum(around(points), below(points)), points[:, 1] - rows[-1]).astype(np.float32)

    def legs(points: np.ndarray) -> np.ndarray:
        under = -below(points)
        return np.maximum(under - _OVERLAP, np.minimum(under, around(points)))

    return skirt, legs


def _around(body: np.ndarray, height: float) -> np.ndarray:
    """x and z (N, 2) of the vertices (V, 3) around a height, or of the nearest one."""
    off = np.abs(body[:, 1] - height)
    return body[off < max(_ABOUT, off.min() + 1e-6)][:, [0, 2]]


def _extents(points: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Least and largest (2, 2) of points (N, 2) along axes, the columns of (2, 2)."""
    along = points @ axes
    return np.stack([along.min(0), along.max(0)])

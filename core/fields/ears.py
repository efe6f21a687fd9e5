"""The fitted model's ears in a head's field, where nothing covers them: what networks predict of an ear is a lump without its folds.

Each is first fitted to the field, by an affine map and by long bends, as far as the field knows where it is.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.closest import ClosestSurface
from ..geometry.mesh import compact, vertex_normals
from ..geometry.visibility import depth_picture, sample_picture, smoothstep, visibility
from ..models.prior import PriorSurface
from .field import Field, PointFunction, ReshapedField

_INSIDE = 0.99  # share of an ear in its mask: it, and not what is around it
_POINTS = 500  # of an ear that are fitted to the field
_ROUNDS = 6
_ERROR, _ROBUST = 0.01, 0.02  # crop units by which a field's ear errs, and beyond which it tells little
_INDEPENDENT, _RIM_POINTS = 40.0, 20.0  # places of an ear, and of its outline, whose errors have nothing to do with each other
_SHIFT, _STRETCH = 0.03, 0.15  # by which ears differ from the fitted model's: crop units, and a share of their size
_RIM, _BESIDE, _STEP = 0.5, 0.015, 0.005  # z of the normal at an outline; crop units beside it where nothing is, and of a difference
_BEND, _RIM_BEND = 0.025, 3.0  # crop units (5 mm): longer bends are the field's; weight of the outline beside it
_OWN = (0.75, 1.0)  # share from what is around an ear to itself
_NEAR = (0.03, 0.05)  # crop units from an ear over which the field's own surface begins
_SWOLLEN = 0.0025  # crop units (0.5 mm): rims are as thin as cells. The surface is moved back to them (surface/ears.py)
_OVER = (0.028, 0.04)  # crop units (5.6 to 8 mm) by which hair stands off half of an ear
_COVERED, _BOTH = (0.4, 0.5), 0.35  # share of what covers an ear in the picture; what is added where the other one is covered
_MUCH, _UNCOVERED = (30, 80), (0.3, 0.45)  # vertices of an ear, as far as they face the viewer; share of them that something covers
_BELOW, _HANGING = 0.3, (0.15, 0.35)  # crop units (6 cm) below an ear where hair hangs, and share of that place
_LIKE_IT = 0.15  # by which it may be more where the other one is shown to be bare, and less where that is covered
_WHOLE = (0.3, 0.5)  # bare share of an ear over which it is all the fitted model's: a mixture of both is a doubled, broken one
_DEPTH, _FAR = 512, 10.0  # pixels a side; crop units


@dataclass(frozen=True)
class Ears:
    """surface: the fitted model, with its ears where the field has them; share (V,) in [0, 1]: which of its vertices are bare ears, or how
    near they are to one."""

    surface: PriorSurface
    share: np.ndarray

    @classmethod
    def of(
        cls,
        surface: PriorSurface,
        masks: np.ndarray,
        field: Field,
        silhouette: PointFunction,
        covers: np.ndarray | None = None,
        hair: np.ndarray | None = None,
    ) -> Self:
        """The ears of a fitted model in a field of its crop frame. masks (2, V): on its vertices, for each ear 1 and falling around it;
        silhouette: signed distance to the outline in the picture; covers (S, S) in [0, 1]: where the picture shows what may lie on ears, if
        anything tells that; hair (S, S): where it shows hair."""
        vertices, share = surface.vertices.astype(np.float64), np.zeros(len(surface.vertices), np.float32)
        shown = _Shown(vertices, vertex_normals(surface.vertices, surface.faces), surface.faces)
        ears = [np.flatnonzero(mask > _INSIDE) for mask in masks]
        some = [ear[:: max(len(ear) // _POINTS, 1)] for ear in ears]
        hidden = smoothstep(np.array([-np.median(field.distance(surface.vertices[one])) for one in some]), *_OVER)
        covered, much, hangs = np.zeros((3, 2))
        if covers is not None:
            covered, much = np.array([shown.mean(ear, covers) for ear in ears]).T
            hangs = np.array([shown.mean(ear, covers if hair is None else hair, _BELOW)[0] for ear in ears])
        # Hair that covers one ear mostly covers the other.
        bare = (1 - hidden) * (1 - smoothstep(covered + _BOTH * (np.maximum(hidden, covered > _COVERED[1])[::-1]), *_COVERED))
        # What the picture shows of an ear it knows better than the field, but for long hair, which covers all of an ear that it lies on.
        short = smoothstep(much, *_MUCH) * (1 - smoothstep(hangs, *_HANGING))
        shown_bare = short * (1 - smoothstep(covered, *_UNCOVERED))
        like_the_other = _LIKE_IT * (shown_bare - (covered > _COVERED[1]))[::-1]
        bare = np.maximum(bare, short * (1 - smoothstep(covered - like_the_other, *_UNCOVERED)))
        bare = smoothstep(bare, *_WHOLE)
        for mask, ear, one in zip(masks * bare[:, None], ears, some, strict=True):
            near = np.flatnonzero(mask > 0)
            if not len(near):
                continue
            outline = _Outline(silhouette, shown.contour(ear))
            move = _fitted(field.distance, vertices[one], shown.normals[one], outline, vertices)
            vertices[near] += (mask[near] / mask.max())[:, None] * move(vertices[near])
            vertices[near] += _bends(field.distance, vertices[near], shown.normals[near], outline, vertices)
            share[near] = mask[near]
        return cls(replace(surface, vertices=vertices.astype(np.float32)), share)

    def on(self, field: Field) -> Field:
        """The field with these ears, a little swollen."""
        if not self.share.any():
            return field

        def distance(points: np.ndarray) -> np.ndarray:
            result = field.distance(points)
            some = self._around(points)
            of_model, values = self._closest(points[some])
            of_model -= _SWOLLEN * smoothstep(values[:, 0], *_OWN)
            result[some] += values[:, 0] * (1 - smoothstep(np.abs(of_model), *_NEAR)) * (of_model - result[some])
            return result

        return ReshapedField(field, distance)

    @property
    def bare(self) -> np.ndarray:
        """(V,) in [0, 1]: which vertices are bare ears, and not only near one."""
        return smoothstep(self.share, *_OWN)

    def closest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of points (N, 3): are they on a bare ear (N,) in [0, 1], the closest place on it (N, 3) and its normal (N, 3)."""
        result = np.column_stack([np.zeros(len(points)), points, np.zeros((len(points), 3))])
        if self.share.any():
            some = self._around(points)
            result[some] = self._closest(points[some])[1]
        return smoothstep(result[:, 0], *_OWN), result[:, 1:4], result[:, 4:]

    @cached_property
    def _part(self) -> tuple[ClosestSurface, np.ndarray]:
        """What is near bare ears, and share, place and normal (N, 7) of its vertices."""
        vertices, faces, ids = compact(self.surface.vertices, self.surface.faces[(self.share > 0)[self.surface.faces].any(1)])
        return ClosestSurface(vertices, faces), np.column_stack([self.share[ids], vertices, vertex_normals(vertices, faces)])

    def _closest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Signed distance (N,) of points (N, 3) from the closest place of that, and what it has there (N, 7)."""
        part, values = self._part
        distance, face, barycentric = part.query(points)
        return distance, part.interpolate(values, face, barycentric)

    def _around(self, points: np.ndarray) -> np.ndarray:
        """Which of points (N, 3) may be near: ids (M,)."""
        places = self._part[0].vertices
        left = places[:, 0] > (places[:, 0].min() + places[:, 0].max()) / 2
        boxes = [(one.min(0) - _NEAR[1], one.max(0) + _NEAR[1]) for one in (places[left], places[~left]) if len(one)]
        return np.flatnonzero(np.any([((points > low) & (points < high)).all(1) for low, high in boxes], axis=0))


@dataclass(frozen=True)
class _Shown:
    """What the viewer sees of a model: vertices and unit normals (V, 3), faces (F, 3)."""

    vertices: np.ndarray
    normals: np.ndarray
    faces: np.ndarray

    @cached_property
    def _depth(self) -> np.ndarray:
        """(D, D): z of its nearest surface, far behind where there is none."""
        depth = depth_picture(self.vertices, self.faces, _DEPTH).depth
        return np.where(np.isfinite(depth), depth, -_FAR)

    def mean(self, ear: np.ndarray, picture: np.ndarray, below: float = 0.0) -> tuple[float, float]:
        """Of a picture (S, S), over what is seen of the vertices `ear` (N,), or so far below; and of how many of them that is, as far as
        they face the viewer."""
        points, normals = self.vertices[ear], self.normals[ear]
        seen = visibility(points, normals, self._depth) * np.maximum(normals[:, 2], 0)
        return float(seen @ sample_picture(picture, points - [0, below, 0]) / (seen.sum() + 1)), float(seen.sum())

    def contour(self, ear: np.ndarray) -> np.ndarray:
        """Those of the vertices `ear` (N,) that are on the model's outline, ids (M,)."""
        points, normals = self.vertices[ear], self.normals[ear] * [1, 1, 0]
        beside = points + _BESIDE * normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
        return ear[(np.abs(self.normals[ear, 2]) < _RIM) & (sample_picture(self._depth, beside) < -_FAR / 2)]


@dataclass(frozen=True)
class _Outline:
    """The person's outline, signed distance in the picture, and the vertices (M,) of a model that should lie on it."""

    silhouette: PointFunction
    vertices: np.ndarray

    def short(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far points (M, 3) are beyond it (M,), and the way outwards (M, 3)."""
        points = points.astype(np.float32)
        step = np.eye(3, dtype=np.float32)[:2] * _STEP
        ways = np.stack([self.silhouette(points + one) - self.silhouette(points - one) for one in step], axis=1) / (2 * _STEP)
        return self.silhouette(points), np.column_stack([ways, np.zeros(len(points))])


def _fitted(distance: PointFunction, points: np.ndarray, normals: np.ndarray, outline: _Outline, vertices: np.ndarray) -> PointFunction:
    """How places (M, 3) move, (M, 3), under the affine map that brings points (N, 3) with unit normals (N, 3) to the zero of a distance,
    and vertices of (V, 3) to the outline (point-to-plane ICP, reweighted)."""
    middle = points.mean(0)
    size = float(np.sqrt(((points - middle) ** 2).sum(1).mean()))
    rim = vertices[outline.vertices]

    def rows(ways: np.ndarray, places: np.ndarray) -> np.ndarray:
        return np.concatenate([ways, (ways[:, :, None] * ((places - middle) / size)[:, None, :]).reshape(-1, 9)], axis=1)

    # Most of an ear looks sideways: each direction gets as much weight.
    even = ((normals @ np.linalg.inv(normals.T @ normals)) * normals).sum(1) / 3
    change, prior = np.zeros(12), np.diag(np.r_[np.full(3, _SHIFT), np.full(9, _STRETCH * size)] ** -2.0)

    def move(places: np.ndarray) -> np.ndarray:
        return change[:3] + (places - middle) / size @ change[3:].reshape(3, 3).T

    for _ in range(_ROUNDS):
        far, ways = outline.short(rim + move(rim))
        found = np.concatenate([distance((points + move(points)).astype(np.float32)), far])
        design = np.concatenate([rows(normals, points), rows(ways, rim)])
        weight = np.concatenate([_INDEPENDENT * even, np.full(len(rim), _RIM_POINTS / max(len(rim), 1))]) * _trust(found)
        weighted = design * (weight / _ERROR**2)[:, None]
        change = np.linalg.solve(weighted.T @ design + prior, weighted.T @ (design @ change - found))
    return move


def _bends(distance: PointFunction, points: np.ndarray, normals: np.ndarray, outline: _Outline, vertices: np.ndarray) -> np.ndarray:
    """How points (N, 3) with unit normals (N, 3) move, (N, 3), so that they have the long bends of the zero of a distance and, where
    vertices of (V, 3) should lie on it, of the outline."""
    far, ways = outline.short(vertices[outline.vertices])
    found = np.concatenate([distance(points.astype(np.float32)), far])
    weight = _trust(found)
    weight[len(points) :] *= _RIM_BEND
    move = (weight * found)[:, None] * np.concatenate([normals, ways])
    weights = _kernel(points, np.concatenate([points, vertices[outline.vertices]]), _BEND)
    return -(weights @ move) / (weights @ weight + 1e-6)[:, None]


def _trust(found: np.ndarray) -> np.ndarray:
    """(N,) in (0, 1]: how far distances (N,) are believed (Cauchy's weight)."""
    return 1 / (1 + (found / _ROBUST) ** 2)


def _kernel(points: np.ndarray, others: np.ndarray, width: float) -> sp.csr_matrix:
    """Gaussian weights (N, M) between points (N, 3) and others (M, 3)."""
    pairs = cKDTree(points).sparse_distance_matrix(cKDTree(others), 2.5 * width, output_type="coo_matrix").tocsr()
    pairs.data = np.exp(-0.5 * (pairs.data / width) ** 2)
    return pairs

"""Bare skin in a head's field: the fitted model's, with the long bends of the field. What networks predict beside an ear, or where a bald
head turns away, has bumps and steps that no skin has."""

import os
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.mesh import vertex_normals
from ..geometry.visibility import depth_picture, sample_picture, smoothstep, visibility
from ..models.prior import PriorSurface
from .ears import Ears
from .field import Field, ReshapedField

_CELLS = 64  # a side: 6.25 mm each
_BEND = float(os.environ.get("BEND", 2.5))  # cells (16 mm): longer bends are the field's
_ROBUST, _ROUNDS = 0.015, 4  # crop units (3 mm) from the bends beyond which a place of the field tells little
_OFF = (0.02, 0.04)  # crop units (4 to 8 mm) by which hair and cloth that nobody sees stand off skin
_HAIR = (0.05, 0.09)  # the same of hair around a bare ear
_COVERED = (0.1, 0.4)  # share of what covers skin in the picture
_EDGE = float(os.environ.get("EDGE", 1.5))  # cells over which bare skin begins
_NEAR = (0.12, 0.18)  # crop units from the model over which the field's own surface begins
_DEPTH = 512  # pixels a side
_BALD = (0.6, 0.9)  # share of the seen scalp that is bare
_AROUND_EARS = tuple(float(x) for x in os.environ.get("AROUND", "0.04,0.1").split(","))  # crop units around a bare ear over which the field begins
_MOVES = float(os.environ.get('MOVES',1.0))  # cells
_LEAST = 0.005


@dataclass(frozen=True)
class BareSkin:
    """On a lattice over the crop: share (N, N, N) in [0, 1], where bare skin is; bends (N, N, N), what is added to the fitted model's
    distance there, and moves (3, N, N, N), by how much its ears are moved, crop units."""

    share: np.ndarray
    moves: np.ndarray

    @classmethod
    def of(cls, surface: PriorSurface, ears: Ears, skin: np.ndarray, scalp: np.ndarray, neck: np.ndarray, field: Field, covers: np.ndarray) -> Self:
        """Of a fitted model in a field of its crop frame. ears: of that model; skin, scalp, neck (V,) in [0, 1]: where its vertices may be
        bare, where hair may grow, and where cloth may lie that nobody sees; covers (S, S) in [0, 1]: what the picture shows on skin."""
        points, faces = ears.surface.vertices, ears.surface.faces
        normals = vertex_normals(points, faces)
        depth = depth_picture(points, faces, _DEPTH).depth
        seen = visibility(points, normals, depth) * smoothstep(normals[:, 2], 0.0, 0.2)
        bare = 1 - smoothstep(sample_picture(covers, points), *_COVERED)
        places = (points.T + 1) * (_CELLS / 2)
        beside = np.zeros(len(points))
        if (ears.bare > 0.5).any():
            away = cKDTree(points[ears.bare > 0.5]).query(points, distance_upper_bound=_AROUND_EARS[1])[0]
            beside = 1 - smoothstep(away, *_AROUND_EARS)
        own = np.flatnonzero((skin > 0) & (beside < 0.9))
        found = field.distance(points[own].astype(np.float32))
        weight = np.ones(len(own))
        for _ in range(_ROUNDS):
            bend = _read(_spread(places[:, own], found, weight, _BEND), places[:, own])
            weight = 1 / (1 + ((found - bend) / _ROBUST) ** 2)
        off = _read(_spread(places[:, own], np.abs(found), np.ones(len(own)), _BEND), places)
        beside *= 1 - smoothstep(off, *_HAIR)
        moves = np.stack([_spread(places[:, own], -found * one, weight, _BEND) for one in normals[own].T])
        bends = np.stack([_read(one, places) for one in moves])
        rest = (points - surface.vertices).T - bends
        moves += np.stack([_spread(places, ears.share * one, np.ones(len(points)), _MOVES) for one in rest])
        bald = smoothstep((seen * scalp) @ bare / max(seen @ scalp, 1e-6), *_BALD)
        hidden = (1 - smoothstep(off, *_OFF)) * (1 - neck)
        hidden = np.maximum(np.maximum(hidden, scalp * bald), beside)
        share = skin * (hidden + seen * (np.maximum(bare, beside) - hidden))
        return cls(_spread(places, share, np.ones(len(share)), _EDGE).astype(np.float32), moves.astype(np.float32))

    def on(self, field: Field) -> Field:
        """The field with that."""

        def distance(points: np.ndarray) -> np.ndarray:
            place = (points.T + 1) * (_CELLS / 2)
            moves = np.stack([_read(one, place) for one in self.moves], axis=1)
            model = field.prior_distance(points - moves)
            share = _read(self.share, place) * (1 - smoothstep(np.abs(model), *_NEAR))
            some, own = share > _LEAST, share < 1 - _LEAST
            result = np.zeros(len(points), np.float32)
            result[own] = field.distance(points[own])
            result[some] += np.where(own[some], share[some], 1) * (model[some] - result[some])
            return result

        return ReshapedField(field, distance)


def _read(lattice: np.ndarray, places: np.ndarray) -> np.ndarray:
    return map_coordinates(lattice, places, order=1, mode="nearest")


def _spread(places: np.ndarray, values: np.ndarray, weight: np.ndarray, width: float) -> np.ndarray:
    """Weighted means on the lattice of values (N,) with weights (N,), around places (3, N) in cells."""
    cell = np.round(places).astype(np.int64).clip(0, _CELLS)
    index = np.ravel_multi_index(tuple(cell), (_CELLS + 1,) * 3)
    sums = [np.bincount(index, one, (_CELLS + 1) ** 3).reshape((_CELLS + 1,) * 3) for one in (weight * values, weight)]
    top, bottom = (gaussian_filter(one, width, truncate=4) for one in sums)
    return top / np.maximum(bottom, 1e-9)

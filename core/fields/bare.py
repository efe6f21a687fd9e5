"""Bare skin in a head's field: the fitted model's, with the long bends of the field. What networks predict beside an ear, at the outline,
and where a bald head turns away has bumps and steps that no skin has."""

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
_BEND = 2.5  # cells (16 mm): longer bends are the field's
_ROBUST, _ROUNDS = 0.015, 4  # crop units (3 mm) from the bends beyond which a place of the field tells little; rounds of weighting
_OFF, _OFF_EARS = (0.02, 0.04), (0.05, 0.09)  # crop units from skin to what stands off it: unseen hair and cloth, and hair at a bare ear
_COVERED = (0.1, 0.4)  # share of what covers skin in the picture
_EDGE, _EAR_MOVES = 1.5, 1.0  # cells over which bare skin begins, and over which the moves of ears are averaged
_NEAR = (0.12, 0.18)  # crop units from the model over which the field's own surface begins
_BEFORE = (0.015, 0.04)  # crop units (3 to 8 mm) before the model, from which on a lock that the picture shows stays
_HANGING = 0.05  # crop units (1 cm) below the ears over which that begins: above, a field's hair grows over cheeks and beside ears, so only
# hair that is seen to go on below hangs there
_TEMPLE = (0.05, 0.25)  # crop units above those over which it no longer does: there it tore off beside eyes
_FALLS_EDGE = 0.012  # crop units over which its edge in the picture is softened
_AROUND_EARS = (0.025, 0.07)  # crop units (5 to 14 mm) around a bare ear in which skin is bare, and hair close to it
_GRAZING = 0.2  # z of a normal below which the picture tells less
_DEPTH = 512  # pixels a side
_ALL, _NOTHING = 0.995, 0.005


@dataclass(frozen=True)
class Covers:
    """What the picture shows on skin, shares (S, S) in [0, 1]: hair, hats, cloth and things; hair alone; and beards, which may hug it."""

    worn: np.ndarray
    hair: np.ndarray
    beard: np.ndarray


@dataclass(frozen=True)
class BareSkin:
    """On a lattice over the crop: share (N, N, N) in [0, 1], where bare skin is; moves (3, N, N, N), how the fitted model is moved to the
    field there, crop units. hair (S, S) in [0, 1]: where the picture shows some; up (4,): heights on the head above the ears' lower ends,
    below which hair may hang before skin, as a linear map of points and 1; falls (S, S) in [0, 1]: where it may do so above, too."""

    share: np.ndarray
    moves: np.ndarray
    hair: np.ndarray
    up: np.ndarray
    falls: np.ndarray

    @classmethod
    def of(
        cls, surface: PriorSurface, skin: np.ndarray, neck: np.ndarray, mask: np.ndarray, ears: Ears, field: Field, covers: Covers
    ) -> Self:
        """Of a fitted model in a field of its crop frame. skin, neck (V,) in [0, 1]: where its vertices may be bare, and where cloth may
        lie on them that nobody sees; mask (V,): which of them are of ears; ears: its ears in that field.

        What is seen is bare where the picture says so; what is not, where the field keeps close to the model."""
        points = ears.surface.vertices
        normals = vertex_normals(points, surface.faces)
        places = _place(points)
        near_ear = _around(points, ears.bare)
        # A field's lump of an ear says nothing of what is beside it.
        own = np.flatnonzero((skin > 0) & (near_ear < 1))
        there, found = places[:, own], field.distance(points[own])
        weight = np.ones(len(own))
        for _ in range(_ROUNDS):
            weight = 1 / (1 + ((found - _read(_spread(there, found, weight, _BEND), there)) / _ROBUST) ** 2)
        ways = np.stack([_spread(there, way, np.ones(len(own)), _BEND) for way in normals[own].T])
        moves = -_spread(there, found, weight, _BEND) * ways / np.maximum(np.linalg.norm(ways, axis=0), 1e-3)
        left = (points - surface.vertices).T - np.stack([_read(one, places) for one in moves])
        moves += np.stack([_spread(places, ears.share * one, np.ones(len(points)), _EAR_MOVES) for one in left])

        off = _read(_spread(there, np.abs(found), np.ones(len(own)), _BEND), places)
        close, near_ear = 1 - smoothstep(off, *_OFF), near_ear * (1 - smoothstep(off, *_OFF_EARS))
        bare = (1 - smoothstep(sample_picture(covers.worn, points), *_COVERED)) * (1 - sample_picture(covers.beard, points) * (1 - close))
        depth = depth_picture(points, surface.faces, _DEPTH).depth
        seen = visibility(points, normals, depth) * smoothstep(normals[:, 2], 0, _GRAZING)
        share = skin * np.maximum(seen * bare + (1 - seen) * close * (1 - neck), near_ear)
        up = _above_ends(points[mask > 0.5], surface.canonical[mask > 0.5, 1])
        falls = _falling(covers.hair, up, float(points[mask > 0.5, 2].mean()))
        return cls(_spread(places, share, np.ones(len(share)), _EDGE), moves, covers.hair, up, falls)

    def on(self, field: Field) -> Field:
        """The field with that."""

        def distance(points: np.ndarray) -> np.ndarray:
            place = _place(points)
            model = field.prior_distance(points - np.stack([_read(one, place) for one in self.moves], axis=1))
            hangs = smoothstep(sample_picture(self.hair, points), *_COVERED) * smoothstep(model, *_BEFORE)
            below = smoothstep(-(points @ self.up[:3] + self.up[3]), 0, _HANGING)
            hangs *= np.maximum(below, sample_picture(self.falls, points))
            share = _read(self.share, place) * (1 - smoothstep(np.abs(model), *_NEAR)) * (1 - hangs)
            some, own = share > _NOTHING, share < _ALL
            result = np.zeros(len(points), np.float32)
            result[own] = field.distance(points[own])
            result[some] += np.where(own[some], share[some], 1) * (model[some] - result[some])
            return result

        return ReshapedField(field, distance)


def _around(points: np.ndarray, ear: np.ndarray) -> np.ndarray:
    """(V,) from 1 at those of points (V, 3) that are of an ear, by their share (V,) in [0, 1], to 0 away from it."""
    if not (ear > 0.5).any():
        return np.zeros(len(points))
    return 1 - smoothstep(cKDTree(points[ear > 0.5]).query(points, distance_upper_bound=_AROUND_EARS[1])[0], *_AROUND_EARS)


def _above_ends(ears: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """(4,) linear map of points and 1 to heights above the lower ends of ears (P, 3), by their heights (P,) on the mean head: of a head
    that leans to one side, one ear is lower in the picture."""
    found = np.linalg.lstsq(np.column_stack([ears, np.ones(len(ears))]), heights.astype(np.float64), rcond=None)[0]
    found[3] -= heights.min()
    return found.astype(np.float32)


def _falling(hair: np.ndarray, up: np.ndarray, depth: float) -> np.ndarray:
    """(S, S) in [0, 1]: hair of the picture (S, S) that goes on below the ears, by heights above their ends `up` (4,) at their depth: what
    hangs there falls from above, or it would begin beside the mouth as a stump."""
    middle = (np.arange(len(hair)) + 0.5) * (2 / len(hair)) - 1
    height = up[0] * middle - up[1] * middle[:, None] + up[2] * depth + up[3]
    there = hair > 0.5
    falls = there & (height < -_HANGING)
    for row in range(len(hair) - 2, -1, -1):
        falls[row] |= there[row] & falls[row + 1]
    return (1 - smoothstep(height, *_TEMPLE)) * gaussian_filter(falls.astype(np.float32), _FALLS_EDGE * len(hair) / 2)


def _place(points: np.ndarray) -> np.ndarray:
    """(3, N) in cells of the lattice, of points (N, 3) in the crop frame."""
    return (points.T + 1) * (_CELLS / 2)


def _read(lattice: np.ndarray, places: np.ndarray) -> np.ndarray:
    return map_coordinates(lattice, places, order=1, mode="nearest")


def _spread(places: np.ndarray, values: np.ndarray, weight: np.ndarray, width: float) -> np.ndarray:
    """Means (N, N, N) float32 of values (M,) with weights (M,) at places (3, M), by a Gaussian of a width of so many cells."""
    size = (_CELLS + 1,) * 3
    index = np.ravel_multi_index(tuple(np.round(places).astype(np.int64).clip(0, _CELLS)), size)
    sums = (np.bincount(index, one, np.prod(size)).reshape(size).astype(np.float32) for one in (weight * values, weight))
    top, bottom = (gaussian_filter(one, width, truncate=4) for one in sums)
    return top / np.maximum(bottom, 1e-9)

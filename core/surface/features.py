"""Eyes, lips and nostrils as the fitted model has them. Lids are finer than the cells of a field, and finer than what networks predict.

There the surface is refined and moved along the viewing rays onto the model, whose long bends make way for the surface's own.
"""

from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np
import torch

from ..geometry.mesh import adjacency, grown, touching, vertex_normals
from ..geometry.raster import interpolate, rasterize
from ..geometry.visibility import sample_picture, smoothstep
from ..photo.parsing import CLASSES
from .refine import refine
from .teeth import with_teeth

_SIZE = 512  # pixels a side of the picture
_MARGIN = 0.03  # crop units around the features
_BEND = 0.025  # crop units (5 mm): longer bends stay the surface's
_FACING = (0.2, 0.5)  # z of the model's normal over which features fade in
_COMPARED = 0.15  # z of its normal from which on its depth is compared with the surface's
_APART, _EVEN = (0.02, 0.03), 0.015  # crop units between both over which features fade, as before hair, and over which that is averaged
_BEHIND = (0.03, 0.05)  # crop units from the model over which a surface before or behind it begins
_UNFOLDED, _UNFOLDING = 10, 0.7  # rounds and strength of smoothing first: what overhangs cannot be moved along rays
_UNDER_LIPS = 0.02  # crop units (4 mm) that a pocket reaches behind them
_POCKET, _DEEPEST, _OVERHANGING = 0.015, 0.12, 0.1  # crop units behind the teeth from and up to which it lies, and z of its rim's normals
_POCKET_RINGS, _DRAWN_OUT = 2, 150  # of vertices around it, and rounds of smoothing that draw it out
_OWN = 0.5  # share of the model's form that lips must have to tell where teeth are
_DARK = 0.05  # sRGB: below it ratios of teeth's light are noise
_STEEP, _EVENED = (1.0, 2.0), 4  # slope over which steps begin, of lips over teeth; rounds of smoothing them
_LONGEST = 0.005  # crop units (1 mm) of an edge
_COVERS = ("background", "hair", "hat", "object")
_EDGE = 0.006  # crop units over which what covers a face begins


@dataclass(frozen=True)
class _Window:
    """A square of the crop, by its centre (2,) and half its side, both in crop units, as a picture."""

    centre: np.ndarray
    half: float

    @classmethod
    def around(cls, points: np.ndarray) -> Self:
        low, high = points[:, :2].min(0), points[:, :2].max(0)
        return cls((low + high) / 2, float((high - low).max() / 2) + _MARGIN)

    def of(self, points: np.ndarray) -> np.ndarray:
        """Crop-frame points (N, 3) with x and y in [-1, 1] inside the window; z stays."""
        return np.column_stack([(points[:, :2] - self.centre) / self.half, points[:, 2]]).astype(np.float32)

    def pictures(self, vertices: np.ndarray, faces: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, ...]:
        """Of the nearest surface of a mesh: depth (S, S), NaN where there is none, and its vertices' values (V, C), C times (S, S)."""
        points = self.of(vertices)
        inside = (np.abs(points[:, :2]) < 1).all(1)
        there = torch.from_numpy(np.asarray(faces[touching(faces, inside)], np.int64))
        raster = rasterize(torch.from_numpy(points), there, _SIZE)
        shown = interpolate(raster, there, torch.from_numpy(values.astype(np.float32))).numpy()
        return np.where(raster.mask.numpy(), raster.depth.numpy(), np.nan), *np.moveaxis(shown, -1, 0)

    def steep(self, depth: np.ndarray) -> np.ndarray:
        """(S, S) in [0, 1]: where the slope of a depth (S, S) is that of a step, and beside it."""
        slope = np.hypot(*np.gradient(depth, 2 * self.half / _SIZE))
        return cv2.dilate(smoothstep(slope, *_STEEP).astype(np.float32), np.ones((3, 3), np.uint8))

    def blurred(self, picture: np.ndarray, width: float) -> np.ndarray:
        """A picture (S, S) averaged over a width of crop units."""
        return cv2.GaussianBlur(picture.astype(np.float32), (0, 0), width / self.half * _SIZE / 2)


@dataclass(frozen=True)
class Features:
    """What a fitted model shows of them, in a window. depth (S, S): where the surface should lie, z in crop units; share (S, S) in [0, 1]:
    how far it follows; steep (S, S) in [0, 1]: where that is a step, on which edges of the mesh would be ragged; parted (S, S) in [0, 1]:
    where teeth are seen between the lips, and beside them."""

    window: _Window
    depth: np.ndarray
    share: np.ndarray
    steep: np.ndarray
    parted: np.ndarray | None = None

    @classmethod
    def of(cls, model: np.ndarray, model_faces: np.ndarray, mask: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> Self | None:
        """Of a model (M, 3) with its features' mask (M,) in [0, 1], for a surface (V, 3), both in the crop frame; None where the viewer
        sees no feature."""
        facing = vertex_normals(model, model_faces)[:, 2]
        seen = (mask > 0) & (facing > 0)
        if not seen.any():
            return None
        window = _Window.around(model[seen])
        depth, share, facing = window.pictures(model, model_faces, np.column_stack([mask, facing]))
        (surface,) = window.pictures(vertices, faces, np.zeros((len(vertices), 0)))
        apart = surface - depth
        compared = (facing > _COMPARED) & (np.abs(apart) < _BEHIND[1])
        weight = window.blurred(compared, _BEND)
        bends = window.blurred(np.where(compared, apart, 0), _BEND) / np.maximum(weight, 1e-3)
        depth = np.where(np.isnan(depth), 0, depth)
        differs = window.blurred(np.where(np.isnan(apart), 0, np.abs(apart)), _EVEN)
        share = share * smoothstep(facing, *_FACING) * (1 - smoothstep(differs, *_APART))
        depth = (depth + bends).astype(np.float32)
        return cls(window, depth, share.astype(np.float32), window.steep(depth))

    def with_teeth(self, photo: np.ndarray, parsing: np.ndarray) -> Self:
        """With the teeth that a crop's photo (P, P, 3), sRGB in [0, 1], shows by its parsing (P, P, len(CLASSES))."""
        side = (np.arange(_SIZE) + 0.5) * (2 / _SIZE) - 1
        across, up = np.meshgrid(side, -side)
        points = self.window.half * np.column_stack([across.ravel(), up.ravel()]) + self.window.centre

        def shown(picture: np.ndarray) -> np.ndarray:
            return sample_picture(np.ascontiguousarray(picture, np.float32), points).reshape(_SIZE, _SIZE)

        teeth, lips = (shown(parsing[..., CLASSES.index(name)]) for name in ("teeth", "lips"))
        light = np.log(shown(photo.mean(-1)) + _DARK)
        pixel = 2 * self.window.half / _SIZE
        depth = with_teeth(self.depth, teeth, lips * (self.share > _OWN), light, pixel)
        reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(_UNDER_LIPS / pixel) + 1,) * 2)
        # The model's own teeth end in a ledge that is not seen from the front; what stands before it is seen.
        share = np.maximum(self.share, teeth * cv2.morphologyEx(self.share, cv2.MORPH_CLOSE, reach))
        return replace(self, depth=depth, share=share, steep=self.window.steep(depth), parted=cv2.dilate(teeth, reach))

    def on(self, vertices: np.ndarray, faces: np.ndarray, uncovered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vertices (V', 3) float32 and faces (F', 3) of a surface (V, 3) with the features. uncovered (P, P) in [0, 1], over the crop:
        where nothing hides the face."""

        def share(points: np.ndarray) -> np.ndarray:
            found, there = np.zeros(len(points)), self.window.of(points)
            inside = np.flatnonzero((np.abs(there[:, 0]) < 1) & (np.abs(there[:, 1]) < 1))
            points, there = points[inside], there[inside]
            near = 1 - smoothstep(np.abs(sample_picture(self.depth, there) - points[:, 2]), *_BEHIND)
            found[inside] = near * sample_picture(self.share, there) * sample_picture(uncovered, points)
            return found

        moved = _smoothed(vertices, faces, share(vertices), _UNFOLDED)
        moved = self._without_pocket(moved, faces)
        moved, faces = refine(moved, faces, share(moved) > 0, _LONGEST)
        follows = share(moved)
        moved[:, 2] += follows * (sample_picture(self.depth, self.window.of(moved)) - moved[:, 2])
        moved = _smoothed(moved, faces, follows * sample_picture(self.steep, self.window.of(moved)), _EVENED)
        return moved.astype(np.float32), faces

    def _without_pocket(self, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
        """Vertices (V, 3) without the pocket that a field may have behind parted lips: drawn out flat, or it would be folded up before the
        teeth."""
        if self.parted is None:
            return vertices
        there = self.window.of(vertices)
        near = (np.abs(there[:, 0]) < 1) & (np.abs(there[:, 1]) < 1)
        near[near] = sample_picture(self.parted, there[near]) > 0.5
        behind = np.full(len(vertices), np.inf)
        behind[near] = sample_picture(self.depth, there[near]) - vertices[near, 2]
        near &= np.abs(behind) < _DEEPEST
        pocket = near & ((behind > _POCKET) | (vertex_normals(vertices, faces[touching(faces, near)])[:, 2] < _OVERHANGING))
        if not pocket.any():
            return vertices
        return _smoothed(vertices, faces, grown(faces, pocket, _POCKET_RINGS).astype(np.float32), _DRAWN_OUT)


def _smoothed(vertices: np.ndarray, faces: np.ndarray, share: np.ndarray, rounds: int) -> np.ndarray:
    """Vertices (V, 3) smoothed by their share (V,) in [0, 1]."""
    some = np.flatnonzero(share > 0)
    neighbours = adjacency(faces[touching(faces, share > 0)], len(vertices))[some]
    degree = np.asarray(neighbours.sum(1))
    moved = vertices.astype(np.float64)
    for _ in range(rounds):
        moved[some] += _UNFOLDING * share[some, None] * (neighbours @ moved / degree - moved[some])
    return moved


def uncovered(matte: np.ndarray, parsing: np.ndarray | None) -> np.ndarray:
    """(S, S) float32 in [0, 1]: where nothing hides a face, by a crop's matte (S, S) and parsing (S, S, len(CLASSES)), if there is one."""
    if parsing is None:
        return matte.astype(np.float32)
    hidden = parsing[..., [CLASSES.index(name) for name in _COVERS]].sum(-1)
    return 1 - cv2.GaussianBlur(hidden.astype(np.float32), (0, 0), _EDGE * len(matte) / 2)

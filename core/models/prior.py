"""What the networks see of a fitted head model: rendered maps over the crop, and features of its nearest surface point in space."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import torch
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..geometry.closest import ClosestSurface, Topology
from ..geometry.mesh import vertex_normals
from ..geometry.raster import LayeredDepth, fragments, interpolate, rasterize
from ..photo.framing import Framing
from .fit import ViewFit
from .head import HeadModel
from .parametric import ParametricModel

MAP_CHANNELS = 8
"""Normal (3), canonical coordinates (3), depth (1), mask (1)."""
POINT_CHANNELS = 7
"""Signed distance (1), canonical coordinates (3), normal (3) of the nearest surface point."""

_MOST = 0.8  # share of the model in the trusted face


@dataclass(frozen=True)
class FaceBlend:
    """Where the fitted model's own surface is trusted: weight (V,) on the closed mesh's vertices, and the largest share it may take.

    A weight grows to 1 with this trust. From there to 2 nothing but the model counts, whatever the network says: behind parted
    lips, where the sides of the gap are nearer to each other than it can tell apart.
    """

    weight: np.ndarray
    strength: float

    @property
    def certainty(self) -> float:
        """In [0, 1]: how far the fit is to be trusted at all."""
        return self.strength / _MOST

    @classmethod
    def of(cls, model: HeadModel, fit: ViewFit) -> Self:
        """The face below the brows, where no fringe hangs, without ears. With a bad fit, blending towards it makes faces worse, so it
        fades out with the fit's residual."""
        brow = model.closed_rest[model.closed_region("brows") > 0.5, 1].mean()
        below = np.clip((brow - model.closed_rest[:, 1]) / 0.012 + 0.5, 0, 1)
        face = model.closed_region("face") * (1 - model.closed_region("ears")) * below
        strength = _MOST * float(np.clip(1 - (fit.residual - 0.012) / 0.02, 0, 1))
        return cls(np.maximum(np.clip((face - 0.35) / 0.5, 0, 1), 2 * model.mouth_patch).astype(np.float32), strength)

    @property
    def trust(self) -> np.ndarray:
        """The weight up to 1."""
        return np.minimum(self.weight, 1)


def protect_mask(model: HeadModel, blend: FaceBlend) -> np.ndarray:
    """(V,) in [0, 1] on the solid's vertices: where its shape is known so well that no smoothing may change it, seen or not: the trusted
    face, and the ears, which are finer than what smoothing leaves."""
    return np.maximum(blend.trust, model.closed_region("ears"))


@dataclass(frozen=True)
class PriorSurface:
    """The fitted model's closed bust in the crop frame of a framing: vertices (V, 3), faces (F, 3), canonical (V, 3);
    topology of the faces, where it is known already.

    `canonical` is each vertex's place on the mean bust at rest, in crop units about the point between the eyes. Unlike the head model's
    own `correspondence` it goes on over the shoulders and is odd in x, so that a mirrored sample has mirrored coordinates. A body's are in
    metres about the root joint, however large its crop is.
    """

    vertices: np.ndarray
    faces: np.ndarray
    canonical: np.ndarray
    framing: Framing
    topology: Topology | None = None

    @classmethod
    def of(cls, model: ParametricModel, vertices: np.ndarray, framing: Framing) -> Self:
        """From the vertices (V, 3) of a model's closed mesh in the framing's crop frame."""
        code = model.closed_rest / (framing.half if isinstance(model, HeadModel) else 1.0)
        return cls(vertices, model.closed_mesh.faces, code, framing, model.closed_mesh.topology)

    @cached_property
    def tree(self) -> cKDTree:
        """Of the vertices. Splits in the middle, boxes as they come, large leaves: a third faster for points far away, which see many
        vertices equally near."""
        return cKDTree(self.vertices, leafsize=32, balanced_tree=False, compact_nodes=False)

    def maps(self, size: int) -> torch.Tensor:
        """(MAP_CHANNELS, size, size) float32 pictures of the front; 0 where the model is not."""
        vertices = torch.from_numpy(np.ascontiguousarray(self.vertices, np.float32))
        faces = torch.from_numpy(np.asarray(self.faces, np.int64))
        normals = vertex_normals(self.vertices.astype(np.float32), self.faces)
        # Depth counts from between the eyes, where it is near zero on every face.
        depth = self.vertices[:, 2:] - self.framing.eye_depth
        attributes = torch.from_numpy(np.concatenate([normals, self.canonical, depth], axis=1).astype(np.float32))
        raster = rasterize(vertices, faces, size)
        values = interpolate(raster, faces, attributes)
        normal = torch.nn.functional.normalize(values[..., :3], dim=-1, eps=1e-6)
        mask = raster.mask[..., None].float()
        return torch.cat([normal, values[..., 3:], mask], dim=-1).permute(2, 0, 1).contiguous()

    def point_features(self, extra: np.ndarray | None = None) -> Callable[[np.ndarray], np.ndarray]:
        """A function from points (N, 3) to exact features (N, POINT_CHANNELS + C); extra (V, C): values of the vertices to add."""
        surface = ClosestSurface(self.vertices, self.topology or self.faces)
        normals = vertex_normals(self.vertices.astype(np.float32), self.faces)
        columns = [self.canonical, normals] if extra is None else [self.canonical, normals, extra]
        attributes = np.concatenate(columns, axis=1).astype(np.float32)

        def features(points: np.ndarray) -> np.ndarray:
            distance, face, barycentric = surface.query(points)
            values = surface.interpolate(attributes, face, barycentric)
            values[:, 3:6] /= np.maximum(np.linalg.norm(values[:, 3:6], axis=1, keepdims=True), 1e-6)
            return np.concatenate([distance[:, None], values], axis=1).astype(np.float32)

        return features


class PriorVolume:
    """The point features on a grid of cell centres over the crop cube: exact near the model, coarser farther away, trilinear between.

    Millions of field queries read this instead of searching triangles. Inside and outside come from winding numbers, because lids and
    eyeballs of a fitted head overlap, where the side of the nearest triangle means nothing.
    extra (V, C): further values of the surface's vertices to carry along.
    """

    LEVELS = ((32, np.inf), (64, 0.3), (128, 0.06))
    """Cells a side, and the distance in crop units up to which a level's values are exact; hair may hang far from the bald model."""

    def __init__(self, surface: PriorSurface, extra: np.ndarray) -> None:
        features = surface.point_features(extra)
        channels = POINT_CHANNELS + extra.shape[1]
        volume = torch.full((channels, 1, 1, 1), 0.0)
        previous = np.inf
        for size, band in self.LEVELS:
            volume = torch.nn.functional.interpolate(volume[None], size=(size,) * 3, mode="trilinear", align_corners=False)[0]
            flat = volume.reshape(channels, -1)
            # An interpolated distance can be off by a cell of the level before.
            near = torch.nonzero(flat[0].abs() < band + previous)[:, 0] if np.isfinite(band) else torch.arange(size**3)
            exact = torch.from_numpy(features(_centres(size)[near.numpy()]))
            flat[:, near] = exact.T
            flat[0, near] = exact[:, 0].abs() * self._sign(surface, size, near)
            previous = 1.0 / size
        # With a point's features side by side, reading eight corners misses the cache eight times instead of 64.
        self._volume = volume[None].contiguous(memory_format=torch.channels_last_3d)
        self._distance = volume[None, :1].clone()  # a view would keep the volume that it is of

    @staticmethod
    def _sign(surface: PriorSurface, size: int, cells: torch.Tensor) -> torch.Tensor:
        """-1 inside and 1 outside at the centres of cells (N,), counted in the order x, y, z with z fastest."""
        vertices = torch.from_numpy(np.ascontiguousarray(surface.vertices, np.float32))
        depth = LayeredDepth(fragments(vertices, torch.from_numpy(np.asarray(surface.faces, np.int64)), size))
        x, y, z = cells // size**2, cells // size % size, cells % size
        pixel = (size - 1 - y) * size + x
        height = ((z + 0.5) * (2 / size) - 1).float()
        return torch.where(depth.winding(pixel, height).abs() > 0.5, -1.0, 1.0)

    def __call__(self, points: torch.Tensor) -> torch.Tensor:
        """Features (N, POINT_CHANNELS + C) at crop-frame points (N, 3)."""
        return _sampled(self._volume, points).T

    def distance(self, points: torch.Tensor) -> torch.Tensor:
        """The first of the features alone, (N,), in a fraction of the time."""
        return _sampled(self._distance, points)[0]


def _sampled(volume: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Values (C, N) of a volume (1, C, S, S, S) at crop-frame points (N, 3)."""
    where = points.flip(-1)[None, None, None]  # grid_sample wants the last axis first
    return torch.nn.functional.grid_sample(volume, where, align_corners=False, padding_mode="border")[0, :, 0, 0]


def _centres(size: int) -> np.ndarray:
    """Cell centres (size³, 3) of a grid over the crop cube, in the order x, y, z with z fastest."""
    axis = ((np.arange(size) + 0.5) * (2 / size) - 1).astype(np.float32)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)

"""What a viewer of the crop sees of a mesh: depth pictures, visible vertices, and pictures sampled at vertices (crop frame)."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import maximum_filter
from torch.nn.functional import grid_sample

from .raster import fragments, nearest

_BIAS = 0.006  # crop units (1.2 mm): depth differences that are one and the same surface
_FADE = 0.02  # crop units over which a vertex behind another surface becomes hidden


@dataclass(frozen=True)
class DepthPicture:
    """The nearest surface of a closed mesh: depth (S, S) float32 z, -inf where there is none; thickness (S, S) float32 to its back side, if
    that was asked for."""

    depth: np.ndarray
    thickness: np.ndarray | None = None

    @property
    def mask(self) -> np.ndarray:
        """(S, S) bool, True where the mesh covers the pixel centre."""
        return np.isfinite(self.depth)


def depth_picture(vertices: np.ndarray, faces: np.ndarray, size: int, thickness: bool = False) -> DepthPicture:
    """Rasterise vertices (V, 3), faces (F, 3) in the crop frame into size x size pixels."""
    points, corners = torch.from_numpy(np.ascontiguousarray(vertices, np.float32)), torch.from_numpy(np.asarray(faces))
    pieces = fragments(points, corners, size, facing=not thickness)
    depth = nearest(pieces).depth
    if not thickness:
        return DepthPicture(depth.numpy())
    away = pieces.sign < 0
    back = torch.full((size * size,), -torch.inf).scatter_reduce_(0, pieces.pixel[away], pieces.depth[away], "amax").view(size, size)
    return DepthPicture(depth.numpy(), torch.where(torch.isfinite(depth), depth - back, 0).numpy())


def visibility(vertices: np.ndarray, normals: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """How visible vertices (V, 3) with unit normals (V, 3) are before the surface of a depth picture (S, S): (V,) float32 in [0, 1].

    Conservative by about a pixel behind occluding edges; surfaces turned away are hidden.
    """
    pixel = 2 / len(depth)
    # The pixels around a vertex lie on the same surface at other depths, the more so the steeper it is.
    slope = np.sqrt(1 - np.clip(normals[:, 2], 0, 1) ** 2) / np.clip(normals[:, 2], 0.17, 1)
    tolerance = _BIAS + 1.5 * pixel * slope
    front = maximum_filter(np.where(np.isfinite(depth), depth, -10), size=3)
    behind = sample_picture(front, vertices) - vertices[:, 2] - tolerance
    return ((1 - smoothstep(behind, 0, _FADE)) * (normals[:, 2] > 0)).astype(np.float32)


def sample_picture(picture: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Bilinear values (V,) or (V, C) of a square picture (S, S) or (S, S, C) at the crop positions of vertices (V, 3)."""
    channels = torch.from_numpy(np.ascontiguousarray(np.atleast_3d(picture), np.float32)).permute(2, 0, 1)[None]
    position = torch.from_numpy(np.array(vertices[:, :2], np.float32)) * torch.tensor([1.0, -1.0])
    values = grid_sample(channels, position[None, None], padding_mode="border", align_corners=False)[0, :, 0].T.numpy()
    return values[:, 0] if picture.ndim == 2 else values


def smoothstep(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below low, 1 above high, smooth between."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)

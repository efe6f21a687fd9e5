"""Orthographic rasterisation in plain PyTorch, the same on CPU and CUDA.

Vertices are in a crop frame: x right, y up, both in [-1, 1] over a square picture, z towards the viewer in the same unit.
Pictures are row-major with row 0 at the top. A *fragment* is one triangle covering one pixel centre; keeping all of them,
not only the nearest, gives exact inside/outside labels (layered depth) as well as ordinary pictures.
"""

from dataclasses import dataclass

import numpy as np
import torch

from .parallel import in_threads

_CHUNK = 4_000_000  # candidate pixels at once: bounds memory at roughly 200 MB
_BLOCK = 1 << 16  # triangles at once, for the same reason
_ASIDE = (0.00137, 0.00071)
_NO_AREA = 1e-12  # of a pixel


@dataclass(frozen=True)
class Fragments:
    """All (triangle, pixel) pairs of a picture, in no particular order.

    pixel (M,) int64 row * size + column; depth (M,) z; face (M,) int64; barycentric (M, 3);
    sign (M,) +1 where the triangle faces the viewer, -1 where it faces away.
    """

    pixel: torch.Tensor
    depth: torch.Tensor
    face: torch.Tensor
    barycentric: torch.Tensor
    sign: torch.Tensor
    size: int


@dataclass(frozen=True)
class Raster:
    """Nearest fragments: face (size, size) int64 with -1 for background, barycentric (size, size, 3), depth (size, size), -inf outside."""

    face: torch.Tensor
    barycentric: torch.Tensor
    depth: torch.Tensor

    @property
    def mask(self) -> torch.Tensor:
        """(size, size) bool, True where the mesh covers the pixel centre."""
        return self.face >= 0


def fragments(vertices: torch.Tensor, faces: torch.Tensor, size: int, slack: float = 0.0, facing: bool = False) -> Fragments:
    """Every fragment of the mesh (V, 3), (F, 3) in a size x size picture; facing: of triangles alone that face the viewer, which hide all
    others of a closed mesh.

    Surfaces from a grid have edges exactly through pixel centres, where rounding could count two triangles or none; so samples sit
    a thousandth of a pixel beside the centres. slack widens each triangle by that share of itself: no pinholes, some double fragments.
    """
    x = (vertices[:, 0] + 1) * (size / 2)
    y = (1 - vertices[:, 1]) * (size / 2)
    seen = torch.stack([x, y, vertices[:, 2]], dim=1)
    blocks = in_threads(
        lambda first: _covered(seen, faces[first : first + _BLOCK], first, size, slack, facing), range(0, len(faces), _BLOCK)
    )
    parts = [part for block in blocks for part in block]
    if not parts:
        empty = torch.zeros(0, dtype=torch.int64, device=faces.device)
        real = vertices.new_zeros(0)
        return Fragments(empty, real, empty, vertices.new_zeros(0, 3), real, size)
    pixel, depth, face, u, v, sign = (torch.cat(column) for column in zip(*parts, strict=True))
    return Fragments(pixel, depth, face, torch.stack([1 - u - v, u, v], dim=1), sign, size)


def _covered(seen: torch.Tensor, faces: torch.Tensor, number: int, size: int, slack: float, facing: bool) -> list[tuple[torch.Tensor, ...]]:
    """Pixel, depth, face, u, v and sign of the fragments, in parts, of faces (F, 3) that are counted from `number` on, between vertices
    (V, 3) at column, row and z; facing: as in `fragments`."""
    # One corner after the other: the least of three in a row takes several times as long.
    start, second, third = (seen.index_select(0, corner) for corner in faces.long().T)
    edge1, edge2 = second - start, third - start
    area = edge1[:, 0] * edge2[:, 1] - edge1[:, 1] * edge2[:, 0]
    # Rows grow downwards, so a triangle that faces the viewer has negative area here.
    turned = torch.nonzero(area < -_NO_AREA if facing else area.abs() > _NO_AREA)[:, 0]
    start, second, third, edge1, edge2, area = (part[turned] for part in (start, second, third, edge1, edge2, area))
    sample = 0.5 + seen.new_tensor(_ASIDE)
    low = torch.ceil(torch.minimum(torch.minimum(start, second), third)[:, :2] - sample).clamp(0, size)
    high = torch.floor(torch.maximum(torch.maximum(start, second), third)[:, :2] - sample).clamp(-1, size - 1)
    extent = (high - low + 1).clamp_min(0)
    used = torch.nonzero((extent[:, 0] > 0) & (extent[:, 1] > 0))[:, 0]
    # u, v and depth are linear over the picture: their values at the first pixel of the triangle's box, and their steps.
    edge1, edge2, area, low, start, extent = (part[used] for part in (edge1, edge2, area, low, start, extent))
    dx, dy = low[:, 0] + (0.5 + _ASIDE[0]) - start[:, 0], low[:, 1] + (0.5 + _ASIDE[1]) - start[:, 1]
    ux, uy = edge2[:, 1] / area, -edge2[:, 0] / area
    vx, vy = -edge1[:, 1] / area, edge1[:, 0] / area
    linear = torch.stack([low[:, 0], low[:, 1], extent[:, 0], dx * ux + dy * uy, ux, uy, dx * vx + dy * vy, vx, vy])
    planes = torch.stack([start[:, 2], edge1[:, 2], edge2[:, 2], -torch.sign(area)])
    return [
        _spans(linear[:, first:last], planes[:, first:last], turned[used[first:last]] + number, extent[first:last, 1].long(), size, slack)
        for first, last in _chunks((extent[:, 0] * extent[:, 1]).long())
    ]


def _chunks(counts: torch.Tensor) -> list[tuple[int, int]]:
    """Ranges of triangles whose boxes hold about _CHUNK pixels."""
    ends = torch.cumsum(counts, 0)
    ranges, first = [], 0
    while first < len(counts):
        done = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(torch.searchsorted(ends, done + _CHUNK)))
        ranges.append((first, last))
        first = last
    return ranges


def _spans(
    linear: torch.Tensor, planes: torch.Tensor, faces: torch.Tensor, rows: torch.Tensor, size: int, slack: float
) -> tuple[torch.Tensor, ...]:
    """Pixel, depth, face, u, v and sign of the covered pixels of triangles, row by row: in each, only the span between the edges is tried,
    because the boxes of long thin triangles are nearly empty."""
    box, row = _numbered(rows)
    column0, row0, width, u, ux, uy, v, vx, vy = linear.index_select(1, box)
    row = row.to(linear.dtype)
    u, v = u + row * uy, v + row * vy
    low, high = torch.zeros_like(u), width - 1
    for value, step in ((u + slack, ux), (v + slack, vx), (1 + slack - u - v, -ux - vx)):
        crossing = -value / step
        low = torch.where(step > 0, torch.maximum(low, crossing), low)
        high = torch.where(step < 0, torch.minimum(high, crossing), high)
    # A hundredth of a pixel wider than computed; the exact test follows.
    low, high = torch.ceil(low - 0.01).clamp_min(0), torch.floor(torch.minimum(high + 0.01, width - 1))
    span, column = _numbered((high - low + 1).clamp_min(0).long())
    here = torch.stack([low, u, ux, v, vx, column0 + (row0 + row) * size]).index_select(1, span)
    column = here[0] + column
    u, v = here[1] + column * here[2], here[3] + column * here[4]
    inside = torch.nonzero((u >= -slack) & (v >= -slack) & (u + v < 1 + slack))[:, 0]
    u, v = u[inside], v[inside]
    pixel = (here[5] + column)[inside].long()
    box = box[span[inside]]
    z, z1, z2, sign = planes.index_select(1, box)
    return pixel, z + u * z1 + v * z2, faces[box], u, v, sign


def _numbered(counts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """For counts (N,): each index repeated as often as it counts, and 0, 1, 2, ... within each."""
    index = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    return index, torch.arange(len(index), device=counts.device) - (torch.cumsum(counts, 0) - counts)[index]


def nearest(pieces: Fragments) -> Raster:
    """The visible fragments (largest z) of every pixel."""
    size = pieces.size
    depth = pieces.depth.new_full((size * size,), -torch.inf).scatter_reduce_(0, pieces.pixel, pieces.depth, "amax")
    front = torch.nonzero(pieces.depth >= depth[pieces.pixel])[:, 0]
    # Several fragments can be equally near, on an edge for one; the last one wins, whatever the threads do.
    winner = pieces.pixel.new_full((size * size,), -1).scatter_reduce_(0, pieces.pixel[front], front, "amax")
    covered = torch.nonzero(winner >= 0)[:, 0]
    face = pieces.face.new_full((size * size,), -1)
    barycentric = pieces.barycentric.new_zeros(size * size, 3)
    face[covered] = pieces.face[winner[covered]]
    barycentric[covered] = pieces.barycentric[winner[covered]]
    return Raster(face.view(size, size), barycentric.view(size, size, 3), depth.view(size, size))


def rasterize(vertices: torch.Tensor, faces: torch.Tensor, size: int) -> Raster:
    """Nearest surface of the mesh in every pixel of a size x size picture."""
    return nearest(fragments(vertices, faces, size, slack=1e-3))


def interpolate(raster: Raster, faces: torch.Tensor, attributes: torch.Tensor) -> torch.Tensor:
    """Per-vertex attributes (V, C) over the picture, (size, size, C); 0 on the background."""
    corners = attributes[faces.long()[raster.face.clamp_min(0)]]
    values = (corners * raster.barycentric[..., None].to(attributes.dtype)).sum(2)
    return values * raster.mask[..., None]


class LayeredDepth:
    """Exact occupancy along the viewing rays of a closed mesh, or of a union of closed meshes (layered depth images, Shade et al. 1998)."""

    def __init__(self, pieces: Fragments, chosen: torch.Tensor | None = None) -> None:
        """chosen (K,): ids of the fragments that count, all by default."""
        pixel, depth, sign = pieces.pixel, pieces.depth, pieces.sign
        if chosen is not None:
            pixel, depth, sign = pixel[chosen], depth[chosen], sign[chosen]
        self.size = pieces.size
        keys = self._key(pixel, depth)
        # NumPy sorts twice as fast on a CPU.
        order = torch.from_numpy(np.argsort(keys.numpy())) if keys.device.type == "cpu" else torch.argsort(keys)
        self._keys = keys[order]
        # Walking from far (small z) to near, a face turned away enters the solid and one turned to the viewer leaves it.
        self._winding = torch.cumsum(-sign[order], 0)
        self.order = order

    @staticmethod
    def _key(pixel: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
        return pixel.double() * 64 + depth.double().clamp(-31, 31) + 32

    def winding(self, pixel: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
        """Winding number at depths (N,) of the columns through pixel centres (N,); non-zero means inside."""
        padded = torch.cat([self._winding.new_zeros(1), self._winding])
        here = torch.searchsorted(self._keys, self._key(pixel, depth))
        base = torch.searchsorted(self._keys, pixel.double() * 64)
        return padded[here] - padded[base]

    def outer(self) -> torch.Tensor:
        """Ids into the fragments (N,) of those on the boundary of the union: the winding number changes between 0 and not 0."""
        after = self._winding
        pixel = torch.div(self._keys, 64, rounding_mode="floor")
        padded = torch.cat([after.new_zeros(1), after])
        base = padded[torch.searchsorted(self._keys, pixel * 64)]
        before = padded[:-1] - base
        boundary = (before.abs() < 0.5) != ((after - base).abs() < 0.5)
        return self.order[boundary]

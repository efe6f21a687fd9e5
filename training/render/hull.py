"""The closed outside of hair in plain PyTorch, which gives the air between locks its labels.

Locks with air between them teach an implicit field to be thin, and torn, where it is unsure. Near hair, the labels fill what a ball of
`_REACH` cells cannot enter; pictures and normals keep their strands.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch.nn import functional as F

from ...core.geometry.raster import Fragments

_CELLS = 128  # along a side of the crop cube: 3.1 mm
_REACH = 4
_STEPS = 3
_NEAR_SURFACE = 0.1  # of `solid`


@dataclass(frozen=True)
class Hull:
    """Pictures (1, 1, C, C, C) over the crop cube, z first, then y and x: solid in [0, 1], the smoothed union of the pieces and the filled
    air; filled in [0, 1], the air that counts as hair, one cell wider; edge (N, 3) centres of the filled cells beside empty ones."""

    solid: torch.Tensor
    filled: torch.Tensor
    edge: torch.Tensor

    @classmethod
    def of(cls, pieces: Fragments, closed: torch.Tensor, hair: torch.Tensor) -> Self:
        """closed, hair (M,) bool: does the fragment belong to a solid piece, and to a piece of hair?"""
        step = pieces.size // _CELLS
        row, column = pieces.pixel // pieces.size, pieces.pixel % pieces.size
        kept = torch.nonzero(closed & (row % step == step // 2) & (column % step == step // 2) & (pieces.depth.abs() < 1))[:, 0]
        place = (_CELLS - 1 - row[kept] // step) * _CELLS + column[kept] // step
        layer, sign, hair = (pieces.depth[kept] + 1) * (_CELLS / 2), pieces.sign[kept], hair[kept]
        solid, crossed = _occupied(place, layer, sign)
        touched = solid | crossed
        near = _grown(torch.logical_or(*_occupied(place[hair], layer[hair], sign[hair])), _REACH)
        full = ~_grown(~_grown(touched, _REACH), _REACH)
        # A cell that the outermost surface crosses is full only if its centre is.
        full &= solid | ~(crossed & _grown(~full, 1))
        filled = full & near & ~solid
        union = solid | filled
        cells = torch.nonzero(filled & _grown(~union, 1)).flip(1)
        picture = lambda cells: cells.float()[None, None]  # noqa: E731
        return cls(_smooth(_smooth(picture(union))), picture(_grown(filled, 1)), (cells + 0.5) * (2 / _CELLS) - 1)

    def inside(self, points: torch.Tensor) -> torch.Tensor:
        """(N,) bool: is a crop-frame point in air that counts as hair? Of other places this says nothing."""
        return (_at(self.solid, points) > 0.5) & (_at(self.filled, points) > 0.5)

    def samples(self, draw: torch.Tensor, density: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Positions (N, 3) and outward unit normals (N, 3) on the hull where no piece is, about `density` a square crop unit.

        draw (4, M): uniform random numbers, of which as many are used as the hull is large.
        """
        cell = 2 / _CELLS
        count = min(draw.shape[1], round(len(self.edge) * cell**2 * density))
        if not count:
            return self.edge[:0], self.edge[:0]
        draw = draw[:, :count]
        position = self.edge[(draw[0] * len(self.edge)).long().clamp(max=len(self.edge) - 1)] + (draw[1:].T - 0.5) * cell
        for _ in range(_STEPS):
            slope = self._slope(position)
            short = (0.5 - _at(self.solid, position))[:, None] * slope / slope.square().sum(1, keepdim=True).clamp(min=1.0)
            position = position + short.clamp(-cell, cell)
        kept = ((_at(self.solid, position) - 0.5).abs() < _NEAR_SURFACE) & (_at(self.filled, position) > 0.5)
        return position[kept], F.normalize(-self._slope(position[kept]), dim=1, eps=1e-6)

    def _slope(self, points: torch.Tensor) -> torch.Tensor:
        """Gradient (N, 3) of `solid` a crop unit."""
        step = 2 / _CELLS * torch.eye(3, device=points.device)
        ahead, behind = (_at(self.solid, (points + side * step[:, None]).reshape(-1, 3)).view(3, -1) for side in (0.5, -0.5))
        return ((ahead - behind) * (_CELLS / 2)).T


def _occupied(place: torch.Tensor, layer: torch.Tensor, sign: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cells (C, C, C) bool whose centre is inside a union of closed pieces, and cells that its surface crosses, from crossings of the
    columns: place (M,) y * C + x, layer (M,) float z, sign (M,) as of fragments."""
    change = torch.zeros(_CELLS**3, dtype=torch.int16, device=place.device)
    above = (layer + 0.5).long()  # the first cell whose centre lies before the surface
    within = torch.nonzero(above < _CELLS)[:, 0]
    change.index_add_(0, place[within] + above[within] * _CELLS**2, -sign[within].to(change.dtype))
    winding = torch.cumsum(change.view(_CELLS, _CELLS, _CELLS), 0, dtype=torch.int16)
    crossed = torch.zeros(_CELLS**3, dtype=torch.bool, device=place.device)
    crossed[place + layer.long().clamp(max=_CELLS - 1) * _CELLS**2] = True
    return winding != 0, crossed.view_as(winding)


def _grown(cells: torch.Tensor, reach: int) -> torch.Tensor:
    """Dilation by something near a ball: octahedra and cubes in turn."""
    for step in range(reach):
        grown = cells.clone()
        for axis in range(3):
            source = grown.clone() if step % 2 else cells
            low, high = (slice(None),) * axis + (slice(1, None),), (slice(None),) * axis + (slice(None, -1),)
            grown[low] |= source[high]
            grown[high] |= source[low]
        cells = grown
    return cells


def _smooth(cells: torch.Tensor) -> torch.Tensor:
    taps = cells.new_tensor([0.25, 0.5, 0.25])
    for shape in ((3, 1, 1), (1, 3, 1), (1, 1, 3)):
        cells = F.conv3d(cells, taps.view(1, 1, *shape), padding=tuple(k // 2 for k in shape))
    return cells


def _at(cells: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Trilinear values (N,) at crop-frame points (N, 3)."""
    return F.grid_sample(cells, points.view(1, -1, 1, 1, 3), align_corners=False, padding_mode="border").view(-1)

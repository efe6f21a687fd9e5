"""Volume encoder: a fitted surface to features on a grid over the crop cube (JIFF, with the grid spent on the head alone)."""

import torch
from torch import nn
from torch.nn import functional as F

from .layers import ConvNorm

CLOUD_CHANNELS = 9
"""Position (3, crop frame), normal (3) and canonical coordinates (3, as in PriorSurface) of a surface point."""


def surface_clouds(vertices: torch.Tensor, faces: torch.Tensor, rest: torch.Tensor) -> torch.Tensor:
    """(B, V, CLOUD_CHANNELS): what the volume encoder sees of fitted closed meshes with vertices (B, V, 3), faces (F, 3) and
    canonical coordinates rest (V, 3).

    A mirrored sample turns the closed mesh inside out, which the sign of its volume tells. Its normals and canonical coordinates are then
    mirrored too.
    """
    corners = vertices[:, faces]
    cross = torch.linalg.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0])
    outward = (corners[:, :, 0] * cross).sum(dim=(1, 2)).sign()[:, None, None]
    normals = torch.zeros_like(vertices)
    for corner in range(3):
        normals.index_add_(1, faces[:, corner], cross)
    canonical = rest.expand_as(vertices) * torch.cat([outward, *(torch.ones_like(outward),) * 2], dim=-1)
    return torch.cat([vertices, F.normalize(normals * outward, dim=-1, eps=1e-9), canonical], dim=-1)


class UNet3d(nn.Module):
    """Volumes (B, C, n, n, n) to the same size through two halvings, with skips (Çiçek et al. 2016); n divides by 4."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        block = lambda inputs, outputs: nn.Sequential(  # noqa: E731
            ConvNorm(inputs, outputs, dimensions=3), ConvNorm(outputs, outputs, dimensions=3)
        )
        self.down = nn.ModuleList([block(channels * 2**i, channels * 2 ** (i + 1)) for i in range(2)])
        self.up = nn.ModuleList([block(channels * (2**i + 2 ** (i + 1)), channels * 2**i) for i in range(2)])
        self.output = nn.Conv3d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = []
        for down in self.down:
            skips.append(x)
            x = down(F.max_pool3d(x, 2))
        for up in (self.up[1], self.up[0]):
            x = up(torch.cat([skips.pop(), F.interpolate(x, scale_factor=2.0)], dim=1))
        return self.output(x)


class VolumeEncoder(nn.Module):
    """Clouds (B, V, inputs), positions first, to volumes (B, channels, cells, cells, cells) over [-1, 1]³, axes z, y, x."""

    def __init__(self, cells: int, channels: int, inputs: int = CLOUD_CHANNELS) -> None:
        super().__init__()
        self.cells = cells
        self.first = nn.Sequential(nn.Linear(inputs + 3, channels), nn.ReLU(), nn.Linear(channels, channels))
        self.second = nn.Sequential(nn.ReLU(), nn.Linear(2 * channels, channels), nn.ReLU(), nn.Linear(channels, channels))
        self.unet = UNet3d(channels)

    def forward(self, cloud: torch.Tensor) -> torch.Tensor:
        count, cells = len(cloud), self.cells
        place = (cloud[..., :3].float() + 1) * (cells / 2)
        cell = place.floor().long()
        within = ((cell >= 0) & (cell < cells)).all(dim=-1).float()
        x, y, z = cell.clamp(0, cells - 1).unbind(dim=-1)
        rows = torch.arange(count, device=cloud.device)[:, None]
        slot = (((rows * cells + z) * cells + y) * cells + x).reshape(-1)
        weight = within.reshape(-1, 1)
        slots = count * cells**3
        filled = torch.zeros(slots, 1, device=cloud.device).index_add_(0, slot, weight).clamp(min=1)

        def scatter_mean(values: torch.Tensor) -> torch.Tensor:
            total = torch.zeros(slots, values.shape[-1], device=cloud.device)
            return total.index_add_(0, slot, values.flatten(0, 1).float() * weight) / filled

        values = self.first(torch.cat([cloud, (place - cell).to(cloud.dtype) - 0.5], dim=-1))
        pooled = scatter_mean(values)[slot].reshape(values.shape)
        grid = scatter_mean(self.second(torch.cat([values, pooled.to(values.dtype)], dim=-1)))
        return self.unet(grid.reshape(count, cells, cells, cells, -1).permute(0, 4, 1, 2, 3))


def sample_volume(volume: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Trilinear features (B, N, C) of volumes (B, C, n, n, n) at crop-frame points (B, N, 3)."""
    values = F.grid_sample(volume.float(), points[:, :, None, None].float(), align_corners=False, padding_mode="border")
    return values[..., 0, 0].transpose(1, 2)

"""Normal network: photo and fitted model to front normals. It is where the gap between synthetic and real photos is crossed."""

import torch
from torch import nn
from torch.nn import functional as F

from ..models.prior import MAP_CHANNELS
from .layers import ConvNorm, UNet

PHOTO_CHANNELS = 4
"""Masked sRGB in [0, 1] (3) and matte (1)."""
INPUT_SIZE = 256
_WIDTHS = (24, 48, 80, 112, 144)


class NormalNetwork(nn.Module):
    """Crop-frame normals as a residual on the fitted model's rendered normals, so that a weak prediction falls back on the model."""

    def __init__(self, widths: tuple[int, int, int, int, int] = _WIDTHS) -> None:
        super().__init__()
        inputs = PHOTO_CHANNELS + MAP_CHANNELS
        self.encoder = UNet(inputs, widths)
        self.head = ConvNorm(widths[0] + inputs, 24)
        self.output = nn.Conv2d(24, 3, 3, 1, 1)

    def forward(self, photo: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
        """Unnormalised normals (B, 3, S, S) from photo (B, 4, S, S) and prior maps (B, 8, S, S)."""
        x = torch.cat([photo, maps], dim=1)
        fine = F.interpolate(self.encoder(x)[0], scale_factor=2, mode="bilinear", align_corners=False)
        return self.output(self.head(torch.cat([fine, x], dim=1))).float() + maps[:, :3]

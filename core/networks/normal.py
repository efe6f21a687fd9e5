"""Normal network: from a photo and its fitted model to the normals of the front and the back, and a better matte."""

from dataclasses import dataclass
from typing import cast

import torch
from torch import nn
from torch.nn import functional as F

from ..models.prior import MAP_CHANNELS
from .layers import ConvNorm, UNet
from .parsing import FEATURES, Backbone

PHOTO_CHANNELS = 4
"""Masked sRGB in [0, 1] (3) and matte (1)."""
INPUT_SIZE = 256
FRONT, WHOLE = 3, 7
"""Output channels of a file that knows front normals alone, and of one with back normals and matte as well."""
_WIDTHS = (24, 48, 80, 112, 144)
_SURE = 0.01  # of a given matte's 0 and 1; what it is sure of can still be refined


@dataclass
class Relief:
    """Unnormalised crop-frame normals (B, 3, S, S) of the nearest and the farthest surface, and what is to be added to the logits of
    the given matte (B, 1, S, S). The last two are None from a network of front normals alone."""

    front: torch.Tensor
    back: torch.Tensor | None = None
    shift: torch.Tensor | None = None


class NormalNetwork(nn.Module):
    """Everything is a residual, so that a weak prediction falls back on what is known: front normals on the fitted model's rendered
    ones, back normals on their mirror image in z, the matte on the given one. outputs: FRONT or WHOLE.

    backbone: the parsing network's, whose features at every stride are added to the encoder's through convolutions that begin at zero. It
    is shared, never trained, and no part of this network's weights."""

    def __init__(
        self, widths: tuple[int, int, int, int, int] = _WIDTHS, outputs: int = WHOLE, backbone: Backbone | None = None
    ) -> None:  # fmt: skip
        super().__init__()
        inputs = PHOTO_CHANNELS + MAP_CHANNELS
        self.encoder = UNet(inputs, widths)
        self.head = ConvNorm(widths[0] + inputs, 24)
        self.output = nn.Conv2d(24, outputs, 3, 1, 1)
        self._shared = (backbone,)  # in a tuple, it is no submodule
        if backbone is not None:
            self.enter = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels, width in zip(FEATURES, widths, strict=True))
            for convolution in self.enter:
                nn.init.zeros_(cast(nn.Conv2d, convolution).weight)
                nn.init.zeros_(cast(torch.Tensor, cast(nn.Conv2d, convolution).bias))

    @property
    def backbone(self) -> Backbone | None:
        """The shared backbone, if this network reads features."""
        return self._shared[0]

    def forward(self, photo: torch.Tensor, maps: torch.Tensor) -> Relief:
        """From photo (B, 4, S, S) and prior maps (B, 8, S, S)."""
        x = torch.cat([photo, maps], dim=1)
        added: list[torch.Tensor] = []
        if self.backbone is not None:
            features = self.backbone(photo[:, :3])
            added = [enter(values) for enter, values in zip(self.enter, features, strict=True)]
        fine = F.interpolate(self.encoder(x, added)[0], scale_factor=2, mode="bilinear", align_corners=False)
        values = self.output(self.head(torch.cat([fine, x.to(fine.dtype)], dim=1))).float()
        model = maps[:, :3]
        if values.shape[1] == FRONT:
            return Relief(values + model)
        away = model * model.new_tensor([1, 1, -1])[:, None, None]
        return Relief(values[:, :3] + model, values[:, 3:6] + away, values[:, 6:])


def matte_logits(matte: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """Logits of the refined matte from the given one in [0, 1] and the network's shift, of one shape."""
    return torch.logit(matte.float(), _SURE) + shift


def refined_matte(matte: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """The refined matte in [0, 1]; the given one where the shift is 0."""
    return ((torch.sigmoid(matte_logits(matte, shift)) - _SURE) / (1 - 2 * _SURE)).clamp(0, 1)

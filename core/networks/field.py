"""The implicit field: a correction of the fitted model's signed distance, and a colour, from pixel-aligned features."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from ..models.prior import MAP_CHANNELS
from .layers import UNet, positional_encoding
from .normal import PHOTO_CHANNELS

_DEPTH_OCTAVES, _CODE_OCTAVES = 4, 3
_RESIDUAL_SCALE = 0.1  # crop units; the distance is learned up to this truncation


class PointMLP(nn.Module):
    """Point features to outputs, with the input repeated before the third layer as in PIFu."""

    def __init__(self, inputs: int, outputs: int, hidden: tuple[int, int, int] = (192, 192, 128)) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, hidden[0])
        self.second = nn.Linear(hidden[0], hidden[1])
        self.third = nn.Linear(hidden[1] + inputs, hidden[2])
        self.fourth = nn.Linear(hidden[2], 64)
        self.output = nn.Linear(64, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = F.leaky_relu(self.first(x), 0.02)
        h = F.leaky_relu(self.second(h), 0.02)
        h = F.leaky_relu(self.third(torch.cat([h, x], dim=-1)), 0.02)
        return self.output(F.leaky_relu(self.fourth(h), 0.02))


@dataclass
class Encoded:
    """Feature maps of a batch: three scales, and the pictures that are sampled as they are."""

    scales: list[torch.Tensor]
    pictures: torch.Tensor


class ImplicitField(nn.Module):
    """Configuration `likeness`: multi-scale features of photo, predicted normals and the model's maps; prior features; facing gate.

    Points are in the crop frame. A point whose nearest fitted surface faces away sees only the coarse features, or the face in
    the photo would appear again on the back of the head.
    """

    def __init__(self, widths: tuple[int, int, int, int, int] = (24, 48, 96, 128, 160)) -> None:
        super().__init__()
        self.encoder = UNet(PHOTO_CHANNELS + MAP_CHANNELS + 3, widths)
        pixel = sum(widths[:3]) + 6
        space = 1 + 1 + 2 * _DEPTH_OCTAVES + 5 + 6 + 6 * _CODE_OCTAVES
        self.distance = PointMLP(pixel + space, 1)
        self.colour = PointMLP(pixel + space, 3)
        with torch.no_grad():
            self.distance.output.weight.mul_(0.1)
            self.distance.output.bias.zero_()

    def encode(self, photo: torch.Tensor, maps: torch.Tensor, normals: torch.Tensor) -> Encoded:
        """photo (B, 4, S, S), prior maps (B, 8, S, S), predicted unit normals (B, 3, S, S), zero outside the matte."""
        scales = self.encoder(torch.cat([photo, maps, normals], dim=1))
        return Encoded(scales, torch.cat([photo[:, :3], normals], dim=1))

    def features(self, encoded: Encoded, points: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
        """Point features (B, N, C) of points (B, N, 3) with prior features (B, N, 7)."""
        where = torch.stack([points[..., 0], -points[..., 1]], dim=-1)[:, :, None]

        def sample(picture: torch.Tensor) -> torch.Tensor:
            values = F.grid_sample(picture.float(), where, align_corners=False, padding_mode="border")
            return values[..., 0].transpose(1, 2)

        distance, code, normal = prior[..., :1], prior[..., 1:4], prior[..., 4:]
        gate = torch.sigmoid((normal[..., 2:] + 0.1) * 8)
        depth = points[..., 2:]
        return torch.cat(
            [
                sample(encoded.scales[0]) * gate,
                sample(encoded.scales[1]) * gate,
                sample(encoded.scales[2]),
                sample(encoded.pictures) * gate,
                gate,
                depth,
                positional_encoding(depth, _DEPTH_OCTAVES),
                distance.clamp(-0.5, 0.5) * 4,
                *(torch.tanh(distance * k) for k in (8, 20, 50)),
                distance.abs().clamp(0, 1).sqrt(),
                code,
                normal,
                positional_encoding(code, _CODE_OCTAVES),
            ],
            dim=-1,
        )

    def signed_distance(self, features: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
        """(B, N) crop units, negative inside: the model's distance plus a learned correction."""
        return prior[..., 0] + self.distance(features)[..., 0].float() * _RESIDUAL_SCALE

    def colours(self, features: torch.Tensor) -> torch.Tensor:
        """(B, N, 3) sRGB in [0, 1]."""
        return torch.sigmoid(self.colour(features).float())

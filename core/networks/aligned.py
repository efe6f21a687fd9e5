"""Pixel-aligned features: what a network reads at a point, from a photo, its fitted model and a volume around it."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from ..models.prior import MAP_CHANNELS
from .config import FieldConfig
from .layers import UNet, positional_encoding
from .normal import PHOTO_CHANNELS
from .views import facing_weight, pool_views
from .volume import VolumeEncoder, sample_volume

EMBEDDED = 64
"""Width of a point network's last hidden layer."""
EVEN = 2048
"""Numbers of points that are multiples of this are evaluated fastest on CPUs."""
_SLOPE = 0.02  # of the leaky ReLUs below 0


class PointMLP(nn.Module):
    """Point features to outputs, with the input repeated before the third layer as in PIFu.

    Features (V, ..., C) of several views with their visibility (V, ...) are pooled after the second layer, input included.
    """

    def __init__(self, inputs: int, outputs: int, hidden: tuple[int, int, int] = (192, 192, 128)) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, hidden[0])
        self.second = nn.Linear(hidden[0], hidden[1])
        self.third = nn.Linear(hidden[1] + inputs, hidden[2])
        self.fourth = nn.Linear(hidden[2], EMBEDDED)
        self.output = nn.Linear(EMBEDDED, outputs)

    def embed(self, x: torch.Tensor, visibility: torch.Tensor | None = None) -> torch.Tensor:
        """The last hidden layer's activations."""
        h = _activated(self.first, x)
        x = x.to(h.dtype)  # joining two precisions takes ten times as long
        h = _activated(self.second, h)
        if visibility is not None:
            h, x = pool_views(h, visibility), pool_views(x, visibility)
        return _activated(self.fourth, _activated(self.third, torch.cat([h, x], dim=-1)))

    def forward(self, x: torch.Tensor, visibility: torch.Tensor | None = None) -> torch.Tensor:
        return self.output(self.embed(x, visibility))


def _activated(layer: nn.Linear, x: torch.Tensor) -> torch.Tensor:
    """A layer and its leaky ReLU. Where oneDNN can do both in one, it does: on AMD's processors twice as fast as MKL, which torch takes.

    It keeps some MB for each number of points that it has ever met, so it gets multiples of EVEN alone.
    """
    plain = x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    if plain and x.shape[-2] % EVEN == 0 and not torch.is_grad_enabled() and torch.backends.mkldnn.is_available():
        return torch.ops.mkldnn._linear_pointwise(x, layer.weight, layer.bias, "leaky_relu", [_SLOPE], "")
    return F.leaky_relu(layer(x), _SLOPE, inplace=True)


@dataclass
class Encoded:
    """What is computed once for a batch of photos: feature maps, finest first; pictures that are sampled as they are; the volume."""

    scales: list[torch.Tensor]
    pictures: torch.Tensor | None = None
    volume: torch.Tensor | None = None


class PixelAligned(nn.Module):
    """The encoders of any configuration, and the features of points; core/networks/config.py says what there is.

    Points are in the crop frame. With the facing gate, a point whose nearest fitted surface faces away sees only the coarsest features,
    or the face in the photo would appear again on the back of the head.
    """

    def __init__(self, config: FieldConfig) -> None:
        super().__init__()
        self.config = config
        self.image_columns, self.space_columns = _columns(config)
        if config.scales:
            inputs = PHOTO_CHANNELS + MAP_CHANNELS * config.maps + 3 * config.normals
            self.encoder = UNet(inputs, config.widths, config.scales)
        if config.volume:
            self.volume = VolumeEncoder(config.volume, config.volume_channels)

    def encode(
        self, photo: torch.Tensor, maps: torch.Tensor | None, normals: torch.Tensor | None, cloud: torch.Tensor | None = None
    ) -> Encoded:
        """photo (B, 4, S, S), prior maps (B, 8, S, S), predicted unit normals (B, 3, S, S), zero outside the matte, and the fitted
        surface's cloud (B, V, 9); what the configuration does not name may be None."""
        scales, pictures, volume = [], None, None
        if self.config.scales:
            inputs = [photo, *([maps] if self.config.maps else []), *([normals] if self.config.normals else [])]
            scales = self.encoder(torch.cat([picture for picture in inputs if picture is not None], dim=1))
        if self.config.pixels:
            pictures = torch.cat([photo[:, :3], normals], dim=1) if self.config.normals and normals is not None else photo[:, :3]
        if self.config.volume:
            assert cloud is not None
            volume = self.volume(cloud)
        return Encoded(scales, pictures, volume)

    def features(self, encoded: Encoded, points: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
        """Point features (B, N, C) of points (B, N, 3) with prior features (B, N, 7): image columns, then columns of space."""
        config = self.config
        columns: list[torch.Tensor] = []
        distance, canonical, normal = prior[..., :1], prior[..., 1:4], prior[..., 4:]
        if config.scales:
            where = torch.stack([points[..., 0], -points[..., 1]], dim=-1)[:, :, None]
            gate = facing_weight(prior)[..., None]

            def sample(picture: torch.Tensor, hidden: bool) -> torch.Tensor:
                values = F.grid_sample(picture.float(), where, align_corners=False, padding_mode="border")[..., 0].transpose(1, 2)
                return values * gate if hidden and config.gate else values

            columns += [sample(picture, stride < 8) for stride, picture in zip(config.scales, encoded.scales, strict=True)]
            if encoded.pictures is not None:
                columns.append(sample(encoded.pictures, True))
            if config.gate:
                columns.append(gate)
            depth = points[..., 2:]
            columns += [depth, positional_encoding(depth, config.depth_octaves)] if config.depth_octaves else [depth]
        if config.prior:
            columns += [
                distance.clamp(-0.5, 0.5) * 4,
                *(torch.tanh(distance * k) for k in (8, 20, 50)),
                distance.abs().clamp(0, 1).sqrt(),
                canonical,
                normal,
            ]
            if config.correspondence_octaves:
                columns.append(positional_encoding(canonical, config.correspondence_octaves))
        if encoded.volume is not None:
            columns.append(sample_volume(encoded.volume, points))
        return torch.cat(columns, dim=-1)

    def features_of_views(
        self, encoded: list[Encoded], points: list[torch.Tensor], priors: list[torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (V, B, N, C) and visibility (V, B, N) of the same N points in several views, for `shape` and `colours`.

        Each view has its encoding, and the points (B, N, 3) and their prior features (B, N, 7) in its own crop frame.
        """
        features = [self.features(*view) for view in zip(encoded, points, priors, strict=True)]
        return torch.stack(features), torch.stack([facing_weight(prior) for prior in priors])


def _columns(config: FieldConfig) -> tuple[int, int]:
    """Numbers of feature columns that come from the image and from space."""
    image = 0
    if config.scales:
        image += sum(config.widths[stride.bit_length() - 2] for stride in config.scales)
        image += (3 + 3 * config.normals) * config.pixels + config.gate + 1 + 2 * config.depth_octaves
    space = (11 + 6 * config.correspondence_octaves) * config.prior + config.volume_channels * bool(config.volume)
    return image, space

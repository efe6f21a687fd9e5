"""The implicit field: what is where around a head, from pixel-aligned features of its photo and features of the fitted model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch
from torch import nn
from torch.nn import functional as F

from ..models.prior import MAP_CHANNELS
from .config import LIKENESS, FieldConfig
from .layers import UNet, positional_encoding
from .normal import PHOTO_CHANNELS
from .semantic import fitted_code
from .views import facing_weight, pool_views
from .volume import VolumeEncoder, sample_volume

LOGITS = 60.0
"""Logits of being inside a crop unit of depth: every field answers with distances, an occupancy field with logits divided by this."""
_DISTANCE_SCALE = 0.1  # crop units; distances are learned up to this truncation
_EMBEDDED = 64


class PointMLP(nn.Module):
    """Point features to outputs, with the input repeated before the third layer as in PIFu.

    Features (V, ..., C) of several views with their visibility (V, ...) are pooled after the second layer, input included.
    """

    def __init__(self, inputs: int, outputs: int, hidden: tuple[int, int, int] = (192, 192, 128)) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, hidden[0])
        self.second = nn.Linear(hidden[0], hidden[1])
        self.third = nn.Linear(hidden[1] + inputs, hidden[2])
        self.fourth = nn.Linear(hidden[2], _EMBEDDED)
        self.output = nn.Linear(_EMBEDDED, outputs)

    def embed(self, x: torch.Tensor, visibility: torch.Tensor | None = None) -> torch.Tensor:
        """The last hidden layer's activations."""
        h = F.leaky_relu(self.first(x), 0.02)
        h = F.leaky_relu(self.second(h), 0.02)
        if visibility is not None:
            h, x = pool_views(h, visibility), pool_views(x, visibility)
        h = F.leaky_relu(self.third(torch.cat([h, x], dim=-1)), 0.02)
        return F.leaky_relu(self.fourth(h), 0.02)

    def forward(self, x: torch.Tensor, visibility: torch.Tensor | None = None) -> torch.Tensor:
        return self.output(self.embed(x, visibility))


@dataclass
class Encoded:
    """What is computed once for a batch of photos: feature maps, finest first; pictures that are sampled as they are; the volume."""

    scales: list[torch.Tensor]
    pictures: torch.Tensor | None = None
    volume: torch.Tensor | None = None


@dataclass
class Shape:
    """A field's answer at points: signed distance (B, N) in crop units, negative inside; semantic code (B, N, 3), fading with distance,
    if it predicts one; stages: answers of the parts that are supervised beside the whole."""

    distance: torch.Tensor
    code: torch.Tensor | None = None
    stages: tuple[Self, ...] = ()


class ImplicitField(nn.Module):
    """A field of any configuration; core/networks/config.py says what there is.

    Points are in the crop frame. With the facing gate, a point whose nearest fitted surface faces away sees only the coarsest features,
    or the face in the photo would appear again on the back of the head.
    """

    def __init__(self, config: FieldConfig = LIKENESS) -> None:
        super().__init__()
        self.config = config
        self._image_columns, space = _columns(config)
        if config.scales:
            inputs = PHOTO_CHANNELS + MAP_CHANNELS * config.maps + 3 * config.normals
            self.encoder = UNet(inputs, config.widths, config.scales)
        if config.volume:
            self.volume = VolumeEncoder(config.volume, config.volume_channels)
        width = self._image_columns + space
        outputs = 4 if config.code_out else 1
        if config.code_in == "predicted":
            self.semantic = PointMLP(width, 4)
        joint = width + 3 * (config.code_in != "none")
        if config.fusion == "mlp":
            self.image_branch = PointMLP(self._image_columns, 1)
            self.space_branch = PointMLP(space, 1)
            joint += 2 * _EMBEDDED
        self.distance = PointMLP(joint, outputs)
        self.colour = PointMLP(width, 3)
        with torch.no_grad():
            self.distance.output.weight.mul_(0.1)
            self.distance.output.bias.zero_()

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
        distance, code, normal = prior[..., :1], prior[..., 1:4], prior[..., 4:]
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
                code,
                normal,
            ]
            if config.code_octaves:
                columns.append(positional_encoding(code, config.code_octaves))
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

    def shape(
        self,
        features: torch.Tensor,
        prior: torch.Tensor,
        alter_code: Callable[[torch.Tensor], torch.Tensor] | None = None,
        visibility: torch.Tensor | None = None,
    ) -> Shape:
        """The field at points with features (B, N, C) and prior features (B, N, 7).

        alter_code: applied in training to the codes (B, N, 3) that the points are given. Features of several views are (V, B, N, C) with
        their visibility (V, B, N); `prior` may be any view's then, because only distance and code are read from it.
        """
        pooled = features if visibility is None else pool_views(features, visibility)
        stages: list[Shape] = []
        if self.config.code_in != "none":
            if self.config.code_in == "predicted":
                stages.append(self._answer(self.semantic(features, visibility), prior))
                code = stages[0].code
                assert code is not None
                code = code.detach()
            else:
                code = fitted_code(prior)
            code = alter_code(code) if alter_code is not None else code
            pooled = torch.cat([pooled, code.to(pooled.dtype)], dim=-1)
            features = torch.cat([features, code.to(features.dtype).expand(*features.shape[:-1], 3)], dim=-1)
        if self.config.fusion == "concatenate":
            values = self.distance(features, visibility)
        else:
            image, space = features.split([self._image_columns, features.shape[-1] - self._image_columns], dim=-1)
            space = space[..., : self.space_branch.first.in_features]
            parts = [self.image_branch.embed(image, visibility), self.space_branch.embed(space, visibility)]
            for branch, part in zip((self.image_branch, self.space_branch), parts, strict=True):
                stages.append(self._answer(branch.output(part), prior))
            values = self.distance(torch.cat([*parts, pooled.to(parts[0].dtype)], dim=-1))
        answer = self._answer(values, prior)
        answer.stages = tuple(stages)
        return answer

    def signed_distance(self, features: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
        """(B, N) crop units, negative inside."""
        return self.shape(features, prior).distance

    def colours(self, features: torch.Tensor, visibility: torch.Tensor | None = None) -> torch.Tensor:
        """(B, N, 3) sRGB in [0, 1]."""
        return torch.sigmoid(self.colour(features, visibility).float())

    def _answer(self, values: torch.Tensor, prior: torch.Tensor) -> Shape:
        values = values.float()
        code = torch.sigmoid(values[..., 1:]) if values.shape[-1] > 1 else None
        if self.config.output == "occupancy":
            return Shape(-values[..., 0] / LOGITS, code)
        learned = values[..., 0] * _DISTANCE_SCALE
        return Shape(prior[..., 0] + learned if self.config.output == "residual" else learned, code)


def _columns(config: FieldConfig) -> tuple[int, int]:
    """Numbers of feature columns that come from the image and from space."""
    image = 0
    if config.scales:
        image += sum(config.widths[stride.bit_length() - 2] for stride in config.scales)
        image += (3 + 3 * config.normals) * config.pixels + config.gate + 1 + 2 * config.depth_octaves
    space = (11 + 6 * config.code_octaves) * config.prior + config.volume_channels * bool(config.volume)
    return image, space

"""Colour network (JIFF's coarse-to-fine texture with dual encoders): colours of points, hidden ones included."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]
from torch import nn
from torch.nn import functional as F

from .aligned import EMBEDDED, Encoded, PixelAligned, PointMLP
from .config import FieldConfig
from .layers import UNet
from .normal import PHOTO_CHANNELS
from .views import facing_weight
from .volume import CLOUD_CHANNELS, VolumeEncoder, sample_volume

FINE_SIZE = 512
"""Pixels a side of the crop that the fine branch reads."""
_TEXTURE = 4  # colour and its trust
_TOLERANCE = 0.02  # crop units behind the rendered fitted surface at which a vertex still counts as seen
_GRAZING = (0.17, 0.5)  # cosines between which trust in a projected colour grows
_MIRRORED = 0.5  # trust in the other side's colour
_CORRESPONDENCE_OCTAVES = 3


@dataclass(frozen=True)
class ColourConfig(FieldConfig):
    """What a ColourNetwork is made of: the coarse branch reads what a field of this configuration reads.

    fine: second, finer branch; without it the network is the coarse branch. textured: the fine branch reads a volume around the fitted
    model with the photo's colours on it (JIFF, tables 3 and 4). fine_widths: channels of its encoder at strides 2 to 32.
    cells, cell_channels: of that volume.
    """

    fine: bool = True
    textured: bool = True
    fine_widths: tuple[int, ...] = (24, 32, 48, 64, 80)
    cells: int = 32
    cell_channels: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.fine_widths) != 5 or not all(1 <= width <= 256 for width in self.fine_widths):
            raise ValueError("fine_widths must be five numbers of channels between 1 and 256")
        if self.cells not in (16, 32, 64) or not 8 <= self.cell_channels <= 128 or self.cell_channels % 8:
            raise ValueError("cells must be 16, 32 or 64, with a multiple of 8 channels up to 128")
        if self.textured and not self.fine:
            raise ValueError("the textured model is read by the fine branch")
        if not self.prior or not self.scales:
            raise ValueError("colours need an image and the prior's features")


class Pictures(NamedTuple):
    """What a colour network is given: photo (B, 4, S, S) of FINE_SIZE or any other, maps (B, 8, s, s), unit normals (B, 3, s, s), the
    fitted surface's cloud (B, V, 9) with the vertex mirror (V,) of `mirror_of`. eye_depth: the crop frame's, from which the maps count."""

    photo: torch.Tensor
    maps: torch.Tensor
    normals: torch.Tensor | None
    cloud: torch.Tensor
    mirror: torch.Tensor
    eye_depth: float


class ColourFeatures(NamedTuple):
    """What is computed once for a batch of photos."""

    coarse: Encoded
    fine: torch.Tensor | None
    texture: torch.Tensor | None


class ColourNetwork(PixelAligned):
    """The coarse branch is a field's colour head on features at several scales. The fine branch reads a larger photo, the textured
    model's volume and the coarse branch's last hidden layer (JIFF's Ω), and corrects the coarse answer."""

    def __init__(self, config: ColourConfig | None = None) -> None:
        config = config or ColourConfig()
        super().__init__(config)
        self.colours_config = config
        self.colour = PointMLP(self.image_columns + self.space_columns, 3)
        if config.fine:
            self.fine = UNet(PHOTO_CHANNELS, config.fine_widths, (2,))
            inputs = config.fine_widths[0] + PHOTO_CHANNELS + 1 + EMBEDDED + 9
            if config.textured:
                self.texture = VolumeEncoder(config.cells, config.cell_channels, CLOUD_CHANNELS + _TEXTURE)
                inputs += config.cell_channels
            self.detail = PointMLP(inputs, 3)
            nn.init.zeros_(self.detail.output.weight)
            nn.init.zeros_(self.detail.output.bias)

    def encode_pictures(self, pictures: Pictures) -> ColourFeatures:
        """Encodes a batch of photos."""
        photo, config = pictures.photo, self.colours_config
        small = resized(photo, pictures.maps.shape[-1])
        coarse = self.encode(small, pictures.maps, pictures.normals, pictures.cloud)
        if not config.fine:
            return ColourFeatures(coarse, None, None)
        fine = torch.cat([self.fine(photo)[0], F.avg_pool2d(photo, 2)], dim=1)
        texture = self.texture(textured(pictures, small)) if config.textured else None
        return ColourFeatures(coarse, fine, texture)

    def colours(self, features: ColourFeatures, points: torch.Tensor, prior: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """sRGB (B, N, 3) in [0, 1] at points (B, N, 3) with prior features (B, N, 7), and the coarse branch's own answer."""
        embedded = self.colour.embed(self.features(features.coarse, points, prior))
        coarse = self.colour.output(embedded).float()
        if features.fine is None:
            return torch.sigmoid(coarse), torch.sigmoid(coarse)
        where = torch.stack([points[..., 0], -points[..., 1]], dim=-1)[:, :, None]
        gate = facing_weight(prior)[..., None]
        seen = F.grid_sample(features.fine.float(), where, align_corners=False, padding_mode="border")[..., 0].transpose(1, 2)
        columns = [seen * gate, gate, embedded.float(), points, prior[..., 1:]]
        if features.texture is not None:
            columns.append(sample_volume(features.texture, points))
        fine = coarse + self.detail(torch.cat(columns, dim=-1)).float()
        return torch.sigmoid(fine), torch.sigmoid(coarse)


def textured(pictures: Pictures, photo: torch.Tensor) -> torch.Tensor:
    """Clouds (B, V, 13): the photo's colours (B, 4, s, s) on the fitted model's visible vertices, and their trust; a hidden vertex has
    the colour of the same place on the other side of the head, trusted less, or none."""
    cloud, mirror = pictures.cloud, pictures.mirror
    where = torch.stack([cloud[..., 0], -cloud[..., 1]], dim=-1)[:, :, None]
    sample = lambda picture: F.grid_sample(picture.float(), where, align_corners=False)[..., 0].transpose(1, 2)  # noqa: E731
    masked, rendered = sample(photo), sample(pictures.maps)
    # Rendered depth counts from between the eyes and is 0 off the model: divided by the rendered mask it is right at edges too.
    front = rendered[..., 6:7] / rendered[..., 7:8].clamp(min=1e-3) + pictures.eye_depth
    seen = (cloud[..., 2:3] > front - _TOLERANCE) & (rendered[..., 7:8] > 0.5)
    low, high = _GRAZING
    trust = ((cloud[..., 5:6] - low) / (high - low)).clamp(0, 1) * seen * (masked[..., 3:] - 0.5).clamp(min=0) * 2
    colour = masked[..., :3] / masked[..., 3:].clamp(min=0.1)
    other = (1 - trust) * trust[:, mirror] * _MIRRORED
    total = trust + other
    mixed = (colour * trust + colour[:, mirror] * other) / total.clamp(min=1e-6)
    return torch.cat([cloud, mixed.clamp(0, 1) * (total > 0), total], dim=-1)


def mirror_of(rest: np.ndarray) -> torch.Tensor:
    """Index (V,) of the vertex nearest to each one's mirror image, by places (V, 3) on the mean bust, odd in x."""
    return torch.from_numpy(cKDTree(rest).query(rest * [-1, 1, 1])[1])


def resized(photo: torch.Tensor, size: int) -> torch.Tensor:
    """Photos (B, C, S, S) at another size, averaged where they shrink."""
    if photo.shape[-1] == size:
        return photo
    shrinks = photo.shape[-1] > size
    options: dict[str, Any] = {"mode": "area"} if shrinks else {"mode": "bilinear", "align_corners": False}
    return F.interpolate(photo, size=(size, size), **options)

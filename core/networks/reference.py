"""The papers' own networks at their own widths, with the names of the published state dicts, so that those load unchanged.

PIFu and Tex-PIFu (Saito et al. 2019), PIFuHD (Saito et al. 2020) and SeIF; written from the papers and the published files' key tables.
All read square images in [-1, 1], multiplied by the mask, and points (B, N, 3) of the unit cube: x right, y up, z towards the viewer.
`checkpoints.py` reads the files. Nothing here is bundled or trained by us; the files have licences of their own.
"""

from collections.abc import Callable, Sequence
from typing import Self, cast

import torch
from torch import nn
from torch.nn import functional as F

DEPTH_SCALE = 1.28
"""Depth feature of a point at z = 1: half the 512 pixels of an input over the 200 units of depth that PIFu normalises by."""
_GROUPS = 32


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(_GROUPS, channels)


class ConvBlock(nn.Module):
    """Pre-activated 3x3 convolutions of a half, a quarter and a quarter of the outputs, side by side, plus the input (Bulat 2017)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half, quarter = outputs // 2, outputs // 4
        self.conv1 = nn.Conv2d(inputs, half, 3, 1, 1, bias=False)
        self.conv2 = nn.Conv2d(half, quarter, 3, 1, 1, bias=False)
        self.conv3 = nn.Conv2d(quarter, quarter, 3, 1, 1, bias=False)
        self.bn1, self.bn2, self.bn3, self.bn4 = _norm(inputs), _norm(half), _norm(quarter), _norm(inputs)
        # The published files hold bn4 in every block, and again within `downsample`.
        self.downsample = nn.Sequential(self.bn4, nn.ReLU(), nn.Conv2d(inputs, outputs, 1, bias=False)) if inputs != outputs else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.conv1(F.relu(self.bn1(x)))
        second = self.conv2(F.relu(self.bn2(first)))
        third = self.conv3(F.relu(self.bn3(second)))
        return torch.cat([first, second, third], dim=1) + (x if self.downsample is None else self.downsample(x))


class Hourglass(nn.Module):
    """`depth` halvings and bicubic doublings, with a block at every level on either way (Newell et al. 2016)."""

    def __init__(self, depth: int, channels: int) -> None:
        super().__init__()
        self.depth = depth
        for level in range(depth, 0, -1):
            for name in ("b1", "b2", "b3"):
                self.add_module(f"{name}_{level}", ConvBlock(channels, channels))
        self.b2_plus_1 = ConvBlock(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._level(self.depth, x)

    def _level(self, level: int, x: torch.Tensor) -> torch.Tensor:
        low = self.get_submodule(f"b2_{level}")(F.avg_pool2d(x, 2))
        low = self._level(level - 1, low) if level > 1 else self.b2_plus_1(low)
        low = self.get_submodule(f"b3_{level}")(low)
        return self.get_submodule(f"b1_{level}")(x) + F.interpolate(low, scale_factor=2, mode="bicubic", align_corners=True)


class HGFilter(nn.Module):
    """Stacked hourglasses: pictures (B, inputs, S, S) to one feature map (B, outputs, S/4, S/4) a stack; S/2 without the second halving."""

    def __init__(self, inputs: int = 3, stacks: int = 4, depth: int = 2, outputs: int = 256, halve: bool = True) -> None:
        super().__init__()
        self.stacks, self.halve = stacks, halve
        self.conv1 = nn.Conv2d(inputs, 64, 7, 2, 3)
        self.bn1 = _norm(64)
        self.conv2, self.conv3, self.conv4 = ConvBlock(64, 128), ConvBlock(128, 128), ConvBlock(128, 256)
        for stack in range(stacks):
            self.add_module(f"m{stack}", Hourglass(depth, 256))
            self.add_module(f"top_m_{stack}", ConvBlock(256, 256))
            self.add_module(f"conv_last{stack}", nn.Conv2d(256, 256, 1))
            self.add_module(f"bn_end{stack}", _norm(256))
            self.add_module(f"l{stack}", nn.Conv2d(256, outputs, 1))
            if stack < stacks - 1:
                self.add_module(f"bl{stack}", nn.Conv2d(256, 256, 1))
                self.add_module(f"al{stack}", nn.Conv2d(outputs, 256, 1))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = self.conv2(F.relu(self.bn1(self.conv1(x))))
        x = self.conv4(self.conv3(F.avg_pool2d(x, 2) if self.halve else x))
        outputs = []
        for stack in range(self.stacks):
            part = lambda name, stack=stack: self.get_submodule(f"{name}{stack}")  # noqa: E731
            y = F.relu(part("bn_end")(part("conv_last")(part("top_m_")(part("m")(x)))))
            outputs.append(part("l")(y))
            if stack < self.stacks - 1:
                x = x + part("bl")(y) + part("al")(outputs[-1])
        return outputs


class ResnetFilter(nn.Module):
    """Tex-PIFu's colour encoder (Johnson et al. 2016 without the decoder): (B, 3, S, S) to (B, 256, S/4, S/4)."""

    def __init__(self, blocks: int = 6) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, 64, 7, bias=False), _norm(64), nn.ReLU()]
        for inputs in (64, 128):
            layers += [nn.Conv2d(inputs, 2 * inputs, 3, 2, 1, bias=False), _norm(2 * inputs), nn.ReLU()]
        layers += [_ReflectBlock(256, _norm, bias=False, last=index == blocks - 1) for index in range(blocks)]
        self.model = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)


class GlobalGenerator(nn.Module):
    """pix2pixHD's global generator (Wang et al. 2018), which PIFuHD and SeIF predict normals with: (B, 3, S, S) to the same in (-1, 1)."""

    def __init__(self, inputs: int = 3, outputs: int = 3, width: int = 64, halvings: int = 4, blocks: int = 9) -> None:
        super().__init__()
        plain = nn.InstanceNorm2d
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(inputs, width, 7), plain(width), nn.ReLU()]
        for _ in range(halvings):
            layers += [nn.Conv2d(width, 2 * width, 3, 2, 1), plain(2 * width), nn.ReLU()]
            width *= 2
        layers += [_ReflectBlock(width, plain, bias=True) for _ in range(blocks)]
        for _ in range(halvings):
            layers += [nn.ConvTranspose2d(width, width // 2, 3, 2, 1, 1), plain(width // 2), nn.ReLU()]
            width //= 2
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(width, outputs, 7), nn.Tanh())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)


class _ReflectBlock(nn.Module):
    """Two convolutions with mirrored borders and the input added; the colour encoder's last one has no final norm."""

    def __init__(self, channels: int, norm: Callable[[int], nn.Module], bias: bool, last: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3, bias=bias), norm(channels), nn.ReLU()]
        layers += [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3, bias=bias)]
        self.conv_block = nn.Sequential(*layers, *([] if last else [norm(channels)]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv_block(x)


class SkipMLP(nn.Module):
    """1x1 convolutions over points (B, C, N); the input is repeated before the layers in `skips`. Without a last activation."""

    def __init__(self, widths: Sequence[int], skips: Sequence[int], normed: bool = False) -> None:
        super().__init__()
        self.skips, self._names = tuple(skips), [f"conv{i}" for i in range(len(widths) - 1)]
        for i, name in enumerate(self._names):
            self.add_module(name, nn.Conv1d(widths[i] + widths[0] * (i in self.skips), widths[i + 1], 1))
        self.norms = nn.ModuleList(_norm(width) for width in widths[1:-1]) if normed else None

    def layer(self, index: int) -> nn.Conv1d:
        """One of the convolutions."""
        return cast(nn.Conv1d, self.get_submodule(self._names[index]))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Outputs (B, C', N), and the activations after the third layer, which coarse-to-fine networks hand on."""
        y, handed_on, last = x, x, len(self._names) - 1
        for i in range(len(self._names)):
            y = self.layer(i)(torch.cat([y, x], dim=1) if i in self.skips else y)
            if i < last:
                y = F.leaky_relu(y if self.norms is None else self.norms[i](y), 0.01)
            if i == 2:
                handed_on = y
        return y, handed_on


class FilterMLP(SkipMLP):
    """The same with PIFuHD's names: a list `filters`."""

    def __init__(self, widths: Sequence[int], skips: Sequence[int], normed: bool = False) -> None:
        super().__init__(widths, skips, normed)
        convolutions = [self.get_submodule(name) for name in self._names]
        for name in self._names:
            delattr(self, name)
        self.filters = nn.ModuleList(convolutions)
        self._names = [f"filters.{i}" for i in range(len(convolutions))]


def sample_map(features: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Bilinear features (B, C, N) of a map (B, C, H, W) at points (B, N, 3), its corners at the cube's edges, zero beyond."""
    where = torch.stack([points[..., 0], -points[..., 1]], dim=-1)[:, :, None]
    return F.grid_sample(features, where, align_corners=True)[..., 0]


def within(points: torch.Tensor, axes: int) -> torch.Tensor:
    """(B, 1, N) 1 where the first `axes` coordinates lie in [-1, 1]; elsewhere the published networks answer 0."""
    return (points[..., :axes].abs() <= 1).all(dim=-1)[:, None].float()


class ReferencePifu(nn.Module):
    """PIFu's geometry network, and both networks of SeIF, which adds a semantic correspondence to the outputs (and inputs)."""

    def __init__(self, image_filter: HGFilter, surface_classifier: SkipMLP, depth_sign: float = 1.0) -> None:
        super().__init__()
        self.image_filter, self.surface_classifier = image_filter, surface_classifier
        self._depth = depth_sign * DEPTH_SCALE  # SeIF's depth grows away from the viewer

    @classmethod
    def with_random_weights(cls) -> Self:
        """PIFu's geometry network as published: 15.6 M parameters."""
        return cls(HGFilter(), SkipMLP((257, 1024, 512, 256, 128, 1), (1, 2, 3, 4)))

    def encode(self, image: torch.Tensor) -> list[torch.Tensor]:
        """One map a stack; use the last, supervise all."""
        return self.image_filter(image)

    def query(self, features: torch.Tensor, points: torch.Tensor, correspondence: torch.Tensor | None = None) -> torch.Tensor:
        """(B, N, outputs) in [0, 1]: occupancy, then the correspondence if there is one. correspondence (B, N, 3): what SeIF is given."""
        columns = [sample_map(features, points), points[..., 2][:, None] * self._depth]
        columns += [] if correspondence is None else [correspondence.transpose(1, 2)]
        values, _ = self.surface_classifier(torch.cat(columns, dim=1))
        return (torch.sigmoid(values) * within(points, 2)).transpose(1, 2)


class ReferenceColour(nn.Module):
    """Tex-PIFu: colours from the geometry network's last map and an encoder of its own."""

    def __init__(self, image_filter: ResnetFilter, surface_classifier: SkipMLP) -> None:
        super().__init__()
        self.image_filter, self.surface_classifier = image_filter, surface_classifier

    def encode(self, image: torch.Tensor, geometry: torch.Tensor) -> torch.Tensor:
        """(B, 512, S/4, S/4): the geometry network's map (B, 256, S/4, S/4) in front."""
        return torch.cat([geometry, self.image_filter(image)], dim=1)

    def query(self, features: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        """sRGB (B, N, 3) in [0, 1]."""
        columns = torch.cat([sample_map(features, points), points[..., 2][:, None] * DEPTH_SCALE], dim=1)
        values, _ = self.surface_classifier(columns)
        return (torch.tanh(values) * within(points, 2)).transpose(1, 2) / 2 + 0.5


class PifuhdCoarse(nn.Module):
    """The coarse half of PIFuHD, under its published names."""

    def __init__(self, image_filter: HGFilter, mlp: FilterMLP, front: GlobalGenerator, back: GlobalGenerator) -> None:
        super().__init__()
        self.image_filter, self.mlp, self.netF, self.netB = image_filter, mlp, front, back


class ReferencePifuhd(nn.Module):
    """PIFuHD: normals of both sides, a coarse network at 512² and a fine one at 1024² that reads the coarse one's activations."""

    def __init__(self, coarse: PifuhdCoarse, image_filter: HGFilter, mlp: FilterMLP) -> None:
        super().__init__()
        self.netG, self.image_filter, self.mlp = coarse, image_filter, mlp

    def encode(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Coarse map (B, 256, S/8, S/8) and fine map (B, 16, S/2, S/2) of an image (B, 3, S, S), S = 1024 as published."""
        small = F.interpolate(image, scale_factor=0.5, mode="bilinear", align_corners=False)
        normals = torch.cat([self.netG.netF(small), self.netG.netB(small)], dim=1)
        coarse = self.netG.image_filter(torch.cat([small, normals], dim=1))[-1]
        large = F.interpolate(normals, scale_factor=2, mode="bilinear", align_corners=True)
        return coarse, self.image_filter(torch.cat([image, large], dim=1))[-1]

    def query(self, features: tuple[torch.Tensor, torch.Tensor], points: torch.Tensor) -> torch.Tensor:
        """Occupancy (B, N, 1) in [0, 1]."""
        coarse, fine = features
        depth = points[..., 2][:, None] * DEPTH_SCALE
        _, handed_on = self.netG.mlp(torch.cat([sample_map(coarse, points), depth], dim=1))
        values, _ = self.mlp(torch.cat([sample_map(fine, points), handed_on], dim=1))
        return (torch.sigmoid(values) * within(points, 3)).transpose(1, 2)

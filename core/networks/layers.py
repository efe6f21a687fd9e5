"""Building blocks shared by the networks, and folding of their norms for inference."""

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

Network = TypeVar("Network", bound=nn.Module)


class ConvNorm(nn.Module):
    """3x3 (or kernel) convolution, batch norm, ReLU, of pictures or volumes."""

    def __init__(
        self, inputs: int, outputs: int, stride: int = 1, kernel: int = 3, activate: bool = True, dimensions: int = 2
    ) -> None:  # fmt: skip
        super().__init__()
        convolution, norm = {2: (nn.Conv2d, nn.BatchNorm2d), 3: (nn.Conv3d, nn.BatchNorm3d)}[dimensions]
        self.conv = convolution(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm: nn.Module = norm(outputs, momentum=0.03)
        self.activate = activate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.conv(x))
        return F.relu(x, inplace=True) if self.activate else x

    def fold(self) -> None:
        """Merge the norm into the convolution; for inference only."""
        if isinstance(self.norm, nn.BatchNorm2d | nn.BatchNorm3d):
            self.conv, self.norm = fuse_conv_bn_eval(self.conv, self.norm), nn.Identity()


class Residual(nn.Module):
    """Two convolutions with a skip (He et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels)
        self.second = ConvNorm(channels, channels, activate=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(x + self.second(self.first(x)))


class UNet(nn.Module):
    """Multi-scale encoder: pictures (B, inputs, S, S) to features at strides 2, 4 and 8 (or some of them) with widths[0:3] channels.

    Every scale is handed out, as in Li, Oskarsson & Heyden 2020; the decoder makes the fine ones aware of the coarse.
    """

    def __init__(self, inputs: int, widths: tuple[int, ...], scales: tuple[int, ...] = (2, 4, 8)) -> None:
        super().__init__()
        self.stem = ConvNorm(inputs, widths[0], stride=2, kernel=5)
        self.down = nn.ModuleList(ConvNorm(widths[i], widths[i + 1], stride=2) for i in range(4))
        self.refine = nn.ModuleList(Residual(width) for width in widths[1:])
        self._wanted = [scale.bit_length() - 2 for scale in scales]
        rising = range(min(self._wanted), 4)
        self.lateral = nn.ModuleList(nn.Conv2d(widths[i + 1], widths[i], 1) for i in rising)
        self.merge = nn.ModuleList(Residual(widths[i]) if i else ConvNorm(widths[0], widths[0]) for i in rising)

    def forward(self, x: torch.Tensor, added: Sequence[torch.Tensor] = ()) -> list[torch.Tensor]:
        """added: what the levels get on top, one tensor for each of strides 2 to 32, or none."""
        levels = [self.stem(x)]
        if added:
            levels[0] = levels[0] + added[0]
        for step, (down, refine) in enumerate(zip(self.down, self.refine, strict=True)):
            levels.append(refine(down(levels[-1])))
            if added:
                levels[-1] = levels[-1] + added[step + 1]
        tops = {4: levels[4]}
        for i in reversed(range(min(self._wanted), 4)):
            step = i - min(self._wanted)
            raised = F.interpolate(self.lateral[step](tops[i + 1]), scale_factor=2, mode="bilinear", align_corners=False)
            tops[i] = self.merge[step](levels[i] + raised)
        return [tops[i] for i in self._wanted]


def channels_last(network: Network) -> Network:
    """The memory format that convolutions like, on CPUs and GPUs."""
    for parameter in network.parameters():
        if parameter.dim() >= 4:
            form = torch.channels_last if parameter.dim() == 4 else torch.channels_last_3d
            parameter.data = parameter.data.contiguous(memory_format=form)
    return network


def fold_norms(network: Network) -> Network:
    """Fold every norm of a network in evaluation mode, for inference."""
    network.eval()
    for module in network.modules():
        if isinstance(module, ConvNorm):
            module.fold()
    return channels_last(network)


def positional_encoding(x: torch.Tensor, octaves: int) -> torch.Tensor:
    """Sines and cosines (…, 2 · octaves · D) of (…, D), frequencies π, 2π, 4π, … (Mildenhall et al. 2020)."""
    waves = [function(x * (2**k * torch.pi)) for k in range(octaves) for function in (torch.sin, torch.cos)]
    return torch.cat(waves, dim=-1)

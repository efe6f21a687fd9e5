"""Parsing network: what each pixel of a picture around a head is, and how much of it is person.

Its encoder is EfficientNet-Lite0 as ImageNet taught it (Tan & Le 2019), kept as it is; real photographs taught it what drawn people cannot.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..photo.parsing import CLASSES
from .layers import ConvNorm, Residual, fold_norms

INPUT_SIZE = 384  # at three quarters of it, too, a multiple of STRIDE
FIGURE_SIZE = 512
"""Of pictures of whole figures, whose arms are a dozen pixels wide there."""
STRIDE = 32
"""Pictures have sides that are multiples of this."""
_SCALES = (1.0, 0.75)
_STAGES = (
    # repeats, kernel, stride, expansion, channels; the features before each stride are handed out
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
)  # fmt: skip
FEATURES = (16, 24, 40, 112, 320)
"""Channels of the backbone's features at strides 2 to 32."""
_WIDTHS = (24, 32, 48, 80, 112)


class _Convolution(nn.Conv2d):
    """With TensorFlow's padding: at stride 2, one pixel less at the top and left than at the bottom and right."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, kernel // 2 if stride == 1 else 0, groups=groups)
        self._less = (kernel - 2) // 2

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if self.stride[0] > 1:
            less, more = self._less, self.kernel_size[0] - 2 - self._less
            input = F.pad(input, (less, more, less, more))
        return super().forward(input)


class InvertedResidual(nn.Module):
    """Inverted residual of MobileNetV2 (Sandler et al. 2018); norms are folded into the convolutions."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = _Convolution(inputs, wide, 1) if expansion > 1 else None
        self.depthwise = _Convolution(wide, wide, kernel, stride, groups=wide)
        self.project = _Convolution(wide, outputs, 1)
        self._skip = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self._skip else y


class Backbone(nn.Module):
    """EfficientNet-Lite0 without its classifier: sRGB (B, 3, S, S) in [0, 1] to features at strides 2, 4, 8, 16 and 32 with 16, 24, 40,
    112 and 320 channels. Never trained here."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Convolution(3, 32, 3, 2)
        blocks, inputs = [], 32
        for repeats, kernel, stride, expansion, outputs in _STAGES:
            for repeat in range(repeats):
                blocks.append(InvertedResidual(inputs, outputs, kernel, stride if repeat == 0 else 1, expansion))
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        self.requires_grad_(False)

    def forward(self, photo: torch.Tensor) -> list[torch.Tensor]:
        x, features = F.relu6(self.stem((photo * 255 - 127) / 128)), []
        for block in self.blocks:
            y = block(x)
            if y.shape[-1] != x.shape[-1]:
                features.append(x)
            x = y
        return [*features, x]


class ParsingNetwork(nn.Module):
    """Photo (B, 3, S, S), sRGB in [0, 1], to logits (B, len(CLASSES), S, S); S a multiple of STRIDE.

    Softmax gives each class's share of a pixel: one minus the background's share is the soft coverage of person and things in front.
    Every level of the decoder sees the photo too; the finest one all pixels of it, so that outlines are sharp.

    guided: the photo has a fourth channel, `photo.figure_matte.pose_guide`, which says whose figure is meant. backbone: another network's,
    to be shared with it.
    """

    def __init__(self, guided: bool = False, backbone: Backbone | None = None) -> None:
        super().__init__()
        self.backbone = Backbone() if backbone is None else backbone
        channels = 4 if guided else 3
        photo = (4 * channels, *(channels,) * 4)
        self.enter = nn.ModuleList(ConvNorm(c + p, w) for c, p, w in zip(FEATURES, photo, _WIDTHS, strict=True))
        self.context = nn.Linear(_WIDTHS[-1], _WIDTHS[-1])
        self.top = Residual(_WIDTHS[-1])
        self.lateral = nn.ModuleList(nn.Conv2d(_WIDTHS[i + 1], _WIDTHS[i], 1) for i in range(4))
        self.merge = nn.ModuleList(Residual(w) if i else ConvNorm(w, w) for i, w in enumerate(_WIDTHS[:4]))
        self.output = nn.Conv2d(_WIDTHS[0], 4 * len(CLASSES), 1)

    def forward(self, photo: torch.Tensor) -> torch.Tensor:
        levels, small = [], photo
        for i, (features, enter) in enumerate(zip(self.backbone(photo[:, :3]), self.enter, strict=True)):
            small = F.avg_pool2d(small, 2)
            seen = small if i else F.pixel_unshuffle(photo, 2)
            levels.append(enter(torch.cat([features, seen.to(features.dtype)], dim=1)))
        x = levels[4] + self.context(levels[4].mean((2, 3)))[..., None, None]
        x = self.top(x)
        for i in reversed(range(4)):
            raised = F.interpolate(self.lateral[i](x), scale_factor=2, mode="bilinear", align_corners=False)
            x = self.merge[i](levels[i] + raised)
        return F.pixel_shuffle(self.output(x).float(), 2)


class NetworkParser:
    """`photo.parsing.Parser` with a network on one device; precision: the context to run it in."""

    size = INPUT_SIZE
    outline_stays = False

    def __init__(self, network: ParsingNetwork, device: torch.device, precision: Callable[[], AbstractContextManager[object]]) -> None:
        self._network, self._device, self._precision = fold_norms(network).to(device), device, precision

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        # The mean over a coarser look, which takes hair before fur or leaves for hair more often, is steadier.
        return self._shares(picture, _SCALES)

    @torch.inference_mode()
    def _shares(self, picture: np.ndarray, scales: tuple[float, ...], guide: np.ndarray | None = None) -> np.ndarray:
        """The mean over scales of a picture (S, S, 3) and over its mirror image, with a guide (S, S) or without."""
        photo = torch.from_numpy(np.ascontiguousarray(picture)).to(self._device).permute(2, 0, 1)[None] / 255
        if guide is not None:
            photo = torch.cat([photo, torch.from_numpy(guide).to(self._device)[None, None]], dim=1)
        whole = (photo.shape[2], photo.shape[3])
        answers = []
        for scale in scales:
            size = [round(side * scale) for side in whole]
            seen = photo if scale == 1 else F.interpolate(photo, size, mode="bilinear", align_corners=False, antialias=True)
            both = torch.cat([seen, seen.flip(3)]).contiguous(memory_format=torch.channels_last)
            with self._precision():
                shares = self._network(both).softmax(1)
            shares = (shares[:1] + shares[1:].flip(3)) / 2
            answers.append(F.interpolate(shares, whole, mode="bilinear", align_corners=False))
        return torch.stack(answers).mean(0)[0].permute(1, 2, 0).contiguous().cpu().numpy()


class NetworkFigureParser(NetworkParser):
    """`photo.figure_matte.FigureParser` with a guided network."""

    size = FIGURE_SIZE

    def __call__(self, picture: np.ndarray, guide: np.ndarray) -> np.ndarray:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._shares(picture, (1.0,), guide)

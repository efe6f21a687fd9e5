"""Checkpoints of PIFu, PIFuHD and SeIF that users bring along: read without running code, and recognised by their keys and shapes."""

import argparse
import re
from pathlib import Path
from pickle import UnpicklingError  # noqa: TID251 - torch raises it; nothing is unpickled here
from typing import Any
from zipfile import BadZipFile

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from ..errors import AssetError
from .reference import (
    FilterMLP,
    GlobalGenerator,
    HGFilter,
    PifuhdCoarse,
    ReferenceColour,
    ReferencePifu,
    ReferencePifuhd,
    ResnetFilter,
    SkipMLP,
)

State = dict[str, torch.Tensor]
_LARGEST = 2 * 2**30  # PIFuHD's file has 1.44 GiB
_MOST_KEYS, _WIDEST, _MOST_PARTS = 4096, 4096, 12


def read_state(path: Path) -> State:
    """Tensors of a safetensors file or a PyTorch checkpoint, by name. Raises AssetError.

    Checkpoints go through torch's restricted unpickler, which makes tensors and plain containers only; PIFuHD's also holds an
    argparse.Namespace of options, which is harmless and dropped.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise AssetError(f"{path.name} is larger than any known checkpoint; choose PIFu's, PIFuHD's or SeIF's published file.")
        if path.suffix == ".safetensors":
            content: Any = load_file(path)
        else:
            with torch.serialization.safe_globals([argparse.Namespace]):
                content = torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251 - these files exist in no other form
    except OSError as error:
        raise AssetError(f"{path.name} cannot be read; choose another file.") from error
    except (SafetensorError, UnpicklingError, BadZipFile, RuntimeError, EOFError, ValueError, KeyError, AttributeError) as error:
        raise AssetError(f"{path.name} is no checkpoint of plain tensors; choose PIFu's, PIFuHD's or SeIF's published file.") from error
    content = content.get("model_state_dict", content) if isinstance(content, dict) else content
    tensors = isinstance(content, dict) and all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in content.items())
    if not tensors or not 0 < len(content) <= _MOST_KEYS:
        raise AssetError(f"{path.name} holds no network; choose PIFu's, PIFuHD's or SeIF's published file.")
    return dict(content)


def load_reference(path: Path) -> nn.Module:
    """The published network that a file holds, in evaluation mode: ReferencePifu (PIFu's geometry, either of SeIF's), ReferenceColour,
    ReferencePifuhd, or a ModuleDict whose `netF` is SeIF's GlobalGenerator. Raises AssetError when a key or a shape does not fit."""
    return reference_of(read_state(path), path.name)


def reference_of(state: State, name: str) -> nn.Module:
    """As load_reference, from tensors by name; `name` is for the error's sentence."""
    try:
        # On the meta device nothing is allocated before the file's shapes have been found to fit.
        with torch.device("meta"):
            network = _network(state)
        network.load_state_dict(state, assign=True)
    except (KeyError, ValueError, IndexError, RuntimeError) as error:
        raise AssetError(f"{name} is none of the checkpoints that can be read: PIFu's, PIFuHD's or SeIF's published ones.") from error
    return network.float().eval().requires_grad_(False)


def _network(state: State) -> nn.Module:
    if "netG.mlp.filters.0.weight" in state:
        mlp = lambda prefix: FilterMLP(*_mlp_shape(state, prefix + "mlp.filters.{}.weight"), f"{prefix}mlp.norms.0.weight" in state)  # noqa: E731
        coarse = PifuhdCoarse(_hourglasses(state, "netG."), mlp("netG."), GlobalGenerator(), GlobalGenerator())
        return ReferencePifuhd(coarse, _hourglasses(state, "", halve=False), mlp(""))
    if "netF.model.1.weight" in state:
        return nn.ModuleDict({"netF": GlobalGenerator()})
    classifier = SkipMLP(*_mlp_shape(state, "surface_classifier.conv{}.weight"))
    if "image_filter.model.1.weight" in state:
        return ReferenceColour(ResnetFilter(), classifier)
    outputs = classifier.layer(4).weight.shape[0]
    return ReferencePifu(_hourglasses(state, ""), classifier, -1.0 if outputs == 4 else 1.0)


def _hourglasses(state: State, prefix: str, halve: bool = True) -> HGFilter:
    """An hourglass encoder with the numbers of stacks, levels and channels that the state's names and shapes tell."""
    pattern = re.compile(re.escape(prefix) + r"image_filter\.(?:l(\d+)\.weight|m0\.b1_(\d+)\.conv1\.weight)")
    found = [match for match in map(pattern.fullmatch, state) if match]
    stacks = sum(match[1] is not None for match in found)
    depth = sum(match[2] is not None for match in found)
    inputs = state[f"{prefix}image_filter.conv1.weight"].shape[1]
    outputs = state[f"{prefix}image_filter.l0.weight"].shape[0]
    if not (0 < stacks <= _MOST_PARTS and 0 < depth <= _MOST_PARTS and inputs <= _WIDEST and outputs <= _WIDEST):
        raise ValueError("strange sizes")
    return HGFilter(inputs, stacks, depth, outputs, halve)


def _mlp_shape(state: State, name: str) -> tuple[list[int], list[int]]:
    """Widths of an MLP, inputs first, and the layers that the input is repeated before."""
    shapes = []
    while len(shapes) < _MOST_PARTS and name.format(len(shapes)) in state:
        shapes.append(tuple(state[name.format(len(shapes))].shape[:2]))
    widths = [shapes[0][1], *(outputs for outputs, _ in shapes)]
    if max(widths) > _WIDEST:
        raise ValueError("strange widths")
    return widths, [i for i, (_, inputs) in enumerate(shapes) if i and inputs == widths[i] + widths[0]]

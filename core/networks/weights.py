"""Bundled weights: SHA-256 first, then safetensors, exact keys and shapes."""

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from ..errors import AssetError
from .layers import Network

FOLDER = Path(__file__).parents[2] / "weights"
_LARGEST = 16 * 2**20


def read_checked(name: str, folder: Path = FOLDER) -> bytes:
    """The bytes of a weights file whose hash stands in SHA256SUMS beside it. Raises AssetError."""
    path = folder / name
    try:
        if path.stat().st_size > _LARGEST:
            raise AssetError(f"{name} is larger than any weights file of this version; reinstall the extension.")
        data = path.read_bytes()
        listed = hashes(folder)
    except OSError as error:
        raise AssetError(f"{name} is missing; reinstall the extension.") from error
    if listed.get(name) != hashlib.sha256(data).hexdigest():
        raise AssetError(f"{name} is damaged (its SHA-256 differs); reinstall the extension.")
    return data


def hashes(folder: Path = FOLDER) -> dict[str, str]:
    """File name -> SHA-256 as listed, for reports."""
    lines = (line.split(maxsplit=1) for line in (folder / "SHA256SUMS").read_text().splitlines() if line.strip())
    return {name: digest for digest, name in lines}


def load_weights(network: Network, name: str, folder: Path = FOLDER) -> Network:
    """Fill a network, in float32, from a weights file with exactly its keys and shapes. Raises AssetError."""
    try:
        tensors = load(read_checked(name, folder))
        network.load_state_dict({key: value.float() if value.dtype == torch.float16 else value for key, value in tensors.items()})
    except (SafetensorError, RuntimeError) as error:
        raise AssetError(f"{name} does not fit this version's network; reinstall the extension.") from error
    return network.eval()

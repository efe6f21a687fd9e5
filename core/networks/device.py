"""The device that networks run on."""

import torch

from ..errors import InputError


def named_device(name: str) -> torch.device:
    """One of settings.DEVICES; auto: the fastest that this machine has. Raises InputError for one that it has not."""
    found = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(device for device in ("cuda", "mps", "cpu") if found[device])
    if not found[name]:
        raise InputError(f"This machine has no {name} device for PyTorch; choose device auto or cpu.")
    return torch.device(name)

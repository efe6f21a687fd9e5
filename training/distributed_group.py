"""The processes that train one network together under torchrun; without it there is one."""

import os

import torch
from torch import distributed


class DistributedGroup:
    """index and count of this process; gradients are averaged, decisions shared. Every process must make the same calls."""

    def __init__(self, device: str) -> None:
        self.index, self.count = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        self.device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if device == "cuda" else device
        if self.count > 1 and not distributed.is_initialized():
            distributed.init_process_group("nccl" if device == "cuda" else "gloo")

    @property
    def leads(self) -> bool:
        """Whether this process writes files."""
        return self.index == 0

    def average(self, tensors: list[torch.Tensor]) -> None:
        """Replace each tensor by its mean over the processes."""
        if self.count > 1:
            flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
            distributed.all_reduce(flat)
            parts = (flat / self.count).split([tensor.numel() for tensor in tensors])
            for tensor, part in zip(tensors, parts, strict=True):
                tensor.copy_(part.view_as(tensor))

    def highest(self, *values: float) -> list[float]:
        """The largest of each value, so that clocks and requests to stop are everybody's."""
        if self.count == 1:
            return list(values)
        shared = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(shared, distributed.ReduceOp.MAX)
        return shared.tolist()

    def close(self) -> None:
        """Leave the group."""
        if self.count > 1:
            distributed.destroy_process_group()

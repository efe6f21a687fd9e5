"""Training batches made on the fly: processes draw people and render them, and a pool in memory is photographed again and again.

Nothing touches the disk, so a machine with a GPU can train on people that no file holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from .dataset import Batch, decoded, fewer, finish, photographs
from .samples import Sampler


@dataclass(frozen=True)
class Source:
    """Where samples come from: arguments of Sampler, the first index to draw, and the number of processes."""

    assets: Path
    size: int = 256
    device: str = "cpu"
    first: int = 0
    workers: int = 2


class _Samples(IterableDataset[dict[str, np.ndarray]]):
    """Endless samples; each process takes its own residue class of the indices, so that none is drawn twice."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        torch.set_num_threads(1)
        info = get_worker_info()
        rank, count = (0, 1) if info is None else (info.id, info.num_workers)
        sampler = Sampler(self._source.assets, "training", self._source.size, device=self._source.device)
        index = self._source.first + rank
        while True:
            yield sampler.sample(index)
            index += count


def streamed(source: Source, batch: int, points: int, seed: int, pool: int = 2048, reuse: int = 8, device: str = "cpu") -> Iterator[Batch]:
    """Endless batches as dataset.batches gives them.

    pool: samples held in memory; reuse: how often one is used on average before a new one takes its place, each time under another
    light, camera and choice of points.
    """
    rng = np.random.default_rng(seed)
    options: dict[str, Any] = {"multiprocessing_context": "spawn", "prefetch_factor": 4} if source.workers else {}
    arriving = iter(DataLoader(_Samples(source), batch_size=None, num_workers=source.workers, collate_fn=_as_is, **options))
    held: list[dict[str, np.ndarray]] = [next(arriving) for _ in range(batch)]
    due = 0.0
    while True:
        chosen = rng.choice(len(held), batch, replace=False)
        yield finish(photographs(decoded([fewer(held[i], points, rng) for i in chosen], device), rng), rng, True)
        due += batch / reuse
        while due >= 1:
            due -= 1
            if len(held) < pool:
                held.append(next(arriving))
            else:
                held[int(rng.integers(pool))] = next(arriving)


def _as_is(sample: Any) -> Any:
    """Keeps arrays arrays; module-level, because processes must find it by name."""
    return sample

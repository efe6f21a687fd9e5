"""Photographs that serve several steps: to light one and to predict its normals costs more than a step of a field.

A block of batches is made with all its points at once; each batch is then given `times` times, in random order within the block, every
time with other points.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch

from .dataset import Batch

BLOCK = 24
"""Batches that are kept at a time."""
_SPACE = ("points", "distance", "code", "prior")
_SURFACE = ("surface", "surface_prior", "surface_normal", "surface_colour", "surface_valid", "surface_code")


def reused(
    made: Callable[[int], Iterator[Batch]], prepare: Callable[[Batch], None], points: int, times: int, seed: int, done: int = 0
) -> Iterator[Batch]:
    """Endless batches with `points` points in space and half as many on the surface, from the `done`-th on.

    made: from the number of a batch to the whole batches that follow it. prepare: adds to a whole batch what no step changes.
    A batch depends on the seed and its number alone, as those of `batches` do.
    """
    number, place = divmod(done, BLOCK * times)
    whole = made(number * BLOCK)
    while True:
        kept = [next(whole) for _ in range(BLOCK)]
        for batch in kept:
            prepare(batch)
        rng = np.random.default_rng([seed, number])
        order = np.concatenate([rng.permutation(BLOCK) for _ in range(times)])
        for step in range(place, len(order)):
            yield _some(kept[order[step]], points, np.random.default_rng([seed, number, step]))
        number, place = number + 1, 0


def _some(batch: Batch, points: int, rng: np.random.Generator) -> Batch:
    """The batch with a random subset of its points, the same rows for all its people."""
    result = dict(batch)
    for names, count in ((_SPACE, points), (_SURFACE, points // 2)):
        chosen = torch.from_numpy(rng.choice(batch[names[0]].shape[1], count, replace=False)).to(batch[names[0]].device)
        result |= {name: batch[name][:, chosen] for name in names if name in batch}
    return result

"""Work divided among threads: NumPy, SciPy and torch let go of the interpreter while they work."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Answer = TypeVar("Answer")
_MOST = 4  # at once: each takes memory of its own


def in_threads(function: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
    """What a function makes of each item, in their order, in no more threads than torch may use, which workers bound. The first error is
    raised."""
    items = list(items)
    threads = min(len(items), torch.get_num_threads(), _MOST)
    if threads < 2:
        return [function(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))

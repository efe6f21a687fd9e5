"""Work divided among the processor's cores, in threads: NumPy, SciPy and torch let go of the interpreter while they work."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def in_threads(function: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
    """What a function makes of each item, in their order, several at once. The first error is raised."""
    items = list(items)
    if len(items) < 2:
        return [function(item) for item in items]
    with ThreadPoolExecutor(min(len(items), os.cpu_count() or 1)) as pool:
        return list(pool.map(function, items))


def side_by_side(one: Callable[[], Item], other: Callable[[], Answer]) -> tuple[Item, Answer]:
    """What two functions answer, of which the first runs in another thread."""
    with ThreadPoolExecutor(1) as beside:
        first = beside.submit(one)
        second = other()
        return first.result(), second

"""What every training loop needs: batches made ahead of their use, an orderly stop, and the running average of the weights."""

import signal
import threading
from collections.abc import Callable, Iterator
from queue import Full, Queue

import torch
from torch import nn

from .data.dataset import Batch

Stream = Callable[[int], Iterator[Batch]]
"""From the number of steps done to the batches that come next; shards go on exactly where they stopped, other sources as they like."""


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, step: int, most: float) -> None:
    """Move the running average towards the network after its `step`-th step; it keeps the share `most`, and less in the first steps."""
    keep = min(most, 1 - 1 / (0.2 * step + 2))
    for mean, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.dtype.is_floating_point:
            mean.lerp_(value, 1 - keep)
        else:
            mean.copy_(value)


class GracefulStop:
    """SIGTERM and SIGINT ask to stop after the step, with a checkpoint, instead of ending the process."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> "GracefulStop":
        if threading.current_thread() is threading.main_thread():
            self._before = [(name, signal.signal(name, self._ask)) for name in (signal.SIGTERM, signal.SIGINT)]
        return self

    def __exit__(self, *_: object) -> None:
        for name, handler in getattr(self, "_before", []):
            signal.signal(name, handler)

    def _ask(self, *_: object) -> None:
        self.asked = True


class Prefetcher:
    """Makes batches in a thread while the network computes; NumPy and torch release the lock."""

    def __init__(self, stream: Iterator[Batch], depth: int = 3) -> None:
        self._stream, self._queue, self._closed = stream, Queue[Batch | Exception](depth), False
        self._thread = threading.Thread(target=self._fill, daemon=True)

    def __enter__(self) -> "Prefetcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A thread that is inside torch when the interpreter ends would abort the process.
        self._closed = True
        self._thread.join(timeout=60)

    def next(self) -> Batch:
        """The next batch. Raises what the stream raised, and EOFError at its end."""
        item = self._queue.get()
        if isinstance(item, Exception):
            raise item
        return item

    def _fill(self) -> None:
        try:
            for batch in self._stream:
                self._put(batch)
                if self._closed:
                    return
            self._put(EOFError("The stream of training batches has ended before the budget."))
        except Exception as error:  # noqa: BLE001 - handed to the consumer, which raises it
            self._put(error)

    def _put(self, item: Batch | Exception) -> None:
        while not self._closed:
            try:
                return self._queue.put(item, timeout=0.2)
            except Full:
                continue

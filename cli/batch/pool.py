"""Several workers side by side in processes of their own, each led by a thread of this one."""

import contextlib
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TypeVar

from ..head import Processes

Task = TypeVar("Task")
Made = TypeVar("Made")

GIGABYTES = 1.6
"""Memory that a worker and its Blender need at standard quality, with what the system keeps for itself."""


def free_gigabytes() -> float | None:
    """Memory that programs can still take; None where nobody tells: Blender's own Python has no psutil, and only Linux tells without."""
    with contextlib.suppress(ImportError):
        import psutil  # pyright: ignore[reportMissingModuleSource]

        return psutil.virtual_memory().available / 1e9
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            kilobytes = next(int(line.split()[1]) for line in file if line.startswith("MemAvailable:"))
        return kilobytes / 1e6
    except (OSError, ValueError, StopIteration):
        return None


def usable_cores() -> int:
    """Of this machine, or of them those that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def worker_count(asked: int, cores: int, free: float | None) -> int:
    """How many workers to start: as many as asked, or with 0 one for each core while memory lasts."""
    if asked:
        return asked
    return max(min(cores, cores if free is None else int(free / GIGABYTES)), 1)


class Pool:
    """Workers for any number of tasks. A context manager; whatever ends it, no process is left."""

    def __init__(self, count: int, blender: Sequence[str], python: Path | None = None) -> None:
        self.count = count
        self._stop = threading.Event()
        threads = max(usable_cores() // count, 1)
        self._idle: queue.SimpleQueue[Processes] = queue.SimpleQueue()
        self._all: list[Processes] = []
        self._executor = ThreadPoolExecutor(count, "row")
        for _ in range(count):
            self._all.append(Processes(blender, python, threads if count > 1 else 0, self._stop.is_set))
            self._idle.put(self._all[-1])

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop what runs and end all processes."""
        self._stop.set()
        self._executor.shutdown(cancel_futures=True)
        for processes in self._all:
            processes.close()

    def run(self, tasks: Sequence[Task], make: Callable[[Processes, Task], Made]) -> Iterator[Made]:
        """What `make` gives for each task, as soon as it is there. What it raises is raised here."""

        def one(task: Task) -> Made:
            processes = self._idle.get()
            try:
                return make(processes, task)
            finally:
                self._idle.put(processes)

        futures: list[Future[Made]] = [self._executor.submit(one, task) for task in tasks]
        for future in as_completed(futures):
            yield future.result()

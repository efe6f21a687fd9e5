"""The rows of a batch on an existing Ray cluster, whose nodes all have this package and see the same files under the same paths."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ...core.errors import InputError
from ..head import Processes

Task = TypeVar("Task")
Made = TypeVar("Made")

LOCAL = "local"
"""An address that starts a cluster of this machine alone, for trying."""
_RETRIES = 3  # of a row whose node or actor died


class RayPool:
    """Actors with a worker and a Blender each. Ray places them, restarts them and gives a dead one's row to another. A context manager."""

    def __init__(self, address: str, count: int, blender: Sequence[str], python: Path | None = None, gpus: float = 0.0) -> None:
        """count: of actors, 0 for as many as the cluster's cores, or with gpus, a share of a GPU for each, as its GPUs bear.

        Raises InputError when Ray is not installed or the cluster does not answer.
        """
        try:
            import ray
        except ImportError as error:
            raise InputError("--ray needs the package ray, which this Python does not have; install it (pip install ray).") from error
        self._ray: Any = ray
        try:
            ray.init(address=None if address == LOCAL else address, log_to_driver=False, include_dashboard=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise InputError(
                f"No Ray cluster answers at {address} ({error}); check the address, or start one with `ray start --head`."
            ) from error
        resources = ray.cluster_resources()
        bears = resources.get("GPU", 0) / gpus if gpus else resources.get("CPU", 1)
        self.count = count or max(int(bears), 1)
        actor = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=-1, max_task_retries=_RETRIES)(_Actor)
        self._actors = [actor.remote(list(blender), python) for _ in range(self.count)]

    def __enter__(self) -> "RayPool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the actors and leave the cluster."""
        for actor in self._actors:
            self._ray.kill(actor)
        self._ray.shutdown()

    def run(self, tasks: Sequence[Task], make: Callable[[Processes, Task], Made]) -> Iterator[Made]:
        """As Pool.run. No more rows are under way than there are actors."""
        from ray.util import ActorPool

        submit: Any = lambda actor, task: actor.make.remote(make, task)  # noqa: E731
        made: Any = ActorPool(self._actors).map_unordered(submit, list(tasks))
        yield from made


class _Actor:
    def __init__(self, blender: Sequence[str], python: Path | None) -> None:
        self._processes = Processes(blender, python, threads=1)

    def make(self, make: Callable[[Processes, Task], Made], task: Task) -> Made:
        return make(self._processes, task)

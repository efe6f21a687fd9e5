"""likeness.self_test: does the worker's environment do its work?"""

from typing import Any

import bpy

from ..core.errors import WorkerError
from ..worker import protocol
from ..worker.client import WorkerClient, shared_client
from .environment import worker_python
from .job import JobOperator
from .worker_job import WorkerJob

summary, passed = "", False
"""What the last self-test of this session said, its verdict in the first line, for the preferences."""


class SelfTest(WorkerJob):
    """Gives the summary."""

    stage = "Testing"

    def __init__(self, client: WorkerClient) -> None:
        super().__init__(client)
        client.self_test()

    def given(self, event: Any) -> str | None:
        if not isinstance(event, protocol.Tested):
            return None
        _remember(event)
        if not event.passed:
            reason = next((line for line in event.summary.splitlines() if line.startswith("failed: ")), "failed").removeprefix("failed: ")
            raise WorkerError(f"The self-test failed ({reason.rstrip('.')}); set the environment up again, in the preferences.")
        return event.summary


def _remember(tested: protocol.Tested) -> None:
    global summary, passed
    summary, passed = tested.summary, tested.passed


class LIKENESS_OT_self_test(JobOperator, bpy.types.Operator):
    """Run a small reconstruction to see whether the environment works"""

    bl_idname = "likeness.self_test"
    bl_label = "Self-Test"
    bl_options = {"REGISTER"}

    def start_job(self, context: bpy.types.Context) -> SelfTest:
        return SelfTest(shared_client(worker_python(context)))

    def use(self, context: bpy.types.Context, outcome: str) -> str:
        return outcome.partition("\n")[0]

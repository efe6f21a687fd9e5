"""likeness.self_test: does the worker's environment do its work?"""

import bpy

from ..core.errors import WorkerError
from ..worker import protocol
from ..worker.client import WorkerClient, close_shared, shared_client
from .environment import worker_python
from .job import JobOperator

summary = ""
"""What the last self-test of this session said, for the preferences."""


class SelfTest:
    """A job (see job.py) in the worker process; gives the summary."""

    stage, fraction = "Testing", 0.0

    def __init__(self, client: WorkerClient) -> None:
        self._client = client
        client.self_test()

    def poll(self) -> str | None:
        for event in self._client.poll():
            match event:
                case protocol.Progress(stage, fraction):
                    self.stage, self.fraction = stage, fraction
                case protocol.Error():
                    raise event.exception()
                case protocol.Tested(passed, text):
                    _remember(text)
                    if passed:
                        return text
                    raise WorkerError(f"The self-test failed; set the environment up again. {text}")
        return None

    def cancel(self) -> None:
        self.stage = "Cancelling"
        self._client.cancel()

    def close(self) -> None:
        if self._client.busy:
            close_shared()


def _remember(text: str) -> None:
    global summary
    summary = text


class LIKENESS_OT_self_test(JobOperator, bpy.types.Operator):
    """Run a small reconstruction to see whether the environment works"""

    bl_idname = "likeness.self_test"
    bl_label = "Self-Test"
    bl_options = {"REGISTER"}

    def start_job(self, context: bpy.types.Context) -> SelfTest:
        return SelfTest(shared_client(worker_python(context)))

    def use(self, context: bpy.types.Context, outcome: str) -> str:
        return outcome

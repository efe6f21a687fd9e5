"""The rule on made-up clocks; that it ends real processes is tested with the client."""

import ast
from pathlib import Path

import pytest

import likeness.core.settings
from likeness.core.progress import STAGES
from likeness.worker import watch
from likeness.worker.watch import LONGEST, SHORTEST, START_LIMIT, Watch

ROOT = Path(likeness.core.settings.__file__).parents[1]


class Worker:
    """A process that gets a `share` of a processor, seen through a Watch once a second."""

    def __init__(self, start: float = 3.0) -> None:
        self.watch, self.cpu = Watch(), 0.0
        self.watch.begin()
        self.work(start)
        self.watch.ready()

    def work(self, seconds: float, share: float = 1.0) -> float:
        """Seconds until it was found to hang, or all of them."""
        for second in range(round(seconds)):
            self.watch.pass_time(1.0)
            self.cpu += share
            self.watch.pulse(self.cpu)
            if self.watch.stuck:
                return second + 1
        return seconds


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("share", [0.0, 0.001, 1.0, 8.0])
def test_every_stage_has_a_limit(stage, share):
    """Waiting for ever and computing for ever, on one processor and on eight."""
    worker = Worker()
    worker.watch.progress(stage, 0.0)
    assert worker.work(1000, share) == SHORTEST + 1


@pytest.mark.parametrize(("share", "limit"), [(0.5, 2), (0.2, 5), (0.02, 10)])
def test_processor_time_that_others_take_is_not_held_against_it(share, limit):
    assert Worker().work(2000, share) == pytest.approx(limit * SHORTEST, abs=5)


def test_a_slow_machine_gets_more_time():
    worker = Worker(start=20)
    assert worker.watch.limit == 200.0
    worker.watch.progress("photo", 0.0)
    assert worker.work(45) == 45
    worker.watch.progress("fit", 0.1)
    assert worker.watch.limit == 450.0
    assert worker.work(1000) == 451


def test_no_machine_waits_longer_than_ten_minutes():
    worker = Worker(start=110)
    assert worker.watch.limit == LONGEST and worker.work(10_000, 0.0) == LONGEST + 1


def test_a_stage_that_reports_never_hangs():
    worker = Worker()
    for step in range(100):
        worker.watch.progress("surface", step / 100)
        assert worker.work(50) == 50


def test_saying_the_same_again_is_no_progress():
    worker = Worker()
    for _ in range(3):
        worker.watch.progress("surface", 0.5)
        found = worker.work(25)
    assert found < 25


def test_a_machine_that_slept_blames_nobody():
    worker = Worker()
    worker.watch.pass_time(8 * 3600.0)
    assert not worker.watch.silent
    worker.watch.pulse(worker.cpu)
    assert not worker.watch.stuck and worker.watch.spent <= 1.0


def test_a_blender_that_did_not_look_for_an_hour_blames_nobody():
    worker = Worker()
    worker.watch.pass_time(3600.0)
    for _ in range(3600):  # all at once, as they were written
        worker.watch.pulse(worker.cpu)
    assert not worker.watch.silent and not worker.watch.stuck


def test_a_start_has_a_longer_limit():
    hanging = Watch()
    hanging.begin()
    for _ in range(round(START_LIMIT)):
        hanging.pass_time(1.0)
        assert not hanging.silent
    hanging.pass_time(1.0)
    assert hanging.silent


def test_the_time_between_two_jobs_does_not_count():
    worker = Worker()
    worker.work(50, 0.0)
    worker.watch.begin()
    assert worker.work(50, 0.0) == 50 and worker.watch.limit == watch.SHORTEST


def names(path: str) -> set[str]:
    """Stages that a file reports: the first argument of what reports them."""
    calls = [node for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.Call) and node.args]
    reporting = [call for call in calls if ast.unparse(call.func).rpartition(".")[2] in {"stage", "step", "progress"}]
    return {call.args[0].value for call in reporting if isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)}


def test_every_stage_that_is_reported_has_a_label():
    core = ("pipeline.py", "heads.py", "bodies.py", "rigging.py", "animation/track.py")
    reported = set.union(*map(names, (*(f"core/{name}" for name in core), "worker/jobs.py", "worker/selftest.py")))
    assert reported == set(STAGES) - {"start"}
    assert all(stage.label for stage in STAGES.values())

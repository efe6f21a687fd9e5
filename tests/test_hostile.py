"""What the campaign of misuse counts as what; and one scenario of it, so that it runs at all."""

import os
import signal
import sys
from pathlib import Path

import pytest

from likeness.benchmarks.hostile.bench import Bench, CommandResult, Snapshot
from likeness.benchmarks.hostile.files import damaged_files

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits, signals and lists of processes")


@pytest.mark.parametrize(
    ("code", "words", "done", "outcome"),
    [
        (0, "", True, "fine"),
        (0, "", False, "speechless"),
        (0, "Exception ignored in …\n", True, "speechless"),
        (2, "a.png is empty; export or copy the photo again.\n", False, "refused"),
        (2, "", False, "speechless"),
        (2, "One.\nTwo.\n", False, "speechless"),
        (1, "Traceback (most recent call last):\n", False, "speechless"),
        (-signal.SIGSEGV, "", False, "crashed"),
        (139, "", False, "crashed"),
        (None, "", False, "hung"),
    ],
)
def test_each_way_to_end_has_its_name(code: int | None, words: str, done: bool, outcome: str) -> None:
    assert CommandResult(code, "", words, 1.0).outcome(done) == outcome


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "bench", quick=True)
    result = bench.run(["-c", "sleep 60 & sleep 60"], timeout=0.5, program=["/bin/sh"])
    assert result.code is None and result.seconds < 20
    assert not bench.survivors()
    assert bench.run(["-c", "kill -SEGV $$"], program=["/bin/sh"]).outcome(True) == "crashed"


def test_lost_and_left_files_are_seen(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "bench", quick=True)
    folder = bench.folder("x")
    for name in ("kept", "changed", "gone"):
        (folder / name).write_text("mine")
    before = Snapshot(folder)
    (folder / "changed").write_text("yours")
    (folder / "gone").unlink()
    (folder / ".likeness-work").mkdir()
    assert before.lost() == ["changed", "gone"]
    assert bench.leftovers(folder) == [os.path.join("x", ".likeness-work")]


@pytest.mark.slow
def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    cases = damaged_files(Bench(tmp_path / "bench", quick=True))
    assert len(cases) > 150 and [case for case in cases if not case.good] == []
    assert {case.outcome for case in cases} == {"fine", "refused"}

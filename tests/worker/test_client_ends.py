"""How jobs and workers end: cancelled, hung, idle, or left behind by Blender."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from likeness.core.errors import Cancelled, WorkerError
from likeness.core.settings import Settings
from likeness.worker import protocol, watch
from likeness.worker.client import WorkerClient

from .jobs import run, until, working


@pytest.mark.parametrize(("photo", "said"), [("hung.png", "in hung"), ("spinning.png", "in spinning")])
def test_a_job_that_hangs_while_the_heart_beats_is_ended(client, monkeypatch, photo, said):
    monkeypatch.setattr(watch, "SHORTEST", 2.0)
    monkeypatch.setattr(watch, "_PATIENCE", 1.0)
    run(client, "a.png")
    start = time.monotonic()
    with pytest.raises(WorkerError, match=r'has made no progress for . s at "Looking at the photo" and was ended; try again'):
        run(client, photo)
    assert time.monotonic() - start < 20.0
    assert said in client.log, "the log tells where it hung"
    assert run(client, "a.png").name == "a"


def test_a_long_job_that_gets_on_is_left_alone(client, monkeypatch):
    monkeypatch.setattr(watch, "SHORTEST", 2.5)
    monkeypatch.setattr(watch, "_PATIENCE", 0.0)
    assert run(client, "steady.png").name == "steady"


def test_a_worker_that_stops_beating_is_ended(client, monkeypatch):
    monkeypatch.setattr(watch, "SILENCE_LIMIT", 2.5)
    run(client, "a.png")
    pid = client.pid
    with pytest.raises(WorkerError, match="has not answered"):
        run(client, "frozen.png")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_stuck_blender_does_not_blame_the_worker(client, monkeypatch):
    monkeypatch.setattr(watch, "SILENCE_LIMIT", 2.5)
    client.reconstruct([Path("slow.png")], Settings())
    until(lambda: client.poll() or client.versions)
    time.sleep(3.0)
    assert not any(isinstance(event, protocol.Error) for event in client.poll())


def test_cancelling_a_listening_worker_keeps_it_warm(client):
    run(client, "a.png")
    pid = client.pid
    client.reconstruct([Path("slow.png")], Settings())
    assert until(lambda: working(client))
    start = time.monotonic()
    with pytest.raises(Cancelled):
        client.wait(cancel=lambda: True)
    assert time.monotonic() - start < 1.0
    assert run(client, "a.png").report["pid"] == pid


def test_cancelling_a_deaf_worker_kills_it_within_a_second_or_so(client):
    run(client, "a.png")
    client.reconstruct([Path("deaf.png")], Settings())
    assert until(lambda: working(client))
    start = time.monotonic()
    with pytest.raises(Cancelled):
        client.wait(cancel=lambda: True)
    assert time.monotonic() - start < 2.0
    assert not client.alive


def test_a_cancel_right_after_the_request_is_not_lost(client):
    run(client, "a.png")
    client.reconstruct([Path("slow.png")], Settings())
    client.cancel()
    with pytest.raises(Cancelled):
        client.wait()
    assert client.alive


def test_a_late_cancel_does_not_hit_the_next_job(client):
    run(client, "a.png")
    client.cancel()
    assert run(client, "b.png").name == "b"


def test_an_idle_worker_ends_and_the_next_job_starts_another(package):
    client = WorkerClient(Path(sys.executable), package, idle_timeout=0.3)
    try:
        first = run(client, "a.png").report["pid"]
        assert until(lambda: not client.alive)
        assert run(client, "a.png").report["pid"] != first
    finally:
        client.close()


def test_a_worker_that_never_gets_ready_is_ended(client, monkeypatch):
    monkeypatch.setattr(watch, "START_LIMIT", 0.0)
    with pytest.raises(WorkerError, match="did not start"):
        run(client, "a.png")


@pytest.mark.skipif(sys.platform == "win32", reason="kills the parent the POSIX way")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_worker_ends_when_blender_is_killed(package, tmp_path, number):
    """The parent dies without a word in the middle of a job; the closed pipe is all that the worker sees. Its folder goes, too."""
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path\n"
            "from likeness.core.settings import Settings; from likeness.worker.client import WorkerClient\n"
            "client = WorkerClient(Path(sys.executable), Path(sys.argv[1]))\n"
            "client.reconstruct([Path('deaf.png')], Settings())\n"
            "while not client.poll(): pass\n"
            "print(client.pid, flush=True); client.wait()",
            str(package),
        ],
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert list(tmp_path.glob("likeness-*"))
    parent.send_signal(number)
    parent.communicate()

    def gone():
        status = Path(f"/proc/{pid}/stat")
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"

    try:
        assert until(gone, 2.0)
        assert not list(tmp_path.glob("likeness-*"))
    finally:
        if not gone():
            os.kill(pid, signal.SIGKILL)

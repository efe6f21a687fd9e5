"""Blender's side of the worker: starts it, talks to it without blocking, survives whatever happens to it. Needs numpy at most."""

import atexit
import collections
import logging
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from ..core.errors import Cancelled, WorkerError
from ..core.settings import Settings
from . import process, protocol
from .protocol import Error, Event, Ready

PACKAGE_ROOT = Path(__file__).absolute().parent.parent
START_LIMIT = 120.0  # seconds until Ready; a first start on a slow disk with a virus scanner takes most of a minute
SILENCE_LIMIT = 15.0  # seconds without a heartbeat
CANCEL_LIMIT = 0.4  # seconds to answer a cancel before the process is killed
GARBAGE_LIMIT = 1 << 20  # bytes on standard output that are no messages
LOG_LINES = 200

logger = logging.getLogger(__name__)


class WorkerClient:
    """One worker process at a time, one job at a time. All methods belong to one thread; only `wait` blocks.

    `poll` never raises: when the worker dies, hangs or speaks nonsense, that too arrives as an Error event, once, and the next job
    starts a new process.
    """

    def __init__(self, python: Path, package_root: Path = PACKAGE_ROOT, idle_timeout: float = 600.0, threads: int = 0) -> None:
        self.python = python
        self._command = [
            str(python), "-I", "-u", str(package_root / "worker" / "launch.py"), "likeness.worker.server",
            "--idle-timeout", str(idle_timeout), "--threads", str(threads),
        ]  # fmt: skip
        self._link: _Link | None = None
        self._folder: Path | None = None
        self._jobs = 0
        self._last_poll = self._silence = 0.0
        self._cancel_deadline: float | None = None
        self.busy = False
        self.versions: dict[str, str] = {}

    @property
    def alive(self) -> bool:
        return self._link is not None and self._link.process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._link.process.pid if self._link else None

    @property
    def log(self) -> str:
        """The last lines that the worker wrote on standard error."""
        return "\n".join(self._link.log) if self._link else ""

    def start(self) -> None:
        """Start the process when there is none; does not wait for it. Raises WorkerError when Python cannot be run."""
        if not self.alive:
            self._kill()
            self._link = _Link(self._command)

    def reconstruct(self, photo: Path, settings: Settings, output: Path | None = None) -> None:
        """Begin a job; its end arrives from `poll` as Done or Error. Without `output` (.npz) the result lies in a private folder until
        the next job or `close`.

        Raises WorkerError when a job runs already or the process cannot be started.
        """
        self._begin(protocol.Reconstruct(str(photo), str(output or self._private_output()), asdict(settings)))

    def track(self, source: Path, smoothing: float, output: Path | None = None) -> None:
        """Begin to follow the face in a photo, a video or a folder of pictures; otherwise as `reconstruct`, the result a Performance."""
        self._begin(protocol.Track(str(source), str(output or self._private_output()), smoothing))

    def bake(self, mesh: Path, reconstruction: Path, size: int, output: Path | None = None) -> None:
        """Begin to bake a texture for a mesh (UvMesh) on a reconstruction (Result); otherwise as `reconstruct`, the result a Texture."""
        self._begin(protocol.Bake(str(mesh), str(reconstruction), str(output or self._private_output()), size))

    def export(self, reconstruction: Path, output: Path) -> None:
        """Begin to write a reconstruction (Result) as the suffix of `output` says: .glb, .ply or .obj the mesh, .png the preview."""
        self._begin(protocol.Export(str(reconstruction), str(output)))

    def self_test(self) -> None:
        """Begin the self-test; its end arrives from `poll` as Tested or Error."""
        self._begin(protocol.SelfTest())

    def cancel(self) -> None:
        """Ask the job to stop. `poll` delivers an Error of kind Cancelled within a second or so: who does not answer is killed."""
        if self.busy and self._cancel_deadline is None and self._link:
            self._cancel_deadline = time.monotonic() + CANCEL_LIMIT
            self._link.send(protocol.Cancel())

    def poll(self) -> list[Event]:
        """What happened since the last call, oldest first (heartbeats and start-up are handled here). Call about ten times a second."""
        now = time.monotonic()
        # a Blender that was itself asleep or stuck must not blame the worker: one call adds a second at most
        self._silence += min(now - self._last_poll, 1.0)
        self._last_poll = now
        events: list[Event] = []
        if not self._link:
            return events
        ended = self._link.process.poll() is not None and self._link.drained()
        for event in self._link.received():
            self._silence = 0.0
            if isinstance(event, Ready):
                self.versions = event.versions
            elif not isinstance(event, protocol.Heartbeat):
                events.append(event)
            if isinstance(event, protocol.Done | protocol.Tested | Error):
                self.busy, self._cancel_deadline = False, None
        if self.busy and (failure := self._failure(now, ended)):
            events.append(failure)
            logger.info("worker log:\n%s", self.log)
            self._kill()
        return events

    def wait(self, progress: Callable[[str, float], None] | None = None, cancel: Callable[[], bool] | None = None) -> Path:
        """The blocking twin: the finished result's path. Raises the job's own LikenessError, Cancelled or WorkerError."""
        if not self.busy:
            raise WorkerError("There is no reconstruction to wait for.")
        while True:
            for event in self.poll():
                if isinstance(event, protocol.Progress) and progress:
                    progress(event.stage, event.fraction)
                elif isinstance(event, Error):
                    raise event.exception()
                elif isinstance(event, protocol.Done):
                    return Path(event.path)
            if cancel and cancel():
                self.cancel()
            time.sleep(0.03)

    def close(self) -> None:
        """End the process and everything it started, at once; remove the private folder. The client can be used again."""
        self._kill()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _begin(self, request: protocol.Request) -> None:
        if self.busy:
            raise WorkerError("A reconstruction is already running; wait for it or cancel it.")
        self.start()
        assert self._link is not None
        self._link.received()  # what an earlier job left unread is of no interest to this one
        self._link.send(request)
        self.busy, self._silence, self._last_poll = True, 0.0, time.monotonic()

    def _private_output(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="likeness-"))
        for old in self._folder.glob("*.npz"):
            old.unlink(missing_ok=True)
        self._jobs += 1
        return self._folder / f"result-{self._jobs}.npz"

    def _failure(self, now: float, ended: bool) -> Error | None:
        """Why the running job cannot go on, if so."""
        assert self._link is not None
        if self._cancel_deadline is not None and (ended or now > self._cancel_deadline):
            return Error.of(Cancelled("Cancelled."))
        if ended:
            return Error(f"{_ending(self._link.process.returncode)}{self._last_words()}; try again.")
        if self._link.garbage > GARBAGE_LIMIT:
            return Error("The worker sent something that is no message; check the chosen Python environment and try again.")
        if not self.versions and now - self._link.started > START_LIMIT:
            return Error(f"The worker did not start within {START_LIMIT:.0f} s; try again, or set up its Python environment again.")
        if self.versions and self._silence > SILENCE_LIMIT:
            return Error(f"The worker has not answered for {SILENCE_LIMIT:.0f} s and was ended; try again.")
        return None

    def _last_words(self) -> str:
        """The last line of the log when it names an error: usually the one that a developer needs."""
        assert self._link is not None
        last = self._link.log[-1].strip() if self._link.log else ""
        return f" ({last[:200]})" if "Error" in last else ""

    def _kill(self) -> None:
        if self._link:
            self._link.kill()
        self.busy, self._cancel_deadline, self.versions = False, None, {}


class _Link:
    """The process with its pipes. Two threads of its own keep them drained; they end with the process."""

    def __init__(self, command: list[str]) -> None:
        try:
            self.process = process.start(command, subprocess.PIPE, subprocess.PIPE, subprocess.PIPE)
        except OSError as error:
            raise WorkerError(f"{command[0]} cannot be started ({error.strerror}); set up the Python environment again.") from error
        self.started = time.monotonic()
        self.log: collections.deque[str] = collections.deque(maxlen=LOG_LINES)
        self.garbage = 0
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=task, daemon=True) for task in (self._read_events, self._read_log)]
        for thread in self._threads:
            thread.start()

    def send(self, request: protocol.Request) -> None:
        """A worker that is gone is noticed by `poll`, not here."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(protocol.encode(request))
        except OSError:
            logger.debug("The worker's input is closed", exc_info=True)

    def received(self) -> list[Event]:
        return [self._events.get() for _ in range(self._events.qsize())]

    def drained(self) -> bool:
        """Whether everything that the process wrote has been read; a grandchild that keeps a pipe open gets no more than a moment."""
        for thread in self._threads:
            thread.join(0.2)
        return True

    def kill(self) -> None:
        if self.process.poll() is None:
            # on a busy machine a killed process has taken 20 s to go; the interface must not wait for that
            process.kill_tree(self.process, 0.3)
        self.drained()
        if self.process.stdin:
            self.process.stdin.close()

    def _read_events(self) -> None:
        lines = protocol.Lines()
        assert self.process.stdout is not None
        with self.process.stdout as pipe:
            while data := os.read(pipe.fileno(), 1 << 16):
                dropped = lines.dropped
                for line in lines.feed(data):
                    try:
                        self._events.put(protocol.decode(line, protocol.EVENTS))
                    except protocol.ProtocolError:
                        self._reject(len(line), line)
                if lines.dropped > dropped:
                    self._reject(lines.dropped - dropped, b"an over-long line")

    def _reject(self, size: int, line: bytes) -> None:
        self.garbage += size + 1
        self.log.append(f"not a message: {line[:200]!r}")

    def _read_log(self) -> None:
        lines = protocol.Lines()
        assert self.process.stderr is not None
        with self.process.stderr as pipe:
            while data := os.read(pipe.fileno(), 1 << 16):
                self.log.extend(line.decode("utf-8", "replace").rstrip() for line in lines.feed(data))


def _ending(code: int) -> str:
    """A sentence's beginning about an exit code; shells and wrappers report signal N as 128 + N."""
    number = -code if code < 0 else code - 128 if 128 < code < 128 + 65 else 0
    if number == 9:
        return "The worker was killed, perhaps because memory ran out; a lower quality needs less"
    if number or code > 1 << 30:  # Windows reports crashes as large status codes
        return f"The worker crashed ({signal.Signals(number).name if number in set(signal.Signals) else code})"
    return f"The worker ended unexpectedly (exit code {code})"


_shared: WorkerClient | None = None


def shared_client(python: Path) -> WorkerClient:
    """The client that lives between runs, so that models stay warm; another Python replaces it (and ends a job of the old one)."""
    global _shared
    if _shared is None or _shared.python != python:
        close_shared()
        _shared = WorkerClient(python)
        atexit.register(close_shared)
    return _shared


def close_shared() -> None:
    """End the shared worker: on unregistering, on quitting, and before its environment is replaced."""
    global _shared
    if _shared is not None:
        _shared.close()
        _shared = None
        atexit.unregister(close_shared)

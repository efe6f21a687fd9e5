"""Blender's side of the worker: starts it, talks to it without blocking, survives whatever happens to it. Needs numpy at most."""

import atexit
import collections
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from ..core.colour.uv_mesh import BakedMaps
from ..core.error_report import LOG_LINES
from ..core.errors import MEMORY_REMEDY, Cancelled, MemoryExhausted, WorkerError, is_out_of_memory
from ..core.private_folder import PrivateFolder
from ..core.progress import stage_label
from ..core.settings import Settings
from . import process, protocol
from .protocol import Done, Error, Event, Heartbeat, Progress, Ready, Tested
from .watch import Watch

PACKAGE_ROOT = Path(__file__).absolute().parent.parent
CANCEL_LIMIT = 0.4  # seconds to answer a cancel before the process is killed
GARBAGE_LIMIT = 1 << 20  # bytes on standard output that are no messages
# Linux: threads share what others have freed, or a head takes a tenth more memory.
MEMORY = {"MALLOC_ARENA_MAX": "1"}

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
        self._folder: PrivateFolder | None = None
        self._job, self._what = 0, protocol.Job.what
        self._stage = "start"
        self._last_poll = 0.0
        self._cancel_deadline: float | None = None
        self.busy = False
        self.versions: dict[str, str] = {}  # of the latest worker's packages, for reports

    @property
    def alive(self) -> bool:
        return self._link is not None and self._link.process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._link.process.pid if self._link else None

    @property
    def log(self) -> str:
        """The last LOG_LINES lines that the worker wrote on standard error; a dead one's stay until the next starts."""
        return "\n".join(self._link.log) if self._link else ""

    def start(self) -> None:
        """Start the process when there is none; does not wait for it. Raises WorkerError when Python cannot be run, LikenessError when
        there is no place for temporary files."""
        if not self.alive:
            self._kill()
            self._link = _Link([*self._command, "--private", str(self._private_folder())])

    def reconstruct(self, photos: Sequence[Path], settings: Settings, output: Path | None = None, early: bool = False) -> None:
        """Begin the reconstruction of the person in all the photos; its end arrives from `poll` as Done or Error. Without `output` (.npz)
        the result lies in a private folder until the next job or `close`. early: a first look is to arrive as Early meanwhile.

        Raises WorkerError when a job runs already or the process cannot be started.
        """
        place = str(output or self._private_output())
        self._begin(protocol.Reconstruct([str(photo) for photo in photos], place, asdict(settings), early))

    def track(self, source: Path, smoothing: float, output: Path | None = None) -> None:
        """Begin to follow the face in a photo, a video or a folder of pictures; otherwise as `reconstruct`, the result a Performance."""
        self._begin(protocol.Track(str(source), str(output or self._private_output()), smoothing))

    def choose_frames(self, source: Path, count: int, output: Path | None = None) -> None:
        """Begin to choose frames of a video that show a face from many sides; otherwise as `reconstruct`, the result VideoFrames."""
        self._begin(protocol.ChooseFrames(str(source), str(output or self._private_output()), count))

    def bake(self, mesh: Path, reconstruction: Path, maps: BakedMaps, output: Path | None = None) -> None:
        """Begin to bake textures for a mesh (UvMesh) on a reconstruction (Result); otherwise as `reconstruct`, the result Textures."""
        here = str(output or self._private_output())
        self._begin(protocol.Bake(str(mesh), str(reconstruction), here, maps.size, list(maps.names), maps.cage, maps.margin))

    def retopologise(self, reconstruction: Path, cover: bool, inner: bool, output: Path | None = None) -> None:
        """Begin to lay the head model's quads on a reconstruction (Result); otherwise as `reconstruct`, the result a QuadMesh."""
        self._begin(protocol.Retopologise(str(reconstruction), str(output or self._private_output()), cover, inner))

    def follow(self, photo: Path, settings: Settings, pins: str, output: Path | None = None) -> None:
        """Begin to fit the face in a photo to pins, the text of a pins file; otherwise as `reconstruct`, the result a FittedFace."""
        self._begin(protocol.Follow(str(photo), str(output or self._private_output()), asdict(settings), pins))

    def inspect(self, photo: Path, settings: Settings, mask: bool = False, output: Path | None = None) -> None:
        """Begin to find the people in a photo or, if `mask`, what is taken for the chosen one; otherwise as `reconstruct`, the result an
        Inspection."""
        self._begin(protocol.Inspect(str(photo), str(output or self._private_output()), asdict(settings), mask))

    def export(self, reconstruction: Path, output: Path) -> None:
        """Begin to write a reconstruction (Result) as the suffix of `output` says: .glb, .ply or .obj the mesh, .png the preview."""
        self._begin(protocol.Export(str(reconstruction), str(output)))

    def print_file(self, reconstruction: Path, output: Path, settings: Settings) -> None:
        """Begin to write a reconstruction (Result) for 3D printing, as .3mf or .stl; Done has a sentence about it."""
        self._begin(protocol.Print(str(reconstruction), str(output), asdict(settings)))

    def self_test(self, photo: bool = True) -> None:
        """Begin the self-test, with a small reconstruction if `photo`; its end arrives from `poll` as Tested or Error."""
        self._begin(protocol.SelfTest(photo))

    def cancel(self) -> None:
        """Ask the job to stop. `poll` delivers an Error of kind Cancelled within a second or so: who does not answer is killed."""
        if self.busy and self._cancel_deadline is None and self._link:
            self._cancel_deadline = time.monotonic() + CANCEL_LIMIT
            self._link.send(protocol.Cancel(id=self._job))

    def poll(self) -> list[Event]:
        """What happened since the last call, oldest first (heartbeats and start-up are handled here). Call about ten times a second."""
        now = time.monotonic()
        passed, self._last_poll = now - self._last_poll, now
        events: list[Event] = []
        if not self._link:
            return events
        self._link.watch.pass_time(passed)
        ended = self._link.process.poll() is not None and self._link.drained()
        events = [event for event in self._link.received() if self._counts(event)]
        if self.busy and (failure := self._failure(now, ended)):
            self._kill()
            events.append(replace(failure, id=self._job))
        if any(isinstance(event, Error) for event in events):
            logger.info("worker log:\n%s", self.log)
        return events

    def wait(self, progress: Callable[[str, float], None] | None = None, cancel: Callable[[], bool] | None = None) -> Path:
        """The blocking twin: the finished result's path. Raises the job's own LikenessError, Cancelled or WorkerError."""
        outcome = self.outcome(progress, cancel)
        if not isinstance(outcome, Done):
            raise WorkerError("This job gives no result.")
        return Path(outcome.path)

    def outcome(self, progress: Callable[[str, float], None] | None = None, cancel: Callable[[], bool] | None = None) -> Done | Tested:
        """As `wait`, for any kind of job. Ends whatever the worker does: one that makes no progress is ended."""
        if not self.busy:
            raise WorkerError("There is no reconstruction to wait for.")
        while True:
            for event in self.poll():
                if isinstance(event, Progress) and progress:
                    progress(event.stage, event.fraction)
                elif isinstance(event, Error):
                    raise event.exception()
                elif isinstance(event, Done | Tested):
                    return event
            if cancel and cancel():
                self.cancel()
            time.sleep(0.03)

    def close(self) -> None:
        """End the process and everything it started, at once; remove the private folder. The client can be used again."""
        self._kill()
        if self._folder:
            self._folder.close()
            self._folder = None

    def _begin(self, request: protocol.Job) -> None:
        if self.busy:
            raise WorkerError("A reconstruction is already running; wait for it or cancel it.")
        self.start()
        assert self._link is not None
        self._job, self._what = self._job + 1, request.what
        self._stage = "load" if self._link.watch.started else "start"
        self._link.watch.begin()
        self._link.send(replace(request, id=self._job))
        self.busy, self._last_poll = True, time.monotonic()

    def _counts(self, event: Event) -> bool:
        """Take note of an event; whether it is one for the caller: about the running job and no matter of the process alone."""
        assert self._link is not None
        watch = self._link.watch
        if isinstance(event, Heartbeat):
            watch.pulse(event.cpu)
        elif isinstance(event, Ready):
            self.versions, self._stage = event.versions, "load"
            watch.ready()
        elif self.busy and event.id in (0, self._job):  # not what an earlier job left unread
            if isinstance(event, Progress):
                self._stage = event.stage
                watch.progress(event.stage, event.fraction)
            if isinstance(event, Done | Tested | Error):
                self.busy, self._cancel_deadline = False, None
                if isinstance(event, Error) and event.kind == MemoryExhausted.__name__:
                    self._kill()  # libraries are left half made, and their memory half taken
            return True
        return False

    def _private_folder(self) -> Path:
        if self._folder is None or not self._folder.path.is_dir():  # some systems clear old temporary files
            self._folder = PrivateFolder()
        return self._folder.path

    def _private_output(self) -> Path:
        folder = self._private_folder()
        for old in folder.glob("*.npz"):
            old.unlink(missing_ok=True)
        return folder / f"result-{self._job + 1}.npz"

    def _failure(self, now: float, ended: bool) -> Error | None:
        """Why the running job cannot go on, if so."""
        assert self._link is not None
        watch = self._link.watch
        if self._cancel_deadline is not None and (ended or now > self._cancel_deadline):
            return Error.of(Cancelled("Cancelled."))
        if ended:
            return _death(self._link.process.returncode, list(self._link.log), self._what)
        if self._link.garbage > GARBAGE_LIMIT:
            return Error("The worker sent something that is no message; check the chosen Python environment and try again.")
        if not watch.started and (watch.stuck or watch.silent):
            return Error(f"The worker did not start within {watch.limit:.0f} s; try again, or set up its Python environment again.")
        if watch.silent or watch.stuck:
            self._link.ask_where()
            problem = f"has made no progress for {watch.waited:.0f} s" if watch.stuck else f"has not answered for {watch.silence:.0f} s"
            return Error(
                f'The worker {problem} at "{stage_label(self._stage)}" and was ended; try again, and if it happens again {MEMORY_REMEDY}.'
            )
        return None

    def _kill(self) -> None:
        if self._link:
            self._link.kill()
        self.busy, self._cancel_deadline = False, None


class _Link:
    """The process with its pipes. Two threads of its own keep them drained; they end with the process."""

    def __init__(self, command: list[str]) -> None:
        try:
            self.process = process.start(command, subprocess.PIPE, subprocess.PIPE, subprocess.PIPE, MEMORY)
        except OSError as error:
            raise WorkerError(f"{command[0]} cannot be started ({error.strerror}); set up the Python environment again.") from error
        self.watch = Watch()
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

    def ask_where(self) -> None:
        """Have a process that hangs write to its log what it waits for; for the error file."""
        if sys.platform != "win32" and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGUSR1)
            time.sleep(0.2)

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


_CRASHES = {0xC0000005: "access violation", 0xC00000FD: "stack overflow", 0xC0000409: "abort", 0xC0000142: "a library did not start"}
_NO_MEMORY = {0xC0000017, 0xC000009A, 0xC000012D}  # Windows: no memory, insufficient resources, commitment limit


def _death(code: int, log: list[str], what: str) -> Error:
    """The sentence about a process that ended by itself; shells and wrappers report signal N as 128 + N, Windows a large status."""
    number = -code if code < 0 else code - 128 if 128 < code < 128 + 65 else 0
    status = code if code > 1 << 30 else 0
    if status in _NO_MEMORY or any(map(is_out_of_memory, log)):
        return Error.of(MemoryExhausted(f"{what} needs more memory than there is; {MEMORY_REMEDY}."))
    if number == 9:
        return Error(f"The worker was killed, perhaps because memory ran out; {MEMORY_REMEDY}.")
    if number or status:
        name = _CRASHES.get(status, hex(status)) if status else signal.Signals(number).name if number in set(signal.Signals) else str(code)
        return Error(
            f"The worker crashed ({name}), perhaps because memory ran out; {MEMORY_REMEDY}, and if it happens again report it with the "
            "error file (in Blender: Copy Report)."
        )
    # The last line of the log, when it names an error, is usually the one that a developer needs.
    last = log[-1].strip() if log else ""
    words = f" ({last[:200]})" if "Error" in last else ""
    return Error(f"The worker ended unexpectedly (exit code {code}){words}; try again.")


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

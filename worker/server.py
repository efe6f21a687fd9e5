"""The network side of the worker: reads requests on standard input, runs one job at a time, keeps the models warm in between.

    python -I -u launch.py likeness.worker.server [--idle-timeout SECONDS] [--threads N]

Standard output carries nothing but messages (protocol.py); everything printed by anyone, C++ libraries included, goes to standard error.
"""

import argparse
import gc
import importlib.metadata
import logging
import os
import platform
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core.errors import Cancelled, LikenessError, WorkerError, explain
from ..core.settings import Settings
from ..core.version import VERSION
from . import protocol

HEARTBEAT = 1.0  # seconds
PROGRESS_INTERVAL = 0.05  # seconds between two progress messages of one stage
PACKAGES = ("torch", "numpy", "mediapipe")

logger = logging.getLogger(__name__)
Loader = Callable[[str], Any]  # device -> a reconstructor with run(photo, settings, progress, cancel) -> Result


@dataclass(frozen=True)
class Job:
    request: protocol.Reconstruct | protocol.Track | protocol.Bake | protocol.SelfTest | protocol.Quit
    cancelled: threading.Event = field(default_factory=threading.Event)


class Server:
    """Serves requests from the descriptor `source`, answers on `sink`. The process ends at once when `source` closes."""

    def __init__(self, source: int, sink: int, load: Loader, idle_timeout: float) -> None:
        self._source, self._sink = source, sink
        self._load, self._idle_timeout = load, idle_timeout
        self._jobs: queue.Queue[Job] = queue.Queue()
        self._latest: Job | None = None
        self._sending = threading.Lock()
        self._reconstructors: dict[str, Any] = {}
        self._tracker: Any = None

    def listen(self) -> None:
        """Start reading requests and beating; jobs wait until `run`."""
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._beat, daemon=True).start()

    def run(self) -> None:
        """Do jobs until Quit or until none came for the idle timeout."""
        while True:
            try:
                job = self._jobs.get(timeout=self._idle_timeout)
            except queue.Empty:
                logger.info("Nothing to do for %g s: ending.", self._idle_timeout)
                return
            if isinstance(job.request, protocol.Quit):
                return
            self.send(self._answer(job))

    def send(self, event: protocol.Event) -> None:
        line = protocol.encode(event)
        with self._sending:
            try:
                while line:
                    line = line[os.write(self._sink, line) :]
            except OSError:  # nobody listens any more
                os._exit(0)

    def _read(self) -> None:
        lines = protocol.Lines()
        while data := os.read(self._source, 1 << 16):
            for line in lines.feed(data):
                try:
                    request = protocol.decode(line, protocol.REQUESTS)
                except protocol.ProtocolError as error:
                    self.send(protocol.Error.of(error))
                    continue
                if not isinstance(request, protocol.Cancel):
                    self._latest = Job(request)
                    self._jobs.put(self._latest)
                elif self._latest:
                    self._latest.cancelled.set()
            if lines.dropped:
                self.send(protocol.Error.of(protocol.ProtocolError("A request was too long to be read.")))
                lines.dropped = 0
        os._exit(0)

    def _beat(self) -> None:
        while True:
            time.sleep(HEARTBEAT)
            self.send(protocol.Heartbeat())

    def _answer(self, job: Job) -> protocol.Event:
        """Nothing that a job raises ends the worker, which stays ready for the next photo."""
        try:
            if isinstance(job.request, protocol.SelfTest):
                from .selftest import self_test

                return protocol.Tested(*self_test(progress=self._progress()))
            request, cancelled = job.request, job.cancelled
            assert not isinstance(request, protocol.Quit)
            output = Path(request.output)
            if output.suffix != ".npz":
                raise WorkerError(f"{output} must end in .npz.")
            match request:
                case protocol.Reconstruct():
                    result = self._reconstruct(request, cancelled)
                case protocol.Track():
                    result = self._track(request, cancelled)
                case protocol.Bake():
                    result = self._bake(request, cancelled)
            return protocol.Done(str(_saved(result, output)))
        except LikenessError as error:
            return protocol.Error.of(error)
        except Exception as error:
            logger.exception("The job failed unexpectedly")
            # after memory ran out the next photo starts clean; after anything else loading again costs little beside the failure
            self._reconstructors.clear()
            self._tracker = None
            gc.collect()
            return protocol.Error.of(explain(error))

    def _reconstruct(self, request: protocol.Reconstruct, cancelled: threading.Event) -> Any:
        settings = Settings.from_dict(request.settings)
        if settings.device not in self._reconstructors:
            self.send(protocol.Progress("Loading the networks", 0.0))
            self._reconstructors[settings.device] = self._load(settings.device)
        if cancelled.is_set():
            raise Cancelled("Cancelled.")
        return self._reconstructors[settings.device].run(Path(request.photo), settings, self._progress(), cancelled.is_set)

    def _track(self, request: protocol.Track, cancelled: threading.Event) -> Any:
        if self._tracker is None:
            from ..core.animation.track import Tracker

            self._tracker = Tracker.load()
        return self._tracker.run(Path(request.source), request.smoothing, self._progress(), cancelled.is_set)

    def _bake(self, request: protocol.Bake, cancelled: threading.Event) -> Any:
        from ..core.colour.bake import bake_mesh
        from ..core.colour.uv_mesh import Texture, UvMesh
        from ..core.result import Result

        report = self._progress()

        def progress(share: float) -> None:
            if cancelled.is_set():
                raise Cancelled("Cancelled.")
            report("texture", share)

        progress(0.0)
        mesh, result = UvMesh.load(Path(request.mesh)), Result.load(Path(request.reconstruction))
        colours, _ = bake_mesh(mesh.vertices, mesh.faces, mesh.uv, mesh.faces_uv, result, request.size, progress)
        return Texture(colours)

    def _progress(self) -> Callable[[str, float], None]:
        last_stage, last_time = "", 0.0

        def progress(stage: str, fraction: float) -> None:
            nonlocal last_stage, last_time
            now = time.monotonic()
            if stage != last_stage or now - last_time >= PROGRESS_INTERVAL:
                last_stage, last_time = stage, now
                self.send(protocol.Progress(stage, min(max(float(fraction), 0.0), 1.0)))

        return progress


def _saved(result: Any, output: Path) -> Path:
    """Write what a job gave; the file appears complete or not at all."""
    partial = output.with_name(f"{output.stem}.part.npz")
    try:
        result.save(partial)
        partial.replace(output)
    except OSError as error:
        raise WorkerError(
            f"The result cannot be written to {output} ({error.strerror}); check that the folder exists and has free space."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return output


class _WarningsToClient(logging.Handler):
    def __init__(self, server: Server) -> None:
        super().__init__(logging.WARNING)
        self._server = server

    def emit(self, record: logging.LogRecord) -> None:
        self._server.send(protocol.Log(record.levelname, record.getMessage()[:2000]))


def versions() -> dict[str, str]:
    """Of Python and of the packages that decide whether two machines can agree."""
    found = {"likeness": VERSION, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "missing"
    return found


def _private_streams() -> tuple[int, int]:
    """Own copies of standard input and output. Then 0 reads nothing and 1 writes to standard error: no library can disturb the messages.

    (On Windows a library that asks about standard input while another thread reads it would hang.)
    """
    source, sink = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return source, sink


def main() -> None:
    parser = argparse.ArgumentParser(prog="likeness worker")
    parser.add_argument("--idle-timeout", type=float, default=600.0, help="seconds without a job after which the process ends")
    parser.add_argument("--threads", type=int, default=0, help="threads of the networks; 0 leaves torch's own choice")
    options = parser.parse_args()
    source, sink = _private_streams()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)

    def load(device: str) -> Any:
        from ..core.pipeline import Reconstructor

        return Reconstructor.load(device)

    server = Server(source, sink, load, options.idle_timeout)
    logging.getLogger().addHandler(_WarningsToClient(server))
    server.listen()
    try:
        # slow imports come before Ready, which has its own generous time limit: a library being loaded can hold up the heartbeat
        from ..core import pipeline  # noqa: F401

        if options.threads:
            import torch

            torch.set_num_threads(options.threads)
    except ImportError as error:
        server.send(protocol.Error.of(WorkerError(f"The Python environment of Likeness is incomplete ({error}); set it up again.")))
        sys.exit(WorkerError.exit_code)
    server.send(protocol.Ready(versions()))
    server.run()
    os._exit(0)  # teardown of the heavy libraries takes time in which a new request would be lost, and can crash


if __name__ == "__main__":
    main()

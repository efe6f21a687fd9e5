"""The network side of the worker: reads requests on standard input, runs one job at a time, keeps the models warm in between.

    python -I -u launch.py likeness.worker.server [--idle-timeout SECONDS] [--threads N] [--private FOLDER]

Standard output carries nothing but messages (protocol.py); everything printed by anyone, C++ libraries included, goes to standard error.
"""

import argparse
import faulthandler
import gc
import importlib.metadata
import logging
import os
import platform
import queue
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from ..core.errors import explain
from ..core.version import VERSION
from . import protocol
from .jobs import Jobs

HEARTBEAT = 1.0  # seconds
PROGRESS_INTERVAL = 0.05  # seconds between two progress messages of one stage
PACKAGES = ("torch", "numpy", "mediapipe")

logger = logging.getLogger(__name__)


class Server:
    """Serves requests from the descriptor `source`, answers on `sink`. The process ends at once when `source` closes, since then its parent
    is gone; `private`, the parent's folder, goes too."""

    def __init__(self, source: int, sink: int, jobs: Jobs, idle_timeout: float, private: Path | None = None) -> None:
        self._source, self._sink = source, sink
        self._jobs, self._idle_timeout, self._private = jobs, idle_timeout, private
        self._requests: queue.Queue[protocol.Job | protocol.Quit] = queue.Queue()
        self._cancelled: set[int] = set()
        self._current = 0
        self._sending = threading.Lock()

    def listen(self) -> None:
        """Start reading requests and beating; jobs wait until `run`."""
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._beat, daemon=True).start()

    def run(self) -> None:
        """Do jobs until Quit or until none came for the idle timeout."""
        while True:
            try:
                request = self._requests.get(timeout=self._idle_timeout)
            except queue.Empty:
                logger.info("Nothing to do for %g s: ending.", self._idle_timeout)
                return
            if isinstance(request, protocol.Quit):
                return
            self._current = request.id
            answer = self._answer(request)
            self._current = 0
            self.send(replace(answer, id=request.id))
            self._cancelled.discard(request.id)

    def send(self, event: protocol.Event) -> None:
        line = protocol.encode(event)
        with self._sending:
            try:
                while line:
                    line = line[os.write(self._sink, line) :]
            except OSError:  # nobody listens any more
                self._end()

    def warn(self, level: str, text: str) -> None:
        """Something for the user to know about the running job."""
        self.send(protocol.Log(level, text[:2000], id=self._current))

    def _read(self) -> None:
        lines = protocol.Lines()
        while data := os.read(self._source, 1 << 16):
            for line in lines.feed(data):
                try:
                    request = protocol.decode(line, protocol.REQUESTS)
                except protocol.ProtocolError as error:
                    self.send(protocol.Error.of(error))
                    continue
                if isinstance(request, protocol.Cancel):
                    self._cancelled.add(request.id)
                else:
                    self._requests.put(request)
            if lines.dropped:
                self.send(protocol.Error.of(protocol.ProtocolError("A request was too long to be read.")))
                lines.dropped = 0
        self._end()

    def _end(self) -> NoReturn:
        """The parent was killed, or it would have ended this process itself."""
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)
        os._exit(0)

    def _beat(self) -> None:
        while True:
            time.sleep(HEARTBEAT)
            self.send(protocol.Heartbeat(time.process_time()))

    def _answer(self, job: protocol.Job) -> protocol.Event:
        """Nothing that a job raises ends the worker, which stays ready for the next photo."""
        try:
            say = lambda event: self.send(replace(event, id=job.id))  # noqa: E731
            return self._jobs.run(job, self._progress(job.id), lambda: job.id in self._cancelled, say)
        except Exception as error:
            known = explain(error, job.what)
            if known is not error:
                logger.exception("The job failed")
                self._jobs.forget()
            return protocol.Error.of(known, error)

    def _progress(self, job: int) -> Callable[[str, float], None]:
        last_stage, last_time = "", 0.0

        def progress(stage: str, fraction: float) -> None:
            nonlocal last_stage, last_time
            now = time.monotonic()
            if stage != last_stage or now - last_time >= PROGRESS_INTERVAL:
                last_stage, last_time = stage, now
                self.send(protocol.Progress(stage, min(max(float(fraction), 0.0), 1.0), id=job))

        return progress


class _WarningsToClient(logging.Handler):
    def __init__(self, server: Server) -> None:
        super().__init__(logging.WARNING)
        self._server = server

    def emit(self, record: logging.LogRecord) -> None:
        self._server.warn(record.levelname, record.getMessage())


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
    parser.add_argument("--private", type=Path, help="folder of the parent, to be removed when that was killed")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    source, sink = _private_streams()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    # What a crash was doing goes to the log; so does, when the client asks before it ends us, what we wait for.
    words = os.dup(2)  # the chatter of some libraries is kept away from 2
    faulthandler.enable(words)
    if sys.platform != "win32":
        faulthandler.register(signal.SIGUSR1, words)

    def load(device: str) -> Any:
        from ..core.pipeline import Reconstructor

        reconstructor = Reconstructor.load(device)
        gc.freeze()  # what stays loaded has 200,000 objects, through which a reconstruction went twice for garbage: 0.1 s each time
        return reconstructor

    server = Server(source, sink, Jobs(load), options.idle_timeout, options.private)
    logging.getLogger().addHandler(_WarningsToClient(server))
    try:
        server.listen()
        # slow imports come before Ready, which has its own generous time limit: a library being loaded can hold up the heartbeat
        from ..core import pipeline  # noqa: F401

        if options.threads:
            import torch

            torch.set_num_threads(options.threads)
    except Exception as error:  # with little memory nearly anything
        logger.exception("The start failed")
        server.send(protocol.Error.of(known := explain(error, "The start of the worker"), error))
        os._exit(known.exit_code)
    server.send(protocol.Ready(versions()))
    server.run()
    os._exit(0)  # teardown of the heavy libraries takes time in which a new request would be lost, and can crash


if __name__ == "__main__":
    main()

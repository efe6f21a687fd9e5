"""Writes the files that only Blender can write, in a process of its own, because bpy must not share one with our other libraries."""

import collections
import importlib.util
import json
import logging
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from ..core.errors import Cancelled, InputError, ReconstructionError
from ..worker import process
from ..worker.environment import LAUNCH

_WRITE = "likeness.scene.write"  # run by name: nothing here imports bpy
_ANSWER = "likeness-written "  # ANSWER of scene/write.py
_LIMIT = 300  # seconds for Blender to start and write the files of one result
_LOG_LINES = 200

log = logging.getLogger(__name__)


def blender_command(blender: Path | None) -> list[str]:
    """What runs the writer: the given Blender, this Python when it has bpy, or a Blender on the PATH. Raises InputError."""
    batch = ["--background", "--factory-startup", "--python-exit-code", "3", "--python", str(LAUNCH), "--", _WRITE]
    if blender is not None:
        if not (found := shutil.which(blender)):
            raise InputError(f"{blender} is no program; give --blender the path of Blender.")
        return [found, *batch]
    if importlib.util.find_spec("bpy"):
        return [sys.executable, "-I", str(LAUNCH), _WRITE]
    if found := shutil.which("blender"):
        return [found, *batch]
    raise InputError("A .blend or .fbx file, or a .glb with a rig, needs Blender; give its path with --blender, or choose other --formats.")


class BlenderWriter:
    """One Blender, started when it is first needed, that writes any number of results. Its methods belong to one thread."""

    def __init__(self, command: Sequence[str]) -> None:
        """command: of blender_command."""
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._said: collections.deque[str] = collections.deque(maxlen=_LOG_LINES)
        self._answers: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._errors: threading.Thread | None = None

    def write(self, result: Path, paths: Sequence[Path], performance: Path | None = None, cancel: Callable[[], bool] | None = None) -> None:
        """Write a saved Result (.npz) as .blend or, of its rigged head, .glb; with a saved Performance the head plays it.

        Raises ReconstructionError, the next call then starts another Blender; InputError when it cannot be started; Cancelled.
        """
        names = " and ".join(path.name for path in paths)
        request = {"result": str(result), "files": [str(path) for path in paths], "performance": performance and str(performance)}
        try:
            answer = self._answer(json.dumps(request), names, cancel)
        except BaseException:
            self.close()
            raise
        if answer["code"] or not all(path.exists() for path in paths):
            raise _failure(names, answer["sentence"])

    def close(self) -> None:
        """End Blender, at once."""
        if self._process is not None:
            process.kill_tree(self._process, 1.0)
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process = None

    def _answer(self, request: str, names: str, cancel: Callable[[], bool] | None) -> dict[str, Any]:
        child = self._started()
        assert child.stdin is not None
        try:
            child.stdin.write(f"{request}\n".encode())
        except OSError:  # it has ended: told below
            log.debug("Blender's input is closed", exc_info=True)
        end = time.monotonic() + _LIMIT
        while time.monotonic() < end:
            if cancel is not None and cancel():
                raise Cancelled("Cancelled.")
            try:
                answer = self._answers.get(timeout=0.1)
            except queue.Empty:
                continue
            if answer is None:
                if self._errors is not None:
                    self._errors.join(1.0)
                log.error("%s", "\n".join(self._said))
                words = [line for line in self._said if line.strip()] or [f"exit code {child.returncode}"]
                raise _failure(names, words[-1].strip())
            return answer
        raise ReconstructionError(f"Blender took more than {_LIMIT} s to write {names}; try again.")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        try:
            child = process.start([*self._command, "--serve"], subprocess.PIPE, subprocess.PIPE, subprocess.PIPE)
        except OSError as error:
            raise InputError(f"{self._command[0]} cannot be started ({error.strerror}); give --blender the path of Blender.") from error
        self._process, self._answers = child, queue.SimpleQueue()
        self._said.clear()
        self._errors = threading.Thread(target=_read_errors, args=(child.stderr, self._said), daemon=True)
        self._errors.start()
        threading.Thread(target=_read_answers, args=(child.stdout, self._answers), daemon=True).start()
        return child


def _read_errors(pipe: IO[bytes], said: collections.deque[str]) -> None:
    """Keeps what is said, so that the pipe is never full."""
    said.extend(line.decode(errors="replace").rstrip() for line in pipe)


def _read_answers(pipe: IO[bytes], answers: "queue.SimpleQueue[dict[str, Any] | None]") -> None:
    """Answers, then None; Blender says other things there too."""
    for line in pipe:
        text = line.decode(errors="replace").strip()
        if text.startswith(_ANSWER):
            answers.put(json.loads(text.removeprefix(_ANSWER)))
    answers.put(None)


def _failure(names: str, words: object) -> ReconstructionError:
    return ReconstructionError(f"Blender could not write {names} ({str(words).rstrip('.')}); choose other --formats or try again.")

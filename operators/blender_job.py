"""Jobs (see job.py) in another Blender without a window: a script of the scene package works there, where it can be ended at any time."""

import contextlib
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy

from ..core.error_report import LOG_LINES
from ..core.errors import Cancelled, ReconstructionError, explain
from ..worker import process


class BlenderJob:
    """Runs `script` with arguments in a process; a subclass says what its output is worth."""

    def __init__(self, script: Path, arguments: Sequence[str], stages: Mapping[str, str]) -> None:
        """stages: labels of what the script says on standard output, "stage: share". Raises LikenessError when it cannot be run."""
        self._stages, self._lines, self._cancelled = stages, deque[str](maxlen=LOG_LINES), False
        self.stage, self.fraction = next(iter(stages.values())), 0.0
        try:
            self._process = process.start([*_command(script), *arguments], subprocess.DEVNULL, subprocess.PIPE, subprocess.STDOUT)
        except OSError as error:
            raise explain(error, "Starting another Blender") from error
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def outcome(self, code: int) -> Any:
        """What the job gives once the process has ended with an exit code. Raises LikenessError."""
        raise NotImplementedError

    def poll(self) -> Any:
        if self._cancelled:
            raise Cancelled("Cancelled.")
        code = self._process.poll()
        if code is None:
            return None
        self._reader.join(1.0)
        return self.outcome(code)

    def cancel(self) -> None:
        self._cancelled = True
        self.close()

    def close(self) -> None:
        """End the process, if it has not ended."""
        if self._process.poll() is None:
            process.kill_tree(self._process, 1.0)

    def log(self) -> list[str]:
        return list(self._lines)

    def _read(self) -> None:
        """In a thread; nothing of Blender is touched."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            text = line.decode(errors="replace").strip()
            self._lines.append(text)
            name, _, share = text.partition(": ")
            if name in self._stages:
                with contextlib.suppress(ValueError):  # something else that begins like a stage
                    self.stage, self.fraction = self._stages[name], float(share)


def _command(script: Path) -> list[str]:
    """Blender's own program; of Blender as a module, Python."""
    if bpy.app.binary_path:
        return [bpy.app.binary_path, "--background", "--factory-startup", "--python-exit-code", "1", "--python", str(script), "--"]
    return [sys.executable, str(script), "--"]


def failed(what: str) -> ReconstructionError:
    """The error of a process that has crashed."""
    return ReconstructionError(f"{what} failed in another Blender; try another number of quads or another method.")

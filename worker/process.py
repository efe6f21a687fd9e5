"""Child processes, started and ended the same way on every system. Standard library only."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO, Any

_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows only
Stream = int | IO[Any]


def start(
    command: Sequence[str], stdin: Stream, stdout: Stream, stderr: Stream, variables: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Unbuffered pipes; no variable of the parent's Python reaches the child, `variables` are added. Raises OSError."""
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith("PYTHON")}
    return subprocess.Popen(
        command,
        env={**environment, **(variables or {})},
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        bufsize=0,
        creationflags=_NO_WINDOW,
        # a session (group) of its own: Ctrl-C in a terminal is answered by us, and the whole tree can be killed together
        start_new_session=sys.platform != "win32",
    )


def kill_tree(process: subprocess.Popen[bytes], patience: float | None = None) -> None:
    """End a process made by `start` and everything that it started; returns when it is gone, or after `patience` seconds."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, creationflags=_NO_WINDOW, check=False)
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):  # it had just ended
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(patience)

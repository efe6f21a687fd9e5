"""Writes the files that only Blender can write, in a process of its own, because bpy must not share one with our other libraries."""

import importlib.util
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ..core.errors import InputError, ReconstructionError
from ..worker import process
from ..worker.environment import LAUNCH

_WRITE = "likeness.scene.write"  # run by name: nothing here imports bpy
_LIMIT = 300  # seconds for Blender to start and write the files of one result

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
    raise InputError("A .blend file, or a .glb with a rig, needs Blender; give its path with --blender, or choose other --formats.")


def write_in_blender(command: Sequence[str], result: Path, paths: Sequence[Path], performance: Path | None = None) -> None:
    """Write a saved Result (.npz) as .blend or, of its rigged head, .glb; with a saved Performance the head plays it.

    Raises ReconstructionError. However it ends, no process is left: should this one be killed, Blender reads the end of its input and ends.
    """
    names = " and ".join(path.name for path in paths)
    arguments = [*command, "--with-input", str(result), *map(str, paths), *(["--performance", str(performance)] if performance else [])]
    # `communicate` would close a pipe that it opened itself.
    reading, writing = os.pipe()
    try:
        child = process.start(arguments, reading, subprocess.PIPE, subprocess.PIPE)
    except OSError as error:
        os.close(writing)
        raise InputError(f"{command[0]} cannot be started ({error.strerror}); give --blender the path of Blender.") from error
    finally:
        os.close(reading)
    try:
        out, said = (data.decode(errors="replace") for data in child.communicate(timeout=_LIMIT))
    except subprocess.TimeoutExpired as error:
        raise ReconstructionError(f"Blender took more than {_LIMIT} s to write {names}; try again.") from error
    finally:
        os.close(writing)
        if child.poll() is None:
            process.kill_tree(child, 1.0)
    if child.returncode or not all(path.exists() for path in paths):
        log.error("%s", out + said)
        words = said.strip().splitlines() or [f"exit code {child.returncode}"]
        raise ReconstructionError(f"Blender could not write {names} ({words[-1].rstrip('.')}); choose other --formats or try again.")

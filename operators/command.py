"""`blender --background --command likeness reconstruct PHOTO --output DIR`: the command line of cli/, run by the worker's Python."""

import subprocess
import sys

import bpy

from ..cli.parser import build_parser
from ..core.errors import LikenessError, explain
from ..worker.environment import LAUNCH
from .environment import worker_python


def run(arguments: list[str]) -> int:
    """Exit code as of cli/main.py. The networks' process calls this same Blender again for the .blend file."""
    try:
        options = build_parser("blender --command likeness").parse_args(arguments)
        python = worker_python(bpy.context)
    except SystemExit as end:  # help, or a sentence about the arguments, is on the terminal already
        return end.code if isinstance(end.code, int) else 1
    except LikenessError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    wanted = getattr(options, "blender", "") is None  # evaluate has no such option
    blender = ["--blender", bpy.app.binary_path] if bpy.app.binary_path and wanted else []
    # No session of its own: Ctrl-C reaches the child, which ends with its own exit code.
    try:
        return subprocess.run([str(python), "-I", "-u", str(LAUNCH), "likeness.cli.main", *arguments, *blender], check=False).returncode
    except OSError as error:
        failed = explain(error, "The command line")
        sys.stderr.write(f"{failed}\n")
        return failed.exit_code

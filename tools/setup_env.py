"""Make a development environment from hashed lock files: `python worker/launch.py likeness.tools.setup_env .venv tools/dev.lock --torch`.

Standard library only. Which torch to take and when a GPU counts, worker/environment.py knows.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from ..worker.environment import PYTHON_VERSION, TORCH_VERSION, UV_LOCK, nvidia_driver, python_of

ROOT = Path(__file__).resolve().parent.parent


def create(environment: Path) -> None:
    """An empty environment with pip; asks uv for the right Python where this interpreter is another."""
    if f"{sys.version_info[0]}.{sys.version_info[1]}" == PYTHON_VERSION and importlib.util.find_spec("ensurepip"):
        venv.create(environment, clear=True, with_pip=True)
    elif found := shutil.which("uv"):
        subprocess.run([found, "venv", "--clear", "--seed", "--no-project", "--python", PYTHON_VERSION, environment], check=True)
    else:
        sys.exit(f"Likeness is developed on Python {PYTHON_VERSION}: install it (with its venv module) or uv, then run make again.")


def pip(python: Path, *arguments: str | Path) -> bool:
    """Install with pip; True when it succeeded."""
    return subprocess.run([python, "-m", "pip", "install", "--disable-pip-version-check", "-qq", *arguments], check=False).returncode == 0


def uv(python: Path, *arguments: str | Path) -> None:
    """Install with the environment's own uv, which is several times faster than pip."""
    command = [python, "-m", "uv", "pip", "install", "--quiet", "--python", python, *arguments]
    if subprocess.run(command, check=False).returncode:
        sys.exit("The packages could not be installed; see uv's message above.")


def install_torch(python: Path) -> None:
    """The CPU build, or the driver's where there is an NVIDIA GPU. Without one, neither way can end in the CUDA build:

    the local version `+cpu` names no other file, and uv's backend cpu reads only the index of CPU builds.
    """
    if nvidia_driver():
        uv(python, f"torch=={TORCH_VERSION}", "--torch-backend=auto")
    elif sys.platform != "linux" or not pip(python, "--no-deps", f"torch=={TORCH_VERSION}+cpu"):
        uv(python, f"torch=={TORCH_VERSION}", "--torch-backend=cpu")


def main() -> None:
    """Create the environment if it is not there, then bring it to the locks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environment", type=Path)
    parser.add_argument("locks", type=Path, nargs="+")
    parser.add_argument("--torch", action="store_true", help="also install torch")
    options = parser.parse_args()
    python = python_of(options.environment)
    if not python.exists():
        create(options.environment)
    hashed = ("--require-hashes", "--only-binary", ":all:")
    if not pip(python, *hashed, "-r", UV_LOCK):
        sys.exit("Could not install uv; see pip's message above.")
    for lock in options.locks:
        # A lock is complete, and --no-deps keeps out what it leaves out on purpose (three OpenCVs, jax).
        uv(python, "--no-deps", *hashed, "-r", lock)
    if options.torch:
        install_torch(python)
    uv(python, "--no-deps", "--no-build-isolation", "--editable", ROOT)


if __name__ == "__main__":
    main()

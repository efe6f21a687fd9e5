"""Make a development environment from hashed lock files: `python3.11 tools/setup_env.py .venv tools/dev.lock --torch`.

Standard library only. The worker that artists use has its own set-up (worker/environment.py), which runs inside Blender and knows no developers' tools.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH = "2.13.0"


def python_of(environment: Path) -> Path:
    """The interpreter of a virtual environment."""
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def create(environment: Path) -> None:
    """An empty environment with pip; asks uv for Python 3.11 where this interpreter is of another version."""
    if sys.version_info[:2] == (3, 11) and importlib.util.find_spec("ensurepip"):
        venv.create(environment, clear=True, with_pip=True)
    elif uv := shutil.which("uv"):
        subprocess.run([uv, "venv", "--clear", "--seed", "--python", "3.11", environment], check=True)
    else:
        sys.exit("Likeness is developed on Python 3.11: install it (with its venv module) or uv, then run make again.")


def install(python: Path, *arguments: str) -> bool:
    """Run pip; True when it succeeded."""
    return subprocess.run([python, "-m", "pip", "install", "--disable-pip-version-check", "-qq", *arguments], check=False).returncode == 0


def install_torch(python: Path) -> None:
    """The CPU build, or the one for the driver where an NVIDIA GPU answers. Never the CUDA build on a machine without one:

    the local version `+cpu` can name no other file, and uv's backend cpu reads only the index of CPU builds.
    """
    gpu = shutil.which("nvidia-smi") and subprocess.run(["nvidia-smi"], capture_output=True, check=False).returncode == 0
    if not gpu and install(python, "--no-deps", f"torch=={TORCH}+cpu"):
        return
    backend = "auto" if gpu else "cpu"
    uv = [python, "-m", "uv", "pip", "install", "--python", python]
    subprocess.run([*uv, f"torch=={TORCH}", f"--torch-backend={backend}"], check=True)


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
    for lock in options.locks:
        # pip knows no overrides: the lock is complete, and --no-deps keeps out what it leaves out on purpose (three OpenCVs, jax).
        if not install(python, "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(lock)):
            sys.exit(f"Could not install {lock}; see pip's message above.")
    if options.torch:
        install_torch(python)
    if not install(python, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)):
        sys.exit("Could not link the package into the environment; see pip's message above.")


if __name__ == "__main__":
    main()

"""Makes and judges the worker's Python environment, one folder that can be deleted as a whole. Standard library only.

Under the given folder: `env` the environment, `env.new` one being made, `uv`, `pip` and `python` what was fetched because the machine
has none, `setup.log` what these tools said last.
"""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import Cancelled, LikenessError, WorkerError
from . import process
from .client import WorkerClient
from .protocol import Tested

PYTHON_VERSION = "3.11"
TORCH_VERSION = "2.13.0"
STALL_LIMIT = 600  # seconds in which a tool brings nothing to the disk; they have shorter limits of their own for a network that is gone
HERE = Path(__file__).absolute().parent
LOCK, UV_LOCK, LAUNCH = HERE / "requirements.lock", HERE / "uv.lock", HERE / "launch.py"

Progress = Callable[[str, float], None]
Cancel = Callable[[], bool]


@dataclass(frozen=True)
class EnvironmentStatus:
    """`reason` is the sentence to show when not ready; `size` the environment's bytes on disk, 0 when unknown."""

    ready: bool
    python: Path | None = None
    reason: str = ""
    size: int = 0


@dataclass(frozen=True)
class Plan:
    """What a set-up takes on this machine; megabytes, to be shown before the user agrees. `gpu`: an NVIDIA driver was found."""

    gpu: bool
    download: int
    disk: int


def plan() -> Plan:
    gpu = nvidia_driver()
    # measured on Linux; the CUDA build of torch brings its own libraries
    return Plan(gpu, download=3200 if gpu else 400, disk=7500 if gpu else 1300)


def nvidia_driver() -> bool:
    """Whether a CUDA build of torch could be of any use here."""
    if sys.platform == "win32":
        return (Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "nvcuda.dll").exists()
    return Path("/proc/driver/nvidia/version").exists() or Path("/usr/lib/wsl/lib/libcuda.so.1").exists()


def status(folder: Path, existing_python: Path | None = None) -> EnvironmentStatus:
    """Cheap: looks at a few files. A Python that the user chose counts when it is there (`check` tells whether it can do the work)."""
    if existing_python is not None:
        if existing_python.is_file():
            return EnvironmentStatus(True, existing_python)
        return EnvironmentStatus(False, reason=f"{existing_python} is not there; choose another Python in the preferences of Likeness.")
    environment = folder / "env"
    try:
        stamp = json.loads((environment / "stamp.json").read_text())
        recipe, size = str(stamp["recipe"]), int(stamp["size"])
    except (OSError, ValueError, KeyError, TypeError):
        return EnvironmentStatus(False, reason="Likeness needs Python packages of its own; install them once with Set Up Environment.")
    python = python_of(environment)
    if not (python.is_file() and _base_exists(environment)):
        return EnvironmentStatus(
            False,
            reason="The Python of Likeness's packages is gone; install them again with Set Up Environment.",
            size=size,
        )
    if recipe != _recipe():
        return EnvironmentStatus(
            False, reason="This version of Likeness needs other Python packages; install them with Set Up Environment.", size=size
        )
    return EnvironmentStatus(True, python, size=size)


def python_of(environment: Path) -> Path:
    """The interpreter of a virtual environment."""
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def check(python: Path, photo: bool = False, cancel: Cancel | None = None) -> str:
    """Run the self-test with a Python: its summary, ready to copy. Raises WorkerError with the reason when it failed, Cancelled."""
    client = WorkerClient(python)
    try:
        client.self_test(photo)
        tested = client.outcome(cancel=cancel)
    except Cancelled:
        raise
    except LikenessError as error:
        raise _cannot_run(python, str(error)) from error
    finally:
        client.close()
    assert isinstance(tested, Tested)
    if not tested.passed:
        failed = [line for line in tested.summary.splitlines() if line.startswith("failed: ")]
        raise _cannot_run(python, failed[-1].removeprefix("failed: "))
    return tested.summary


def _cannot_run(python: Path, reason: str) -> WorkerError:
    return WorkerError(f"{python} cannot run Likeness ({reason.rstrip('.')}); set the environment up again or choose another Python.")


def install(
    folder: Path,
    online: bool,
    wheels: Path | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    base_python: Path | None = None,
) -> EnvironmentStatus:
    """Make the environment, or make it again; the old one serves until the new one has passed its check. Blocks; may run in any thread.

    wheels: a folder with every wheel, for machines without a network. base_python: one with pip, to fetch uv; this one by default.
    Raises WorkerError, whose sentence names the log, and Cancelled; both leave an old environment as it was.
    """
    if not online and wheels is None:
        raise WorkerError("Online access is off; allow it in Blender's System preferences, or choose a folder with the Python packages.")
    if wheels is not None and not wheels.is_dir():
        raise WorkerError(f"{wheels} is no folder; choose the one with the Python packages.")
    with _expected_os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return _SetUp(folder, wheels, progress, cancel, base_python or Path(sys.executable)).run()


def log(folder: Path) -> list[str]:
    """What the tools of the last set-up said, line by line."""
    try:
        return (folder / "setup.log").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def remove(folder: Path) -> None:
    """Delete the environment with everything fetched for it. Raises WorkerError."""
    with _expected_os_errors(folder):
        if folder.exists():
            shutil.rmtree(folder)


class _SetUp:
    def __init__(self, folder: Path, wheels: Path | None, progress: Progress | None, cancel: Cancel | None, base_python: Path) -> None:
        self._folder, self._wheels, self._base = folder, wheels, base_python
        self._progress = progress
        self._cancel = cancel or (lambda: False)
        self._fraction = 0.0
        self._new, self._cache, self._log = folder / "env.new", folder / "cache", folder / "setup.log"
        self._python = python_of(self._new)
        self._plan = plan()
        # everything that uv fetches stays in our folder
        self._variables = {"UV_CACHE_DIR": str(self._cache), "UV_PYTHON_INSTALL_DIR": str(folder / "python"), "UV_NO_PROGRESS": "1"}

    def run(self) -> EnvironmentStatus:
        _delete(self._new)
        self._log.unlink(missing_ok=True)
        free, needed = shutil.disk_usage(self._folder).free >> 20, self._plan.disk
        if free < needed * 1.2:
            raise WorkerError(f"The environment needs {needed} MB and {self._folder} has {free} MB left; free some space and try again.")
        try:
            self._make()
            size = self._finish()
        except BaseException:
            _delete(self._new)
            raise
        _delete(self._cache)
        self._report("Ready", 1.0)
        return EnvironmentStatus(True, python_of(self._folder / "env"), size=size)

    def _make(self) -> None:
        uv = self._uv()
        if not self._venv(uv):
            raise self._failure(f"no Python {PYTHON_VERSION} could be had")
        target = ["--python", str(self._python), *self._source("uv")]
        sync = [uv, "pip", "sync", *target, "--require-hashes", "--only-binary", ":all:", str(LOCK)]
        if not self._run("Installing packages", 0.08, 0.45, sync):
            raise self._failure("the packages could not be installed")
        if not any(self._run("Installing PyTorch", 0.45, 0.9, command) for command in self._torch(uv, target)):
            raise self._failure("PyTorch could not be installed")
        self._report("Testing", 0.9)
        try:
            self._note(check(self._python, cancel=self._cancel))
        except WorkerError as error:
            self._note(str(error))
            raise self._failure("the new environment failed its test") from error

    def _finish(self) -> int:
        """Stamp the new environment and put it in the old one's place."""
        size = _size(self._new)
        (self._new / "stamp.json").write_text(json.dumps({"recipe": _recipe(), "size": size}))
        environment, old = self._folder / "env", self._folder / "env.old"
        _delete(old)
        if environment.exists():
            environment.rename(old)
        try:
            self._new.rename(environment)
        except OSError:
            if old.exists():
                old.rename(environment)
            raise
        shutil.rmtree(old, ignore_errors=True)  # the next set-up finishes what a running worker prevented
        return size

    def _uv(self) -> str:
        """A uv that is there, or one fetched with pip into our folder, checked by its hash."""
        own = self._folder / "uv"
        names = ("bin/uv", "bin/uv.exe", "Scripts/uv.exe")
        if found := shutil.which("uv") or next((str(own / name) for name in names if (own / name).exists()), None):
            return found
        pip = [*self._pip(), "install", "--target", str(own), "--require-hashes", "--only-binary", ":all:", *self._source("pip"), "-r"]
        if not self._run("Fetching uv", 0.0, 0.04, [*pip, str(UV_LOCK)]):
            raise self._failure("uv, the installer, could not be fetched")
        return next(str(own / name) for name in names if (own / name).exists())

    def _pip(self) -> list[str]:
        """A Python of the machine that has pip; Blender's may have none, and then a throw-away environment gets one from ensurepip."""
        if self._run("Looking for pip", 0.0, 0.0, [str(self._base), "-I", "-m", "pip", "--version"]):
            return [str(self._base), "-I", "-m", "pip", "--disable-pip-version-check"]
        own = self._folder / "pip"
        if not self._run("Fetching pip", 0.0, 0.02, [str(self._base), "-I", "-m", "venv", "--clear", str(own)]):
            raise self._failure(f"{self._base} has neither pip nor venv: install uv")
        return [str(python_of(own)), "-I", "-m", "pip", "--disable-pip-version-check"]

    def _venv(self, uv: str) -> bool:
        """On a Python of the machine, or on one that uv fetches; at last on Blender's own, which moves away with the next Blender."""
        wanted = [PYTHON_VERSION] + ([str(self._base)] if sys.version_info[:2] == (3, 11) else [])
        offline = [] if self._wheels is None else ["--offline"]
        command = [uv, "venv", "--clear", "--relocatable", "--no-project", *offline, str(self._new), "--python"]
        return any(self._run("Making the Python environment", 0.04, 0.08, [*command, python]) for python in wanted)

    def _torch(self, uv: str, target: list[str]) -> Iterator[list[str]]:
        """Ways to torch, best first. Without an NVIDIA driver none of them can end in the CUDA build, which is only huge there."""
        if self._wheels is not None:
            yield [uv, "pip", "install", *target, f"torch=={TORCH_VERSION}"]
            return
        yield [uv, "pip", "install", *target, f"torch=={TORCH_VERSION}", f"--torch-backend={'auto' if self._plan.gpu else 'cpu'}"]
        # where only pip's own configuration knows an index of CPU builds; on Linux the bare version would be the CUDA build
        local = "+cpu" if sys.platform == "linux" else ""
        yield [
            *self._pip(),
            "--python",
            str(self._python),
            "install",
            "--no-deps",
            "--only-binary",
            ":all:",
            f"torch=={TORCH_VERSION}{local}",
        ]

    def _source(self, tool: str) -> list[str]:
        if self._wheels is None:
            return []
        return ["--no-index", "--find-links", str(self._wheels), *(["--offline"] if tool == "uv" else [])]

    def _run(self, stage: str, start: float, end: float, command: Sequence[str]) -> bool:
        """Run a tool, its words to the log; progress follows what has arrived on disk. Raises Cancelled after ending it."""
        self._note(f"$ {subprocess.list2cmdline(command)}")
        before, share = self._arrived(), (end - start) / (self._plan.disk / 2)
        with self._log.open("ab") as log:
            child = process.start(command, subprocess.DEVNULL, log, subprocess.STDOUT, self._variables)
            next_look, looks, seen = 0.0, 0, 0
            while child.poll() is None:
                if self._cancel():
                    process.kill_tree(child)
                    raise Cancelled("Cancelled.")
                if time.monotonic() > next_look:
                    there = self._arrived()
                    arrived = max(there - before, 0) >> 20
                    self._report(f"{stage}: {arrived} MB" if arrived else stage, min(start + share * arrived, end))
                    # Looks are counted, not seconds: a machine that slept is no tool that hangs.
                    looks, seen = (looks + 1 if there == seen else 0), there
                    if looks > STALL_LIMIT:
                        self._note(f"Nothing has arrived for {STALL_LIMIT} s.")
                        process.kill_tree(child)
                    next_look = time.monotonic() + 1.0
                time.sleep(0.05)
        self._note(f"exit code {child.returncode}")
        return child.returncode == 0

    def _report(self, stage: str, fraction: float) -> None:
        self._fraction = max(fraction, self._fraction)  # a second way to the same end does not start the bar again
        if self._progress:
            self._progress(stage, self._fraction)

    def _arrived(self) -> int:
        return max(_size(self._cache), _size(self._new))

    def _note(self, text: str) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(text + "\n")

    def _failure(self, what: str) -> WorkerError:
        return WorkerError(f"The set-up failed because {what}; see {self._log} and try again.")


def _recipe() -> str:
    """Changes whenever an environment has to be made anew."""
    return hashlib.sha256(LOCK.read_bytes() + TORCH_VERSION.encode()).hexdigest()


def _base_exists(environment: Path) -> bool:
    """An environment borrows the Python that it was made with; that one can be uninstalled, or move away with Blender."""
    try:
        lines = (environment / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    homes = [value.strip() for name, _, value in (line.partition("=") for line in lines) if name.strip() == "home"]
    return bool(homes) and any(Path(homes[0]).glob("python*"))


def _size(folder: Path) -> int:
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # files come and go while tools work
                total += os.lstat(os.path.join(where, name)).st_size
    return total


def _delete(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


@contextlib.contextmanager
def _expected_os_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WorkerError(f"{error.filename or folder} cannot be changed ({error.strerror}); close what uses it and try again.") from error

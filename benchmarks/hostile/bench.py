"""What all scenarios use: a folder of their own, the command line as a user runs it, and judgement of what came of it."""

import contextlib
import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import skimage.data
from PIL import Image

LIMIT = 300.0
"""Seconds after which a command counts as hung: longer than any limit of the product itself on a busy machine."""
FILES = ("{name}.ply", "preview.png", "report.json")
"""What a reconstruction with --formats ply leaves."""
_CRASHES = {128 + number for number in (signal.SIGILL, signal.SIGABRT, signal.SIGFPE, signal.SIGBUS, signal.SIGSEGV)}
_MARK = "LIKENESS_HOSTILE"

Outcome = Literal["fine", "refused", "speechless", "hung", "crashed"]


@dataclass(frozen=True)
class Case:
    """One thing that was tried. fine: it was done; refused: with one sentence; speechless: failed with anything else to read, or nothing.

    lost: files of the user's, or of an earlier run, that are gone, changed or half new. detail: what was said.
    """

    name: str
    outcome: Outcome
    lost: Sequence[str] = ()
    detail: str = ""

    @property
    def good(self) -> bool:
        return self.outcome in ("fine", "refused") and not self.lost


@dataclass(frozen=True)
class CommandResult:
    """How a command ended. code: as subprocess has it, None when it hung and was killed."""

    code: int | None
    out: str
    err: str
    seconds: float

    def outcome(self, done: bool, sentences: int = 1) -> Outcome:
        """done: whether what was asked for is there. sentences: how many lines of complaint are due, one a photo that cannot be used."""
        if self.code is None:
            return "hung"
        if self.code < 0 or self.code in _CRASHES:
            return "crashed"
        if self.code == 0:
            return "fine" if done and not self.err.strip() else "speechless"
        lines = [line for line in self.err.splitlines() if line.strip()]
        sound = len(lines) == sentences and all(line.endswith(".") and "Traceback" not in line for line in lines)
        return "refused" if sound else "speechless"

    @property
    def detail(self) -> str:
        words = " / ".join(line.strip() for line in self.err.splitlines() if line.strip())
        return f"code {self.code} after {self.seconds:.0f} s: {words[-300:] or 'nothing'}"


@dataclass
class Bench:
    """root: an empty folder for everything. quick: fewer cases."""

    root: Path
    quick: bool
    photo: Path = field(init=False)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        self.temporary.mkdir(parents=True)
        self.photo = self.root / "astronaut.png"
        Image.fromarray(skimage.data.astronaut()[:320, 64:384]).save(self.photo)

    @property
    def temporary(self) -> Path:
        """Where the commands' temporary files go."""
        return self.root / "tmp"

    def folder(self, name: str) -> Path:
        """A new, empty one."""
        path = self.root / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def arguments(self, *photos: Path | str, output: Path, more: Sequence[str] = ()) -> list[str]:
        """Of the smallest reconstruction."""
        return ["reconstruct", "--output", str(output), "--formats", "ply", "--quality", "draft", *more, "--", *map(str, photos)]

    def start(
        self,
        arguments: Sequence[str],
        limits: Mapping[int, int] | None = None,
        variables: Mapping[str, str] | None = None,
        stdout: int | None = subprocess.PIPE,
        stderr: int | None = subprocess.PIPE,
        program: Sequence[str] = (),
    ) -> subprocess.Popen[bytes]:
        """The command line in a session of its own. limits: of `resource`, in bytes. program: instead of the installed one."""

        def limited() -> None:
            for kind, most in (limits or {}).items():
                resource.setrlimit(kind, (most, most))

        command = [*(program or [str(Path(sys.executable).with_name("likeness"))]), *arguments]
        environment = {**os.environ, "TMPDIR": str(self.temporary), _MARK: self.mark, **(variables or {})}
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment, preexec_fn=limited, start_new_session=True
        )

    def run(self, arguments: Sequence[str], timeout: float = LIMIT, **options) -> CommandResult:
        """As `start`, and wait for the end."""
        return self.end_of(self.start(arguments, **options), timeout)

    def end_of(self, child: subprocess.Popen[bytes], timeout: float = LIMIT) -> CommandResult:
        """Wait for it; a command that hangs is killed with all that this bench started."""
        begun = time.monotonic()
        try:
            out, err = child.communicate(timeout=timeout)
            code = child.returncode
        except subprocess.TimeoutExpired:
            self.kill_survivors()
            out, err = child.communicate()
            code = None
        return CommandResult(code, (out or b"").decode(errors="replace"), (err or b"").decode(errors="replace"), time.monotonic() - begun)

    def survivors(self) -> list[int]:
        """Processes that commands of this bench started and that are still there, on Linux."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"{_MARK}={self.mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
        return found

    def kill_survivors(self) -> int:
        """How many there were."""
        found = self.survivors()
        for number in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        return len(found)

    def leftovers(self, *folders: Path) -> list[str]:
        """Hidden and temporary files of ours that a run has left."""
        hidden = [path for folder in folders if folder.is_dir() for path in folder.rglob(".likeness*")]
        return [str(path.relative_to(self.root)) for path in (*hidden, *self.temporary.glob("likeness*"))]


def is_whole(folder: Path, name: str = "astronaut") -> bool:
    """Whether a complete result is there."""
    return all((folder / file.format(name=name)).is_file() and (folder / file.format(name=name)).stat().st_size > 100 for file in FILES)


class Snapshot:
    """Files of a folder, to be compared later."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = _digests(folder)

    def lost(self) -> list[str]:
        """Those that are gone or have changed."""
        now = _digests(self.folder)
        return [name for name, digest in self.files.items() if now.get(name) != digest]


def _digests(folder: Path) -> dict[str, str]:
    """Of all but hidden files, which are ours."""
    found = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".likeness") for part in inside.parts):
            found[str(inside)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found

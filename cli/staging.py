"""A hidden folder in which files are made before they take their places all at once; what a killed run left in it is cleared.

.likeness-work/lock       locked by the system as long as the run that owns the folder lives
               new/       files on their way to the folder above
               old/       files of the folder above that are being replaced
               complete   there from the moment when `new` is whole until the exchange is over
               scratch/   everything else
"""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import IO

from ..core.errors import InputError
from ..core.file_lock import lock

WORK = ".likeness-work"
_ATTEMPTS = 20  # to lock a file that others, as they end, delete at the same moment


class FolderInUse(InputError):
    """Another run that is alive writes into the same folder."""


class Staging(AbstractContextManager["Staging"]):
    """The hidden folder `name` in `directory`, both made when missing and this run's alone until `close`. A context manager.

    Raises FolderInUse, and OSError when the directory cannot be written.
    """

    def __init__(self, directory: Path, name: str = WORK) -> None:
        self.directory, self._hidden = directory, directory / name
        self.new, self.old, self.scratch = (self._hidden / part for part in ("new", "old", "scratch"))
        self.complete = self._hidden / "complete"
        with ExitStack() as stack:
            stack.enter_context(made(directory))
            self._lock = self._locked()
            stack.callback(self._remove)
            self._settle()
            self._clear()
            for part in (self.new, self.old, self.scratch):
                part.mkdir()
            self._kept = stack.pop_all()

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the hidden folder and the directories that were made for nothing."""
        self._kept.close()

    def _locked(self) -> IO[bytes]:
        path = self._hidden / "lock"
        for _ in range(_ATTEMPTS):
            self._hidden.mkdir(exist_ok=True)
            try:
                file = path.open("a+b")
                if not _try_to_lock(file):
                    file.close()
                    break
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    return file
                file.close()
            except FileNotFoundError:  # its owner has just finished and deleted it
                continue
        raise FolderInUse(f"Another run of Likeness is writing into {self.directory}; wait for its end or choose another --output.")

    def _settle(self) -> None:
        """End an exchange that was cut short: forward if every place of a new file is still empty, else back. A file goes only to where
        nothing is."""
        if not self.complete.exists():
            return
        waiting = list(self.new.iterdir()) if self.new.is_dir() else []
        forward = not any(os.path.lexists(self.directory / file.name) for file in waiting)
        for file in waiting if forward else self.old.iterdir():
            if not os.path.lexists(place := self.directory / file.name):
                file.rename(place)

    def _clear(self) -> None:
        """Everything but the lock."""
        self.complete.unlink(missing_ok=True)
        for part in (self.new, self.old, self.scratch):
            shutil.rmtree(part, ignore_errors=True)

    def _remove(self) -> None:
        if self.complete.exists():  # a file of the user's could not be put back: the next run tries again
            self._lock.close()
            return
        self._clear()
        if sys.platform == "win32":  # deletes no open file
            self._lock.close()
        with contextlib.suppress(OSError):
            (self._hidden / "lock").unlink()
        self._lock.close()
        with contextlib.suppress(OSError):
            self._hidden.rmdir()


def exchange(files: Sequence[tuple[Staging, str]]) -> None:
    """Move new files, by name, to their places and what was there to `old`. An OSError is raised after everything is as before."""
    undo: list[tuple[Path, Path]] = []

    def move(source: Path, target: Path) -> None:
        source.rename(target)
        undo.append((target, source))

    stagings = {staging for staging, _ in files}
    try:
        for staging in stagings:
            staging.complete.touch()
        for staging, name in files:
            if os.path.lexists(staging.directory / name):
                move(staging.directory / name, staging.old / name)
        for staging, name in files:
            move(staging.new / name, staging.directory / name)
    except OSError:
        for source, target in reversed(undo):  # should this fail, too, `complete` stays and the next run tries again
            source.rename(target)
        for staging in stagings:
            staging.complete.unlink(missing_ok=True)
        raise
    for staging in stagings:
        staging.complete.unlink()


@contextlib.contextmanager
def made(directory: Path) -> Iterator[Path]:
    """Make a directory and its parents; in the end those that were made and are still empty are removed. Raises OSError."""
    missing = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        yield directory
    finally:
        for folder in missing:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _try_to_lock(file: IO[bytes]) -> bool:
    """False when another process holds it. True also where the file system has no locks: nobody can be waited for there."""
    try:
        lock(file)
    except OSError as error:
        return not isinstance(error, BlockingIOError)
    return True

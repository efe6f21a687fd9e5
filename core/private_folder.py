"""Temporary folders of our own; what a killed program left behind is cleared when the next one makes its own. Standard library only.

An owner keeps a file in its folder locked, and the system frees the lock when the owner ends, in whatever way. So a folder whose lock can
be had is nobody's, and one whose lock cannot be had is never touched, whoever holds it.
"""

import contextlib
import os
import shutil
import stat
import tempfile
import time
import weakref
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from .errors import explain
from .file_lock import lock

PREFIX = "likeness-"
_OWNER = "owner.lock"
_GRACE = 60.0  # seconds for an owner to lock what it has just made


class PrivateFolder:
    """A temporary folder at `path`, removed with all that is in it by `close`, at the end of a `with` block, or with the object."""

    def __init__(self) -> None:
        """Raises LikenessError when the system has no place for one."""
        clear_abandoned()
        try:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
            owner = (self.path / _OWNER).open("wb")
        except OSError as error:
            raise explain(error, "Making a temporary folder") from error
        with contextlib.suppress(OSError):  # a file system without locks has nothing cleared either
            lock(owner)
        self._remove = weakref.finalize(self, _remove, self.path, owner)

    def close(self) -> None:
        """Remove the folder."""
        self._remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def clear_abandoned() -> None:
    """Remove the folders of owners that are no more."""
    with contextlib.suppress(OSError):
        for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):
                _clear_if_abandoned(folder)


def _clear_if_abandoned(folder: Path) -> None:
    """Raises OSError for a folder that has an owner, or is none of ours."""
    about, owner = folder.lstat(), folder / _OWNER
    ours = stat.S_ISDIR(about.st_mode) and (not hasattr(os, "getuid") or about.st_uid == os.getuid())
    if not ours or time.time() - owner.lstat().st_mtime < _GRACE:
        return
    with owner.open("r+b") as file:
        lock(file)
    shutil.rmtree(folder)


def _remove(folder: Path, owner: IO[bytes]) -> None:
    owner.close()
    shutil.rmtree(folder, ignore_errors=True)

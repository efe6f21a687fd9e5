"""Locks that the system frees when their process ends, in whatever way. Standard library only."""

import errno
import sys
from typing import IO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


def lock(file: IO[bytes]) -> None:
    """Lock an open file until it is closed. Raises BlockingIOError when another has locked it, OSError where there are no locks."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):  # Windows has no error of its own for it
            raise BlockingIOError(errno.EAGAIN, "The file is in use") from error
        raise

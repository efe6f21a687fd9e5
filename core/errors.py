"""The exceptions a user can meet. Each message is the one sentence that the user reads: what is wrong, then what to do."""

import errno
import re
from pathlib import Path


class LikenessError(Exception):
    """Base of every expected failure; anything else that escapes is a bug."""

    exit_code = 3


class InputError(LikenessError):
    """The photo or the settings cannot be used; the sentence names the file and the remedy."""

    exit_code = 2


class NoFaceError(InputError):
    """No usable face in the photo."""


class NoSubjectError(NoFaceError):
    """The photo shows nobody, or fewer people than the number that was asked for."""


class AssetError(LikenessError):
    """A weights or model file is missing, damaged or of another version."""


class ReconstructionError(LikenessError):
    """A stage could not produce a valid result."""


class MemoryExhausted(ReconstructionError):
    """Memory ran out; the process in which it did is not to be trusted any further."""


class WorkerError(LikenessError):
    """The worker process could not start, died or spoke nonsense."""


class Cancelled(LikenessError):
    """The user asked to stop."""

    exit_code = 130


MEMORY_REMEDY = "close other programs or choose a lower quality (1 GB of free memory is needed, 3 GB at high quality with a rig)"

# How torch (CPU, CUDA, Metal), NumPy, OpenCV, C++, the dynamic loaders and thread libraries word it.
_MEMORY_WORDS = re.compile(
    r"out of memory|MemoryError|bad_?alloc|memory allocation|(?:can't|cannot|could not|unable to|failed to) (?:allocate|reserve)"
    r"|(?:not enough|insufficient) (?:free |system )?memory|failed to map segment|paging file is too small|ALLOC_FAILED"
    r"|can't start new thread|pthread_create failed",
    re.IGNORECASE,
)
_MEMORY_CODES = {8, 14, 1455}  # Windows: ERROR_NOT_ENOUGH_MEMORY, ERROR_OUTOFMEMORY, ERROR_COMMITMENT_LIMIT
_DISK_FULL = ("there is no space left for {0}", "free some and try again")
_NOT_ALLOWED = ("{0} may not be read or written", "check its permissions, or choose another place")
_GONE = ("the disk of {0} does not answer", "connect it again, or choose another place")
_OS_REASONS = {
    errno.ENOSPC: _DISK_FULL,
    errno.EDQUOT: _DISK_FULL,
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.EROFS: ("the disk of {0} is read-only", "choose another place"),
    errno.ENOENT: ("{0} is missing", "check that it exists and try again"),
    errno.ENOTDIR: ("{0} is no folder", "choose another place"),
    errno.ENAMETOOLONG: ("the name of {0} is too long", "choose a shorter one"),
    errno.EMFILE: ("too many files are open", "close other programs and try again"),
    errno.EIO: _GONE,
    errno.ENODEV: _GONE,
    errno.ENXIO: _GONE,
    errno.ESTALE: _GONE,
}


def is_out_of_memory(problem: BaseException | str) -> bool:
    """Whether an exception, or one that led to it, or a line of a log says that memory ran out."""
    if isinstance(problem, str):
        return bool(_MEMORY_WORDS.search(problem))
    if isinstance(problem, MemoryError) or _MEMORY_WORDS.search(f"{type(problem).__name__}: {problem}"):
        return True
    if isinstance(problem, OSError) and (problem.errno == errno.ENOMEM or getattr(problem, "winerror", 0) in _MEMORY_CODES):
        return True
    reason = problem.__cause__ or problem.__context__
    return reason is not None and is_out_of_memory(reason)


def explain(error: BaseException, what: str = "The reconstruction") -> LikenessError:
    """The sentence for an exception that is none of ours: memory or disk that ran out, files that cannot be used, packages that are
    missing, or a bug. `what` begins the sentence; one of ours comes back as it is, unless memory that ran out led to it."""
    if is_out_of_memory(error):
        return MemoryExhausted(f"{what} needs more memory than there is; {MEMORY_REMEDY}.")
    if isinstance(error, LikenessError):
        return error
    text = str(error).strip().partition("\n")[0][:200]
    if isinstance(error, ImportError):
        return WorkerError(f"The Python environment of Likeness is incomplete ({text}); set it up again.")
    if isinstance(error, OSError) and error.errno is not None:
        reason, remedy = _OS_REASONS.get(error.errno, ("{0} cannot be used", "check its disk and try again"))
        place = error.filename or "a file or folder"
        if error.errno == errno.ENOENT and isinstance(error.filename, str) and not (parent := Path(place).parent).exists():
            place = parent
        return ReconstructionError(f"{what} failed because {reason.format(place)} ({error.strerror}); {remedy}.")
    said = f"{type(error).__name__}{': ' if text else ''}{text}"
    return ReconstructionError(f"{what} failed unexpectedly ({said}); please report this with its error file (in Blender: Copy Report).")

"""The exceptions a user can meet. Each message is the one sentence that the user reads: what is wrong, then what to do."""

import errno


class LikenessError(Exception):
    """Base of every expected failure; anything else that escapes is a bug."""

    exit_code = 3


class InputError(LikenessError):
    """The photo or the settings cannot be used; the sentence names the file and the remedy."""

    exit_code = 2


class NoFaceError(InputError):
    """No usable face in the photo."""


class AssetError(LikenessError):
    """A weights or model file is missing, damaged or of another version."""


class ReconstructionError(LikenessError):
    """A stage could not produce a valid result."""


class WorkerError(LikenessError):
    """The worker process could not start, died or spoke nonsense."""


class Cancelled(LikenessError):
    """The user asked to stop."""

    exit_code = 130


def explain(error: Exception, what: str = "The reconstruction") -> ReconstructionError:
    """The sentence for an exception that nobody foresaw: memory that ran out, or a bug. `what` begins the sentence."""
    # torch reports a failed allocation on the CPU as a plain RuntimeError
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error):
        return ReconstructionError(f"{what} needs more memory than there is; choose a lower quality or close other programs.")
    text = str(error).strip().partition("\n")[0][:200]
    return ReconstructionError(f"{what} failed unexpectedly ({type(error).__name__}{': ' if text else ''}{text}); please report this.")


def explain_os_error(error: OSError) -> LikenessError:
    """The sentence for a file, folder or device that the system refuses, as temporary folders on a full disk."""
    if error.filename is None and isinstance(error, FileNotFoundError):  # tempfile found no folder in which it can write
        return LikenessError("There is no usable folder for temporary files; free some space on the disk, or set TEMP to another folder.")
    where = f"{error.filename}" if error.filename else "A file"
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return LikenessError(f"{where} cannot be written, because the disk is full; free some space and try again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return LikenessError(f"{where} may not be used ({error.strerror}); change its permissions or choose another folder.")
    if error.errno in (errno.ENODEV, errno.ENXIO, errno.EIO, getattr(errno, "ENOTCONN", errno.EIO), getattr(errno, "ESTALE", errno.EIO)):
        return LikenessError(f"{where} cannot be reached ({error.strerror}); check that its disk is connected and try again.")
    return LikenessError(f"{where} cannot be used ({error.strerror or error}); check its folder and try again.")

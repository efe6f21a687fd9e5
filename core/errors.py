"""The exceptions a user can meet. Each message is the one sentence that the user reads: what is wrong, then what to do."""


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

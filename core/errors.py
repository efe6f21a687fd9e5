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

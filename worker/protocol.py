"""What the two halves say to each other: one JSON object a line, of a known type with exactly the known fields; arrays travel as files."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ..core import errors

MAX_LINE = 64 * 1024  # bytes; the longest honest message (paths, settings, one sentence) is far below


class ProtocolError(errors.WorkerError):
    """A line that is not a message of this protocol."""


@dataclass(frozen=True)
class Reconstruct:
    """Run one photo; `output` (.npz) appears only when it is complete. Answered by Done or Error, Progress meanwhile."""

    photo: str
    output: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Track:
    """Follow the face in `source`, a photo, a video or a folder of pictures, smoothed over `smoothing` seconds; `output` (.npz) appears
    only when it is complete. Answered by Done or Error, Progress meanwhile."""

    source: str
    output: str
    smoothing: float


@dataclass(frozen=True)
class Bake:
    """Texture of `size` texels a side for the `mesh` (UvMesh, .npz) on a `reconstruction` (Result, .npz); `output` (.npz, Texture) appears
    only when it is complete. Answered by Done or Error, Progress meanwhile."""

    mesh: str
    reconstruction: str
    output: str
    size: int


@dataclass(frozen=True)
class Export:
    """Write a `reconstruction` (Result, .npz) to `output` as its suffix says: .glb, .ply or .obj the mesh, .png the preview. Answered by
    Done or Error."""

    reconstruction: str
    output: str


@dataclass(frozen=True)
class SelfTest:
    """Run worker/selftest.py. Answered by Tested or Error."""


@dataclass(frozen=True)
class Cancel:
    """End the latest job, which then answers Error of kind Cancelled; without a job nothing happens."""


@dataclass(frozen=True)
class Quit:
    """End the process after the running job; closing the worker's input ends it at once."""


@dataclass(frozen=True)
class Ready:
    """The heavy imports are over; versions of what matters, by package name."""

    versions: dict[str, Any]


@dataclass(frozen=True)
class Heartbeat:
    """Sent each second while the process is able to run at all."""


@dataclass(frozen=True)
class Progress:
    """Overall fraction in [0, 1]."""

    stage: str
    fraction: float


@dataclass(frozen=True)
class Done:
    """The result lies in `path`, readable by Result.load, after Track by Performance.load, after Bake by Texture.load; after Export
    it is the file that was asked for."""

    path: str


@dataclass(frozen=True)
class Tested:
    """The self-test's text for the user to read and copy."""

    passed: bool
    summary: str


@dataclass(frozen=True)
class Error:
    """The job is over. `message` is the user's sentence, `kind` the class name of core/errors.py that it was raised as."""

    message: str
    kind: str = "WorkerError"
    exit_code: int = 3

    @classmethod
    def of(cls, error: errors.LikenessError) -> "Error":
        return cls(str(error), type(error).__name__, error.exit_code)

    def exception(self) -> errors.LikenessError:
        """The same error to raise on this side; a kind unknown here becomes a WorkerError."""
        kind = getattr(errors, self.kind, None)
        if not (isinstance(kind, type) and issubclass(kind, errors.LikenessError)):
            kind = errors.WorkerError
        return kind(self.message)


@dataclass(frozen=True)
class Log:
    """A warning for the user; details go to standard error."""

    level: str
    text: str


Request = Reconstruct | Track | Bake | Export | SelfTest | Cancel | Quit
Event = Ready | Heartbeat | Progress | Done | Tested | Error | Log
Kinds = Mapping[str, type]

REQUESTS: Kinds = {
    "reconstruct": Reconstruct, "track": Track, "bake": Bake, "export": Export, "self_test": SelfTest, "cancel": Cancel, "quit": Quit,
}  # fmt: skip
EVENTS: Kinds = {
    "ready": Ready, "heartbeat": Heartbeat, "progress": Progress, "done": Done, "tested": Tested, "error": Error, "log": Log,
}  # fmt: skip
_KIND_OF = {cls: kind for kinds in (REQUESTS, EVENTS) for kind, cls in kinds.items()}


def encode(message: Request | Event) -> bytes:
    """One line. Raises ProtocolError when the message is too long or holds what JSON cannot (NaN, objects)."""
    try:
        line = json.dumps({"type": _KIND_OF[type(message)], **asdict(message)}, allow_nan=False).encode("ascii") + b"\n"
    except (TypeError, ValueError) as error:
        raise ProtocolError(f"The {_KIND_OF[type(message)]} message cannot be written as JSON: {error}.") from error
    if len(line) > MAX_LINE:
        raise ProtocolError(f"The {_KIND_OF[type(message)]} message is longer than {MAX_LINE} bytes.")
    return line


def decode(line: bytes, kinds: Kinds) -> Any:
    """The message of a line, one of `kinds` (REQUESTS or EVENTS). Raises ProtocolError for everything else."""
    try:
        values = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"Not a JSON line: {line[:80]!r}.") from error
    if not isinstance(values, dict):
        raise ProtocolError(f"Not a JSON object: {line[:80]!r}.")
    kind = values.pop("type", None)
    cls = kinds.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise ProtocolError(f"Unknown type of message: {str(kind)[:80]!r}.")
    types = {option.name: option.type for option in fields(cls)}
    if set(values) != set(types):
        raise ProtocolError(f"The {kind} message must have the fields {sorted(types)}, not {sorted(values)[:10]}.")
    for name, value in values.items():
        if not _fits(value, types[name]):
            raise ProtocolError(f"{name} of the {kind} message is of the wrong type: {str(value)[:80]!r}.")
    return cls(**values)


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _fits(value: Any, declared: Any) -> bool:
    if declared == dict[str, Any]:
        return isinstance(value, dict) and all(isinstance(item, str | int | float | bool | None) for item in value.values())
    if declared is float:
        return type(value) in (int, float) and math.isfinite(value)
    return type(value) is declared


class Lines:
    """Cuts a stream of bytes into lines without ever holding more than MAX_LINE; longer lines are dropped and counted."""

    def __init__(self) -> None:
        self._pending = b""
        self._skipping = False
        self.dropped = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Complete lines, without their end. `dropped` grows by the bytes of each over-long one."""
        while data:
            head, newline, data = data.partition(b"\n")
            if self._skipping or len(self._pending) + len(head) > MAX_LINE:
                self.dropped += len(self._pending) + len(head)
                self._pending, self._skipping = b"", not newline
            elif newline:
                line, self._pending = self._pending + head, b""
                yield line
            else:
                self._pending += head

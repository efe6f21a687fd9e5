"""The messages between the client and the worker: one JSON object a line, of a known type with exactly the known fields.

Arrays travel as files.
"""

import json
import math
import re
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar

from ..core import errors

MAX_LINE = 64 * 1024  # bytes; the longest honest message (paths, settings, one sentence) is far below
_LONGEST_MESSAGE, _LONGEST_DETAILS = 2000, 8000  # characters, of which JSON may write each as six bytes


class ProtocolError(errors.WorkerError):
    """A line that is not a message of this protocol."""


@dataclass(frozen=True)
class Message:
    """id: the job that it belongs to, counted from 1 by the client; 0 for the worker as a whole."""

    id: int = field(default=0, kw_only=True)


@dataclass(frozen=True)
class Request(Message):
    """What the client says."""


@dataclass(frozen=True)
class Job(Request):
    """What takes time. Answered by Done, Tested or Error, Progress meanwhile. An `output` (.npz) appears only when it is complete."""

    what: ClassVar[str] = "The work"
    """The job at the beginning of a sentence."""


@dataclass(frozen=True)
class Reconstruct(Job):
    """Reconstruct the person of one photo or of several `photos`, of which the first is the main one; the output is a Result. early: a
    first look is wanted, as an Early."""

    what = "The reconstruction"
    photos: list[str]
    output: str
    settings: dict[str, Any] = field(default_factory=dict)
    early: bool = False


@dataclass(frozen=True)
class Track(Job):
    """Follow the face in `source`, a photo, a video or a folder of pictures, smoothed over `smoothing` seconds; a Performance."""

    what = "The tracking"
    source: str
    output: str
    smoothing: float


@dataclass(frozen=True)
class ChooseFrames(Job):
    """The sharpest frames, at most `count`, that show the face in a video `source` from as many sides as it has; VideoFrames."""

    what = "The choice of frames"
    source: str
    output: str
    count: int


@dataclass(frozen=True)
class Bake(Job):
    """Those `maps` (names of Textures) of `size` texels a side for the `mesh` (UvMesh, .npz) on a `reconstruction` (Result, .npz), which
    is looked for within `cage` metres, with `margin` texels around the islands; Textures."""

    what = "The baking"
    mesh: str
    reconstruction: str
    output: str
    size: int
    maps: list[str]
    cage: float
    margin: int


@dataclass(frozen=True)
class Retopologise(Job):
    """The head model's quads on a `reconstruction` (Result, .npz), over hair and clothes if `cover`, with eyes, teeth and tongue if
    `inner`; a QuadMesh."""

    what = "The retopology"
    reconstruction: str
    output: str
    cover: bool
    inner: bool


@dataclass(frozen=True)
class Follow(Job):
    """Fit the face in a `photo` to `pins`, the text of a pins file; a FittedFace."""

    what = "The fit"
    photo: str
    output: str
    settings: dict[str, Any]
    pins: str


@dataclass(frozen=True)
class Inspect(Job):
    """Find the people in a `photo` or, if `mask`, what is taken for the chosen one; an Inspection."""

    what = "The look at the photo"
    photo: str
    output: str
    settings: dict[str, Any]
    mask: bool


@dataclass(frozen=True)
class Export(Job):
    """Write a `reconstruction` (Result, .npz) to `output` as its suffix says: .glb, .ply or .obj the mesh, .png the preview."""

    what = "The writing of the files"
    reconstruction: str
    output: str


@dataclass(frozen=True)
class Print(Job):
    """Write a `reconstruction` (Result, .npz) for 3D printing to `output`, .3mf or .stl, as the settings say. Done says how large it is."""

    what = "The writing of the print"
    reconstruction: str
    output: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SelfTest(Job):
    """Run worker/selftest.py, with a small reconstruction if `photo`. Answered by Tested instead of Done."""

    what = "The self-test"
    photo: bool = True


@dataclass(frozen=True)
class Cancel(Request):
    """End the job of this id, which then answers Error of kind Cancelled; one that is over stays so."""


@dataclass(frozen=True)
class Quit(Request):
    """End the process after the running job; closing the worker's input ends it at once."""


@dataclass(frozen=True)
class Event(Message):
    """What the worker says."""


@dataclass(frozen=True)
class Ready(Event):
    """The heavy imports are over; versions of what matters, by package name."""

    versions: dict[str, Any]


@dataclass(frozen=True)
class Heartbeat(Event):
    """Sent each second while the process is able to run at all. cpu: seconds that the processor has worked for it since it began."""

    cpu: float = 0.0


@dataclass(frozen=True)
class Progress(Event):
    """A stage of core/stages.py, and the overall fraction in [0, 1]."""

    stage: str
    fraction: float


@dataclass(frozen=True)
class Early(Event):
    """A first look at what the job will give lies in `path`; the job goes on."""

    path: str


@dataclass(frozen=True)
class Done(Event):
    """The result, or the file that was asked for, lies in `path`. note: what the user is told of it, one sentence, or nothing."""

    path: str
    note: str = ""


@dataclass(frozen=True)
class Tested(Event):
    """The self-test's text for the user to read and copy."""

    passed: bool
    summary: str


@dataclass(frozen=True)
class Error(Event):
    """The job is over. `message` is the user's sentence, `kind` the class name of core/errors.py that it was raised as, `details` the
    traceback for a developer."""

    message: str
    kind: str = "WorkerError"
    exit_code: int = 3
    details: str = ""

    @classmethod
    def of(cls, error: errors.LikenessError, cause: BaseException | None = None) -> "Error":
        """cause: what the sentence is about, when it was another exception."""
        origin = cause or error
        details = "".join(traceback.format_exception(origin)) if origin.__traceback__ else ""
        return cls(str(error)[:_LONGEST_MESSAGE], type(error).__name__, error.exit_code, details[-_LONGEST_DETAILS:])

    def exception(self) -> errors.LikenessError:
        """The same error to raise on this side, the details as its note; a kind unknown here becomes a WorkerError."""
        kind = getattr(errors, self.kind, None)
        if not (isinstance(kind, type) and issubclass(kind, errors.LikenessError)):
            kind = errors.WorkerError
        error = kind(self.message)
        if self.details:
            error.add_note(f"In the worker:\n{self.details}")
        return error


@dataclass(frozen=True)
class Log(Event):
    """A warning for the user; details go to standard error."""

    level: str
    text: str


Kinds = Mapping[str, type]


def _kinds(side: type) -> dict[str, type]:
    """The messages of one side by their type on the line: SelfTest is self_test."""
    classes = [cls for child in side.__subclasses__() for cls in (child.__subclasses__() or [child])]
    return {re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower(): cls for cls in classes}


REQUESTS: Kinds = _kinds(Request)
EVENTS: Kinds = _kinds(Event)
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
    if declared == list[str]:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
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

"""Reads the data in a Python pickle without unpickling it.

`pickle` runs whatever a file tells it to. Here a small machine of our own walks over the file and builds plain containers. It has no way
to import, call or change anything: what the file would have imported becomes a Name, what it would have called becomes a Call, a record
of the name and the arguments. Sizes are checked against the bytes that are there before anything is made of them, so that a hostile file
costs no more memory than its own length.
"""

import codecs
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import InputError

_LIMIT = 1_000_000  # operations; a FLAME file has a few thousand
_DEEP = 10_000  # entries of the stack
_LINE = 100_000_000  # bytes of one text line: protocol 0 writes whole arrays as text
_DIGITS = 32
# What FLAME, SMPL and SMPL-X files refer to; nothing of them is ever imported or called.
_KNOWN = frozenset(
    f"{module}.{name}"
    for modules, names in (
        (("numpy.core.multiarray", "numpy._core.multiarray"), ("_reconstruct", "scalar")),
        (("numpy.core.numeric", "numpy._core.numeric"), ("_frombuffer",)),
        (("numpy",), ("ndarray", "dtype")),
        (("chumpy.ch",), ("Ch",)),
        (("scipy.sparse", "scipy.sparse.csc", "scipy.sparse._csc"), ("csc_matrix", "csc_array")),
        (("scipy.sparse", "scipy.sparse.csr", "scipy.sparse._csr"), ("csr_matrix", "csr_array")),
        (("copy_reg", "copyreg"), ("_reconstructor", "__newobj__")),
        (("__builtin__", "builtins"), ("object", "set", "frozenset", "bytes")),
        (("_codecs",), ("encode",)),
        (("collections",), ("OrderedDict",)),
    )
    for module in modules
    for name in names
)


class _Refused(Exception):
    """Why a pickle is not read; becomes an InputError that names the file."""


@dataclass(frozen=True)
class Name:
    """What the file would have imported."""

    full: str


@dataclass(eq=False)
class Call:
    """What the file would have made by calling `name` with `arguments`, and the state it would have given it."""

    name: str
    arguments: tuple[Any, ...]
    state: Any = None


class _Mark:
    pass


def read_pickle(data: bytes, name: str) -> Any:
    """The file's top object: numbers, str, bytes, list, tuple, dict, Name and Call; bytes of Python 2 strings are memoryviews.

    Raises InputError, with the file's `name`, for whatever is damaged, too large or refers to something that a FLAME file does not.
    """
    try:
        return _Machine(data).run()
    except _Refused as error:
        raise InputError(f"{name} is not read: {error}; use the FLAME file as it was downloaded.") from None


class _Machine:
    def __init__(self, data: bytes) -> None:
        self._data, self._raw, self._at = memoryview(data), data, 0
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._done = False

    def run(self) -> Any:
        for _ in range(_LIMIT):
            operation = _OPERATIONS.get(self._take(1)[0])
            if operation is None:
                raise _Refused("it holds a kind of object that no FLAME file has")
            operation(self)
            if self._done:
                return self._pop()
            if len(self._stack) > _DEEP:
                raise _Refused("it is nested too deeply")
        raise _Refused("it has too many objects")

    # Reading

    def _take(self, count: int) -> memoryview:
        if count < 0 or count > len(self._data) - self._at:
            raise _Refused("it ends too early")
        self._at += count
        return self._data[self._at - count : self._at]

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _line(self, limit: int = 200) -> bytes:
        end = self._raw.find(b"\n", self._at, self._at + limit)
        if end < 0:
            raise _Refused("it ends too early")
        return bytes(self._take(end + 1 - self._at)[:-1]).rstrip(b"\r")

    def _digits(self) -> bytes:
        digits = self._line().rstrip(b"L")
        if len(digits) > _DIGITS:
            raise _Refused("it holds an absurd number")
        return digits

    # The stack

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _pop(self) -> Any:
        if not self._stack or isinstance(self._stack[-1], _Mark):
            raise _Refused("it is damaged")
        return self._stack.pop()

    def _top(self, kind: type | tuple[type, ...]) -> Any:
        if not self._stack or not isinstance(self._stack[-1], kind):
            raise _Refused("it is damaged")
        return self._stack[-1]

    def _since_mark(self) -> list[Any]:
        values = []
        while self._stack:
            value = self._stack.pop()
            if isinstance(value, _Mark):
                return values[::-1]
            values.append(value)
        raise _Refused("it is damaged")

    def _remember(self, place: int) -> None:
        self._memo[place] = self._top(object)

    def _place(self) -> int:
        digits = self._digits()
        if not digits.isdigit():
            raise _Refused("it is damaged")
        return int(digits)

    def _recall(self, place: int) -> None:
        if place not in self._memo:
            raise _Refused("it is damaged")
        self._push(self._memo[place])

    # Operations

    def _stop(self) -> None:
        self._done = True

    def _text(self, raw: memoryview | bytes, encoding: str = "utf-8") -> None:
        try:
            self._push(bytes(raw).decode(encoding, "surrogatepass"))
        except UnicodeDecodeError:
            raise _Refused("it is damaged") from None

    def _quoted(self) -> None:
        line = self._line(_LINE)
        if len(line) < 2 or line[:1] not in b"'\"" or line[-1:] != line[:1]:
            raise _Refused("it is damaged")
        try:
            self._push(memoryview(codecs.escape_decode(line[1:-1])[0]))
        except ValueError:
            raise _Refused("it is damaged") from None

    def _float_line(self) -> None:
        try:
            self._push(float(self._digits()))
        except ValueError:
            raise _Refused("it is damaged") from None

    def _integer_line(self) -> None:
        digits = self._digits()
        try:
            self._push({b"00": False, b"01": True}.get(digits) if digits in (b"00", b"01") else int(digits))
        except ValueError:
            raise _Refused("it is damaged") from None

    def _long(self, form: str) -> None:
        count = self._number(form)
        if count > _DIGITS:
            raise _Refused("it holds an absurd number")
        self._push(int.from_bytes(self._take(count), "little", signed=True))

    def _name(self, module: Any, name: Any) -> None:
        full = f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else "?"
        if full not in _KNOWN:
            raise _Refused(f"it refers to {full[:80]!r}, which no FLAME file needs and which could run a program")
        self._push(Name(full))

    def _global(self) -> None:
        self._name(self._line().decode("latin1"), self._line().decode("latin1"))

    def _stack_global(self) -> None:
        name = self._pop()
        self._name(self._pop(), name)

    def _call(self) -> None:
        arguments, called = self._pop(), self._pop()
        if not isinstance(called, Name) or not isinstance(arguments, tuple):
            raise _Refused("it is damaged")
        self._push(Call(called.full, arguments))

    def _build(self) -> None:
        state, made = self._pop(), self._top(Call)
        made.state = state

    def _append(self, values: list[Any]) -> None:
        self._top(list).extend(values)

    def _set(self, values: list[Any]) -> None:
        target = self._top((dict, Call))
        if len(values) % 2:
            raise _Refused("it is damaged")
        for key, value in zip(values[::2], values[1::2], strict=True):
            if isinstance(key, memoryview):
                key = bytes(key[:200]).decode("latin1")
            # Other keys could be made to take for ever to hash.
            if not isinstance(key, str | int | float | None):
                raise _Refused("it is damaged")
            if isinstance(target, dict):
                target[key] = value

    def _add(self, values: list[Any]) -> None:
        self._top(Call)

    def _tuple(self, count: int) -> None:
        self._push(tuple(self._pop() for _ in range(count))[::-1])

    def _dict(self) -> None:
        values = self._since_mark()
        self._push({})
        self._set(values)


def _pair(machine: _Machine) -> list[Any]:
    value = machine._pop()
    return [machine._pop(), value]


_OPERATIONS: dict[int, Callable[[_Machine], Any]] = {
    ord(code): operation
    for code, operation in {
        "(": lambda m: m._push(_Mark()),
        ".": _Machine._stop,
        "0": _Machine._pop,
        "1": _Machine._since_mark,
        "2": lambda m: m._push(m._top(object)),
        "F": _Machine._float_line,
        "I": _Machine._integer_line,
        "L": _Machine._integer_line,
        "J": lambda m: m._push(m._number("<i")),
        "K": lambda m: m._push(m._number("<B")),
        "M": lambda m: m._push(m._number("<H")),
        "G": lambda m: m._push(m._number(">d")),
        "N": lambda m: m._push(None),
        "\x88": lambda m: m._push(True),
        "\x89": lambda m: m._push(False),
        "\x8a": lambda m: m._long("<B"),
        "\x8b": lambda m: m._long("<i"),
        "S": _Machine._quoted,
        "T": lambda m: m._push(m._take(m._number("<i"))),
        "U": lambda m: m._push(m._take(m._number("<B"))),
        "B": lambda m: m._push(m._take(m._number("<I"))),
        "C": lambda m: m._push(m._take(m._number("<B"))),
        "\x8e": lambda m: m._push(m._take(m._number("<Q"))),
        "\x96": lambda m: m._push(m._take(m._number("<Q"))),
        "V": lambda m: m._text(m._line(_LINE), "raw-unicode-escape"),
        "X": lambda m: m._text(m._take(m._number("<I"))),
        "\x8c": lambda m: m._text(m._take(m._number("<B"))),
        "\x8d": lambda m: m._text(m._take(m._number("<Q"))),
        "]": lambda m: m._push([]),
        "l": lambda m: m._push(m._since_mark()),
        "a": lambda m: m._append([m._pop()]),
        "e": lambda m: m._append(m._since_mark()),
        ")": lambda m: m._push(()),
        "t": lambda m: m._push(tuple(m._since_mark())),
        "\x85": lambda m: m._tuple(1),
        "\x86": lambda m: m._tuple(2),
        "\x87": lambda m: m._tuple(3),
        "}": lambda m: m._push({}),
        "d": _Machine._dict,
        "s": lambda m: m._set(_pair(m)),
        "u": lambda m: m._set(m._since_mark()),
        "\x8f": lambda m: m._push(Call("builtins.set", ())),
        "\x90": lambda m: m._add(m._since_mark()),
        "p": lambda m: m._remember(m._place()),
        "q": lambda m: m._remember(m._number("<B")),
        "r": lambda m: m._remember(m._number("<I")),
        "\x94": lambda m: m._remember(len(m._memo)),
        "g": lambda m: m._recall(m._place()),
        "h": lambda m: m._recall(m._number("<B")),
        "j": lambda m: m._recall(m._number("<I")),
        "c": _Machine._global,
        "\x93": _Machine._stack_global,
        "R": _Machine._call,
        "\x81": _Machine._call,
        "b": _Machine._build,
        "\x80": lambda m: m._number("<B"),
        "\x95": lambda m: m._number("<Q"),
    }.items()
}


def array_of(value: Any, largest: int) -> np.ndarray:
    """The numbers (any shape) that the Call of an ndarray or chumpy array holds, as a view of the file; sparse matrices as dense ones.

    largest: entries that a sparse matrix may have when dense. Raises ValueError for anything else.
    """
    for _ in range(3):
        if isinstance(value, Call) and _kind(value) == "chumpy.ch.Ch" and isinstance(value.state, dict):
            value = value.state.get("x")
    if not isinstance(value, Call):
        raise ValueError("not an array")
    name = value.name.rpartition(".")[2]
    if name == "_reconstruct":
        state = value.state
        if not isinstance(state, tuple) or len(state) != 5:
            raise ValueError("not an array")
        _, shape, dtype, fortran, raw = state
        return _from_buffer(raw, dtype, shape, "F" if fortran else "C")
    if name == "_frombuffer" and len(value.arguments) == 4:
        return _from_buffer(*value.arguments)
    kind = _kind(value).rpartition(".")[2]
    if kind[:4] in ("csc_", "csr_") and isinstance(value.state, dict):
        return _dense(value.state, kind[:3], largest)
    raise ValueError("not an array")


def _kind(value: Call) -> str:
    """The class of an object: what was called, or the class that a maker of objects was called with."""
    if value.name.endswith(("_reconstructor", "__newobj__")) and value.arguments and isinstance(value.arguments[0], Name):
        return value.arguments[0].full
    return value.name


def _from_buffer(raw: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    if isinstance(raw, Call) and raw.name == "_codecs.encode" and raw.arguments and isinstance(raw.arguments[0], str):
        raw = raw.arguments[0].encode("latin1")
    if not (isinstance(raw, memoryview | bytes) and isinstance(shape, tuple) and len(shape) <= 4 and order in ("C", "F")):
        raise ValueError("not a plain array")
    if not all(isinstance(size, int) and 0 <= size <= 2**31 for size in shape):
        raise ValueError("not a plain array")
    kind = _dtype(dtype)
    count = 1
    for size in shape:
        count *= size
    if count * kind.itemsize != len(raw):
        raise ValueError("an array of another size than its header says")
    return np.frombuffer(raw, kind).reshape(shape, order=order)


def _dtype(value: Any) -> np.dtype:
    """Real numbers, whole numbers and truth values only: never objects."""
    if not (isinstance(value, Call) and value.name == "numpy.dtype" and value.arguments):
        raise ValueError("not a plain array")
    text = value.arguments[0]
    text = bytes(text).decode("latin1") if isinstance(text, memoryview) else text
    if text not in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"):
        raise ValueError("an array of something else than numbers")
    order = value.state[1] if isinstance(value.state, tuple) and len(value.state) > 1 else "<"
    order = bytes(order).decode("latin1") if isinstance(order, memoryview) else order
    return np.dtype((">" if order == ">" else "<") + text)


def _dense(state: dict[Any, Any], form: str, largest: int) -> np.ndarray:
    shape = state.get("_shape", state.get("shape"))
    if not (isinstance(shape, tuple) and len(shape) == 2 and all(isinstance(size, int) and size > 0 for size in shape)):
        raise ValueError("not a plain sparse matrix")
    rows, columns = shape
    data, indices, starts = (array_of(state.get(name), largest) for name in ("data", "indices", "indptr"))
    major, minor = (columns, rows) if form == "csc" else (rows, columns)
    if rows * columns > largest or starts.shape != (major + 1,) or indices.shape != data.shape or data.ndim != 1:
        raise ValueError("a sparse matrix that does not fit")
    if indices.dtype.kind not in "iu" or starts.dtype.kind not in "iu":
        raise ValueError("a sparse matrix that does not fit")
    counts = np.diff(starts.astype(np.int64))
    if (counts < 0).any() or counts.sum() != len(data) or (len(data) and not (indices.min() >= 0 and indices.max() < minor)):
        raise ValueError("a sparse matrix that does not fit")
    dense = np.zeros((major, minor))
    np.add.at(dense, (np.repeat(np.arange(major), counts), indices), data)
    return dense.T if form == "csc" else dense

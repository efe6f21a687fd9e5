"""What an ONNX file (a protocol buffer) says about where its weights lie, read without running anything of it.

onnxruntime would read weights from other files that a model names. No SHA-256 covers those, and they may lie anywhere, so such models are
refused.
"""

from collections.abc import Iterator
from mmap import mmap

# Fields of onnx.proto that hold messages which may hold tensors: message -> number of the field -> message in it.
_HOLDERS = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_GRAPH = 7  # of a model
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of a tensor
_DEEPEST = 32
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def is_self_contained(data: mmap | bytes) -> bool:
    """Whether all weights of an ONNX model lie in the file itself. Raises ValueError when it is no ONNX model."""
    if not any(number == _GRAPH and wire == _BYTES for number, wire, _, _ in _fields(data, 0, len(data))):
        raise ValueError("no graph")
    return not _has_external(data, "model", 0, len(data), 0)


def _has_external(data: mmap | bytes, message: str, start: int, end: int, depth: int) -> bool:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    for number, wire, first, last in _fields(data, start, end):
        if message == "tensor":
            if number == _EXTERNAL_DATA or (number == _DATA_LOCATION and data[first] != 0):
                return True
        elif wire == _BYTES and number in _HOLDERS[message] and _has_external(data, _HOLDERS[message][number], first, last, depth + 1):
            return True
    return False


def _fields(data: mmap | bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Number, wire type, and where the value lies, of the fields of a message."""
    while start < end:
        key, start = _varint(data, start, end)
        wire = key & 7
        if wire == _VARINT:
            last = _varint(data, start, end)[1]
        elif wire == _BYTES:
            length, start = _varint(data, start, end)
            last = start + length
        elif wire in (_FIXED64, _FIXED32):
            last = start + (8 if wire == _FIXED64 else 4)
        else:
            raise ValueError("unknown wire type")
        if last > end:
            raise ValueError("cut off")
        yield key >> 3, wire, start, last
        start = last


def _varint(data: mmap | bytes, start: int, end: int) -> tuple[int, int]:
    value = 0
    for place in range(start, min(end, start + 10)):
        value |= (data[place] & 127) << 7 * (place - start)
        if data[place] < 128:
            return value, place + 1
    raise ValueError("cut off")

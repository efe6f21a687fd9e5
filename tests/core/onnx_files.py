"""Writes tiny ONNX files: protocol buffers by hand, so that tests need no package that makes them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

SHAPE = (1, 3, 512, 512)


def _varint(value: int) -> bytes:
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def tensor(name: str, values: np.ndarray) -> bytes:
    """A TensorProto of float32 values."""
    sizes = b"".join(_number(1, size) for size in values.shape)
    return sizes + _number(2, 1) + _bytes(8, name) + _bytes(9, values.astype("<f4").tobytes())


def outside_tensor(name: str, shape: Sequence[int], location: str) -> bytes:
    """A TensorProto whose values lie in another file."""
    entry = _bytes(1, "location") + _bytes(2, location)
    return b"".join(_number(1, size) for size in shape) + _number(2, 1) + _bytes(8, name) + _bytes(13, entry) + _number(14, 1)


def node(operator: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "") -> bytes:
    """A NodeProto without attributes."""
    names = b"".join(_bytes(1, name) for name in inputs) + b"".join(_bytes(2, name) for name in outputs)
    return names + _bytes(4, operator) + (_bytes(7, domain) if domain else b"")


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    sizes = b"".join(_bytes(1, _number(1, size) if isinstance(size, int) else _bytes(2, size)) for size in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, sizes)))


def write_onnx(
    path: Path,
    nodes: Sequence[bytes],
    tensors: Sequence[bytes],
    outputs: dict[str, Sequence[int | str]],
    takes: Sequence[int | str] = SHAPE,
) -> Path:
    """A model with the input `picture`."""
    graph = b"".join(_bytes(1, one) for one in nodes) + _bytes(2, "graph") + b"".join(_bytes(5, one) for one in tensors)
    graph += _bytes(11, _value("picture", takes)) + b"".join(_bytes(12, _value(name, shape)) for name, shape in outputs.items())
    path.write_bytes(_number(1, 8) + _bytes(7, graph) + _bytes(8, _number(2, 17)))
    return path


def write_answers(path: Path, *answers: np.ndarray) -> Path:
    """A model that answers these arrays (1, C, S, S) or (1, S, S), whatever the picture."""
    names = [f"answer{index}" for index in range(len(answers))]
    nodes = [node("Identity", [f"stored_{name}"], [name]) for name in names]
    tensors = [tensor(f"stored_{name}", answer) for name, answer in zip(names, answers, strict=True)]
    return write_onnx(path, nodes, tensors, {name: answer.shape for name, answer in zip(names, answers, strict=True)})


def write_channel(path: Path, channel: int) -> Path:
    """A model that answers one channel of its picture."""
    weight = np.zeros((1, 3, 1, 1))
    weight[0, channel] = 1
    nodes = [node("Conv", ["picture", "weight"], ["answer"])]
    return write_onnx(path, nodes, [tensor("weight", weight)], {"answer": (1, 1, "height", "width")})

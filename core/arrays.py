"""Named arrays in one .npz without pickles. A Schema says how they must look, and files are checked against it. numpy only.

Every file of ours holds a format number. Another version's file, a damaged one and a hostile one all end in ArrayError.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .errors import LikenessError

FORMAT = "format"
"""Name of the array that holds the format number."""
REAL, WHOLE, BYTE, TRUTH, TEXT = "f", "iu", "u", "b", "U"
"""Kinds of arrays: read as float32, int32, uint8, bool, and tuples of str (a single str where the shape is ())."""
ANY = "*"
"""A size that is free."""
TOO_LARGE = "(size)"
"""The message of the ArrayError for a file that unpacks to more than it may."""
_TYPES = {REAL: np.float32, WHOLE: np.int32, BYTE: np.uint8, TRUTH: np.bool_}
_LONGEST = 1_000_000  # characters of a text


class ArrayError(LikenessError):
    """A file's arrays are not what they should be; the message is the name of the first that is wrong, or empty for the whole file. Who
    reads the file turns it into the user's sentence."""


@dataclass(frozen=True)
class Array:
    """How one array must look: kind; shape, in which letters are sizes that agree all over the schema and ANY is free; low and high: bounds
    of its values; below: the letter of the size that whole numbers must stay under, as indices do; exact: keep the file's precision;
    finite: no infinity and nothing that is no number."""

    kind: str
    shape: tuple[str | int, ...]
    low: float | None = None
    high: float | None = None
    below: str = ""
    optional: bool = False
    exact: bool = False
    finite: bool = True


@dataclass(frozen=True)
class Schema:
    """The arrays of one kind of file. number: the format's, raised whenever its meaning changes. prefix: before every name in the file.
    most: the largest size of any axis; most_bytes: what the whole file may unpack to."""

    arrays: Mapping[str, Array]
    number: int = 1
    prefix: str = ""
    most: int = 20_000_000
    most_bytes: int = 2**32

    def check(self, data: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """The arrays in their own types, by their names without prefix; None for optional ones that are missing. Raises ArrayError."""
        sizes: dict[str, int] = {}
        found: dict[str, Any] = {}
        for name, array in self.arrays.items():
            place = self.prefix + name
            if place not in data:
                if not array.optional:
                    raise ArrayError(name)
                found[name] = None
                continue
            found[name] = _checked(data[place], array, name, sizes, self.most)
        for name, array in self.arrays.items():
            values = found[name]
            if array.below and values is not None and values.size and (values.min() < 0 or values.max() >= sizes[array.below]):
                raise ArrayError(name)
        return found

    def pack(self, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """What `check` takes: the given values that are not None, under their names in the file."""
        given = {name: array for name, array in self.arrays.items() if values.get(name) is not None}
        # An empty list of texts would become numbers.
        return {self.prefix + name: np.asarray(values[name], np.str_ if array.kind == TEXT else None) for name, array in given.items()}

    def save(self, path: Path, values: Mapping[str, Any], more: Mapping[str, np.ndarray] | None = None, compressed: bool = False) -> None:
        """Write values, and the packed arrays of another schema, as one .npz with this schema's format number."""
        write = np.savez_compressed if compressed else np.savez
        write(path, **{FORMAT: np.array(self.number)}, **self.pack(values), **(more or {}))

    def load(self, path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The checked arrays of a file, and all of its arrays as they are. Raises ArrayError."""
        data = read_arrays(path, self.most_bytes)
        if FORMAT not in data or data[FORMAT].shape != () or data[FORMAT] != self.number:
            raise ArrayError(FORMAT)
        return self.check(data), data


def read_arrays(path: Path, most_bytes: int) -> dict[str, np.ndarray]:
    """All arrays of a .npz, never unpickled, if they unpack to `most_bytes` or less. Raises ArrayError."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > most_bytes:
                raise ArrayError(TOO_LARGE)
        with np.load(path, allow_pickle=False) as data:
            return {name: data[name] for name in data.files}
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ArrayError from error


def _checked(values: np.ndarray, array: Array, name: str, sizes: dict[str, int], most: int) -> Any:
    if values.dtype.kind not in array.kind or values.ndim != len(array.shape) or max(values.shape, default=0) > most:
        raise ArrayError(name)
    for wanted, size in zip(array.shape, values.shape, strict=True):
        if wanted != ANY and (wanted if isinstance(wanted, int) else sizes.setdefault(wanted, size)) != size:
            raise ArrayError(name)
    if array.kind == TEXT:
        texts = tuple(map(str, values.reshape(-1)))
        if any(len(text) > _LONGEST for text in texts):
            raise ArrayError(name)
        return texts if values.ndim else texts[0]
    if array.kind == REAL and array.finite and not np.isfinite(values).all():
        raise ArrayError(name)
    # The file's own numbers are compared: a byte that does not fit would wrap around in ours.
    low, high = (0, 255) if array.kind == BYTE else (array.low, array.high)
    if values.size and ((low is not None and values.min() < low) or (high is not None and values.max() > high)):
        raise ArrayError(name)
    return values if array.exact else values.astype(_TYPES[array.kind])

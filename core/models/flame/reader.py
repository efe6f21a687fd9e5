"""Reads a user's FLAME file, .pkl or .npz, without running anything in it."""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from .restricted_pickle import array_of, read_pickle

JOINTS = 5
SHAPES, EXPRESSIONS = 300, 100
_FILE_LIMIT = 400_000_000  # bytes, also of what a .npz unpacks to
_MEMBERS = 64
_VERTICES = 50_000
_FACES = 100_000
_POSES = 9 * (JOINTS - 1)


@dataclass(frozen=True)
class FlameFile:
    """The arrays of a FLAME file, float32 and int64; V vertices, F faces. Metres, y up, facing +z, x to the person's left.

    template (V, 3), faces (F, 3), shapes (300, V, 3), expressions (100, V, 3), pose_shapes (36, V, 3), joint_regressor (5, V),
    parents (5,), weights (V, 5). Joints: global, neck, jaw, left eye, right eye.
    """

    template: np.ndarray
    faces: np.ndarray
    shapes: np.ndarray
    expressions: np.ndarray
    pose_shapes: np.ndarray
    joint_regressor: np.ndarray
    parents: np.ndarray
    weights: np.ndarray


def read_flame(path: Path) -> FlameFile:
    """Raises InputError when the file is missing, damaged, hostile, or not a FLAME model with 300 shapes and 100 expressions."""
    try:
        size = path.stat().st_size
        if size > _FILE_LIMIT:
            raise InputError(f"{path.name} is larger than any FLAME file; choose another one.")
        with path.open("rb") as file:
            data = file.read(size)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read; check that the FLAME file is there.") from error
    table = _read_npz(data, path.name) if data[:2] == b"PK" else _read_pkl(data, path.name)
    return _checked(table, path.name)


def _read_pkl(data: bytes, name: str) -> dict[Any, Any]:
    table = read_pickle(data, name)
    if not isinstance(table, dict):
        raise InputError(f"{name} is not a FLAME model; use the FLAME file as it was downloaded.")
    return table


def _read_npz(data: bytes, name: str) -> dict[str, np.ndarray]:
    table = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > _MEMBERS or sum(member.file_size for member in members) > _FILE_LIMIT:
                raise InputError(f"{name} unpacks to more than any FLAME file; choose another one.")
            for member in members:
                with archive.open(member) as file:
                    # Never more than was announced, whatever the compressed stream holds.
                    table[member.filename.removesuffix(".npy")] = _npy(file.read(member.file_size))
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{name} is damaged or holds something else than arrays; use the FLAME file as it was downloaded.") from error
    return table


def _npy(data: bytes) -> np.ndarray:
    """An array as a view of a .npy file's bytes, whose size is compared first; ValueError for objects and for what does not fit."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if header is None:
        raise ValueError("an unknown version")
    shape, fortran, dtype = header(file)
    count = 1
    for size in shape:
        count *= size
    if dtype.hasobject or min(shape, default=1) < 0 or count * dtype.itemsize != len(data) - file.tell():
        raise ValueError("not a plain array")
    return np.frombuffer(data, dtype, offset=file.tell()).reshape(shape, order="F" if fortran else "C")


def _checked(table: dict[Any, Any], name: str) -> FlameFile:
    def numbers(key: str, *shape: int | None, whole: bool = False) -> np.ndarray:
        value = table.get(key)
        try:
            array = value if isinstance(value, np.ndarray) else array_of(value, JOINTS * _VERTICES)
        except ValueError:
            raise InputError(f"{name} is not a usable FLAME model: its {key} is missing or not a plain array.") from None
        fits = array.ndim == len(shape) and all(want in (None, size) for want, size in zip(shape, array.shape, strict=True))
        if not fits or array.dtype.kind not in "iuf":
            raise InputError(f"{name} is not a usable FLAME model: its {key} has the shape {array.shape}.")
        if not whole:
            array = array.astype(np.float32)
            if not np.isfinite(array).all():
                raise InputError(f"{name} is not a usable FLAME model: its {key} holds values that are no numbers.")
        return array

    template = numbers("v_template", None, 3)
    count = len(template)
    faces = numbers("f", None, 3, whole=True).astype(np.int64)
    if not (100 <= count <= _VERTICES and 100 <= len(faces) <= _FACES and faces.min() >= 0 and faces.max() < count):
        raise InputError(f"{name} is not a usable FLAME model: its faces and vertices do not fit together.")
    if "expressiondirs" in table:
        shapes, expressions = numbers("shapedirs", count, 3, SHAPES), numbers("expressiondirs", count, 3, EXPRESSIONS)
    else:
        both = numbers("shapedirs", count, 3, SHAPES + EXPRESSIONS)
        shapes, expressions = both[..., :SHAPES], both[..., SHAPES:]
    weights = numbers("weights", count, JOINTS)
    parents = numbers("kintree_table", 2, JOINTS, whole=True)[0].astype(np.int64)
    parents[0] = -1
    if not all(0 <= parent < joint for joint, parent in enumerate(parents.tolist()[1:], start=1)):
        raise InputError(f"{name} is not a usable FLAME model: its joints do not form a tree.")
    if not (weights.min() >= -1e-3 and np.abs(weights.sum(1) - 1).max() < 1e-2):
        raise InputError(f"{name} is not a usable FLAME model: its skinning weights do not add up to one.")
    return FlameFile(
        template=template,
        faces=faces,
        shapes=np.ascontiguousarray(shapes.transpose(2, 0, 1)),
        expressions=np.ascontiguousarray(expressions.transpose(2, 0, 1)),
        pose_shapes=np.ascontiguousarray(numbers("posedirs", count, 3, _POSES).transpose(2, 0, 1)),
        joint_regressor=numbers("J_regressor", JOINTS, count),
        parents=parents,
        weights=weights,
    )

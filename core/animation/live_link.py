"""Recordings of the Live Link Face app: a CSV file with ARKit's shapes and the head's rotation, one line a frame. numpy only."""

import csv
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..models.joints import JOINT_NAMES, NECK
from ..models.rotation import rotation_matrix, rotation_vector
from .performance import MAX_FRAMES, Performance, fill_gaps

HALF_TURN = 180.0
"""Degrees that a 1 in a column such as HeadYaw stands for, after Unreal Engine's ARKit plug-in, from which the app is made."""
_MAX_BYTES = 256 * 2**20
_MAX_COLUMNS = 256
_FIRST = ("timecode", "blendshapecount")
_HEAD = ("headYaw", "headPitch", "headRoll")
_EYES = tuple(f"{side}Eye{turn}" for side in ("left", "right") for turn in ("Yaw", "Pitch", "Roll"))
_NEEDED = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight")
_TIMECODE = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})[:;](\d{1,3}(?:\.\d{1,6})?)")
_RATES = (24, 25, 30, 48, 50, 60, 120, 240)
_USUAL_RATE = 60
_DAY = 24 * 3600


def read_live_link(path: Path, degrees: float = HALF_TURN) -> Performance:
    """The performance in a CSV file of the app; lines without a tracked face are filled in.

    degrees: what a 1 in the head's columns stands for. The eyes' rotations are left out, because the shapes eyeLook… hold the same
    movement. Raises InputError, whose sentence names the file and the line.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path.name} is larger than {_MAX_BYTES // 2**20} MB; export a shorter take.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _parse(csv.reader(file), path, degrees)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; check the path.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path.name} cannot be read as text; choose the CSV file of a Live Link Face recording.") from error


def _parse(lines: Iterable[list[str]], path: Path, degrees: float) -> Performance:
    lines = iter(lines)
    header = [text.strip() for text in next(lines, [])]
    names = [text[:1].lower() + text[1:] for text in header[2:]]
    if tuple(text.lower() for text in header[:2]) != _FIRST or not set(_NEEDED) <= set(names):
        raise InputError(
            f"{path.name} is no recording of Live Link Face, whose first line begins with Timecode,BlendShapeCount and names ARKit's "
            "shapes; choose the CSV file of a take."
        )
    if len(names) > _MAX_COLUMNS or len(set(names)) < len(names):
        raise InputError(f"{path.name} has too many columns or the same one twice; export the take again.")
    codes, rows, seen = [], [], []
    for number, line in enumerate(lines, 2):
        if not any(text.strip() for text in line):
            continue
        if len(rows) == MAX_FRAMES:
            raise InputError(f"{path.name} has more than {MAX_FRAMES} frames; export a shorter take.")
        tracked = any(text.strip() for text in line[2:])  # without a face the app writes the time alone
        try:
            row = [float(text) for text in line[2:]] if tracked else [0.0] * len(names)
        except ValueError:
            row = []
        code = _TIMECODE.fullmatch(line[0].strip())
        if code is None or len(row) != len(names) or not np.isfinite(row).all():
            raise InputError(f"Line {number} of {path.name} is damaged; export the take again.")
        codes.append([float(part) for part in code.groups()])
        rows.append(row)
        seen.append(tracked)
    if not any(seen):
        raise InputError(f"{path.name} holds no frame with a face; export another take.")
    times, order = _times(np.array(codes))
    table, known = np.array(rows)[order], np.array(seen)[order]
    table = fill_gaps(table, times, known)
    shapes = [index for index, name in enumerate(names) if name not in (*_HEAD, *_EYES)]
    rotations = np.zeros((len(times), len(JOINT_NAMES), 3))
    if set(_HEAD) <= set(names):
        yaw, pitch, roll = np.radians(degrees * table[:, [names.index(name) for name in _HEAD]]).T
        rotations[:, NECK] = _head_rotation(yaw, pitch, roll)
    return Performance(path.stem, times, tuple(names[index] for index in shapes), np.clip(table[:, shapes], 0, 1), rotations, known)


def _times(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Seconds (T,) from 0 of hours, minutes, seconds and frames (N, 4), and the rows (T,) they belong to: those that move on in time.

    The file does not tell its rate, but frames count up to it wherever a second ends.
    """
    full = codes[:, :3] @ [3600.0, 60.0, 1.0]
    rate = _USUAL_RATE
    if (full != full[0]).any():
        rate = next((rate for rate in _RATES if rate > codes[:, 3].max()), _RATES[-1])
    seconds = full + codes[:, 3] / rate
    seconds = seconds + _DAY * np.cumsum(np.diff(seconds, prepend=seconds[0]) < -_DAY / 2)  # over midnight
    order = np.flatnonzero(seconds > np.maximum.accumulate(np.r_[-np.inf, seconds[:-1]]))
    return seconds[order] - seconds[order[0]], order


def _head_rotation(yaw: np.ndarray, pitch: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """Rotation vectors (T, 3) in the upright frame of Unreal's angles: yaw to the person's right, pitch upwards, roll to the right."""
    zero = np.zeros_like(yaw)
    about = [np.stack(axis, 1) for axis in ((zero, -yaw, zero), (-pitch, zero, zero), (zero, zero, roll))]
    turn, nod, lean = (rotation_matrix(vectors) for vectors in about)
    return rotation_vector(turn @ nod @ lean)

"""Recordings of the Live Link Face app: a CSV file with ARKit's shapes and the head's rotation, one line a frame. numpy only."""

import csv
import re
from collections.abc import Iterable
from itertools import islice
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
_DISORDER = 0.5  # seconds back in time that are lines out of order; more is a clock that was set


def read_live_link(path: Path, degrees: float = HALF_TURN) -> Performance:
    """The performance in a CSV file of the app; lines without a tracked face are filled in, a last line that is cut off is left out.

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
    written = ((number, line) for number, line in enumerate(lines, 2) if any(text.strip() for text in line))
    numbered = list(islice(written, MAX_FRAMES + 1))
    if len(numbered) > MAX_FRAMES:
        raise InputError(f"{path.name} has more than {MAX_FRAMES} frames; export a shorter take.")
    warnings = []
    if len(numbered) > 1 and _is_cut(numbered[-1][1], len(header)):
        del numbered[-1]
        warnings.append(f"The last line of {path.name} is cut off and was left out; the file may be incomplete.")
    codes, rows, seen = [], [], []
    for number, line in numbered:
        tracked = _tracked(line)
        row = _numbers(line[2:]) if tracked else [0.0] * len(names)
        code = _TIMECODE.fullmatch(line[0].strip())
        if code is None or len(row) != len(names):
            raise InputError(f"Line {number} of {path.name} is damaged; export the take again.")
        codes.append([float(part) for part in code.groups()])
        rows.append(row)
        seen.append(tracked)
    if not any(seen):
        raise InputError(f"{path.name} holds no frame with a face; export another take.")
    times, order, doubts = _times(np.array(codes))
    warnings += [f"The timecodes of {path.name} {doubt}" for doubt in doubts]
    table, known = np.array(rows)[order], np.array(seen)[order]
    table = fill_gaps(table, times, known)
    shapes = [index for index, name in enumerate(names) if name not in (*_HEAD, *_EYES)]
    rotations = np.zeros((len(times), len(JOINT_NAMES), 3))
    if set(_HEAD) <= set(names):
        yaw, pitch, roll = np.radians(degrees * table[:, [names.index(name) for name in _HEAD]]).T
        rotations[:, NECK] = _head_rotation(yaw, pitch, roll)
    key_names, key_values = tuple(names[index] for index in shapes), np.clip(table[:, shapes], 0, 1)
    return Performance(path.stem, times, key_names, key_values, rotations, known, tuple(warnings))


def _tracked(line: list[str]) -> bool:
    """Without a face the app writes the time alone."""
    return any(text.strip() for text in line[2:])


def _numbers(cells: list[str]) -> list[float]:
    """Of all cells, or none."""
    try:
        values = [float(text) for text in cells]
    except ValueError:
        return []
    return values if np.isfinite(values).all() else []


def _is_cut(line: list[str], width: int) -> bool:
    """Whether the app did not write this line, of a file with so many columns, to its end."""
    if not _tracked(line):
        return len(line) == 1
    return len(line) < width or not _numbers(line[-1:])


def _times(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Seconds (T,) from 0 of hours, minutes, seconds and frames (N, 4), the rows (T,) they belong to, each time once, and what is odd.

    The file does not tell its rate, but frames count up to it wherever a second ends.
    """
    full = codes[:, :3] @ [3600.0, 60.0, 1.0]
    rate = _USUAL_RATE
    if (full != full[0]).any():
        rate = next((rate for rate in _RATES if rate > codes[:, 3].max()), _RATES[-1])
    steps = np.diff(full + codes[:, 3] / rate)
    steps = (steps + _DAY / 2) % _DAY - _DAY / 2  # over midnight
    rows, doubts = np.arange(len(codes)), []
    if (steps < 0).sum() > (steps > 0).sum():
        steps, rows = -steps[::-1], rows[::-1]
        doubts.append("run backwards; its lines were turned round.")
    if (steps < -_DISORDER).any():
        steps[steps < -_DISORDER] = 1 / rate
        doubts.append("jump back; the lines were taken one after the other.")
    seconds = np.r_[0, np.cumsum(steps)]
    order = np.argsort(seconds, kind="stable")
    order = order[np.diff(seconds[order], prepend=-1) > 1e-9]
    return seconds[order] - seconds[order[0]], rows[order], doubts


def _head_rotation(yaw: np.ndarray, pitch: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """Rotation vectors (T, 3) in the upright frame of Unreal's angles: yaw to the person's right, pitch upwards, roll to the right."""
    zero = np.zeros_like(yaw)
    about = [np.stack(axis, 1) for axis in ((zero, -yaw, zero), (-pitch, zero, zero), (zero, zero, roll))]
    turn, nod, lean = (rotation_matrix(vectors) for vectors in about)
    return rotation_vector(turn @ nod @ lean)

"""Takes of Epic's Live Link Face app (.csv): one row a frame with the 52 ARKit values and nine angles of head and eyes.

stdlib and numpy only: Blender's process reads it.
"""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError

_FILE_LIMIT = 300_000_000  # bytes, more than an hour at 60 frames a second
_ROWS = 1_000_000
_COLUMNS = 200
_RATES = (24, 25, 30, 50, 60, 120)
_USUAL_RATE = 60  # the app's own
_DAY = 86400.0
_TIMECODE = "timecode"
_ANGLES = ("Yaw", "Pitch", "Roll")


@dataclass(frozen=True)
class Take:
    """T frames of a performance, in order of time.

    times (T,) seconds from the first frame; rate: frames a second that the timecodes count in; names: of the keys;
    values (T, K) float32 in [0, 1], 0 for keys that the file lacks, which are listed in missing;
    head, left_eye, right_eye (T, 3) float32: yaw, pitch and roll as the app writes them, or None where the file has none. The app does not
    document their unit and turns' signs; radians are what its takes look like.
    """

    times: np.ndarray
    rate: int
    names: tuple[str, ...]
    values: np.ndarray
    missing: tuple[str, ...]
    head: np.ndarray | None
    left_eye: np.ndarray | None
    right_eye: np.ndarray | None

    def at(self, times: np.ndarray) -> np.ndarray:
        """Key values (N, K) at any times (N,) in seconds, linear between frames and held before the first and after the last."""
        return np.stack([np.interp(times, self.times, column) for column in self.values.T], axis=1).astype(np.float32)


def read_take(path: Path, names: Sequence[str]) -> Take:
    """The values of keys with ARKit's `names`, matched without regard to case, from a Live Link Face file.

    Frames in which the app saw no face are left out. Raises InputError for a file that cannot be read or is something else.
    """
    try:
        if path.stat().st_size > _FILE_LIMIT:
            raise InputError(f"{path.name} is larger than any take; choose the .csv file of one Live Link Face take.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=_delimiter(file.readline(_COLUMNS * 100)))
            file.seek(0)
            return _take(rows, tuple(names), path.name)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read; check that the file is there.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path.name} is not a Live Link Face take; choose the .csv file that the app exports.") from error


def _delimiter(header: str) -> str:
    """Spreadsheets of some countries write semicolons."""
    return ";" if header.count(";") > header.count(",") else ","


def _take(rows: Iterator[list[str]], names: tuple[str, ...], file: str) -> Take:
    header = [title.strip().lower() for title in next(rows, [])[:_COLUMNS]]
    place = {title: column for column, title in enumerate(header)}
    if _TIMECODE not in place or not any(name.lower() in place for name in names):
        raise InputError(f"{file} is not a Live Link Face take; choose the .csv file that the app exports.")
    turns = {part: [place.get(f"{part}{angle}".lower(), -1) for angle in _ANGLES] for part in ("Head", "LeftEye", "RightEye")}
    wanted = [place.get(name.lower(), -1) for name in names]
    columns = wanted + [column for group in turns.values() for column in group]
    codes: list[tuple[int, float]] = []
    table: list[list[float]] = []
    for number, row in enumerate(rows, start=2):
        if number > _ROWS:
            raise InputError(f"{file} has more frames than a take can have; choose the .csv file of one Live Link Face take.")
        # Without a face, the app writes a timecode and a count of 0.
        if len(row) < len(header):
            continue
        try:
            codes.append(_timecode(row[place[_TIMECODE]]))
            table.append([float(row[column].replace(",", ".")) if column >= 0 else 0.0 for column in columns])
        except ValueError:
            raise InputError(f"Line {number} of {file} is damaged; export the take from the app again.") from None
    if not table:
        raise InputError(f"{file} has no frame with a face in it; choose another take.")
    values = np.array(table, np.float64)
    if not np.isfinite(values).all():
        raise InputError(f"{file} holds values that are no numbers; export the take from the app again.")
    rate = _rate(codes)
    times, kept = _times(codes, rate)
    values = values[kept].astype(np.float32)
    angles = {part: values[:, len(names) + 3 * i : len(names) + 3 * i + 3] for i, part in enumerate(turns)}
    head, left, right = (angles[part] if min(group) >= 0 else None for part, group in turns.items())
    missing = tuple(name for name, column in zip(names, wanted, strict=True) if column < 0)
    return Take(times, rate, names, np.clip(values[:, : len(names)], 0, 1), missing, head, left, right)


def _timecode(text: str) -> tuple[int, float]:
    """Whole seconds since midnight and the frame in the second, of HH:MM:SS:FF, with a fraction of a frame or without; or ValueError."""
    hours, minutes, seconds, frame = text.strip().replace(";", ":").split(":")
    whole, count = 3600 * int(hours) + 60 * int(minutes) + int(seconds), float(frame)
    if not (0 <= whole < _DAY and 0 <= count < max(_RATES) and math.isfinite(count)):
        raise ValueError("no timecode")
    return whole, count


def _rate(codes: list[tuple[int, float]]) -> int:
    """Frames a second: the smallest usual rate whose count reaches the largest frame number, when a whole second was seen."""
    if codes[-1][0] - codes[0][0] < 2:
        return _USUAL_RATE
    largest = math.floor(max(frame for _, frame in codes))
    return next(rate for rate in _RATES if largest < rate)


def _times(codes: list[tuple[int, float]], rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Seconds from the first frame, strictly increasing, and the ids of the frames kept: of equal times the last one."""
    seconds = np.array([whole + frame / rate for whole, frame in codes])
    # A take can run over midnight, once.
    seconds += _DAY * np.cumsum(np.diff(seconds, prepend=seconds[0]) < -_DAY / 2)
    times, first = np.unique(seconds[::-1], return_index=True)
    return times - times[0], len(seconds) - 1 - first

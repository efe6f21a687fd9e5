"""A performance: what a face did over time, in the terms of the rigged head. numpy only: Blender's process reads it too."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..arrays import REAL, TEXT, TRUTH, Array, ArrayError, Schema
from ..errors import AssetError
from ..models.joints import JOINT_NAMES

MAX_FRAMES = 20_000
_MAX_KEYS = 256
_MAX_WARNINGS = 32
_LONGEST = 200  # characters of a name
_SCHEMA = Schema(
    {
        "name": Array(TEXT, ()),
        "times": Array(REAL, ("T",), exact=True),
        "key_names": Array(TEXT, ("K",)),
        "key_values": Array(REAL, ("T", "K"), low=0, high=1),
        "rotations": Array(REAL, ("T", len(JOINT_NAMES), 3)),
        "seen": Array(TRUTH, ("T",)),
        "warnings": Array(TEXT, ("W",)),
    },
    most=MAX_FRAMES,
)


@dataclass(frozen=True)
class Performance:
    """One face over T frames; a single frame is a pose.

    times (T,): seconds, rising from 0. key_names: K names of ARKit shapes; key_values (T, K) in [0, 1].
    rotations (T, J, 3): rotation vectors of the joints in the order of JOINT_NAMES (core/models/joints.py), each relative to its
    parent, in the upright frame's axes; the shoulders stand still, the neck's rotation is the whole head's.
    seen (T,) bool: False where the values were filled in. name: where it comes from. warnings: sentences for the user.
    """

    name: str
    times: np.ndarray
    key_names: tuple[str, ...]
    key_values: np.ndarray
    rotations: np.ndarray
    seen: np.ndarray
    warnings: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        """Frames a second, at the median; 0 for a single frame."""
        return float(1 / np.median(np.diff(self.times))) if len(self.times) > 1 else 0.0

    def save(self, path: Path) -> None:
        """One .npz without pickles."""
        _SCHEMA.save(path, vars(self))

    @classmethod
    def load(cls, path: Path) -> "Performance":
        """Raises AssetError when the file is not a sound performance."""
        try:
            arrays, _ = _SCHEMA.load(path)
        except ArrayError as error:
            what = "is damaged" if str(error) else "is not a Likeness performance"
            raise AssetError(f"{path.name} {what}; track the pictures again.") from error
        times, names = arrays["times"].astype(np.float64), arrays["key_names"]
        sound = 0 < len(names) <= _MAX_KEYS and len(set(names)) == len(names) and len(arrays["warnings"]) <= _MAX_WARNINGS
        if not (sound and len(times) and (np.diff(times) > 0).all()):
            raise AssetError(f"{path.name} is damaged; track the pictures again.")
        values, rotations = arrays["key_values"].astype(np.float64), arrays["rotations"].astype(np.float64)
        warnings = tuple(text[: 5 * _LONGEST] for text in arrays["warnings"])
        names = tuple(name[:_LONGEST] for name in names)
        return cls(arrays["name"][:_LONGEST], times, names, values, rotations, arrays["seen"], warnings)


def fill_gaps(values: np.ndarray, times: np.ndarray, seen: np.ndarray, longest: float = 0.5) -> np.ndarray:
    """values (T, N) with the rows that were not `seen` (T,) filled: interpolated over up to `longest` seconds, held beyond that.

    A gap at an end holds its only neighbour. At least one row must be seen.
    """
    known = np.flatnonzero(seen)
    before = known[np.clip(np.searchsorted(known, np.arange(len(times)), "right") - 1, 0, None)]
    after = known[np.clip(np.searchsorted(known, np.arange(len(times))), None, len(known) - 1)]
    gap = times[after] - times[before]
    share = np.where((gap > 0) & (gap <= longest), (times - times[before]) / np.where(gap > 0, gap, 1), 0)[:, None]
    return values[before] * (1 - share) + values[after] * share


def smooth(values: np.ndarray, times: np.ndarray, seconds: float) -> np.ndarray:
    """values (T, N) smoothed over a window of about `seconds` without lag: a parabola through the neighbours (Savitzky and Golay 1964).

    Peaks as short as half the window, such as blinks, keep most of their height. Near the ends the parabola leans on one side.
    """
    count = len(times)
    step = float(np.median(np.diff(times))) if count > 1 else 0.0
    half = round(seconds / step / 2) if step else 0
    half = min(half, (count - 1) // 2)
    if half < 2:  # a parabola goes through three points exactly
        return values.copy()
    offsets = np.arange(-half, half + 1)
    powers = np.vander(offsets, 3, increasing=True).astype(float)
    solve = np.linalg.pinv(powers)  # (3, window): from values to the parabola's coefficients
    windows = np.lib.stride_tricks.sliding_window_view(values, 2 * half + 1, axis=0)
    result = np.empty_like(values, dtype=np.float64)
    result[half : count - half] = windows @ solve[0]
    ends = np.vander(offsets[:half], 3, increasing=True)
    result[:half] = ends @ solve @ values[: 2 * half + 1]
    result[count - half :] = np.vander(offsets[half + 1 :], 3, increasing=True) @ solve @ values[count - 2 * half - 1 :]
    return result

"""A performance: what a face did over time, in the terms of the rigged head. numpy only: Blender's process reads it too."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import AssetError

MAX_FRAMES = 20_000
_MAX_KEYS = 256
_MAX_WARNINGS = 32
_JOINTS = 5
_LONGEST = 200  # characters of a name


@dataclass(frozen=True)
class Performance:
    """One face over T frames; a single frame is a pose.

    times (T,): seconds, rising from 0. key_names: K names of ARKit shapes; key_values (T, K) in [0, 1].
    rotations (T, 5, 3): rotation vectors of the joints in the order of JOINT_NAMES (core/topology/rigged.py), each relative to its
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
        np.savez(
            path,
            times=self.times.astype(np.float64),
            key_values=self.key_values.astype(np.float32),
            rotations=self.rotations.astype(np.float32),
            seen=self.seen.astype(bool),
            key_names=np.array(self.key_names),
            name=np.array(self.name),
            warnings=np.array(self.warnings, dtype=np.str_),
        )

    @classmethod
    def load(cls, path: Path) -> "Performance":
        """Raises AssetError when the file is not a sound performance."""
        try:
            with np.load(path, allow_pickle=False) as data:
                times, values, rotations = (data[name].astype(np.float64) for name in ("times", "key_values", "rotations"))
                seen, names, name = data["seen"], data["key_names"], str(data["name"])[:_LONGEST]
                notes = data["warnings"]
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise AssetError(f"{path.name} is not a Likeness performance; track the pictures again.") from error
        sound = (
            times.ndim == 1
            and 0 < len(times) <= MAX_FRAMES
            and values.shape == (len(times), names.size)
            and names.ndim == 1
            and names.dtype.kind == "U"
            and 0 < names.size <= _MAX_KEYS
            and len(set(names.tolist())) == names.size
            and rotations.shape == (len(times), _JOINTS, 3)
            and seen.shape == times.shape
            and seen.dtype == bool
            and notes.ndim == 1
            and notes.dtype.kind == "U"
            and notes.size <= _MAX_WARNINGS
            and all(np.isfinite(array).all() for array in (times, values, rotations))
            and bool((np.diff(times) > 0).all())
            and 0 <= values.min() <= values.max() <= 1
        )
        if not sound:
            raise AssetError(f"{path.name} is damaged; track the pictures again.")
        warnings = tuple(text[: 5 * _LONGEST] for text in notes.tolist())
        return cls(name, times, tuple(text[:_LONGEST] for text in names.tolist()), values, rotations, seen, warnings)


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

"""The views that `views.py` made, as one table."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...core.photo.people import BodyLandmarks
from .views import READINGS, STEP

_SIDE = 352


@dataclass(frozen=True)
class Records:
    """N views; the arrays are those of `views.main`, with a row a view."""

    arrays: dict[str, np.ndarray]

    @classmethod
    def load(cls, folder: Path, split: str, most: int | None = None, without: tuple[str, ...] = ()) -> "Records":
        """The shards of a split, at most so many, without some of the arrays. Raises ValueError when there are none."""
        paths = sorted(folder.glob(f"{split}_[0-9]*[0-9].npz"))[:most]
        if not paths:
            raise ValueError(f"{folder} holds no views of the {split} split; run likeness.training.body_model.views.")
        shards = [np.load(path, allow_pickle=False) for path in paths]
        return cls({name: np.concatenate([shard[name] for shard in shards]) for name in shards[0].files if name not in without})

    def __len__(self) -> int:
        return len(self.arrays["figure"])

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def metres(self, name: str, view: int) -> np.ndarray:
        """Vertices (13380, 3) of one view, `naked` or `rest`."""
        return self.arrays[name][view] * np.float32(STEP)

    def matte(self, view: int) -> np.ndarray:
        """(S, S) float32, 1 on the person."""
        return np.unpackbits(self.arrays["matte"][view]).reshape(_SIDE, _SIDE).astype(np.float32)

    def readings(self, view: int) -> list[BodyLandmarks]:
        """What the detector read in the framings of a view."""
        packed = self.arrays["readings"][view].astype(np.float64)
        kept = [row for row in packed[:READINGS] if np.isfinite(row).all()]
        return [BodyLandmarks(row[:, :2], row[:, 2], row[:, 3], row[:, 4:]) for row in kept]

"""Levels of detail of the head model's topology, read from their file: fewer quads over some of the same vertices, and where cuts run."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..arrays import WHOLE, Array, Schema
from ..settings import RIG_DETAILS
from .files import read_model

LEVELS_FILE = Path(__file__).parents[2] / "weights" / "head_levels.npz"
LEVELS = dict(zip(RIG_DETAILS, (1.0, 0.5, 0.25), strict=True))
"""Names, and about which share of the skin's quads."""
RINGS = ("neck", "collar", "bust")
"""Cuts along which a head's quads end, from the innermost outwards."""
SCHEMA = Schema(
    {
        f"{level}_{name}": Array(WHOLE, shape, low=0)
        for level in LEVELS
        for name, shape in (("quads", (f"{level}", 4)), ("uv", (f"{level}", 4)), ("ring", (f"{level}",)))
    },
    most=1_000_000,
)


@dataclass(frozen=True)
class HeadLevel:
    """quads (Q, 4): vertices of the head model; quads_uv (Q, 4): its UV coordinates; ring (Q,): outside how many of RINGS' cuts they lie,
    counted from the innermost; eyes, teeth and tongue lie outside of none. All vertices and quads have their mirror images, and no border
    meets itself."""

    quads: np.ndarray
    quads_uv: np.ndarray
    ring: np.ndarray

    def path(self, cut: str) -> np.ndarray:
        """Vertices (N,) of the closed path along which a cut of RINGS runs."""
        kept = self.ring <= RINGS.index(cut)
        return np.intersect1d(self.quads[kept], self.quads[~kept])

    def inside(self, cut: str) -> "HeadLevel":
        """What a cut leaves; all where it is none of RINGS."""
        if cut not in RINGS:
            return self
        kept = self.ring <= RINGS.index(cut)
        return HeadLevel(self.quads[kept], self.quads_uv[kept], self.ring[kept])

    @classmethod
    def load(cls, name: str) -> "HeadLevel":
        """One of LEVELS, of the bundled head model. Raises AssetError."""
        arrays = _levels()
        return cls(*(arrays[f"{name}_{part}"] for part in ("quads", "uv", "ring")))


@lru_cache(maxsize=1)
def _levels() -> dict[str, np.ndarray]:
    return read_model(LEVELS_FILE, SCHEMA, "head model's levels")

"""How skin of the head model's places differs from that of a cheek: redder ears, folds that light hardly reaches, a paler neck."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from ..arrays import REAL, Array, Schema
from .files import read_model

SKIN_COLOURS_FILE = Path(__file__).parents[2] / "weights" / "skin_colours.npz"
BLACK = 0.06
"""sRGB that is added to colours before their ratios are taken: below it they are noise."""
SCHEMA = Schema({"change": Array(REAL, ("Vs", 3), low=-3, high=3)}, most=1_000_000)


@lru_cache(maxsize=1)
def skin_colours() -> np.ndarray:
    """(Vs, 3) float32 on the closed mesh of the bundled head model: natural logarithm of colour + BLACK there over that of a cheek.

    Raises AssetError."""
    return read_model(SKIN_COLOURS_FILE, SCHEMA, "head model's skin colours")["change"]

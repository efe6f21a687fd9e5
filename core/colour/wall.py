"""What stands behind a person, as far as its colours are seen through hair."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from ..geometry.visibility import smoothstep

_BESIDE = 0.05  # of the matte
_TONES = 8  # steps of each channel in which colours of the background are counted
_COMMON = (0.003, 0.02)  # share of the background that has a colour like it
_RARE = (0.001, 0.006)  # and for its tint alone
_SPILL = (0.04, 0.1)  # sRGB: so far from its own tint is hair that has the background's
_MIXED = (1.0, 0.7, 0.5, 0.35)  # shares of the background in what is seen through hair


@dataclass(frozen=True)
class Wall:
    """tones (N, N, N): share of each colour in what the photo shows beside the person; None where it shows nothing there."""

    tones: np.ndarray | None

    @classmethod
    def of(cls, photo: np.ndarray, matte: np.ndarray) -> Self:
        """Of a photo (S, S, 3), sRGB, with its matte (S, S)."""
        beside = photo[matte < _BESIDE]
        if not len(beside):
            return cls(None)
        counts, _ = np.histogramdd(beside, bins=_TONES, range=[(0, 1)] * 3)
        return cls(gaussian_filter(counts / len(beside), 0.7))

    def shows(self, colours: np.ndarray, level: np.ndarray, common: tuple[float, float] = _COMMON) -> np.ndarray:
        """(K,) in [0, 1]: do colours (K, 3) stand beside the person, too, or such as make them when mixed with the level (K, 3)?"""
        found = np.zeros(len(colours))
        if self.tones is None:
            return found
        for mixed in _MIXED:
            pure = level + (colours - level) / mixed
            place = np.clip(pure.T * _TONES - 0.5, 0, _TONES - 1)
            possible = (np.abs(pure - 0.5) < 0.5 + 1 / _TONES).all(1)
            found = np.maximum(found, possible * smoothstep(map_coordinates(self.tones, place, order=1), *common))
        return found

    def taken_out(self, colours: np.ndarray, level: np.ndarray, own: np.ndarray, hair: np.ndarray) -> np.ndarray:
        """Colours (K, 3) without what they have of the wall's: own (K, 3) are those that they would have; hair (K,): share of it."""
        of_wall = self.shows(colours, level, _RARE) * smoothstep(np.linalg.norm(colours - own, axis=1), *_SPILL) * hair
        return colours + of_wall[:, None] * (own - colours)

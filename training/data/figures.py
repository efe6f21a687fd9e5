"""Whole figures in their crop: clothed hm08 people and avatars, seen from all round."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...core.models.head import HeadModel
from ...core.photo.view import Camera
from ..humans.assets import Assets
from ..humans.avatars import Avatars
from ..humans.bodies import Bodies
from ..humans.figure import Figures
from ..humans.part import Part
from ..render.scene import Scene
from .samples import SEEDS

_FIGURES = 1  # keeps the random numbers of figures apart from those of busts
_AVATARS = 0.25  # share of figures that are avatars
MARGIN = 1.138
"""Side of the square crop over the person's height in the picture (PIFu's rule)."""


@dataclass(frozen=True)
class DrawnFigure:
    """parts in the camera frame; camera: where the square picture of side 2 * camera.centre sees them; scene in the crop frame, in which
    x and y reach from -1 to 1 over the picture and a unit is `half` metres at the eyes."""

    parts: Sequence[Part]
    camera: Camera
    half: float
    scene: Scene
    rng: np.random.Generator


class FigureSampler:
    """Draws framed figures: pictures of size x size pixels, each from shrink x shrink samples."""

    def __init__(self, assets: Path, split: str = "training", size: int = 512, shrink: int = 1, device: str = "cpu") -> None:
        wardrobe = "evaluation" if split == "evaluation" else "training"
        self._figures = Figures(Assets(assets, wardrobe), HeadModel.load(), Bodies(assets))
        self._avatars = Avatars(assets, wardrobe)
        self._seed, self._size, self._shrink, self._device = SEEDS[split], size, shrink, device

    def draw(self, index: int) -> DrawnFigure:
        """One figure, seen from 2 to 8 metres or from infinitely far."""
        rng = np.random.default_rng([self._seed, _FIGURES, index])
        parts = (self._avatars if rng.random() < _AVATARS else self._figures).make(rng).parts
        distance = np.inf if rng.random() < 0.15 else float(np.exp(rng.uniform(np.log(2), np.log(8))))
        solid = np.concatenate([part.vertices for part in parts if part.solid])
        flat = Camera((0.0, 0.0), 1.0, distance).project(solid)
        low, high = flat.min(0), flat.max(0)
        half = MARGIN / 2 * float(max(high - low))
        middle = (low + high) / 2
        scale = self._size / 2 / half
        camera = Camera((self._size / 2 - middle[0] * scale, self._size / 2 - middle[1] * scale), scale, distance)
        depth = float(solid[:, 2].mean())

        def to_crop(points: np.ndarray) -> np.ndarray:
            pixel = camera.project(points) * (2 / self._size) - 1
            return np.column_stack([pixel[:, 0], -pixel[:, 1], (points[:, 2] - depth) / half])

        return DrawnFigure(parts, camera, half, Scene.of(parts, to_crop, self._size * self._shrink, half, self._device), rng)

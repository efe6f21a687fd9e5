"""What is compared: functions from a photo to a mesh. Baselines that anybody has, and the product; all see the photo alone."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..models.fit import HeadFit, fit_head
from ..models.head import HeadModel, HeadParameters
from ..photo.intake import view_from_image
from ..photo.view import Camera, View
from ..pipeline import Reconstructor
from ..settings import Settings
from .case import Case
from .nearest import NearestSurface

TITLES = {"mean": "mean head, posed", "fitted": "fitted head model alone", "likeness": "Likeness, bundled networks"}
"""Of the methods in their tables; a field that the user names is called after its file."""


@dataclass(frozen=True)
class Prediction:
    """vertices (V, 3) metres in the frame of its own camera, faces (F, 3), colours (V, 3) sRGB in [0, 1] or None, landmarks (468, 3) on the
    surface, seconds from photo to mesh, memory_mb the process's peak or None."""

    vertices: np.ndarray
    faces: np.ndarray
    landmarks: np.ndarray
    camera: Camera
    seconds: float
    colours: np.ndarray | None = None
    memory_mb: float | None = None


@dataclass(frozen=True)
class Seen:
    """What every method starts from: the photo's file, its view and its fit, and the seconds they took."""

    photo: Path
    view: View
    fit: HeadFit
    seconds: float


Method = Callable[[Seen], Prediction]


class Methods:
    """The named methods with their models loaded once, in the order given: baselines, the product, the product with other fields."""

    def __init__(self, names: tuple[str, ...], settings: Settings, fields: tuple[Path, ...] = ()) -> None:
        """names: keys of TITLES. fields: weights files of other trained fields. Raises AssetError, or InputError for a missing device."""
        self._model = HeadModel.load()
        self._settings = settings
        self.methods: dict[str, Method] = {}
        for name in names:
            baseline = {"mean": self._mean, "fitted": self._fitted}.get(name)
            self.methods[name] = baseline or self._product(None)
        for field in fields:
            self.methods[field.stem] = self._product(field)

    def look(self, case: Case, photo: Path) -> Seen:
        """Landmarks, matte and fit of a case. Raises NoFaceError."""
        begun = time.perf_counter()
        view = view_from_image(case.photo, case.name)
        return Seen(photo, view, fit_head(self._model, view), time.perf_counter() - begun)

    def _mean(self, seen: Seen) -> Prediction:
        fit = seen.fit
        rotations = np.where(np.arange(5)[:, None] < 2, fit.rotations, 0)
        still = np.zeros(len(fit.identity)), np.zeros(len(fit.expression))
        posed = self._model.posed(HeadParameters(*still, rotations))
        landmarks = self._model.landmarks(posed.vertices)
        return Prediction(posed.solid_vertices, self._model.solid_faces, landmarks, fit.camera, seen.seconds)

    def _fitted(self, seen: Seen) -> Prediction:
        landmarks = self._model.landmarks(seen.fit.vertices)
        return Prediction(seen.fit.solid_vertices, self._model.solid_faces, landmarks, seen.fit.camera, seen.seconds)

    def _product(self, field: Path | None) -> Method:
        reconstructor = Reconstructor.load(self._settings.device, field)

        def reconstruct(seen: Seen) -> Prediction:
            begun = time.perf_counter()
            result = reconstructor.run(seen.photo, self._settings)
            seconds = time.perf_counter() - begun
            # The fit's landmarks, brought to the nearest place on the surface that came out.
            landmarks = NearestSurface(result.vertices, result.faces).closest(self._model.landmarks(seen.fit.vertices)).position
            memory = result.report["peak_memory_mb"]
            return Prediction(result.vertices, result.faces, landmarks, result.camera, seconds, result.colours, memory)

        return reconstruct

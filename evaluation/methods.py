"""What is compared: functions from a photo to a mesh. Baselines that anybody has, and the product; all see the photo alone."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..core.models.head import HeadModel
from ..core.models.parametric import Parameters
from ..core.photo.framing import HEAD, Framing
from ..core.photo.view import Camera
from ..core.pipeline import Reconstructor
from ..core.prepared import PreparedPhoto
from ..core.settings import Settings
from .case import Case
from .nearest import NearestSurface

TITLES = {
    "mean": "mean head, posed",
    "fitted": "fitted model alone",
    "likeness": "Likeness, bundled networks",
    "joined": "the same with the body's head made by itself",
}
"""Of the methods in their tables; a field that the user names is called after its file."""
BASELINES = ("mean", "fitted")


@dataclass(frozen=True)
class Prediction:
    """vertices (V, 3) metres in the frame of its own camera, faces (F, 3), colours (V, 3) sRGB in [0, 1] or None, landmarks (468, 3) on the
    surface, or none of a body, seconds from photo to mesh, memory_mb the process's peak or None; framing: the cube that was looked at."""

    vertices: np.ndarray
    faces: np.ndarray
    landmarks: np.ndarray
    camera: Camera
    seconds: float
    colours: np.ndarray | None = None
    memory_mb: float | None = None
    framing: Framing = HEAD


Method = Callable[[Any], Prediction]
"""From what the methods of a subject share: a PreparedPhoto or a PreparedBody."""


class Methods:
    """The named methods with their models loaded once, in the order given: baselines, the product, the product with other fields."""

    def __init__(self, names: tuple[str, ...], settings: Settings, fields: tuple[Path, ...] = ()) -> None:
        """names: keys of TITLES. fields: weights files of other trained fields. Raises AssetError, or InputError for a missing device."""
        self._model = HeadModel.load()
        self._settings = replace(settings, cut="none")  # the true heads end where the crop does
        self._bundled = Reconstructor.load(settings.device)
        self.fields = labelled(fields)
        self.methods: dict[str, Method] = {}
        for name in names:
            if name == "joined":  # of bodies
                continue
            self.methods[name] = {"mean": self._mean, "fitted": self._fitted}.get(name) or self._product(self._bundled)
        for name, field in self.fields.items():
            self.methods[name] = self._product(Reconstructor.load(settings.device, field))

    def prepare(self, case: Case) -> PreparedPhoto:
        """What all methods share: landmarks, matte, fit and normals of a case. Raises NoFaceError."""
        begun = time.perf_counter()
        view = self._bundled.intake.view(case.photo, case.name)
        seconds = time.perf_counter() - begun
        prepared = self._bundled.prepare(view)
        return replace(prepared, timings={"photo": seconds} | prepared.timings)

    def _mean(self, prepared: PreparedPhoto) -> Prediction:
        fit = prepared.fit
        rotations = np.where(np.arange(5)[:, None] < 2, fit.rotations, 0)
        still = np.zeros(len(fit.identity)), np.zeros(len(fit.expression))
        posed = self._model.posed(Parameters(*still, rotations))
        landmarks = self._model.mediapipe.on(posed.vertices)
        return Prediction(posed.closed_vertices, self._model.closed_mesh.faces, landmarks, fit.camera, _seconds_of_fit(prepared))

    def _fitted(self, prepared: PreparedPhoto) -> Prediction:
        landmarks = self._model.mediapipe.on(prepared.fit.vertices)
        return Prediction(
            prepared.fit.closed_vertices, self._model.closed_mesh.faces, landmarks, prepared.fit.camera, _seconds_of_fit(prepared)
        )

    def _product(self, reconstructor: Reconstructor) -> Method:
        def reconstruct(prepared: PreparedPhoto) -> Prediction:
            result = reconstructor.run(prepared, self._settings)
            surface, view = result.surface, result.views[0]
            vertices = view.pose.to_camera(surface.vertices).astype(np.float32)
            # The fit's landmarks, brought to the nearest place on the surface that came out.
            landmarks = NearestSurface(vertices, surface.faces).closest(self._model.mediapipe.on(prepared.fit.vertices)).position
            seconds, memory = sum(result.report["timings"].values()), result.report["peak_memory_mb"]
            return Prediction(vertices, surface.faces, landmarks, view.camera, seconds, surface.colours, memory)

        return reconstruct


def labelled(fields: Sequence[Path]) -> dict[str, Path]:
    """Names of weights files: their own without ending, with as many folders before it as it takes to tell them apart."""
    paths = list(dict.fromkeys(field.absolute() for field in fields))
    whole = [Path(str(path).removesuffix(".safetensors")).parts for path in paths]
    longest = max(map(len, whole), default=1)
    count = next(count for count in range(1, longest + 1) if len({parts[-count:] for parts in whole}) == len(whole))
    names = {"/".join(parts[-count:]): path for parts, path in zip(whole, paths, strict=True)}
    return {f"{name} (file)" if name in TITLES else name: path for name, path in names.items()}


def reference(methods: Sequence[str]) -> str:
    """The method that the others are compared with: the first that is no baseline, which is the product if it takes part; else the last."""
    return next((name for name in methods if name not in BASELINES), methods[-1])


def _seconds_of_fit(prepared: PreparedPhoto) -> float:
    return prepared.timings["photo"] + prepared.timings["fit"]

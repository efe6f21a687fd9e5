"""What is compared on whole people: the fitted body alone, and surfaces of the bundled and other fields of bodies."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..core.bodies import BodyReconstructor, PreparedBody
from ..core.models.body import BodyModel
from ..core.networks.device import named_device
from ..core.pipeline import Reconstructor
from ..core.prepared import relief
from ..core.settings import Settings
from ..core.surface.build import add_detail, build_surface
from .case import Case
from .methods import Method, Prediction, labelled

NO_LANDMARKS = np.zeros((0, 3))


class BodyMethods:
    """As Methods, for bodies, whose colours and heads are not measured; `mean` is of heads only and left out."""

    def __init__(self, names: tuple[str, ...], settings: Settings, fields: tuple[Path, ...] = ()) -> None:
        """As Methods. Raises AssetError, or InputError for a missing device."""
        self._body, self._settings, device = BodyModel.load(), settings, named_device(settings.device)
        self._bundled, self._intake = BodyReconstructor(device), Reconstructor.load(settings.device).intake
        self.methods: dict[str, Method] = {}
        if "fitted" in names:
            self.methods["fitted"] = self._fitted
        if "likeness" in names:
            self.methods["likeness"] = self._product(self._bundled)
        for name, field in labelled(fields).items():
            self.methods[name] = self._product(BodyReconstructor(device, field))

    def prepare(self, case: Case) -> PreparedBody:
        """What all methods share: landmarks, matte and fit of a case. Raises LikenessError."""
        begun = time.perf_counter()
        prepared = self._bundled.prepare(self._intake.figure(case.photo, case.name))
        return replace(prepared, measures=prepared.measures | {"seconds": time.perf_counter() - begun})

    def _fitted(self, prepared: PreparedBody) -> Prediction:
        vertices = self._body.closed_vertices(prepared.fit.vertices, prepared.fit.joints, prepared.fit.rotation)
        return self._prediction(prepared, vertices, self._body.closed_mesh.faces, 0.0)

    def _product(self, reconstructor: BodyReconstructor) -> Method:
        def reconstruct(prepared: PreparedBody) -> Prediction:
            begun, camera, framing = time.perf_counter(), prepared.fit.camera, prepared.framing
            seen = reconstructor.predictor.predict(prepared.view, camera, prepared.surface)
            resolution = self._settings.resolution
            vertices, faces = build_surface(reconstructor.field(prepared, seen), resolution)
            vertices = add_detail(vertices, faces, resolution, *relief(seen, prepared.view.image, framing.crop_box(camera)))
            return self._prediction(prepared, framing.from_crop(vertices, camera), faces, time.perf_counter() - begun)

        return reconstruct

    def _prediction(self, prepared: PreparedBody, vertices: np.ndarray, faces: np.ndarray, seconds: float) -> Prediction:
        seconds += prepared.measures["seconds"]
        return Prediction(vertices.astype(np.float32), faces, NO_LANDMARKS, prepared.fit.camera, seconds, framing=prepared.framing)

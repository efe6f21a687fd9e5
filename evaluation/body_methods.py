"""What is compared on whole people: the fitted body alone, bodies of the bundled and of other fields, and the product with its own head."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..core.bodies import BodyReconstructor, HeadMaker, PreparedBody
from ..core.models.body import BodyModel
from ..core.networks.device import named_device
from ..core.pipeline import Reconstructor
from ..core.progress import RECONSTRUCTION, Clock
from ..core.settings import Settings
from .case import Case
from .methods import Method, Prediction, labelled

NO_LANDMARKS = np.zeros((0, 3))


class BodyMethods:
    """As Methods, for bodies; `mean` is of heads only and left out. All but `joined` keep the body's own head."""

    def __init__(self, names: tuple[str, ...], settings: Settings, fields: tuple[Path, ...] = ()) -> None:
        """As Methods. Raises AssetError, or InputError for a missing device."""
        self._body, self._settings, device = BodyModel.load(), settings, named_device(settings.device)
        product = Reconstructor.load(settings.device)
        self._bundled, self._intake = product.bodies, product.intake
        self.methods: dict[str, Method] = {}
        if "fitted" in names:
            self.methods["fitted"] = self._fitted
        if "likeness" in names:
            self.methods["likeness"] = self._product(self._bundled)
        if "joined" in names:
            self.methods["joined"] = self._product(self._bundled, product.head_maker(settings))
        for name, field in labelled(fields).items():
            self.methods[name] = self._product(BodyReconstructor(device, field))

    def prepare(self, case: Case) -> PreparedBody:
        """What all methods share: landmarks, matte and fit of a case. Raises LikenessError."""
        begun = time.perf_counter()
        prepared = self._bundled.prepare(self._intake.figure(case.photo, case.name))
        return replace(prepared, measures=prepared.measures | {"seconds": time.perf_counter() - begun})

    def _product(self, reconstructor: BodyReconstructor, head: HeadMaker | None = None) -> Method:
        def reconstruct(prepared: PreparedBody) -> Prediction:
            clock = Clock(RECONSTRUCTION)
            result = reconstructor.run(prepared, self._settings, clock, head)
            surface, view = result.surface, result.views[0]
            vertices = view.pose.to_camera(surface.vertices).astype(np.float32)
            seconds = sum(clock.timings.values()) + prepared.measures["seconds"]
            return Prediction(vertices, surface.faces, NO_LANDMARKS, view.camera, seconds, surface.colours, framing=view.framing)

        return reconstruct

    def _fitted(self, prepared: PreparedBody) -> Prediction:
        vertices = self._body.closed_vertices(prepared.fit.vertices, prepared.fit.joints, prepared.fit.rotation).astype(np.float32)
        faces, seconds = self._body.closed_mesh.faces, prepared.measures["seconds"]
        return Prediction(vertices, faces, NO_LANDMARKS, prepared.fit.camera, seconds, framing=prepared.framing)

"""What is compared on whole people: the fitted body alone, and surfaces of the bundled and other fields of bodies."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ..core.bodies import BodyReconstructor, PreparedBody
from ..core.fields.body import body_field
from ..core.models.body import BodyModel
from ..core.networks.device import named_device
from ..core.networks.predictor import Predictor
from ..core.pipeline import Reconstructor
from ..core.settings import Settings
from ..core.surface.build import ReliefMap, add_detail, build_surface
from .case import Case
from .methods import Method, Prediction, labelled

NO_LANDMARKS = np.zeros((0, 3))


class BodyMethods:
    """As Methods, for bodies; `mean` is of heads only and left out."""

    def __init__(self, names: tuple[str, ...], settings: Settings, fields: tuple[Path, ...] = ()) -> None:
        """As Methods. Raises AssetError, or InputError for a missing device."""
        self._body, self._settings = BodyModel.load(), settings
        self._reconstructor, self._intake = BodyReconstructor(), Reconstructor.load(settings.device).intake
        self._hands = self._body.closed_region("hands")
        self.fields, device = labelled(fields), named_device(settings.device)
        self.methods: dict[str, Method] = {}
        if "fitted" in names:
            self.methods["fitted"] = self._fitted
        if "likeness" in names:
            self.methods["likeness"] = self._product(Predictor.of_bodies(device))
        for name, field in self.fields.items():
            self.methods[name] = self._product(Predictor.of_bodies(device, field))

    def prepare(self, case: Case) -> PreparedBody:
        """What all methods share: landmarks, matte and fit of a case. Raises LikenessError."""
        begun = time.perf_counter()
        prepared = self._reconstructor.prepare(self._intake.figure(case.photo, case.name))
        return replace(prepared, measures=prepared.measures | {"seconds": time.perf_counter() - begun})

    def _fitted(self, prepared: PreparedBody) -> Prediction:
        vertices = self._body.closed_vertices(prepared.fit.vertices, prepared.fit.joints, prepared.fit.rotation)
        return self._prediction(prepared, vertices, self._body.closed_mesh.faces, 0.0)

    def _product(self, predictor: Predictor) -> Method:
        def reconstruct(prepared: PreparedBody) -> Prediction:
            begun, camera, surface = time.perf_counter(), prepared.fit.camera, prepared.surface
            seen = predictor.predict(prepared.view, camera, surface)
            field = body_field(predictor.encode(seen, surface), surface, prepared.matte(), self._hands)
            resolution = self._settings.resolution
            vertices, faces = build_surface(field, resolution)
            vertices = add_detail(vertices, faces, resolution, _relief(seen.front), _relief(seen.back))
            return self._prediction(prepared, surface.framing.from_crop(vertices, camera), faces, time.perf_counter() - begun)

        return reconstruct

    def _prediction(self, prepared: PreparedBody, vertices: np.ndarray, faces: np.ndarray, seconds: float) -> Prediction:
        seconds += prepared.measures["seconds"]
        return Prediction(vertices.astype(np.float32), faces, NO_LANDMARKS, prepared.fit.camera, seconds, framing=prepared.framing)


def _relief(normals: torch.Tensor | None) -> ReliefMap | None:
    return None if normals is None else ReliefMap(normals[0].permute(1, 2, 0).cpu().numpy(), np.ones(normals.shape[-2:], bool))

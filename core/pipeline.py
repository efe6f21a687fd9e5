"""The whole way from one photo to a coloured head, as a library: Reconstructor.load().run(photo)."""

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from .colour.fill import colour_vertices
from .colour.places import places_on_head
from .fields.crop import CropField
from .fields.field import Field
from .fields.head import head_field
from .geometry.mesh import vertex_normals
from .models.fit import ViewFit, fit_head, mesh_landmarks, refine_by_normals
from .models.flame.model import FlameModel
from .models.flame.reader import read_flame
from .models.head import HeadModel
from .models.joints import NECK
from .models.observation import Observation
from .models.prior import FaceBlend, PriorSurface, protect_mask
from .networks.device import named_device
from .networks.own import BUNDLED, OwnNetworks, own_normals
from .networks.predictor import Predictor
from .networks.weights import hashes
from .photo.crop import crop_picture
from .photo.face_alignment_provider import FaceAlignmentDetector
from .photo.faces import FaceDetector, MediaPipeDetector
from .photo.framing import HEAD
from .photo.intake import Intake
from .photo.pose import Pose
from .photo.view import View
from .prepared import PreparedPhoto
from .progress import PREPARATION, RECONSTRUCTION, Cancel, Clock, Progress
from .quality import judge, measure_fit, measure_surface
from .report import fit_report, parsing_report, run_report, silhouette_iou
from .result import SURFACE, Mesh, Result, ResultView
from .rigging import Rigging
from .settings import Settings
from .surface.build import add_detail, build_surface
from .topology.register import ReconstructedSurface


class Reconstructor:
    """The models of one device, kept for any number of photos."""

    def __init__(self, model: HeadModel, predictor: Predictor) -> None:
        self._model, self._predictor = model, predictor
        self._own = BUNDLED  # those of the last run
        self._second: dict[str, FaceAlignmentDetector] = {}  # by the name of its weights

    @classmethod
    def load(cls, device: str = "auto", field: Path | None = None) -> Self:
        """With the bundled models, or another trained field. Raises AssetError, and InputError for a device that is not there."""
        return cls(HeadModel.load(), Predictor.load(named_device(device), field))

    @cached_property
    def intake(self) -> Intake:
        """With MediaPipe's detector and the bundled parser: what `run` prepares photos with unless the settings say otherwise."""
        return Intake(MediaPipeDetector(), self._predictor.parser)

    def prepare(self, view: View, own: OwnNetworks = BUNDLED, clock: Clock | None = None) -> PreparedPhoto:
        """What `run` begins with, whatever its field: reconstructors of other fields can go on from it. Raises LikenessError."""
        clock = clock or Clock(PREPARATION)
        with clock.stage("fit"):
            observation, guess = Observation.of(view), None if view.modelled else self._predictor.guess(view)
            fit = fit_head(self._model, observation, guess)
        with clock.stage("normals"):
            surface, seen = self._surface(fit), None
            if own.normals is not None:
                seen = own_normals(own.normals, view, fit.camera, surface)
                fit = refine_by_normals(self._model, observation, fit, seen, guess)
                surface = self._surface(fit)
            prediction = self._predictor.predict(view, fit.camera, surface, seen, own.matte is not None)
            measures = measure_fit(self._model, view, fit, surface.framing, *prediction.pictures())
            judge(measures, view.name)  # refuses before the long stages
        return PreparedPhoto(view, fit, surface, prediction, measures, dict(clock.timings), own)

    def _surface(self, fit: ViewFit) -> PriorSurface:
        return PriorSurface.of(self._model, HEAD.to_crop(fit.closed_vertices, fit.camera).astype(np.float32), HEAD)

    def crop_field(self, prepared: PreparedPhoto) -> CropField:
        """The networks' field of a prepared photo's crop."""
        encoded = self._predictor.encode(prepared.prediction, prepared.surface)
        matte = prepared.prediction.photo[0, 3].cpu().numpy()
        return CropField.of(encoded, prepared.surface, FaceBlend.of(self._model, prepared.fit), matte)

    def run(
        self, photo: Path | PreparedPhoto, settings: Settings, progress: Progress | None = None, cancel: Cancel | None = None
    ) -> Result:
        """Reconstruct the person in one photo, or go on from a prepared one. Raises LikenessError; Cancelled when `cancel` answers True."""
        # First of all: whether the user's own files can be used.
        own = self._own = photo.own if isinstance(photo, PreparedPhoto) else OwnNetworks.of(settings, self._own)
        flame_model = FlameModel(read_flame(Path(settings.flame))) if settings.rig and settings.flame else None
        unused = {name for name, used in (("rig", settings.rig), ("texture", settings.rig), ("flame", flame_model)) if not used}
        unused |= {"photo", *PREPARATION} if isinstance(photo, PreparedPhoto) else set()
        clock = Clock([name for name in RECONSTRUCTION if name not in unused], progress, cancel)
        prepared = photo if isinstance(photo, PreparedPhoto) else self._read(photo, settings, own, clock)
        view, fit = prepared.view, prepared.fit
        with clock.stage("field"):
            crop = self.crop_field(prepared)
        with clock.stage("surface") as share:
            protected = protect_mask(self._model, FaceBlend.of(self._model, fit))
            field = head_field(crop, prepared.surface, protected, view, fit.camera, cancel)
            vertices, faces = build_surface(field, settings.resolution, share, cancel)
        with clock.stage("detail"):
            vertices = add_detail(vertices, faces, settings.resolution, *prepared.relief())
        camera_vertices = prepared.surface.framing.from_crop(vertices, fit.camera).astype(np.float32)
        normals = vertex_normals(camera_vertices, faces)
        rigging, about = None, {}
        if settings.rig:
            surface = ReconstructedSurface(camera_vertices, normals)
            rigging = Rigging.of(self._model, fit, prepared.surface.framing, surface, view.parsing, flame_model, clock)
        with clock.stage("colour"):
            colours, observed = self._colours(prepared, field, vertices, faces, settings.resolution)
        pose = Pose(fit.rotation, fit.joints[NECK])
        upright, turned = pose.to_upright(camera_vertices), pose.directions_to_upright(normals)
        of_vertices = (values.astype(np.float32) for values in (turned, colours, observed))
        mesh = Mesh(upright.astype(np.float32), faces.astype(np.int32), *of_vertices)
        result = Result(view.name, {SURFACE: mesh}, (ResultView(view.image, fit.camera, pose),))
        if rigging is not None:
            result, about = rigging.textured(result, settings.texels, clock)
        measures = prepared.measures | {"silhouette_iou": silhouette_iou(view, prepared.crop_box, vertices, faces)}
        measures["observed_share"] = float((observed > 0.5).mean())
        differs = crop.prior_distance(vertices), crop.prior_place(vertices)[:, 1], crop.prior_face(vertices)
        measures |= measure_surface(vertices, faces, observed, *differs, prepared.surface.framing.half)
        quality, doubts = judge(measures, view.name)
        report: dict[str, Any] = {"quality": quality, "warnings": [*doubts, *view.warnings]} | measures | parsing_report(view) | about
        report |= run_report(settings, prepared.timings | clock.timings, hashes() | own.hashes())
        # extract_surface has verified closedness and kept one component.
        report["mesh"] = {"vertices": len(vertices), "faces": len(faces), "watertight": True, "components": 1}
        return replace(result, report=report | {"fit": fit_report(self._model, fit)})

    def _read(self, photo: Path, settings: Settings, own: OwnNetworks, clock: Clock) -> PreparedPhoto:
        with clock.stage("photo"):
            view = self._intake(settings, own).load(photo, settings.subject_index)
        return self.prepare(view, own, clock)

    def _intake(self, settings: Settings, own: OwnNetworks) -> Intake:
        if settings.detector == "mediapipe" and own.matte is None:
            return self.intake
        return Intake(self._detector(settings), own.parser(self.intake.parser))

    def _detector(self, settings: Settings) -> FaceDetector:
        if settings.detector == "mediapipe":
            return self.intake.detector
        named = settings.detector_weights
        if named not in self._second:
            mesh = lambda points: mesh_landmarks(self._model, points)  # noqa: E731
            self._second = {named: FaceAlignmentDetector(self.intake.detector, mesh, named)}
        return self._second[named]

    def _colours(
        self, prepared: PreparedPhoto, field: Field, vertices: np.ndarray, faces: np.ndarray, resolution: int
    ) -> tuple[np.ndarray, np.ndarray]:
        view, box = prepared.view, prepared.crop_box
        size = min(2 * resolution, 1024)  # finer than the mesh, the photo would alias on it
        image = crop_picture(view.image, box, size)
        matte = prepared.prediction.intersect_matte(np.clip(crop_picture(view.matte, box, size), 0, 1))
        guess = lambda points: (field.colours(points), places_on_head(self._model, prepared.surface, points))  # noqa: E731
        parsing = None if view.parsing is None else view.parsing.crop(box, size)
        return colour_vertices(vertices, faces, vertex_normals(vertices, faces), image, matte, guess, parsing)

"""The whole way from one photo, or several of one person, to a coloured head or body, as a library: Reconstructor.load().run(photo)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from .bench import Bench
from .bodies import BodyReconstructor, HeadMaker
from .body_head import head_of_body
from .colour.fill import colour_vertices
from .colour.places import places_on_head
from .corrections import corrected, sized
from .fields.crop import CropField
from .fields.head import head_field
from .first_look import first_look
from .further import FurtherPhotos, result_view
from .geometry.mesh import vertex_normals
from .head_anatomy import head_anatomy
from .intakes import Intakes
from .models.fit import ViewFit
from .models.flame.model import FlameModel
from .models.flame.reader import read_flame
from .models.head import HeadModel
from .models.joints import GLOBAL, NECK
from .models.prior import FaceBlend, protect_mask
from .models.rotation import rotation_matrix
from .networks.device import named_device
from .networks.own import BUNDLED, OwnNetworks, file_state
from .networks.predictor import Predictor
from .networks.weights import hashes
from .photo.figure import BodyView
from .photo.intake import FULL_FRAME, Intake
from .photo.pose import Pose
from .photo.view import View
from .prepared import PreparedPhoto, prepare_photo
from .progress import PREPARATION, RECONSTRUCTION, Cancel, Clock, Progress
from .quality import judge, measure_surface
from .report import fit_report, mesh_report, parsing_report, run_report, silhouette_iou
from .result import SURFACE, Mesh, Result
from .rigging import Rigging
from .settings import Settings
from .surface.build import add_detail, build_surface
from .surface.cut import cut_head
from .surface.mend import mend_surface
from .together import Photos
from .topology.register import ReconstructedSurface

_AT_WALL = 3  # cells from the crop's walls within which the surface ends because of them


class Reconstructor:
    """The models of one device, kept for any number of photos."""

    def __init__(self, model: HeadModel, predictor: Predictor) -> None:
        self._model, self._predictor = model, predictor
        self._own = BUNDLED  # those of the last run
        self.bodies = BodyReconstructor(predictor.device)
        self.bench = Bench(model, predictor, lambda settings: self._intakes.of(settings, self._own))
        self._own_bodies: tuple[object, BodyReconstructor] = (None, self.bodies)

    @classmethod
    def load(cls, device: str = "auto", field: Path | None = None) -> Self:
        """With the bundled models, or another trained field. Raises AssetError, and InputError for a device that is not there."""
        return cls(HeadModel.load(), Predictor.load(named_device(device), field))

    @cached_property
    def _intakes(self) -> Intakes:
        return Intakes(self._model, self._predictor.parser, self._predictor.body_parser)

    @property
    def intake(self) -> Intake:
        """With MediaPipe's detector and the bundled parsers: what `run` prepares photos with unless the settings say otherwise."""
        return self._intakes.usual

    def prepare(
        self, view: View, own: OwnNetworks = BUNDLED, clock: Clock | None = None, fitted: Callable[[ViewFit], None] | None = None
    ) -> PreparedPhoto:
        """What `run` begins with, whatever its field: reconstructors of other fields can go on from it. fitted: is given the fit as soon as
        there is one. Raises LikenessError."""
        return prepare_photo(self._model, self._predictor, view, own, clock or Clock(PREPARATION), fitted)

    def crop_field(self, prepared: PreparedPhoto) -> CropField:
        """The networks' field of a prepared photo's crop."""
        encoded = self._predictor.encode(prepared.prediction, prepared.surface)
        matte = prepared.prediction.photo[0, 3].cpu().numpy()
        return CropField.of(encoded, prepared.surface, FaceBlend.of(self._model, prepared.fit), matte)

    def run(
        self,
        photo: Path | Sequence[Path] | PreparedPhoto,
        settings: Settings,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
        early: Callable[[Result], None] | None = None,
    ) -> Result:
        """Reconstruct the person in one photo, or in several of which the first is the main one, or go on from a prepared one. early: is
        given a first look at a head that is made from one photo.

        Raises LikenessError; Cancelled when `cancel` answers True."""
        # First of all: whether the user's own files can be used.
        own = self._own = photo.own if isinstance(photo, PreparedPhoto) else OwnNetworks.of(settings, self._own)
        flame_model = FlameModel(read_flame(Path(settings.flame))) if settings.rig and settings.flame else None
        unused = {name for name, used in (("rig", settings.rig), ("texture", settings.rig), ("flame", flame_model)) if not used}
        unused |= {"photo", "head", *PREPARATION} if isinstance(photo, PreparedPhoto) else set()
        clock = Clock([name for name in RECONSTRUCTION if name not in unused], progress, cancel)
        photos, others = None, []
        if isinstance(photo, PreparedPhoto):
            prepared = photo
        else:
            paths = [photo] if isinstance(photo, Path) else list(photo)
            photos = Photos.load(self.bench.loader(paths[0], settings), paths, settings, clock)
            if 0 in photos.seen:
                photos.seen[0] = corrected(photos.seen[0], settings)
            seen = photos.main
            if isinstance(seen, BodyView):
                photos.keep_main()
                clock.leave_out("rig", "flame", "texture")
                bodies = self._bodies_of(settings)
                result = bodies.run(seen, settings, clock, self.head_maker(settings, own, clock.cancel), own)
                files = hashes() | own.hashes() | bodies.hashes()
                report = photos.told(result.report, result) | run_report(settings, seen, clock.timings, files)
                return replace(result, report=report)
            clock.leave_out("head")
            if len(paths) == 1:
                show = None if early is None else lambda fit: early(sized(first_look(self._model, seen, fit, settings), settings))
                prepared = self.prepare(seen, own, clock, show)
            else:
                prepared, *others = photos.prepare(self._model, self._predictor, own, clock)
        view, fit, framing = prepared.view, prepared.fit, prepared.surface.framing
        with clock.stage("field"):
            crop = self.crop_field(prepared)
            further = FurtherPhotos(self._model, prepared, others, [self.crop_field(other) for other in others]) if others else None
        with clock.stage("surface") as share:
            protected = protect_mask(self._model, FaceBlend.of(self._model, fit))
            field = head_field(crop, prepared.surface, protected, view, fit.camera, cancel)
            field = field if further is None else further.field(field, crop, cancel)
            vertices, faces = build_surface(field, settings.resolution, share, cancel)
        with clock.stage("detail"):
            if further is None:
                vertices = add_detail(vertices, faces, settings.resolution, *prepared.relief())
            else:
                vertices = further.detailed(add_detail(vertices, faces, settings.resolution), faces)
            whole = framing.from_crop(vertices, fit.camera).astype(np.float32)
            iou = silhouette_iou(view.matte, prepared.crop_box, vertices, faces)
        rigging, about = None, {}
        if settings.rig:
            surface = ReconstructedSurface(whole, vertex_normals(whole, faces))
            rigging = Rigging.of(self._model, fit, framing, surface, view.parsing, flame_model, clock)
        with clock.stage("clean"):
            if settings.cut != "none":
                at_wall = np.abs(vertices).max(1) > 1 - _AT_WALL / settings.resolution
                torso = Pose(rotation_matrix(fit.rotations[GLOBAL]), fit.joints[NECK])
                ended, faces = cut_head(torso.to_upright(whole), faces, settings.cut, at_wall)
                whole = torso.to_camera(ended)
            camera_vertices, faces, _ = mend_surface(whole.astype(np.float32), faces)
            vertices = framing.to_crop(camera_vertices, fit.camera).astype(np.float32)
            normals = vertex_normals(camera_vertices, faces)
        with clock.stage("colour"):
            # Finer than the mesh, the photo would alias on it.
            image, matte, parsing = prepared.pictures(min(2 * settings.resolution, 1024))
            guess = lambda points: (field.colours(points), places_on_head(self._model, prepared.surface, points))  # noqa: E731
            colours, observed = colour_vertices(vertices, faces, vertex_normals(vertices, faces), image, matte, guess, parsing)
            source = None
            if further is not None:
                colours, observed, source = further.coloured(vertices, faces, colours, observed, len(image))
        pose = Pose(fit.rotation, fit.joints[NECK])
        upright, turned = pose.to_upright(camera_vertices), pose.directions_to_upright(normals)
        of_vertices = (values.astype(np.float32) for values in (turned, colours, observed))
        mesh = Mesh(upright.astype(np.float32), faces.astype(np.int32), *of_vertices, source=source)
        anatomy = head_anatomy(self._model, fit, prepared.surface, vertices, faces, view.parsing, matte, prepared.crop_box, pose)
        result = Result(view.name, {SURFACE: mesh}, tuple(result_view(one) for one in (prepared, *others)), anatomy=anatomy)
        if rigging is not None:
            result, about = rigging.textured(result, settings, clock)
        measures = prepared.measures | {"silhouette_iou": iou}
        measures["observed_share"] = float((observed > 0.5).mean())
        differs = crop.prior_distance(vertices), crop.prior_place(vertices)[:, 1], crop.prior_face(vertices)
        measures |= measure_surface(vertices, faces, observed, *differs, framing.half)
        quality, doubts = judge(measures, view.name)
        notes = [*view.notes, *(["The field file is of bodies and had no part in this head."] if settings.field else [])]
        report: dict[str, Any] = {"quality": quality, "warnings": [*doubts, *view.warnings], "notes": notes} | measures
        report |= parsing_report(view) | about | run_report(settings, view, prepared.timings | clock.timings, hashes() | own.hashes())
        if view.focal is not None:
            report["focal_35mm"] = round(view.focal * FULL_FRAME / max(view.image.shape[:2]), 2)
        report["mesh"] = mesh_report(camera_vertices, faces)
        if photos is not None:
            report = photos.told(report, result)
        result = replace(result, report=report | {"fit": fit_report(self._model, fit)})
        return result if isinstance(photo, PreparedPhoto) else sized(result, settings)

    def _bodies_of(self, settings: Settings) -> BodyReconstructor:
        """With the user's own field of bodies, if the settings name one; it stays loaded. Raises InputError."""
        if not settings.field:
            return self.bodies
        state = file_state(settings.field)
        if self._own_bodies[0] != state:
            self._own_bodies = state, BodyReconstructor(self._predictor.device, Path(settings.field))
        return self._own_bodies[1]

    def head_maker(self, settings: Settings, own: OwnNetworks = BUNDLED, cancel: Cancel | None = None) -> HeadMaker:
        """Makes the heads of bodies, no finer than 256 cells a side: the photos do not show more."""
        quality = "standard" if settings.quality == "high" else settings.quality
        settings = replace(settings, quality=quality, cut="none")
        intake = self._intakes.of(settings, own)
        make = lambda view: self.run(self.prepare(view, own, Clock(PREPARATION, None, cancel)), settings, None, cancel)  # noqa: E731
        return lambda view, camera, eyes: head_of_body(intake, make, view, camera, eyes)

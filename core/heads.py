"""The whole way from a prepared photo, or several of one person, to a coloured head with its report and, if asked for, its rig."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from .colour.fill import Filled, colour_vertices
from .colour.places import places_on_head, skin_on_head
from .fields.crop import CropField
from .fields.ears import Ears
from .fields.field import Field
from .fields.head import head_ears, head_field, head_skin
from .further import FurtherPhotos, result_view
from .geometry.mesh import touching, vertex_normals
from .head_anatomy import head_anatomy
from .models.fit import landmark_points
from .models.flame.model import FlameModel
from .models.head import HeadModel
from .models.joints import GLOBAL, NECK
from .models.prior import FaceBlend, protect_mask
from .models.rotation import rotation_matrix
from .networks.predictor import Predictor
from .photo.faceless import HeadPicture
from .photo.intake import FULL_FRAME
from .photo.pose import Pose
from .prepared import Pictures, PreparedPhoto, picture_size
from .progress import Clock
from .quality import judge, measure_surface
from .report import fit_report, mesh_report, parsing_report, silhouette_iou
from .result import SURFACE, Mesh, Result
from .rigging import Rigging
from .settings import Settings
from .surface.build import add_detail, build_surface
from .surface.clothing import Clothing
from .surface.cut import cut_head
from .surface.ears import with_ears
from .surface.features import Features, uncovered
from .surface.glasses import GlassesArms
from .surface.hair import without_bumps
from .surface.mend import mend_surface
from .surface.mesoscopic import FineDetail
from .topology.anatomy import Anatomy
from .topology.register import ReconstructedSurface

_AT_WALL = 3  # cells from the crop's walls within which the surface ends because of them


@dataclass(frozen=True)
class HeadFields:
    """What a head is made from. crop: the networks' field of the main photo; field: the field to extract, of all photos; further: the
    photos beside the main one, if there are any."""

    crop: CropField
    field: Field
    further: FurtherPhotos | None
    ears: Ears


@dataclass(frozen=True)
class Told:
    """What the main photo tells of a head beside its field, if it tells that: of its shading, of clothes, of glasses."""

    detail: FineDetail | None
    clothing: Clothing | None
    arms: GlassesArms | None


class HeadReconstructor:
    """Makes heads from prepared photos, with the models of one device."""

    def __init__(self, model: HeadModel, predictor: Predictor) -> None:
        self._model, self._predictor = model, predictor

    def crop_field(self, prepared: PreparedPhoto) -> CropField:
        """The networks' field of a prepared photo's crop."""
        encoded = self._predictor.encode(prepared.prediction, prepared.surface)
        matte = prepared.prediction.photo[0, 3].cpu().numpy()
        return CropField.of(encoded, prepared.surface, FaceBlend.of(self._model, prepared.fit), matte)

    def run(
        self,
        prepared: PreparedPhoto,
        others: Sequence[PreparedPhoto],
        settings: Settings,
        clock: Clock,
        flame: FlameModel | None = None,
        for_body: bool = False,
        sides: Sequence[HeadPicture] = (),
        unplaced: Callable[[int], None] | None = None,
    ) -> Result:
        """The head in the main photo and others of the same person. Its report says nothing of the run itself (report.run_report).
        for_body: it will be joined to a body, so it has no parts of its own, and nothing is said of its mesh. sides, unplaced: as
        `FurtherPhotos.placed` has them.

        Raises LikenessError; Cancelled when the clock's `cancel` answers True."""
        fields = self._fields(prepared, others, clock, sides, unplaced)
        prepared = replace(prepared, surface=fields.ears.surface)
        pictures = prepared.pictures(picture_size(settings.resolution))
        vertices, faces, told = self._surface(prepared, fields, settings, pictures, clock)
        rigging = None
        if settings.rig:
            whole = _from_crop(prepared, vertices)
            surface = ReconstructedSurface(whole, vertex_normals(whole, faces))
            rigging = Rigging.of(self._model, prepared.fit, prepared.surface.framing, surface, prepared.view, flame, clock)
        with ThreadPoolExecutor(1) as beside:
            overlap = beside.submit(silhouette_iou, prepared.view.matte, prepared.crop_box, vertices, faces)
            with clock.stage("clean"):
                vertices, faces, closed = self._cut(prepared, vertices, faces, settings)
            # Parts need no colours, and colours no parts.
            parts = None if for_body else beside.submit(self._anatomy, prepared, vertices, faces, pictures)
            painted = self._coloured(prepared, fields, (vertices, faces, closed), pictures, told, clock)
            del pictures  # 0.07 GB at 512³
            mesh, vertices, kept = self._mended(prepared, fields, (vertices, faces), painted, told, clock)
        view, anatomy = prepared.view, None if parts is None else parts.result().of_vertices(kept)
        views = tuple(result_view(one) for one in (prepared, *(() if fields.further is None else fields.further.others)))
        result, about = Result(view.name, {SURFACE: mesh}, views, anatomy=anatomy), {}
        if rigging is not None:
            result, about = rigging.textured(result, settings, clock)
        measures = prepared.measures | {"silhouette_iou": overlap.result()}
        report = self._report(prepared, fields.crop, mesh, vertices, measures, settings) | about
        return replace(result, report=report | ({} if for_body else {"mesh": mesh_report(mesh.vertices, mesh.faces)}))

    def _fields(
        self,
        prepared: PreparedPhoto,
        others: Sequence[PreparedPhoto],
        clock: Clock,
        sides: Sequence[HeadPicture],
        unplaced: Callable[[int], None] | None,
    ) -> HeadFields:
        with clock.stage("field"):
            crop = self.crop_field(prepared)
            protected = protect_mask(self._model, FaceBlend.of(self._model, prepared.fit))
            view, camera = prepared.view, prepared.fit.camera
            field, further = head_field(crop, prepared.surface, protected, view, camera, clock.cancel), None
            if others or sides:
                models = self._model, self._predictor
                further = FurtherPhotos.placed(*models, prepared, others, field, crop, clock.cancel, sides, unplaced)
            if further is not None and not further.others:
                further = None
            if further is not None:
                field = further.field(field, clock.cancel)
            ears = head_ears(field, crop, prepared.surface, self._model.ears, view, camera)
            skin = head_skin(field, prepared.surface, self._model.ears, self._model.closed_region("neck"), ears, view, camera)
            return HeadFields(crop, skin, further, ears)

    def _surface(
        self, prepared: PreparedPhoto, fields: HeadFields, settings: Settings, pictures: Pictures, clock: Clock
    ) -> tuple[np.ndarray, np.ndarray, Told]:
        """The closed surface with relief in the main photo's crop frame: vertices (V, 3), faces (F, 3), and what else the main photo tells.
        pictures: the main photo's."""
        beside, wanted = ThreadPoolExecutor(1), (settings.resolution, settings.detail, pictures)
        # What the photo tells of relief needs no surface. When cancelled, nobody waits for it.
        shading, cloth = beside.submit(prepared.fine_detail, *wanted), beside.submit(prepared.clothing, *wanted)
        beside.shutdown(wait=False)
        with clock.stage("surface") as share:
            vertices, faces = build_surface(fields.field, settings.resolution, share, clock.cancel)
        with clock.stage("detail"):
            detail, clothing = shading.result(), cloth.result()
            _, matte, parsing = pictures
            vertices = add_detail(vertices, faces, settings.resolution, *(prepared.relief() if fields.further is None else ()))
            if parsing is not None:
                vertices = without_bumps(vertices, faces, matte, parsing, prepared.surface.framing.half)
            if fields.further is not None:
                vertices = fields.further.detailed(vertices, faces, settings.resolution, settings.detail)
            vertices, faces = self._with_features(prepared, *with_ears(vertices, faces, fields.ears), pictures)
            if detail is not None and fields.further is None:
                # Lines around eyes and mouth are the person's: they come last.
                vertices = detail.on(vertices, faces)
            if clothing is not None:
                vertices, faces = clothing.prepared(vertices, faces)
            arms = prepared.glasses_arms(pictures)
            if arms is not None:
                vertices, faces = arms.prepared(vertices, faces)
            return vertices, faces, Told(detail, clothing, arms)

    def _with_features(
        self, prepared: PreparedPhoto, vertices: np.ndarray, faces: np.ndarray, pictures: Pictures
    ) -> tuple[np.ndarray, np.ndarray]:
        """A surface (V, 3) with faces (F, 3) in the crop frame, with the fitted eyes, lips and nostrils where the photo shows them."""
        model, mask = prepared.surface, self._model.features * FaceBlend.of(self._model, prepared.fit).certainty
        features = Features.of(model.vertices, model.faces, mask, vertices, faces)
        if features is None:
            return vertices, faces
        photo, matte, parsing = pictures
        features = features if parsing is None else features.with_teeth(photo, parsing)
        return features.on(vertices, faces, uncovered(matte, parsing))

    def _cut(
        self, prepared: PreparedPhoto, vertices: np.ndarray, faces: np.ndarray, settings: Settings
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A closed surface of the crop frame, vertices (V, 3) and faces (F, 3), cut as the settings say; and which vertices (V,) bool lie
        within the face that closes it."""
        if settings.cut == "none":
            return vertices, faces, np.zeros(len(vertices), bool)
        fit = prepared.fit
        torso = Pose(rotation_matrix(fit.rotations[GLOBAL]), fit.joints[NECK])
        at_wall = np.abs(vertices).max(1) > 1 - _AT_WALL / settings.resolution
        face, unseen = torso.to_upright(landmark_points(self._model, fit)), _below_photo(prepared, vertices, faces)
        ended, faces, closed = cut_head(torso.to_upright(_from_crop(prepared, vertices)), faces, settings.cut, at_wall, face, unseen)
        return _to_crop(prepared, torso.to_camera(ended)), faces, closed

    def _coloured(
        self,
        prepared: PreparedPhoto,
        fields: HeadFields,
        surface: tuple[np.ndarray, np.ndarray, np.ndarray],
        pictures: Pictures,
        told: Told,
        clock: Clock,
    ) -> tuple[Filled, np.ndarray | None]:
        """The colours of a surface in the main photo's crop frame, as `_cut` gives it, and, of several photos, which one shows each vertex.
        pictures, told: the main photo's."""
        image, matte, parsing = pictures
        vertices, faces, closed = surface
        normals = vertex_normals(vertices, faces)
        with clock.stage("colour"):
            places = partial(places_on_head, self._model, prepared.surface, fields.ears.bare)
            guess = lambda points: (fields.field.colours(points), places(points))  # noqa: E731
            skin = lambda points: skin_on_head(prepared.surface, points)  # noqa: E731
            heights = None if told.detail is None else told.detail.heights
            filled = colour_vertices(vertices, faces, normals, image, matte, guess, parsing, skin, heights, closed)
            if told.arms is not None:
                filled = filled._replace(colours=told.arms.painted(filled.colours, vertices, normals, filled.observed, filled.bare))
            if fields.further is None:
                return filled, None
            colours, observed, source = fields.further.coloured(vertices, faces, filled.colours, filled.observed, len(image))
            return filled._replace(colours=colours, observed=observed), source

    def _mended(
        self,
        prepared: PreparedPhoto,
        fields: HeadFields,
        surface: tuple[np.ndarray, np.ndarray],
        painted: tuple[Filled, np.ndarray | None],
        told: Told,
        clock: Clock,
    ) -> tuple[Mesh, np.ndarray, np.ndarray]:
        """The coloured mesh of a surface, as `_coloured` painted it, with the relief of hidden hair and mended: in its upright frame; its
        vertices in the crop frame, and their ids in the surface. told: by the main photo."""
        (vertices, faces), (filled, source) = surface, painted
        with clock.stage("mend"):
            colours, observed, relief, edges, clothes, _, rise = filled
            normals = vertex_normals(vertices, faces)
            # What the main photo's shading tells nothing of is raised; another photo may show it.
            raised = vertices + (rise + (relief if fields.further is None else relief * (1 - observed)))[:, None] * normals
            if told.clothing is not None:
                raised = told.clothing.on(raised, faces, clothes, edges)
            camera_vertices, faces, kept = mend_surface(_from_crop(prepared, raised), faces)
        pose = Pose(prepared.fit.rotation, prepared.fit.joints[NECK])
        upright, turned = pose.to_upright(camera_vertices), pose.directions_to_upright(vertex_normals(camera_vertices, faces))
        of_vertices = (values.astype(np.float32) for values in (turned, colours[kept], observed[kept]))
        mesh = Mesh(upright.astype(np.float32), faces.astype(np.int32), *of_vertices, source=None if source is None else source[kept])
        return mesh, _to_crop(prepared, camera_vertices), kept

    def _anatomy(self, prepared: PreparedPhoto, vertices: np.ndarray, faces: np.ndarray, pictures: Pictures) -> Anatomy:
        """Of a surface in the main photo's crop frame. pictures: the main photo's."""
        fit, (_, matte, parsing) = prepared.fit, pictures
        pose = Pose(fit.rotation, fit.joints[NECK])
        return head_anatomy(self._model, fit, prepared.surface, vertices, faces, parsing, matte, pose)

    def _report(
        self,
        prepared: PreparedPhoto,
        crop: CropField,
        mesh: Mesh,
        vertices: np.ndarray,
        measures: dict[str, float],
        settings: Settings,
    ) -> dict[str, Any]:
        """What became of the photo. vertices: of the mesh, in the crop frame; measures: of photo, fit and outline."""
        view = prepared.view
        distance, place, face = crop.prior(vertices)
        measures = measures | {"observed_share": float((mesh.observed > 0.5).mean())}
        measures |= measure_surface(vertices, mesh.faces, mesh.observed, distance, place[:, 1], face, prepared.surface.framing.half)
        quality, doubts = judge(measures, view.name)
        notes = [*view.notes, *(["The field file is of bodies and had no part in this head."] if settings.field else [])]
        report: dict[str, Any] = {"quality": quality, "warnings": [*doubts, *view.warnings], "notes": notes} | measures
        report |= parsing_report(view) | {"fit": fit_report(self._model, prepared.fit, view)}
        if view.focal is not None:
            report["focal_35mm"] = round(view.focal * FULL_FRAME / max(view.image.shape[:2]), 2)
        return report


def _below_photo(prepared: PreparedPhoto, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V,) bool: which vertices of a surface, crop frame, would be seen below the photo's lower edge if it showed more."""
    _, top, side = prepared.crop_box
    edge = 1 - (len(prepared.view.image) - top) * 2 / side
    below = vertices[:, 1] < edge
    return below & (vertex_normals(vertices, faces[touching(faces, below)])[:, 2] > 0)


def _from_crop(prepared: PreparedPhoto, vertices: np.ndarray) -> np.ndarray:
    return prepared.surface.framing.from_crop(vertices, prepared.fit.camera).astype(np.float32)


def _to_crop(prepared: PreparedPhoto, vertices: np.ndarray) -> np.ndarray:
    return prepared.surface.framing.to_crop(vertices, prepared.fit.camera).astype(np.float32)

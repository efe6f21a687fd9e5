"""The whole way from a photo's BodyView to a coloured body that stands on the ground, with its joints."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .body_clothes import FigureCrop, dressed_body
from .body_hands import with_hands
from .body_head import LEAST_FACE, BodyHead, PlacedRig
from .body_quality import BODY_CHECKS, measure_body_fit
from .body_rigging import NearestPlaces, body_parts, rig_body
from .colour.body import ARMS, BodyPlaces, colour_body
from .errors import InputError, ReconstructionError
from .fields.body import body_field
from .fields.field import Field
from .fields.published import PublishedField, load_published
from .fields.skirt_outline import Wearer
from .geometry.mesh import vertex_normals
from .models.body import BodyModel
from .models.body_fit import BodyFitter, BodyViewFit
from .models.body_guess import GuessNetwork
from .models.hands import pose_hands
from .models.observation import BodyObservation
from .models.prior import PriorSurface
from .networks.own import BUNDLED, OwnNetworks, own_body_normals
from .networks.predictor import CropPrediction, Predictor
from .networks.reference import ReferencePifu, ReferencePifuhd
from .networks.weights import digest, is_own_format
from .photo.crop import crop_picture
from .photo.figure import BodyView
from .photo.framing import Framing
from .photo.parsing import CLASSES
from .photo.pose import Pose
from .photo.view import Camera
from .prepared import relief
from .progress import Cancel, Clock
from .quality import judge
from .report import mesh_report, silhouette_iou
from .result import HAIR, SURFACE, Mesh, Result, ResultView
from .settings import Settings
from .surface.build import add_detail, build_surface
from .surface.detail import BUNDLED_RELIEF, OWN_RELIEF
from .surface.join import join_head
from .surface.mend import mend_surface
from .surface.solid import ClosedSurface

MARGIN = 1.138
"""Side of the crop over the longer side of the person in the photo (PIFu's rule)."""
_CROP = 512  # pixels of the matte's crop
_LEG = ("upperleg01", "lowerleg01", "foot")  # joints of a leg: hip, knee and ankle
_STEP = 0.1  # metres
HeadMaker = Callable[[BodyView, Camera, np.ndarray], BodyHead | None]
"""From a view, the camera of the fitted body and the point (3,) between its eyes, in that camera's frame."""
_APART = ("face", "scalp", "hands")  # regions whose colours are their own


@dataclass(frozen=True)
class PreparedBody:
    """A photo before any field of a body is built: its view, the fitted body, the cube that is reconstructed, the fitted body's closed
    surface in it (crop frame), and what tells how good all that is (body_quality.py)."""

    view: BodyView
    fit: BodyViewFit
    framing: Framing
    surface: PriorSurface
    measures: dict[str, float]

    def matte(self, size: int = _CROP) -> np.ndarray:
        """(size, size) in [0, 1]: the person in the crop."""
        return np.clip(crop_picture(self.view.matte, self.framing.crop_box(self.fit.camera), size), 0, 1)

    def parsing(self, size: int) -> np.ndarray | None:
        """(size, size, len(CLASSES)): what the pixels of the crop are, where a network told."""
        return None if self.view.parsing is None else self.view.parsing.crop(self.framing.crop_box(self.fit.camera), size)


def body_framing(view: BodyView, camera: Camera) -> Framing:
    """The cube around a person whose body frame this camera sees."""
    left, top, right, bottom = view.box
    half = MARGIN / 2 * max(right - left, bottom - top) / camera.scale
    across, down = ((left + right) / 2 - camera.centre[0]) / camera.scale, ((top + bottom) / 2 - camera.centre[1]) / camera.scale
    return Framing(half, (across, -down, 0.0))


class BodyReconstructor:
    """The models of bodies on a device, each loaded when it is first used, kept for any number of photos."""

    def __init__(self, device: torch.device | None = None, field: Path | None = None) -> None:
        """field: another trained field of bodies than the bundled one, or PIFu's or PIFuHD's published network."""
        self._device, self._field_file = device or torch.device("cpu"), field

    @cached_property
    def _published(self) -> ReferencePifu | ReferencePifuhd | None:
        file = self._field_file
        return None if file is None or is_own_format(file) else load_published(file)

    @cached_property
    def predictor(self) -> Predictor:
        """The networks of bodies. Raises AssetError."""
        return Predictor.of_bodies(self._device, None if self._published is not None else self._field_file)

    def hashes(self) -> dict[str, str]:
        """field/FILE -> SHA-256 of a field that is not the bundled one, for reports."""
        return {} if self._field_file is None else {f"field/{self._field_file.name}": digest(self._field_file)}

    @cached_property
    def _body(self) -> BodyModel:
        return BodyModel.load()

    @cached_property
    def _fitter(self) -> BodyFitter:
        return BodyFitter(self._body, GuessNetwork.load())

    def prepare(self, view: BodyView, cancel: Cancel | None = None) -> PreparedBody:
        """What every field of a photo begins with. Raises LikenessError."""
        observation = BodyObservation(view.readings, view.principal, view.matte, view.focal, view.name)
        fit = pose_hands(self._body, self._fitter.fit([observation], cancel).views[0], view.hands)
        framing = body_framing(view, fit.camera)
        closed = self._body.closed_vertices(fit.vertices, fit.joints, fit.rotation)
        surface = PriorSurface.of(self._body, framing.to_crop(closed, fit.camera).astype(np.float32), framing)
        measures = measure_body_fit(self._body, view, fit, surface)
        judge(measures, view.name, BODY_CHECKS)
        return PreparedBody(view, fit, framing, surface, measures)

    def field(self, prepared: PreparedBody, prediction: CropPrediction, cancel: Cancel | None = None) -> Field:
        """What a body's surface is extracted from. Raises Cancelled."""
        if self._published is not None:
            return PublishedField(self._published, prepared.view, prepared.fit.camera, prepared.surface)
        encoded, hands = self.predictor.encode(prediction, prepared.surface), self._body.closed_region("hands")
        matte, parsing = prepared.matte(), prepared.parsing(_CROP)
        worn = None if parsing is None else (parsing[..., CLASSES.index("clothes")], self._wearer(prepared))
        return body_field(encoded, prepared.surface, matte, hands, worn, cancel)

    def _wearer(self, prepared: PreparedBody) -> Wearer:
        """What a skirt hangs on."""
        fit, camera, framing = prepared.fit, prepared.fit.camera, prepared.framing
        sides = [[fit.joints[self._body.joint(f"{name}.{side}")] for name in _LEG] for side in ("L", "R")]
        legs = framing.to_crop(np.reshape(sides, (6, 3)), camera).reshape(2, 3, 3)
        # A step towards the camera on a level, at the height of the hips and at that of the ankles.
        towards = np.array([0.0, 0.0, _STEP]) - _STEP * fit.up[2] * fit.up
        ends = np.mean(sides, axis=0)[[0, -1]]
        step = framing.to_crop(ends + towards, camera) - framing.to_crop(ends, camera)
        arms = np.max([self._body.closed_region(name) for name in ARMS], axis=0) > 0.5
        return Wearer(prepared.surface.vertices, prepared.surface.faces, arms, legs, step[:, 1] / step[:, 2])

    def predict(self, prepared: PreparedBody, own: OwnNetworks = BUNDLED) -> CropPrediction:
        """What the networks of bodies, or the user's own, see in a photo. Raises LikenessError."""
        view, camera, seen = prepared.view, prepared.fit.camera, None
        if own.normals is not None:
            seen = own_body_normals(own.normals, view, camera, prepared.surface)
        return self.predictor.predict(view, camera, prepared.surface, seen, own.matte is not None)

    def run(
        self,
        photo: BodyView | PreparedBody,
        settings: Settings,
        clock: Clock,
        head: HeadMaker | None = None,
        own: OwnNetworks = BUNDLED,
    ) -> Result:
        """Reconstruct the body in a photo; head: makes its head, for which else the body's own stays. Raises LikenessError; Cancelled when
        the clock's `cancel` answers True."""
        with clock.stage("fit"):
            prepared = self.prepare(photo, clock.cancel) if isinstance(photo, BodyView) else photo
        # The head is made beside the body, on a core of its own.
        with ThreadPoolExecutor(1) as beside:
            making = None if head is None else beside.submit(head, prepared.view, prepared.fit.camera, self._eyes(prepared.fit))
            return self._made(prepared, settings, clock, None if making is None else making.result, own)

    def _made(
        self, prepared: PreparedBody, settings: Settings, clock: Clock, head: Callable[[], BodyHead | None] | None, own: OwnNetworks
    ) -> Result:
        """The body of a prepared photo. head: waits for its head."""
        view, fit, framing = prepared.view, prepared.fit, prepared.framing
        scale = settings.height / fit.height
        box, matte = framing.crop_box(fit.camera), prepared.matte(min(2 * settings.resolution, 1024))
        with clock.stage("normals"):
            prediction = self.predict(prepared, own)
        with clock.stage("field"):
            field = self.field(prepared, prediction, clock.cancel)
        with clock.stage("surface") as share:
            vertices, faces = build_surface(field, settings.resolution, share, clock.cancel)
        del field  # 0.1 GB that nothing needs any more
        with clock.stage("detail"):
            strength = BUNDLED_RELIEF if own.normals is None else OWN_RELIEF
            vertices = add_detail(vertices, faces, settings.resolution, *relief(prediction, view.image, box, strength), spikes=True)
            image = crop_picture(view.image, box, len(matte))
            parsing = prepared.parsing(len(matte))
            skin, bare = None if parsing is None else parsing[..., CLASSES.index("skin")], None
            places = partial(NearestPlaces, self._body, prepared.surface.vertices, skin=skin)
            # A published network's surface is there to be compared: it gets no clothes and no hands of ours.
            if parsing is not None and self._published is None:
                crop = FigureCrop(image, matte, parsing, framing.half, 2 * framing.half / box[2], fit.upright[1])
                vertices, faces, bare = dressed_body(vertices, faces, places, crop, settings.resolution, settings.detail)
        with clock.stage("clean"):
            whole = framing.from_crop(vertices, fit.camera).astype(np.float32)
            if self._published is None:
                whole, faces = with_hands(self._body, fit, view.parsing, whole, faces)
            # In the metres of the finished body, in which no edge is to be too short.
            whole, faces, _ = mend_surface((scale * whole).astype(np.float32), faces)
            vertices = framing.to_crop(whole / scale, fit.camera).astype(np.float32)
        with clock.stage("colour"):
            nearest = places(vertices)
            normals = vertex_normals(vertices, faces)
            colours, observed = colour_body(
                vertices, faces, normals, image, matte, BodyPlaces.of(nearest.mean, nearest.regions), parsing, bare
            )
        notes, made = [], None
        if head is not None:
            with clock.stage("head"):
                surface = ClosedSurface(framing.from_crop(vertices, fit.camera), faces, np.column_stack([colours, observed]))
                surface, made, notes = self._with_head(surface, prepared, head, scale)
                vertices, faces = framing.to_crop(surface.vertices, fit.camera).astype(np.float32), surface.faces
                nearest = places(vertices)
                colours, observed = surface.values[:, :3], surface.values[:, 3]
        measures = prepared.measures | {
            "silhouette_iou": silhouette_iou(view.matte, box, vertices, faces),
            "observed_share": float((observed > 0.5).mean()),
        }
        parts = body_parts(vertices, faces, nearest, _kinds(nearest), parsing, matte, nearest.regions(*ARMS).max(1))
        # From here on in the metres of a person of the wanted height.
        camera_vertices = framing.from_crop(vertices, fit.camera) * scale
        pose = self._standing(fit, camera_vertices, scale)
        mesh = Mesh(
            pose.to_upright(camera_vertices).astype(np.float32),
            faces.astype(np.int32),
            pose.directions_to_upright(vertex_normals(camera_vertices, faces)).astype(np.float32),
            colours.astype(np.float32),
            observed.astype(np.float32),
        )
        rig = rig_body(self._body, fit, pose, scale, nearest, ClosedSurface(mesh.vertices, mesh.faces, colours), parts)
        if made is not None:
            made = made.farther(scale, np.zeros(3)).seen_from(pose)
            rig = replace(rig, head_place=made.matrix.astype(np.float32))
        seen = ResultView(view.image, _scaled(fit.camera, scale), pose, framing.scaled(scale))
        quality, doubts = judge(measures, view.name, BODY_CHECKS)
        report: dict[str, Any] = {
            "quality": quality,
            "warnings": [*doubts, *view.warnings],
            "notes": [
                *view.notes,
                *notes,
                *(["So it has no rigged head."] if settings.rig and made is None else []),
                *(["Surfaces at rest are made of heads only."] if settings.neutral != "off" else []),
                f"The height of {settings.height:.2f} m is the one in the settings; no photo tells it.",
                f"What {view.name} does not show, {1 - measures['observed_share']:.0%} of the surface, is a guess: all that is behind.",
            ],
            "height": settings.height,
            "mesh": mesh_report(mesh.vertices, mesh.faces),
            "fit": _fit_report(self._body, fit),
        }
        report |= {} if made is None else made.about
        meshes = {SURFACE: mesh} if made is None or made.hair is None else {SURFACE: mesh, HAIR: made.hair}
        return Result(view.name, meshes, (seen,), report | measures, None if made is None else made.head, rig)

    def _standing(self, fit: BodyViewFit, vertices: np.ndarray, scale: float) -> Pose:
        """The pose of the upright frame whose ground is below the lowest of vertices (V, 3), with its origin between the feet. The
        vertices' camera frame is so many times as large as the fit's."""
        upright, body = fit.upright, self._body
        feet = fit.joints[[body.joint("foot.L"), body.joint("foot.R")]] * scale
        middle, low = upright @ feet.mean(0), (vertices @ upright[1]).min()
        return Pose(upright.T, upright.T @ np.array([middle[0], low, middle[2]]))

    def _eyes(self, fit: BodyViewFit) -> np.ndarray:
        """The point (3,) between them."""
        return fit.joints[[self._body.joint("eye.L"), self._body.joint("eye.R")]].mean(0)

    def _with_head(
        self, surface: ClosedSurface, prepared: PreparedBody, head: Callable[[], BodyHead | None], scale: float
    ) -> tuple[ClosedSurface, PlacedRig | None, list[str]]:
        """The body's surface with the head made by itself, where that can be, that head's rig if it has one, and sentences about it.
        scale: how many times as large the body becomes."""
        fit = prepared.fit
        try:
            made = head()
            if made is None:
                return (
                    surface,
                    None,
                    [f"No face of {LEAST_FACE} pixels or more was found on the body, so its head is no finer than the rest."],
                )
            joined = join_head(surface, made.surface, made.place, fit.camera.distance, scale)
            rig = None if made.rig is None else made.rig.farther(joined.scale, np.array([0.0, 0.0, fit.camera.distance]))
            return joined.surface, rig, [*made.warnings]
        except (ReconstructionError, InputError) as error:
            return surface, None, [f"The head is no finer than the rest of the body: {error}"]


def _kinds(nearest: NearestPlaces) -> np.ndarray:
    """(V,) numbers of the regions that keep their colours to themselves."""
    return np.round(nearest.regions(*_APART)) @ np.arange(1, len(_APART) + 1)


def _scaled(camera: Camera, factor: float) -> Camera:
    """The camera that sees everything, so many times as large, as this one sees it."""
    return Camera(camera.centre, camera.scale / factor, camera.distance * factor)


def _fit_report(body: BodyModel, fit: BodyViewFit) -> dict[str, Any]:
    """The fitted body and its camera in plain numbers."""
    return {
        "identity": [round(float(x), 4) for x in fit.parameters.identity],
        "rotations": dict(zip(body.skeleton.names, fit.parameters.rotations.round(5).tolist(), strict=True)),
        "camera": {
            "centre": [float(x) for x in fit.camera.centre],
            "scale": float(fit.camera.scale),
            "distance": float(fit.camera.distance),
        },
        "root": fit.joints[body.MAIN_JOINT].round(5).tolist(),
        "up": fit.up.round(5).tolist(),
        "energy": round(fit.energy, 4),
    }

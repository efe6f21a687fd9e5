"""The whole way from a photo's BodyView to a coloured body that stands on the ground, with its joints."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .body_quality import BODY_CHECKS, measure_body_fit
from .colour.body import colour_body
from .fields.field import Field
from .fields.fitted import fitted_field
from .geometry.closest import ClosestSurface
from .geometry.mesh import vertex_normals
from .models.body import BodyModel
from .models.body_fit import BodyFitter, BodyViewFit
from .models.body_guess import GuessNetwork
from .models.observation import BodyObservation
from .models.prior import PriorSurface
from .models.rotation import rotation_vector
from .photo.crop import crop_picture
from .photo.figure import BodyView
from .photo.framing import Framing
from .photo.pose import Pose
from .photo.view import Camera
from .progress import Cancel, Clock
from .quality import judge
from .report import silhouette_iou
from .result import SURFACE, Mesh, Result, ResultView
from .settings import Settings
from .surface.build import add_detail, build_surface
from .topology.bind import smoothed_weights
from .topology.body_rig import BodyRig

MARGIN = 1.138
"""Side of the crop over the longer side of the person in the photo (PIFu's rule)."""
_CROP = 512  # pixels of the matte's crop
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


def body_framing(view: BodyView, camera: Camera) -> Framing:
    """The cube around a person whose body frame this camera sees."""
    left, top, right, bottom = view.box
    half = MARGIN / 2 * max(right - left, bottom - top) / camera.scale
    across, down = ((left + right) / 2 - camera.centre[0]) / camera.scale, ((top + bottom) / 2 - camera.centre[1]) / camera.scale
    return Framing(half, (across, -down, 0.0))


class BodyReconstructor:
    """The models of bodies, each loaded when it is first used, kept for any number of photos."""

    @cached_property
    def _body(self) -> BodyModel:
        return BodyModel.load()

    @cached_property
    def _fitter(self) -> BodyFitter:
        return BodyFitter(self._body, GuessNetwork.load())

    def prepare(self, view: BodyView, cancel: Cancel | None = None) -> PreparedBody:
        """What every field of a photo begins with. Raises LikenessError."""
        observation = BodyObservation(view.readings, view.principal, view.matte, view.focal, view.name)
        fit = self._fitter.fit([observation], cancel).views[0]
        framing = body_framing(view, fit.camera)
        closed = self._body.closed_vertices(fit.vertices, fit.joints, fit.rotation)
        surface = PriorSurface.of(self._body, framing.to_crop(closed, fit.camera).astype(np.float32), framing)
        measures = measure_body_fit(self._body, view, fit)
        judge(measures, view.name, BODY_CHECKS)
        return PreparedBody(view, fit, framing, surface, measures)

    def field(self, prepared: PreparedBody, cancel: Cancel | None = None) -> Field:
        """What a body's surface is extracted from. Raises Cancelled."""
        return fitted_field(prepared.surface, prepared.matte(), cancel)

    def run(self, photo: BodyView | PreparedBody, settings: Settings, clock: Clock) -> Result:
        """Reconstruct the body in a photo. Raises LikenessError; Cancelled when the clock's `cancel` answers True."""
        with clock.stage("fit"):
            prepared = self.prepare(photo, clock.cancel) if isinstance(photo, BodyView) else photo
        view, fit, framing = prepared.view, prepared.fit, prepared.framing
        with clock.stage("field"):
            field = self.field(prepared, clock.cancel)
        with clock.stage("surface") as share:
            vertices, faces = build_surface(field, settings.resolution, share, clock.cancel)
        with clock.stage("detail"):
            vertices = add_detail(vertices, faces, settings.resolution)
        with clock.stage("colour"):
            normals = vertex_normals(vertices, faces)
            closest = ClosestSurface(prepared.surface.vertices, self._body.closed_mesh.topology)
            _, face, shares = closest.query(vertices)
            places = closest.interpolate(self._body.closed_rest, face, shares)
            size = min(2 * settings.resolution, 1024)
            image = crop_picture(view.image, framing.crop_box(fit.camera), size)
            parts = np.stack([self._body.closed_region(name) for name in _APART], axis=1)
            kind = np.round(closest.interpolate(parts, face, shares)) @ np.arange(1, len(_APART) + 1)
            colours, observed = colour_body(vertices, faces, normals, image, prepared.matte(size), places, kind)
        measures = prepared.measures | {
            "silhouette_iou": silhouette_iou(view.matte, framing.crop_box(fit.camera), vertices, faces),
            "observed_share": float((observed > 0.5).mean()),
        }
        # From here on in the metres of a person of the wanted height.
        grown = settings.height / fit.height
        camera_vertices = framing.from_crop(vertices, fit.camera) * grown
        joints = fit.joints * grown
        pose = _standing(fit, camera_vertices, joints[[self._body.joint("foot.L"), self._body.joint("foot.R")]])
        mesh = Mesh(
            pose.to_upright(camera_vertices).astype(np.float32),
            faces.astype(np.int32),
            pose.directions_to_upright(vertex_normals(camera_vertices, faces)).astype(np.float32),
            colours,
            observed.astype(np.float32),
        )
        weights = closest.interpolate(self._body.closed_mesh.on(self._body.weights).astype(np.float32), face, shares)
        rig = self._rig(fit, pose, joints, mesh, weights)
        seen = ResultView(view.image, _grown(fit.camera, grown), pose, Framing(framing.half * grown, _times(framing.centre, grown)))
        quality, doubts = judge(measures, view.name, BODY_CHECKS)
        report: dict[str, Any] = {
            "quality": quality,
            "warnings": [*doubts, *view.warnings],
            "notes": [*view.notes, f"The height of {settings.height:.2f} m is the one in the settings; no photo tells it."],
            "height": settings.height,
            "mesh": {"vertices": len(vertices), "faces": len(faces), "watertight": True, "components": 1},
            "fit": _fit_report(self._body, fit),
        }
        return Result(view.name, {SURFACE: mesh}, (seen,), report | measures, body=rig)

    def _rig(self, fit: BodyViewFit, pose: Pose, joints: np.ndarray, mesh: Mesh, weights: np.ndarray) -> BodyRig:
        body = self._body
        bound = smoothed_weights(mesh.vertices, mesh.faces, weights)
        names, groups = ("Head",), weights[:, body.joint("head")][None]
        upright = pose.to_upright(joints).astype(np.float32)
        turns = _rest_turns(body, fit, pose).astype(np.float32)
        return BodyRig(body.skeleton.names, body.skeleton.parents, upright, turns, *bound, names, np.clip(groups, 0, 1))


def _standing(fit: BodyViewFit, vertices: np.ndarray, feet: np.ndarray) -> Pose:
    """The pose of the upright frame whose ground is below the lowest of vertices (V, 3), with its origin between the feet (2, 3), both in
    the camera frame."""
    upright = fit.upright
    middle = upright @ feet.mean(0)
    low = (vertices @ upright[1]).min()
    return Pose(upright.T, upright.T @ np.array([middle[0], low, middle[2]]))


def _rest_turns(body: BodyModel, fit: BodyViewFit, pose: Pose) -> np.ndarray:
    """As BodyRig.rest_turns."""
    linear, _ = body.skeleton.transforms(body.skeleton.of(fit.parameters.identity), fit.parameters.rotations)
    # A joint's whole turn, from the model at rest to the upright frame, and back.
    whole = np.einsum("ji,bjk->bik", pose.rotation, linear)
    back = whole.transpose(0, 2, 1)
    parents = body.skeleton.parents
    local = [back[joint] if parent < 0 else back[parent].T @ back[joint] for joint, parent in enumerate(parents)]
    return np.stack([rotation_vector(turn) for turn in local])


def _grown(camera: Camera, factor: float) -> Camera:
    """The camera that sees everything, so many times as large, as this one sees it."""
    return Camera(camera.centre, camera.scale / factor, camera.distance * factor)


def _times(values: tuple[float, float, float], factor: float) -> tuple[float, float, float]:
    across, up, depth = (value * factor for value in values)
    return across, up, depth


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
        "up": fit.up.round(5).tolist(),
        "energy": round(fit.energy, 4),
    }

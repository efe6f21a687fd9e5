"""The first look at a head: the fitted model with the photo's colours, and with as much hair as the person's outline shows, before any
network has predicted its shape."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d, map_coordinates

from .colour.carried import carry
from .corrections import sized
from .errors import ReconstructionError
from .geometry.mesh import compact, vertex_normals
from .models.fit import ViewFit, fit_head
from .models.head import HeadModel
from .models.joints import GLOBAL, NECK
from .models.observation import Observation
from .models.rotation import rotation_matrix
from .networks.predictor import Predictor
from .photo.crop import crop_picture
from .photo.framing import HEAD
from .photo.pose import Pose
from .photo.view import View
from .prepared import guess_of
from .result import SURFACE, Mesh, Result, ResultView
from .settings import Settings
from .surface.cut import below_cut, onto_cut
from .version import VERSION

_SIZE = 256  # pixels a side of the crop, as fine as the model's mesh
_NOTE = "This is a first look; the head is being refined."
_SECTORS = 180  # of a turn, in which outlines are compared
_STEPS = 256  # along a ray from the head's middle to the crop's edge
_SMOOTH = 4.0  # sectors
_MOST = 1.6  # times as far from the middle as the bald head
_BELOW, _FADE = -0.1, 0.3  # sine of the angle, below which there is no hair, and over which it ends


@dataclass
class FirstLook:
    """Shows a head once, as soon as a photo's face is known. show: takes the result."""

    model: HeadModel
    predictor: Predictor
    settings: Settings
    show: Callable[[Result], None]
    _shown: bool = field(default=False, init=False)

    def of_face(self, view: View) -> None:
        """Before the person is cut out: a fit of its own, to what the view shows so far; nothing where that fails."""
        try:
            fit = fit_head(self.model, Observation.of(view), guess_of(self.predictor, view))
        except ReconstructionError:
            return
        self.of_fit(view, fit)

    def of_fit(self, view: View, fit: ViewFit) -> None:
        """Nothing if a head was shown already."""
        if not self._shown:
            self._shown = True
            self.show(sized(first_look(self.model, view, fit, self.settings), self.settings))


def first_look(model: HeadModel, view: View, fit: ViewFit, settings: Settings) -> Result:
    """A result of the fitted head alone, over the photo as the final one will be."""
    vertices, faces = HEAD.to_crop(fit.closed_vertices, fit.camera).astype(np.float32), model.closed_mesh.faces
    box = HEAD.crop_box(fit.camera)
    picture, matte = crop_picture(view.image, box, _SIZE), np.clip(crop_picture(view.matte, box, _SIZE), 0, 1)
    # The back of the head has the hair's colours, not the face's.
    scalp = model.closed_region("scalp")
    vertices = _with_hair(vertices, scalp, matte)
    colours, observed = carry(vertices, faces, vertex_normals(vertices, faces), picture, matte, model.closed_rest, np.round(scalp))
    pose, torso = Pose(fit.rotation, fit.joints[NECK]), Pose(rotation_matrix(fit.rotations[GLOBAL]), fit.joints[NECK])
    whole = HEAD.from_crop(vertices, fit.camera).astype(np.float32)
    if settings.cut != "none":
        ended, faces, kept = _cut_open(torso.to_upright(whole), faces, settings.cut)
        whole, colours, observed = torso.to_camera(ended).astype(np.float32), colours[kept], observed[kept]
    normals = pose.directions_to_upright(vertex_normals(whole, faces)).astype(np.float32)
    mesh = Mesh(pose.to_upright(whole).astype(np.float32), faces.astype(np.int32), normals, colours, observed)
    report: dict[str, Any] = {"notes": [_NOTE], "warnings": [], "settings": settings.to_report(), "version": VERSION, "weights": {}}
    return Result(view.name, {SURFACE: mesh}, (ResultView(view.image, fit.camera, pose),), report)


def _cut_open(vertices: np.ndarray, faces: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The head down to where `cut_head` ends it, open below: vertices, faces, and the ids of the vertices before."""
    faces = faces[(below_cut(vertices, kind)[faces] < 0).any(1)]
    return compact(onto_cut(vertices, kind).astype(vertices.dtype), faces)


def _with_hair(vertices: np.ndarray, scalp: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """The bald head (V, 3) of the crop frame with its scalp (V,), weights in [0, 1], moved away from the head's middle until it fills the
    outline of the matte (S, S); behind as far as on the whole."""
    on_top = scalp > 0.5
    middle = (vertices[on_top].min(0) + vertices[on_top].max(0)) / 2
    away = vertices - middle
    sector = np.floor((np.arctan2(away[:, 1], away[:, 0]) / (2 * np.pi)) % 1 * _SECTORS).astype(int) % _SECTORS
    bald = np.zeros(_SECTORS)
    np.maximum.at(bald, sector[on_top], np.hypot(away[on_top, 0], away[on_top, 1]))
    angle = (np.arange(_SECTORS) + 0.5) / _SECTORS * 2 * np.pi
    along = np.linspace(0, 1.5, _STEPS)
    x, y = middle[0] + along * np.cos(angle)[:, None], middle[1] + along * np.sin(angle)[:, None]
    size = len(matte)
    inside = map_coordinates(matte, [(1 - y) / 2 * size - 0.5, (x + 1) / 2 * size - 0.5], order=1) > 0.5
    outline = along[np.where(inside.all(1), 0, inside.argmin(1))]  # where the ray leaves the person
    share = np.clip(outline / np.maximum(bald, 1e-3), 1, _MOST)
    up = np.clip((np.sin(angle) - _BELOW) / _FADE, 0, 1)
    share = gaussian_filter1d(1 + up * (share - 1), _SMOOTH, mode="wrap")
    deeper = np.average(share, weights=up)
    grown = np.column_stack([share[sector], share[sector], np.full(len(vertices), deeper)])
    return (middle + away * (1 + scalp[:, None] * (grown - 1))).astype(vertices.dtype)

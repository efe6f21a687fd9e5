"""The first look at a head: the fitted model itself, bald, with the photo's colours, before any network has predicted its shape."""

from typing import Any

import numpy as np

from .colour.carried import carry
from .geometry.mesh import vertex_normals
from .models.fit import ViewFit
from .models.head import HeadModel
from .models.joints import NECK
from .photo.crop import crop_picture
from .photo.framing import HEAD
from .photo.pose import Pose
from .photo.view import View
from .result import SURFACE, Mesh, Result, ResultView
from .settings import Settings
from .version import VERSION

_SIZE = 384  # pixels a side of the crop, as fine as the model's mesh
_NOTE = "This is a first look; the head is being refined."


def first_look(model: HeadModel, view: View, fit: ViewFit, settings: Settings) -> Result:
    """A result of the fitted head alone, over the photo as the final one will be."""
    vertices, faces = HEAD.to_crop(fit.closed_vertices, fit.camera).astype(np.float32), model.closed_mesh.faces
    box = HEAD.crop_box(fit.camera)
    picture, matte = crop_picture(view.image, box, _SIZE), np.clip(crop_picture(view.matte, box, _SIZE), 0, 1)
    # The back of the head has the hair's colours, not the face's.
    kind = np.round(model.closed_region("scalp"))
    colours, observed = carry(vertices, faces, vertex_normals(vertices, faces), picture, matte, model.closed_rest, kind)
    pose = Pose(fit.rotation, fit.joints[NECK])
    mesh = Mesh(
        pose.to_upright(fit.closed_vertices).astype(np.float32),
        faces.astype(np.int32),
        pose.directions_to_upright(fit.closed_normals).astype(np.float32),
        colours,
        observed,
    )
    report: dict[str, Any] = {"notes": [_NOTE], "warnings": [], "settings": settings.to_report(), "version": VERSION, "weights": {}}
    return Result(view.name, {SURFACE: mesh}, (ResultView(view.image, fit.camera, pose),), report)

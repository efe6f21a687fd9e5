"""A body's head, made from the same photo as heads are: larger in its crop than in the body's, and by networks that know faces."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .photo.figure import BodyView
from .photo.framing import HEAD
from .photo.intake import Intake
from .photo.turned import TurnedCamera
from .photo.view import Camera, View
from .result import Result
from .surface.join import HeadPlace
from .surface.solid import ClosedSurface

LEAST_FACE = 48
"""Longer side of a face, photo pixels, from which on its head is made by itself."""
_ROOM = 0.5  # metres around the eyes that the turned picture shows


@dataclass(frozen=True)
class BodyHead:
    """A head in its body's camera frame: surface with colours and whether they were observed as its values (V, 4), its place, and its
    result's warnings."""

    surface: ClosedSurface
    place: HeadPlace
    warnings: tuple[str, ...]


def head_of_body(intake: Intake, make: Callable[[View], Result], view: BodyView, camera: Camera, eyes: np.ndarray) -> BodyHead | None:
    """The head of the body in a photo, whose fit has this camera and its eyes around a point (3,) of the camera's frame; None where no
    upright face of LEAST_FACE is found there. make: reconstructs a head. Raises what that raises."""
    turned = TurnedCamera.towards(camera, camera.project(eyes[None])[0])
    picture, axis = turned.picture(view.image, _ROOM * turned.focal / (camera.distance - eyes[2]))
    face = intake.face_at(picture, view.name, axis, LEAST_FACE)
    if face is None:
        return None
    result = make(replace(face, focal=turned.focal))
    mesh, seen = result.surface, result.views[0]
    place = lambda points: turned.to_camera(points, seen.camera, axis, camera.distance)  # noqa: E731
    neck, above = place(np.stack([seen.pose.translation, seen.pose.translation + seen.pose.rotation[:, 1]]))
    values = np.column_stack([mesh.colours, mesh.observed])
    surface = ClosedSurface(place(seen.pose.to_camera(mesh.vertices)), mesh.faces, values)
    return BodyHead(surface, HeadPlace(place(HEAD.corners(seen.camera)), neck, above - neck), tuple(result.report["warnings"]))

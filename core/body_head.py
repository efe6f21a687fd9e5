"""A body's head, made from the same photo as heads are: larger in its crop than in the body's, and by networks that know faces."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from .photo.figure import BodyView
from .photo.framing import HEAD
from .photo.intake import Intake
from .photo.pose import Pose
from .photo.turned import TurnedCamera
from .photo.view import Camera, View
from .result import HAIR, Mesh, Result
from .surface.join import JoinPlace
from .surface.solid import ClosedSurface
from .topology.rigged import RiggedHead

LEAST_FACE = 32
"""Longer side of a face, photo pixels, from which on its head is made by itself: it need not be as large as that of a head alone, since
the body's own is far less."""
_ROOM = 0.5  # metres around the eyes that the turned picture shows


@dataclass(frozen=True)
class PlacedRig:
    """A rigged head, and the pose of its own upright frame in another frame, metres. about: what its result's report says of it; hair: the
    shell that it carries, in its own frame, if there is one."""

    head: RiggedHead
    pose: Pose
    about: dict[str, Any]
    hair: Mesh | None = None

    def farther(self, scale: float, camera: np.ndarray) -> Self:
        """`scale` times as far from a camera (3,), and as large."""
        translation = camera + scale * (self.pose.translation - camera)
        hair = None if self.hair is None else replace(self.hair, vertices=(scale * self.hair.vertices).astype(np.float32))
        return replace(self, head=self.head.scaled(scale), pose=Pose(self.pose.rotation, translation), hair=hair)

    def seen_from(self, frame: Pose) -> Self:
        """In a frame whose pose in the present one this is."""
        rotation = frame.rotation.T @ self.pose.rotation
        return replace(self, pose=Pose(rotation, frame.to_upright(self.pose.translation[None])[0]))

    @property
    def matrix(self) -> np.ndarray:
        """(4, 4): from the head's upright frame."""
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = self.pose.rotation, self.pose.translation
        return matrix


@dataclass(frozen=True)
class BodyHead:
    """A head in its body's camera frame: surface with colours and whether they were observed as its values (V, 4), its place, its result's
    warnings, and the rigged head if one was made."""

    surface: ClosedSurface
    place: JoinPlace
    warnings: tuple[str, ...]
    rig: PlacedRig | None = None


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
    rig = None
    if result.rigged is not None:
        origin, *ends = place(seen.pose.to_camera(np.vstack([np.zeros(3), np.eye(3)])))
        about = {name: result.report[name] for name in ("rig", "flame") if name in result.report}
        pose = Pose(np.column_stack([end - origin for end in ends]), origin)
        rig = PlacedRig(result.rigged, pose, about, result.meshes.get(HAIR))
    return BodyHead(surface, JoinPlace(place(HEAD.corners(seen.camera)), neck, above - neck), tuple(result.report["warnings"]), rig)

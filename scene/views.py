"""How photos show a reconstruction, kept on its object, so that work goes on after the blend file was saved, sent and opened again."""

import json
from collections.abc import Sequence
from typing import Any, cast

import bpy
import numpy as np
from idprop.types import IDPropertyGroup

from ..core.errors import InputError
from ..core.photo.framing import HEAD, Framing
from ..core.photo.pose import Pose
from ..core.photo.view import Camera
from ..core.result import ResultView
from .photo import pixels

PHOTOS, VIEWS = "likeness_photos", "likeness_views"
"""Custom properties: the photos' images by number, and as JSON a list of what a ResultView says besides."""


def keep_views(item: bpy.types.Object, views: Sequence[ResultView], photos: Sequence[bpy.types.Image]) -> None:
    """Write the views on an object, each with the image of its photo."""
    item[PHOTOS] = {str(number): photo for number, photo in enumerate(photos)}
    item[VIEWS] = json.dumps(
        [
            {
                "centre": [float(x) for x in view.camera.centre],
                "scale": float(view.camera.scale),
                "distance": float(view.camera.distance) if np.isfinite(view.camera.distance) else None,
                "rotation": np.asarray(view.pose.rotation, np.float64).tolist(),
                "translation": np.asarray(view.pose.translation, np.float64).tolist(),
                "framing": [float(x) for x in (view.framing.half, *view.framing.centre)],
            }
            for view in views
        ],
        allow_nan=False,
    )


def photos_of(item: bpy.types.Object) -> list[bpy.types.Image]:
    """The photos that keep_views wrote on an object, or a copy of it; none for any other object."""
    group = item.get(PHOTOS)
    if VIEWS not in item or not isinstance(group, IDPropertyGroup):
        return []
    photos = cast(dict[str, Any], group.to_dict())
    found = [photo for number in range(len(photos)) if isinstance(photo := photos.get(str(number)), bpy.types.Image)]
    return found if len(found) == len(photos) else []


def views_of(item: bpy.types.Object) -> tuple[ResultView, ...]:
    """The views that keep_views wrote on an object. Blend files come from anywhere: raises InputError for what cannot be read."""
    views, photos = cameras_of(item), photos_of(item)
    if not views or len(views) != len(photos) or not all(is_sound(camera, pose) and framing.half > 0 for camera, pose, framing in views):
        raise _unreadable(item)
    pictures = [np.ascontiguousarray(pixels(photo)[..., :3]) for photo in photos]
    return tuple(ResultView(picture, *view) for picture, view in zip(pictures, views, strict=True))


def cameras_of(item: bpy.types.Object) -> list[tuple[Camera, Pose, Framing]]:
    """What the views say besides their photos. Raises InputError."""
    try:
        return [(*_camera_and_pose(view), _framing(view)) for view in json.loads(item[VIEWS])]
    except (TypeError, ValueError, KeyError, OverflowError, RecursionError) as error:
        raise _unreadable(item) from error


def is_sound(camera: Camera, pose: Pose) -> bool:
    """Whether a camera sees anything and a pose is a rigid map."""
    if not np.isfinite([*camera.centre, camera.scale]).all() or not (camera.scale > 0 and camera.distance > 0):
        return False
    if pose.rotation.shape != (3, 3) or pose.translation.shape != (3,) or not np.isfinite(pose.translation).all():
        return False
    return bool(np.allclose(pose.rotation @ pose.rotation.T, np.eye(3), atol=1e-3))


def _camera_and_pose(view: Any) -> tuple[Camera, Pose]:
    column, row = (float(x) for x in view["centre"])
    distance = np.inf if view["distance"] is None else float(view["distance"])
    pose = Pose(np.array(view["rotation"], np.float64), np.array(view["translation"], np.float64))
    return Camera((column, row), float(view["scale"]), distance), pose


def _framing(view: Any) -> Framing:
    """HEAD for views of blend files from the time when there were heads only."""
    if "framing" not in view:
        return HEAD
    half, across, up, depth = (float(x) for x in view["framing"])
    if not np.isfinite([half, across, up, depth]).all():
        raise ValueError("framing")
    return Framing(half, (across, up, depth))


def _unreadable(item: bpy.types.Object) -> InputError:
    return InputError(f"The data of {item.name} about its photo cannot be read; reconstruct the photo again.")

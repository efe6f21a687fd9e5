"""The camera in which the mesh overlays the photo, with the photo packed into the file as its background."""

import bpy
import numpy as np
from mathutils import Matrix

from ..core.errors import InputError
from ..core.result import ResultView
from .frame import camera_to_blender

PHOTO = "likeness_photo"
"""Custom property of the camera: the photo's image."""
_SENSOR_WIDTH = 36.0
_DISPLAY_SIZE = 0.03
"""Metres; a larger camera covers the face in the front view."""
_ORTHOGRAPHIC_DISTANCE = 2.0
"""Metres before the eyes; an orthographic camera may stand anywhere on its axis."""


def build_camera(name: str, view: ResultView, photo: bpy.types.Image) -> bpy.types.Object:
    """A new, unlinked camera object in which a result lies over one of its photos, at a render resolution equal to the photo's size.
    name: the result's. photo: the view's, which becomes the camera's background.

    Blender measures lens shift in widths of the sensor when it is fitted horizontally, so the principal point
    (Camera.centre) becomes a shift and nothing depends on where the head is in the photo.
    """
    height, width = view.photo.shape[:2]
    column, row = view.camera.centre
    orthographic = bool(np.isinf(view.camera.distance))
    distance = _ORTHOGRAPHIC_DISTANCE if orthographic else view.camera.distance

    data = bpy.data.cameras.new(f"{name} Camera")
    data.sensor_fit = "HORIZONTAL"
    data.sensor_width = _SENSOR_WIDTH
    if orthographic:
        data.type = "ORTHO"
        data.ortho_scale = width / view.camera.scale
    else:
        data.lens = view.camera.scale * distance * _SENSOR_WIDTH / width
    data.shift_x = (width / 2 - column) / width
    data.shift_y = (row - height / 2) / width
    data.clip_start = 0.01
    data.display_size = _DISPLAY_SIZE
    data.show_background_images = True
    background = data.background_images.new()
    background.image = photo
    background.frame_method = "STRETCH"
    background.alpha = 1.0

    camera = bpy.data.objects.new(data.name, data)
    camera[PHOTO] = photo
    place = camera_to_blender(view.pose)
    place[:3, 3] += place[:3, 2] * distance
    camera.matrix_world = Matrix(place.tolist())
    return camera


def use_camera(scene: bpy.types.Scene, camera: bpy.types.Object) -> None:
    """A camera from build_camera becomes the scene's, and renders get the photo's size, without which they would not lie over it.

    Raises InputError when the photo is lost.
    """
    photo, render = camera.get(PHOTO), scene.render
    if not isinstance(photo, bpy.types.Image) or not all(photo.size):
        raise InputError(f"{camera.name} has lost its photo; reconstruct the photo again.")
    render.resolution_x, render.resolution_y = photo.size
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    scene.camera = camera

"""likeness.use_camera: look at a result through its photo's camera, on request, because a scene may have a shot of its own."""

import bpy

from ..scene.camera import use_camera
from ..scene.source import camera_of
from ..scene.typed import scene_of
from .base import LikenessOperator


class LIKENESS_OT_use_camera(LikenessOperator, bpy.types.Operator):
    """Make the photo's camera the scene's, and the photo's size the render size"""

    bl_idname = "likeness.use_camera"
    bl_label = "Use Photo's Camera"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        return "" if camera_of(context.object) is not None else "Select a reconstructed head that has its camera"

    def run(self, context: bpy.types.Context) -> str:
        camera = camera_of(context.object)
        assert camera is not None  # `refusal` has made sure
        use_camera(scene_of(context), camera)
        if context.region_data is not None:
            context.region_data.view_perspective = "CAMERA"
        return ""

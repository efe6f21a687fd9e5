"""likeness.use_camera: look at a result through its photo's camera, on request, because a scene may have a shot of its own."""

import bpy

from ..core.errors import LikenessError
from ..scene.camera import use_camera
from ..scene.source import camera_of


class LIKENESS_OT_use_camera(bpy.types.Operator):
    """Make the photo's camera the scene's, and the photo's size the render size"""

    bl_idname = "likeness.use_camera"
    bl_label = "Use Photo's Camera"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if camera_of(context.object) is None:
            cls.poll_message_set("Select a reconstructed head that has its camera")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            use_camera(context.scene, camera_of(context.object))
        except LikenessError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if context.region_data is not None:
            context.region_data.view_perspective = "CAMERA"
        return {"FINISHED"}

"""likeness.wire_over_photo: look through the photo's camera and show the mesh as wire over the photo, or solid again."""

import bpy

from ..scene.camera import use_camera
from ..scene.source import camera_of
from ..scene.typed import scene_of
from ..scene.viewport import look_through, show_wire
from .result import ResultOperator, active_head


class LIKENESS_OT_wire_over_photo(ResultOperator, bpy.types.Operator):
    """Look through the photo's camera and show the mesh as wire over the photo, or solid again"""

    bl_idname = "likeness.wire_over_photo"
    bl_label = "Wire over Photo"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> str:
        head, camera = active_head(context), camera_of(context.object)
        if not show_wire(head, head.display_type != "WIRE"):
            return ""
        if camera is not None:
            use_camera(scene_of(context), camera)
            look_through(context)
        return ""

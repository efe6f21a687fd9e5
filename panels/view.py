"""The sidebar's View: how a result is looked at, in its colours, as wire over the photo, through the photo's camera."""

import bpy

from ..scene.colour_view import changes_colours
from ..scene.source import camera_of, heads_of
from ..scene.typed import scene_of
from ..scene.viewport import shows_colours, view_of
from .sidebar import Sidebar, columns
from .text import draw_text


class LIKENESS_PT_view(Sidebar, bpy.types.Panel):
    """How the active result is looked at."""

    bl_idname = "LIKENESS_PT_view"
    bl_label = "View"
    bl_parent_id = "LIKENESS_PT_result"
    help_topic = "view"

    def draw(self, context: bpy.types.Context) -> None:
        layout, heads = self.layout, heads_of(context.object)
        if not heads:
            return
        head, camera = next((head for head in heads if head.visible_get()), heads[0]), camera_of(context.object)
        row = layout.row(align=True)
        row.operator("likeness.show_colours", icon="COLOR", depress=shows_colours(view_of(context), head))
        row.operator("likeness.wire_over_photo", text="Wire", icon="SHADING_WIRE", depress=head.display_type == "WIRE")
        row = layout.row(align=True)
        row.operator("likeness.use_camera", text="Photo's Camera", icon="CAMERA_DATA")
        if camera is not None and isinstance(camera.data, bpy.types.Camera) and camera.data.background_images:
            background = camera.data.background_images[0]
            row.prop(background, "display_depth", text="")
            layout.prop(background, "alpha", text="Photo Opacity", slider=True)
        if transform := changes_colours(scene_of(context)):
            draw_text(layout, f"{transform} shows colours paler than the photo has them.", "INFO", columns(context))
            layout.operator("likeness.standard_view", text="Show Them Unchanged", icon="COLOR")

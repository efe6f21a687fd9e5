"""The sidebar's Manage: a result as a whole, selected, repeated, deleted, made ready for other work."""

import bpy

from .sidebar import Sidebar


class LIKENESS_PT_manage(Sidebar, bpy.types.Panel):
    """What can be done with the active result as a whole."""

    bl_idname = "LIKENESS_PT_manage"
    bl_label = "Manage"
    bl_parent_id = "LIKENESS_PT_result"
    bl_options = {"DEFAULT_CLOSED"}
    help_topic = "manage"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        column = layout.column(align=True)
        column.operator("likeness.select_result", text="Select", icon="RESTRICT_SELECT_OFF")
        column.operator("likeness.repeat_settings", icon="FILE_REFRESH")
        column.operator("likeness.delete_result", text="Delete with Cameras", icon="TRASH")
        column = layout.column(align=True)
        column.operator("likeness.set_up_retopo", icon="SNAP_FACE")
        column.operator("likeness.add_landmarks", icon="EMPTY_AXIS")
        column.operator("likeness.mark_asset", icon="ASSET_MANAGER")

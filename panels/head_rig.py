"""The sidebar's Head Rig: pose, gaze, which head is seen, expression and movement of others, and the way out to other programs.

What concerns the reconstructed head is a panel of its own, closed at first, so that the tab fits a small screen."""

import bpy

from ..scene.armature import LOOK_AT
from ..scene.body_rig import stands_on_body
from ..scene.reconstructed import is_bound
from ..scene.rig import RECONSTRUCTED, head_of, rig_of
from ..scene.rigify import is_enabled
from ..scene.shape_keys import key_note
from .sidebar import Sidebar, columns
from .text import draw_text


class LIKENESS_PT_head_rig(Sidebar, bpy.types.Panel):
    """What can be done with the active object's rig."""

    bl_idname = "LIKENESS_PT_head_rig"
    bl_label = "Head Rig"
    help_topic = "head_rig"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return rig_of(context.object) is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout, armature = self.layout, rig_of(context.object)
        assert armature is not None  # `poll` has made sure
        head, reconstructed = head_of(armature), head_of(armature, RECONSTRUCTED)
        row = layout.row(align=True)
        row.operator("likeness.pose_rig", text="Photo Pose", icon="IMAGE_DATA").pose = "PHOTO"
        row.operator("likeness.pose_rig", text="Rest Pose", icon="ARMATURE_DATA").pose = "REST"
        if armature.get(LOOK_AT) is not None:
            layout.prop(armature, f'["{LOOK_AT}"]', text="Look at Target", slider=True)
        if head is not None and (reconstructed is not None or stands_on_body(armature)):
            row, own = layout.row(align=True), head.hide_get() if reconstructed is None else not reconstructed.hide_get()
            row.operator("likeness.show_head", text="Rigged", depress=not head.hide_get()).head = "RIGGED"
            row.operator("likeness.show_head", text="Reconstructed", depress=own).head = "RECONSTRUCTED"
        column = layout.column(align=True)
        column.operator("likeness.copy_expression", icon="COPYDOWN")
        column.operator("likeness.animate_video", icon="FILE_MOVIE")
        column.operator("likeness.import_live_link", icon="IMPORT")
        if is_enabled():
            layout.operator("likeness.rigify", icon="ARMATURE_DATA")
        layout.operator("likeness.export_rig", icon="EXPORT")
        if head is not None and (note := key_note(head)):
            draw_text(layout, note, "INFO", columns(context))


class LIKENESS_PT_reconstructed(Sidebar, bpy.types.Panel):
    """What joins the reconstructed head to the rigged one; only where a rig has both."""

    bl_idname = "LIKENESS_PT_reconstructed"
    bl_label = "Hair and Clothes"
    bl_parent_id = "LIKENESS_PT_head_rig"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        rig = rig_of(context.object)
        return rig is not None and head_of(rig) is not None and head_of(rig, RECONSTRUCTED) is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        armature = rig_of(context.object)
        bound = armature is not None and is_bound(armature)
        layout.operator("likeness.deform_reconstructed", text="Deform with Rig", icon="MOD_MESHDEFORM", depress=bound)
        layout.operator("likeness.transfer_data", icon="MOD_DATA_TRANSFER")

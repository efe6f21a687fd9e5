"""The sidebar's Body Rig: how a reconstructed body stands, and the way out to other programs."""

import bpy

from ..scene.body_rig import body_rig_of
from .sidebar import Sidebar


class LIKENESS_PT_body_rig(Sidebar, bpy.types.Panel):
    """What can be done with the active object's body."""

    bl_idname = "LIKENESS_PT_body_rig"
    bl_label = "Body Rig"
    help_topic = "body_rig"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return body_rig_of(context.object) is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        row = layout.row(align=True)
        row.operator("likeness.pose_body", text="Photo Pose", icon="IMAGE_DATA").pose = "PHOTO"
        row.operator("likeness.pose_body", text="A-Pose", icon="ARMATURE_DATA").pose = "A"
        layout.operator("likeness.export_rig", icon="EXPORT")

"""likeness.show_head: which of the two heads is seen; they lie on each other."""

import bpy
from bpy.props import EnumProperty

from ..scene.reconstructed import show
from ..scene.rig import RECONSTRUCTED, RIGGED
from ..scene.typed import view_layer_of
from .rig import RigOperator, active_rig


class LIKENESS_OT_show_head(RigOperator, bpy.types.Operator):
    """Show one head and hide the other, in the view and in renders"""

    bl_idname = "likeness.show_head"
    bl_label = "Show Head"
    bl_options = {"REGISTER", "UNDO"}

    head: EnumProperty(
        name="Head",
        description="Which head is seen",
        items=[
            ("RIGGED", "Rigged", "The head with eyes, teeth, UV map and shape keys"),
            ("RECONSTRUCTED", "Reconstructed", "The head with hair and clothes, as reconstructed"),
        ],
    )

    def run(self, context: bpy.types.Context) -> str:
        armature = active_rig(context)
        show(view_layer_of(context), armature, RIGGED if self.head == "RIGGED" else RECONSTRUCTED)
        if context.mode == "OBJECT":  # the active object may be hidden now
            view_layer_of(context).objects.active = armature
        return ""

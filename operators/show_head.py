"""likeness.show_head: which of the two heads is seen; they lie on each other."""

import bpy
from bpy.props import EnumProperty

from ..scene.free_form import show
from ..scene.rig import FREE_FORM, RIGGED, rig_of
from .rig import RigOperator


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
            ("FREE_FORM", "Free-Form", "The head with hair and clothes, as reconstructed"),
        ],
    )

    def run(self, context: bpy.types.Context) -> str:
        armature = rig_of(context.object)
        show(context.view_layer, armature, RIGGED if self.head == "RIGGED" else FREE_FORM)
        if context.mode == "OBJECT":  # the active object may be hidden now
            context.view_layer.objects.active = armature
        return ""

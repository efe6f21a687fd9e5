"""likeness.deform_reconstructed: the head with its hair and collar follows the rig, or stands still again."""

import bpy

from ..scene.reconstructed import bind_reconstructed, is_bound, show, unbind_reconstructed
from ..scene.rig import RECONSTRUCTED, RIGGED
from ..scene.typed import view_layer_of
from .rig import RigOperator, active_rig


class LIKENESS_OT_deform_reconstructed(RigOperator, bpy.types.Operator):
    """Let the reconstructed head, with hair and collar, follow the rig; again to stop it"""

    bl_idname = "likeness.deform_reconstructed"
    bl_label = "Deform Reconstructed Head"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> str:
        armature = active_rig(context)
        if is_bound(armature):
            unbind_reconstructed(armature)
            show(view_layer_of(context), armature, RIGGED)
            return ""
        bind_reconstructed(context, armature)
        show(view_layer_of(context), armature, RECONSTRUCTED)
        if context.mode == "OBJECT":  # the rigged head is hidden now; what is left to work on is the rig
            view_layer_of(context).objects.active = armature
            armature.select_set(True)
        return ""

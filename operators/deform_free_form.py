"""likeness.deform_free_form: the head with its hair and collar follows the rig, or stands still again."""

import bpy

from ..scene.free_form import bind_free_form, is_bound, show, unbind_free_form
from ..scene.rig import FREE_FORM, RIGGED
from ..scene.typed import view_layer_of
from .rig import RigOperator, active_rig


class LIKENESS_OT_deform_free_form(RigOperator, bpy.types.Operator):
    """Let the free-form head, with hair and collar, follow the rig; again to stop it"""

    bl_idname = "likeness.deform_free_form"
    bl_label = "Deform Free-Form Head"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> str:
        armature = active_rig(context)
        if is_bound(armature):
            unbind_free_form(armature)
            show(view_layer_of(context), armature, RIGGED)
            return ""
        bind_free_form(context, armature)
        show(view_layer_of(context), armature, FREE_FORM)
        if context.mode == "OBJECT":  # the rigged head is hidden now; what is left to work on is the rig
            view_layer_of(context).objects.active = armature
            armature.select_set(True)
        return ""

"""likeness.rigify: the rigged head on a rig of Rigify's."""

import bpy

from ..scene.rigify import generate, is_enabled
from ..scene.typed import view_layer_of
from .rig import RigOperator, active_rig


class LIKENESS_OT_rigify(RigOperator, bpy.types.Operator):
    """Generate a rig with Rigify from the head's armature and put head and hair on it, at rest"""

    bl_idname = "likeness.rigify"
    bl_label = "Generate Rigify Rig"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        if not is_enabled():
            return "Rigify is not enabled; tick it in the preferences, under Add-ons"
        return super().refusal(context)

    def run(self, context: bpy.types.Context) -> str:
        made = generate(context, active_rig(context))
        made.select_set(True)
        view_layer_of(context).objects.active = made
        return f"{made.name} moves the head; the armature that it was made from is hidden"

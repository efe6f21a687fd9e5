"""likeness.set_up_retopo: begin a new topology over the result: an empty mesh that snaps to it, which itself cannot be clicked."""

import bpy

from ..scene.retopo_view import set_up_retopo
from ..scene.viewport import frame_selected
from .result import ResultOperator, active_head


class LIKENESS_OT_set_up_retopo(ResultOperator, bpy.types.Operator):
    """Begin a new topology over the result: an empty mesh that snaps to it, which itself cannot be clicked"""

    bl_idname = "likeness.set_up_retopo"
    bl_label = "Set Up Retopo"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> str:
        target = active_head(context)
        frame_selected(context)
        item = set_up_retopo(context, target)
        return f"{item.name} snaps to {target.name}, which the Outliner's arrow makes selectable again"

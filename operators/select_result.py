"""likeness.select_result: select everything that belongs to this result: heads, rig and cameras."""

import bpy

from ..scene.members import members
from ..scene.typed import view_layer_of
from .result import ResultOperator, active_collection


class LIKENESS_OT_select_result(ResultOperator, bpy.types.Operator):
    """Select everything that belongs to this result: heads, rig and cameras"""

    bl_idname = "likeness.select_result"
    bl_label = "Select Result"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> str:
        layer, items = view_layer_of(context), members(active_collection(context))
        for item in context.selected_objects:
            item.select_set(False)
        seen = [item for item in items if item.name in layer.objects and item.visible_get(view_layer=layer)]
        for item in seen:
            item.select_set(True)
        return f"{len(seen)} of {len(items)} objects are selected; the others are hidden" if len(seen) < len(items) else ""

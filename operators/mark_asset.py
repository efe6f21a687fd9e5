"""likeness.mark_asset: put this result into the Asset Browser of this file, as one collection with a preview."""

import bpy

from ..scene.asset import mark_asset
from .result import ResultOperator, active_collection


class LIKENESS_OT_mark_asset(ResultOperator, bpy.types.Operator):
    """Put this result into the Asset Browser of this file, as one collection with a preview"""

    bl_idname = "likeness.mark_asset"
    bl_label = "Mark as Asset"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> str:
        collection = active_collection(context)
        mark_asset(collection)
        return f"{collection.name} is an asset of this file"

"""likeness.delete_result: delete this result with its rig, cameras and photos; your own objects stay."""

import bpy

from ..scene.members import remove_result
from .result import ResultOperator, active_collection


class LIKENESS_OT_delete_result(ResultOperator, bpy.types.Operator):
    """Delete this result with its rig, cameras and photos; your own objects stay"""

    bl_idname = "likeness.delete_result"
    bl_label = "Delete with Cameras"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> str:
        collection = active_collection(context)
        name, gone = collection.name, remove_result(collection)
        return f"{name} is deleted: {len(gone)} objects"

"""likeness.add_landmarks: add an empty at each named point of the face."""

import bpy

from ..core.errors import InputError
from ..scene.anatomy import add_landmarks, landmarks_of
from ..scene.members import keep_members
from ..scene.source import heads_of
from .result import ResultOperator, active_collection


class LIKENESS_OT_add_landmarks(ResultOperator, bpy.types.Operator):
    """Add an empty at each named point of the face"""

    bl_idname = "likeness.add_landmarks"
    bl_label = "Landmarks as Empties"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> str:
        collection = active_collection(context)
        head = next((head for head in heads_of(context.object) if landmarks_of(head)), None)
        if head is None:
            raise InputError("This result has no landmarks; reconstruct a head again.")
        made = add_landmarks(head, collection)
        keep_members(collection, made)
        return f"{len(made)} empties are children of {head.name}"

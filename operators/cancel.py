"""likeness.cancel: the sidebar's way to do what Esc does."""

import bpy

from . import job


class LIKENESS_OT_cancel(bpy.types.Operator):
    """Stop the running job; the scene stays as it is"""

    bl_idname = "likeness.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return job.current() is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        job.cancel_current()
        return {"FINISHED"}

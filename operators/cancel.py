"""likeness.cancel: the sidebar's way to do what Esc does."""

import bpy

from . import job
from .base import LikenessOperator


class LIKENESS_OT_cancel(LikenessOperator, bpy.types.Operator):
    """Stop the running job; the scene stays as it is"""

    bl_idname = "likeness.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        return "" if job.current() is not None else "Nothing is running"

    def run(self, context: bpy.types.Context) -> str:
        job.cancel_current()
        return ""

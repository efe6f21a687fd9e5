"""likeness.copy_report: what a developer wants to know, in the clipboard; nothing is ever sent."""

import bpy
from bpy.props import EnumProperty

from ..core.errors import InputError
from . import failure, self_test
from .base import LikenessOperator


class LIKENESS_OT_copy_report(LikenessOperator, bpy.types.Operator):
    """Copy the report to the clipboard, to paste it into a message to the developers; it holds no names and no folders of yours"""

    bl_idname = "likeness.copy_report"
    bl_label = "Copy Report"
    bl_options = {"INTERNAL"}

    report_of: EnumProperty(
        name="Report",
        description="Which report is copied",
        items=[("FAILURE", "Failure", "The error file of the last failure"), ("SELF_TEST", "Self-Test", "The result of the self-test")],
        options={"SKIP_SAVE"},
    )

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        return "" if failure.last() or self_test.summary else "Nothing has failed"

    def run(self, context: bpy.types.Context) -> str:
        found = failure.last()
        text = self_test.summary if self.report_of == "SELF_TEST" else found.report if found else ""
        if not text:
            raise InputError("There is no such report; run the self-test or repeat what failed.")
        context.window_manager.clipboard = text
        return "The report is in the clipboard; it has not been sent anywhere"

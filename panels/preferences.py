"""Preferences: the worker's environment. Draws whether or not there is one."""

import bpy
from bpy.props import StringProperty

from ..operators import job, self_test
from ..operators.environment import EXTENSION, environment_status
from .text import draw_failure, draw_text


class LIKENESS_AP_preferences(bpy.types.AddonPreferences):
    """Where the worker's Python is, its set-up and its self-test."""

    bl_idname = EXTENSION

    existing_python: StringProperty(
        name="Existing Python",
        description="Python that already has the packages; replaces the environment that Likeness sets up",
        subtype="FILE_PATH",
    )
    wheels: StringProperty(
        name="Packages Folder",
        description="Folder with the packages' wheels, for a set-up without a network",
        subtype="DIR_PATH",
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout, running, status = self.layout, job.current(), environment_status(context)
        layout.use_property_split = True
        column = layout.column()
        column.enabled = running is None
        column.prop(self, "existing_python")
        if not self.existing_python:
            column.prop(self, "wheels")
        if status.ready:
            size = f", {status.size >> 20} MB" if status.size else ""
            draw_text(layout, f"Ready: {status.python}{size}", "CHECKMARK", 90)
        else:
            draw_text(layout, status.reason, "INFO", 90)
        if running is not None:
            layout.progress(factor=running.fraction, text=running.stage)
            layout.operator("likeness.cancel", icon="X")
            return
        row = layout.row()
        if not self.existing_python:
            again = status.ready or status.size
            row.operator("likeness.set_up_environment", text="Set Up Again" if again else "Set Up Environment", icon="IMPORT")
        if status.ready:
            row.operator("likeness.self_test", icon="CHECKMARK")
        draw_failure(layout, 90)
        if self_test.summary:
            verdict, *details = self_test.summary.splitlines()
            box = layout.box()
            row = box.row()
            row.label(text=verdict, icon="CHECKMARK" if self_test.passed else "ERROR")
            row.operator("likeness.copy_report", text="Copy", icon="COPYDOWN").report_of = "SELF_TEST"
            column = box.column(align=True)
            for line in details:
                column.label(text=line)

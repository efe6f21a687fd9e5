"""The sidebar's Print: a model for a 3D printer, there wherever a scene has a reconstruction."""

import bpy

from ..operators import job
from ..scene.source import sources
from ..scene.typed import scene_of
from .sidebar import PRINT_OPTIONS, Sidebar


class LIKENESS_PT_print(Sidebar, bpy.types.Panel):
    """The options of a print and its button."""

    bl_idname = "LIKENESS_PT_print"
    bl_label = "Print"
    bl_options = {"DEFAULT_CLOSED"}
    help_topic = "print"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return bool(sources(scene_of(context)))

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.enabled = job.current() is None
        for name in PRINT_OPTIONS:
            layout.prop(context.scene.likeness, name)
        layout.operator("likeness.export_print", icon="EXPORT")

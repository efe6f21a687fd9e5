"""likeness.show_colours: show the colours of the photo in the Solid view, or the grey of clay."""

import bpy

from ..scene.viewport import show_colours, shows_colours, view_of
from .result import ResultOperator, active_head


class LIKENESS_OT_show_colours(ResultOperator, bpy.types.Operator):
    """Show the colours of the photo in the Solid view, or the grey of clay"""

    bl_idname = "likeness.show_colours"
    bl_label = "Show Colours"
    bl_options = {"INTERNAL"}

    def run(self, context: bpy.types.Context) -> str:
        head = active_head(context)
        show_colours(context, head, not shows_colours(view_of(context), head))
        return ""

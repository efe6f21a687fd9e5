"""likeness.standard_view: colours as in the photo, which Blender's usual view transform makes paler."""

from typing import Any

import bpy

from ..scene.colour_view import use_standard_view
from ..scene.typed import scene_of
from .base import LikenessOperator


class LIKENESS_OT_standard_view(LikenessOperator, bpy.types.Operator):
    """Show colours as the photo has them: the scene's view transform becomes Standard without a look"""

    bl_idname = "likeness.standard_view"
    bl_label = "Show Photo's Colours Unchanged"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> str:
        scene: Any = scene_of(context)
        former = scene.view_settings.view_transform
        use_standard_view(scene)
        return f"The view transform is Standard in place of {former}"

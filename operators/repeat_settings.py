"""likeness.repeat_settings: a result once more, from its own photo, with the settings that made it."""

import bpy

from ..core.errors import InputError
from ..scene.views import photos_of
from ..worker.client import shared_client
from .environment import worker_python
from .reconstruct import Reconstruction, ReconstructOperator
from .result import ResultOperator, active_head
from .result_settings import settings_of


class LIKENESS_OT_repeat_settings(ResultOperator, ReconstructOperator, bpy.types.Operator):
    """Reconstruct the photo of this result again with the settings that it was made with, and put those into the panel"""

    bl_idname = "likeness.repeat_settings"
    bl_label = "Repeat with these Settings"
    bl_options = {"REGISTER", "UNDO"}

    def start_job(self, context: bpy.types.Context) -> Reconstruction:
        head, properties = active_head(context), context.scene.likeness
        photos = photos_of(head)
        if not photos:
            raise InputError(f"{head.name} has lost its photo; choose the photo in the panel and reconstruct it.")
        settings = settings_of(head, properties)
        properties.take(settings)
        if properties.photo is None:
            properties.photo = photos[0]
        return Reconstruction(shared_client(worker_python(context)), photos, settings, not bpy.app.background and self.options.is_invoke)

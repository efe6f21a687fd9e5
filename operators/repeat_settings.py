"""likeness.repeat_settings: a result once more, from its own photo, with the settings that made it."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import InputError
from ..core.settings import Settings
from ..scene.build import PROPERTY_PREFIX
from ..scene.views import photos_of
from ..worker.client import shared_client
from .environment import worker_python
from .reconstruct import Reconstruction, ReconstructOperator
from .result import ResultOperator, active_head


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
        return Reconstruction(shared_client(worker_python(context)), photos[0], settings, not bpy.app.background and self.options.is_invoke)


def settings_of(head: bpy.types.Object, properties: Any) -> Settings:
    """Those that made a head. Of files it knows the names only: their folders are those of the panel's. Raises InputError."""
    try:
        values = json.loads(head.get(PROPERTY_PREFIX + "settings", ""))
        for option in fields(Settings):
            if option.metadata["is_file"] and values.get(option.name):
                path = bpy.path.abspath(getattr(properties, option.name))
                if Path(path).name != values[option.name]:
                    raise InputError(f"Choose {values[option.name]} as the {option.metadata['label']} in the panel first.")
                values[option.name] = path
        # One photo of several people gives one result for each.
        return Settings.from_dict(values | {"all_subjects": False})
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"The settings of {head.name} cannot be read; choose them in the panel.") from error

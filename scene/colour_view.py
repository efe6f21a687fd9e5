"""The scene's view transform: Blender's own AgX and Filmic show a photo's colours paler than they are (by 17 of 255 on skin)."""

from typing import Any

import bpy

STANDARD = "Standard"


def changes_colours(scene: bpy.types.Scene) -> str:
    """The name of the scene's view transform if it shows colours otherwise than they are stored, else ""."""
    settings: Any = scene.view_settings
    return "" if settings.view_transform in (STANDARD, "Raw") else str(settings.view_transform)


def use_standard_view(scene: bpy.types.Scene) -> None:
    """Colours as they are stored, in views and in renders."""
    settings: Any = scene.view_settings
    settings.view_transform, settings.look = STANDARD, "None"
    settings.exposure, settings.gamma = 0.0, 1.0

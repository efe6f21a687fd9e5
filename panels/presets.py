"""Presets of the settings, by Blender's own preset system: files in the user's folder, chosen in the Reconstruct panel's header."""

from dataclasses import fields
from typing import Any

import bpy
from bl_operators.presets import AddPresetBase
from bl_ui.utils import PresetPanel

from ..core.settings import Settings

_FOLDER = "likeness"
_OF_ONE_PHOTO = ("subject_index",)


class LIKENESS_PT_presets(PresetPanel, bpy.types.Panel):
    """The presets to choose from."""

    bl_idname = "LIKENESS_PT_presets"
    bl_label = "Likeness Presets"
    preset_subdir = _FOLDER
    preset_operator = "script.execute_preset"
    preset_add_operator = "likeness.add_preset"


class LIKENESS_OT_add_preset(AddPresetBase, bpy.types.Operator):
    """Keep the settings as a preset, or remove the chosen one"""

    bl_idname = "likeness.add_preset"
    bl_label = "Add Likeness Preset"
    bl_options = {"REGISTER", "INTERNAL"}
    preset_menu = LIKENESS_PT_presets.bl_idname
    preset_subdir = _FOLDER
    preset_defines: Any = ["likeness = bpy.context.scene.likeness"]
    preset_values: Any = [f"likeness.{option.name}" for option in fields(Settings) if option.name not in _OF_ONE_PHOTO]

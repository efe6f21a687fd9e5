"""What the artist can set, generated from core.settings so that the two never differ."""

from dataclasses import Field, fields
from typing import Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..core.settings import Settings

_NAMES = {"cpu": "CPU", "cuda": "CUDA", "mps": "MPS", "mediapipe": "MediaPipe", "face-alignment": "face-alignment"}


def settings_annotations() -> dict[str, Any]:
    """Blender properties, one for each option of Settings, with its label, help, default and limits."""
    return {option.name: _property(option) for option in fields(Settings)}


def _property(option: Field) -> Any:
    common = {"name": option.metadata["label"], "description": option.metadata["help"], "default": option.default}
    if choices := option.metadata["choices"]:
        return EnumProperty(items=[(choice, _NAMES.get(choice) or choice.capitalize(), "") for choice in choices], **common)
    if option.metadata["is_file"]:
        return StringProperty(subtype="FILE_PATH", **common)
    low = option.metadata["low"]
    bounds = {"min": low, "max": option.metadata["high"]}
    limits = {name: value for name, value in bounds.items() if value is not None}
    if isinstance(option.default, float):
        limits["precision"] = 3 if bounds["max"] is not None and bounds["max"] <= 1 else 1 if option.default == 0 else 2
    kinds = {bool: BoolProperty, int: IntProperty, float: FloatProperty, str: StringProperty}
    return kinds[type(option.default)](**common, **limits)


class LIKENESS_PG_photo(bpy.types.PropertyGroup):
    """A further photo of the person."""

    image: PointerProperty(type=bpy.types.Image, name="Photo", description="Another picture of the same person")
    use: BoolProperty(name="Use", description="Whether the next reconstruction uses this photo", default=True)


class LIKENESS_PG_reconstruction(bpy.types.PropertyGroup):
    """Scene.likeness: the reference photo, further ones of that person, and the options of the next reconstruction."""

    __annotations__ = {
        "photo": PointerProperty(
            type=bpy.types.Image, name="Photo", description="Picture of the person, from a file or from this blend file"
        ),
        "further": CollectionProperty(
            type=LIKENESS_PG_photo, name="Further Photos", description="Other pictures of the person in the reference photo"
        ),
        "further_index": IntProperty(name="Active Photo", description="The photo of the list that the buttons beside it work on"),
        **settings_annotations(),
    }

    def settings(self) -> Settings:
        """The options as core takes them; paths are no longer relative to the blend file."""
        values = {option.name: getattr(self, option.name) for option in fields(Settings)}
        values |= {name: round(value, 6) for name, value in values.items() if isinstance(value, float)}  # Blender's have single precision
        for option in fields(Settings):
            if option.metadata["is_file"] and values[option.name]:
                values[option.name] = bpy.path.abspath(values[option.name])
        return Settings(**values)

    def take(self, settings: Settings) -> None:
        """Show these options in the panel."""
        for option in fields(Settings):
            setattr(self, option.name, getattr(settings, option.name))

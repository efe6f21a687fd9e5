"""The settings that made a result, read back from its head."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import InputError
from ..core.settings import Settings
from ..scene.build import PROPERTY_PREFIX

_NOT_REPEATED = ("pins", "mask")
"""Files that only the run had; their contents are kept elsewhere."""


def settings_of(head: bpy.types.Object, properties: Any) -> Settings:
    """Those that made a head. Of files it knows the names only: their folders are those of the panel's. Raises InputError."""
    try:
        values = json.loads(head.get(PROPERTY_PREFIX + "settings", ""))
        for option in fields(Settings):
            if option.name in _NOT_REPEATED:
                values[option.name] = ""
            elif option.metadata["is_file"] and values.get(option.name):
                path = bpy.path.abspath(getattr(properties, option.name))
                if Path(path).name != values[option.name]:
                    raise InputError(f"Choose {values[option.name]} as the {option.metadata['label']} in the panel first.")
                values[option.name] = path
        # One photo of several people gives one result for each.
        return Settings.from_dict(values | {"all_subjects": False} | _of_its_photo(head))
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"The settings of {head.name} cannot be read; choose them in the panel.") from error


def _of_its_photo(head: bpy.types.Object) -> dict[str, float]:
    """A head's own photo is cropped already, and has lost its EXIF data."""
    report = json.loads(head.get(PROPERTY_PREFIX + "report", "{}"))
    focal = report.get("focal_35mm")
    known = {"focal": float(focal)} if isinstance(focal, int | float) else {}
    return {"crop_left": 0.0, "crop_right": 1.0, "crop_top": 0.0, "crop_bottom": 1.0} | known

"""A result as an asset: it can be dragged from the Asset Browser into other files."""

from typing import Any

import bpy

_TAGS = ("Likeness", "Person")


def mark_asset(collection: bpy.types.Collection) -> None:
    """Mark a result's collection as an asset with tags and a picture, which Blender draws in its own time."""
    collection.asset_mark()
    data: Any = collection.asset_data
    data.description = f"{collection.name}, reconstructed from a photo by Likeness"
    for tag in _TAGS:
        if tag not in data.tags:
            data.tags.new(tag)
    if not bpy.app.background:
        collection.asset_generate_preview()

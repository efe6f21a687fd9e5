"""likeness.add_photos, remove_photo, move_photo, main_photo: the list of further photos of the person in the reference photo."""

from collections.abc import Iterable
from typing import Any

import bpy
from bpy.props import EnumProperty

from .base import LikenessOperator
from .photo_files import PhotoOperator


def add_further(properties: Any, images: Iterable[bpy.types.Image]) -> int:
    """Put images at the end of Scene.likeness's list, but for those that are there already; how many were new."""
    known, before = {properties.photo, *(item.image for item in properties.further)}, len(properties.further)
    for image in images:
        if image not in known:
            known.add(image)
            properties.further.add().image = image
    properties.further_index = max(len(properties.further) - 1, 0)
    return len(properties.further) - before


def photos_in_use(properties: Any) -> list[bpy.types.Image]:
    """The reference photo, then the further ones that are ticked."""
    return [properties.photo, *(item.image for item in properties.further if item.use and item.image not in (None, properties.photo))]


class LIKENESS_OT_add_photos(PhotoOperator, bpy.types.Operator):
    """Add further photos of the person in the reference photo, best from other sides; several can be chosen at once"""

    bl_idname = "likeness.add_photos"
    bl_label = "Add Photos"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> str:
        images, properties = self.opened(context), context.scene.likeness
        if properties.photo is None:
            properties.photo, *images = images
        count = add_further(properties, images)
        return f"{count} photo{'' if count == 1 else 's'} more of this person" if count else "These photos were in the list already"


class _ListOperator(LikenessOperator):
    """Mixin of operators on the active photo of the list."""

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> str:
        properties = context.scene.likeness
        if not 0 <= properties.further_index < len(properties.further):
            return "There is no further photo in the list; add one"
        return ""


class LIKENESS_OT_remove_photo(_ListOperator, bpy.types.Operator):
    """Take the active photo out of the list; its image stays in the file"""

    bl_idname = "likeness.remove_photo"
    bl_label = "Remove Photo"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> str:
        properties = context.scene.likeness
        properties.further.remove(properties.further_index)
        properties.further_index = max(min(properties.further_index, len(properties.further) - 1), 0)
        return ""


class LIKENESS_OT_move_photo(_ListOperator, bpy.types.Operator):
    """Move the active photo in the list"""

    bl_idname = "likeness.move_photo"
    bl_label = "Move Photo"
    bl_options = {"REGISTER", "UNDO"}

    direction: EnumProperty(items=[("UP", "Up", ""), ("DOWN", "Down", "")])

    def run(self, context: bpy.types.Context) -> str:
        properties = context.scene.likeness
        place = properties.further_index + (-1 if self.direction == "UP" else 1)
        if 0 <= place < len(properties.further):
            properties.further.move(properties.further_index, place)
            properties.further_index = place
        return ""


class LIKENESS_OT_main_photo(_ListOperator, bpy.types.Operator):
    """Make the active photo the reference photo: the one whose pose and expression the result has. That one takes its place in the list"""

    bl_idname = "likeness.main_photo"
    bl_label = "Make Reference Photo"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> str:
        properties = context.scene.likeness
        item = properties.further[properties.further_index]
        properties.photo, item.image = item.image, properties.photo
        return f"{properties.photo.name} is the reference photo" if properties.photo is not None else ""

"""Other programs' names for the bones of a rigged head."""

from typing import Any

import bpy

from ..core.settings import BONE_NAMES
from .members import remove_objects
from .typed import armature_of, pose_of

_NAMES = {
    "likeness": {},
    "rigify": {"neck": "spine.005", "head": "spine.006"},
    "game": {"neck": "neck_01", "eye.L": "eye_l", "eye.R": "eye_r"},
}
"""By preset, where they differ from those of armature.py."""
assert set(_NAMES) == set(BONE_NAMES)


def bone_name(armature: bpy.types.Object, bone: str) -> str:
    """The name that a bone of armature.py has in an armature; its own where there is none."""
    there = armature_of(armature).bones
    return next((name for names in _NAMES.values() if (name := names.get(bone, bone)) in there), bone)


def bone_names_of(armature: bpy.types.Object) -> str:
    """The preset whose names an armature has."""
    name = bone_name(armature, "neck")
    return next((preset for preset, names in _NAMES.items() if names.get("neck", "neck") == name), "likeness")


def name_bones(armature: bpy.types.Object, preset: str) -> None:
    """Give an armature's bones the names of one of BONE_NAMES. Vertex groups, drivers, constraints and actions follow, by Blender itself. A
    game's bones have no shapes."""
    for bone in sorted({bone for names in _NAMES.values() for bone in names}):
        if (found := armature_of(armature).bones.get(bone_name(armature, bone))) is not None:
            found.name = _NAMES[preset].get(bone, bone)
    if preset == "game":
        _drop_shapes(armature)


def _drop_shapes(armature: bpy.types.Object) -> None:
    shapes: Any = [bone.custom_shape for bone in pose_of(armature).bones if bone.custom_shape is not None]
    for bone in pose_of(armature).bones:
        bone.custom_shape = None
    collections = {collection for shape in shapes for collection in shape.users_collection}
    remove_objects(shapes)
    for collection in collections:
        if not collection.all_objects:
            bpy.data.collections.remove(collection)

"""A rigged head on a rig that Rigify generates: Blender's own add-on, if the artist has enabled it, from our armature as its metarig."""

from typing import Any

import bpy

from ..core.errors import ReconstructionError
from .bone_names import bone_name, name_bones
from .rig import HAIR_SHELL, PHOTO_POSE, RIGGED, head_of, set_pose
from .shape_keys import drive_by
from .typed import armature_of, pose_of, view_layer_of

_TYPES = {"neck": "spines.super_head", "jaw": "basic.super_copy", "eye.L": "basic.super_copy", "eye.R": "basic.super_copy"}
_DEFORM, _ROOT = "DEF-", "root"


def is_enabled() -> bool:
    """Whether Rigify is there."""
    return hasattr(bpy.types.PoseBone, "rigify_type")


def generate(context: bpy.types.Context, armature: bpy.types.Object) -> bpy.types.Object:
    """Rigify's rig from a rigged head's armature, which gets Rigify's bone names and is hidden; head, hair, shape keys and their drivers
    follow the new armature object from then on, at rest. For where Rigify is_enabled. Raises ReconstructionError when it makes no rig."""
    name_bones(armature, "rigify")
    set_pose(armature, photo=False)
    for bone, kind in _TYPES.items():
        pose: Any = pose_of(armature).bones[bone_name(armature, bone)]
        pose.rigify_type = kind
    for row, collection in enumerate(armature_of(armature).collections, 1):
        buttons: Any = collection
        buttons.rigify_ui_row = row
    layer = view_layer_of(context)
    layer.objects.active = armature
    bpy.ops.object.mode_set(mode="POSE")
    try:
        operators: Any = bpy.ops.pose
        operators.rigify_generate()
    except RuntimeError as error:
        raise ReconstructionError(f"Rigify makes no rig of {armature.name}: {str(error).strip().splitlines()[-1]}") from error
    finally:
        if layer.objects.active is not None:
            bpy.ops.object.mode_set(mode="OBJECT")
    data: Any = armature_of(armature)
    made = data.rigify_target_rig
    _move(armature, made)
    armature.hide_set(True, view_layer=layer)
    return made


def _move(armature: bpy.types.Object, made: bpy.types.Object) -> None:
    """Meshes of an armature onto Rigify's."""
    there = armature_of(made).bones
    there[_ROOT].use_deform = True  # it moves the shoulders
    for kind in (RIGGED, HAIR_SHELL):
        item = head_of(armature, kind)
        if item is None:
            continue
        for group in item.vertex_groups:
            if _DEFORM + group.name in there:
                group.name = _DEFORM + group.name
        item.parent = made
        modifiers: Any = item.modifiers
        for modifier in modifiers:
            if modifier.type == "ARMATURE" and modifier.object == armature:
                modifier.object = made
        made[kind] = item
    made[PHOTO_POSE] = armature[PHOTO_POSE]
    head = head_of(made)
    if head is not None:
        drive_by(head, armature, made)

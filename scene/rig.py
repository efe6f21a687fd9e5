"""The rigged head as an artist gets it: one mesh with its parts, materials, shape keys and skin, on its armature.

The armature object knows its heads: custom properties point to them, whatever the artist calls them.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy
import numpy as np

from ..core.errors import InputError
from ..core.topology.rigged import RiggedHead
from .armature import JOINT_OF, LOOK_AT, bone_weights, build_armature, pose_bones
from .bone_names import bone_name
from .frame import HEAD_TO_BLENDER
from .mesh import add_group, new_mesh
from .rig_material import add_materials
from .shape_keys import add_shape_keys, shapes
from .typed import attribute_data, mesh_of, pose_of, view_layer_of

RIGGED, RECONSTRUCTED, HAIR_SHELL = "likeness_rigged_head", "likeness_reconstructed_head", "likeness_hair"
"""Custom properties of the armature object: the two heads, and the rigged one's hair."""
PHOTO_POSE = "likeness_photo_pose"
"""Custom property of the armature object: keys and rotations as in the photo, as JSON."""
UV_MAP, CORRESPONDENCE_ATTRIBUTE = "UVMap", "correspondence"


def build_rig(context: bpy.types.Context, rigged: RiggedHead, name: str, collection: bpy.types.Collection) -> bpy.types.Object:
    """A new rigged head in `collection` (which must be in the scene) in the photo's pose and expression; gives the armature object.

    Raises AssetError when joints coincide.
    """
    armature = build_armature(context, rigged, name, collection)
    head = bpy.data.objects.new(f"{name} Head", _build_mesh(rigged, name))
    collection.objects.link(head)
    skin(head, armature, bone_weights(rigged))
    add_shape_keys(head, rigged, armature)
    armature[RIGGED] = head
    armature[PHOTO_POSE] = json.dumps(
        {
            "keys": {key: round(value, 5) for key, value in zip(rigged.key_names, rigged.key_values.tolist(), strict=True)},
            "rotations": {bone: [round(x, 6) for x in rigged.rotations[joint].tolist()] for bone, joint in JOINT_OF.items()},
        }
    )
    set_pose(armature, photo=True)
    return armature


def skin(head: bpy.types.Object, armature: bpy.types.Object, weights: dict[str, np.ndarray]) -> None:
    """Let the armature move a mesh object by weights (V,) of each bone."""
    for bone, share in weights.items():
        add_group(head, bone, share)
    head.parent = armature
    modifier: Any = head.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature


def carry_hair(armature: bpy.types.Object, hair: bpy.types.Object) -> None:
    """Let the head's bone of a rig move a mesh object that lies on the rigged head at rest."""
    skin(hair, armature, {bone_name(armature, "head"): np.ones(len(mesh_of(hair).vertices))})
    armature[HAIR_SHELL] = hair


def rig_of(item: bpy.types.Object | None) -> bpy.types.Object | None:
    """The armature object of a rigged head that `item` is a part of (the armature, either head, or the eyes' target)."""
    while item is not None and not (item.type == "ARMATURE" and isinstance(item.get(RIGGED), bpy.types.Object)):
        item = item.parent
    return item


def head_of(armature: bpy.types.Object, kind: str = RIGGED) -> bpy.types.Object | None:
    """The rigged head or the RECONSTRUCTED one of a rig; None when the artist has deleted it."""
    return linked_object(armature, kind, "MESH")


def linked_object(owner: bpy.types.ID, key: str, kind: str) -> bpy.types.Object | None:
    """The object of a type that a custom property points to; None when there is none, or the artist has deleted it.

    Deleting takes an object out of its scenes only: what a property points to stays in the file.
    """
    item = owner.get(key)
    if not isinstance(item, bpy.types.Object) or item.type != kind:
        return None
    return item if any(item.name in scene.objects for scene in bpy.data.scenes) else None


def set_pose(armature: bpy.types.Object, photo: bool) -> None:
    """Expression and bones as in the photo, or neutral and at rest. Driven keys follow by themselves."""
    pose = photo_pose(armature) if photo else {}
    head = head_of(armature)
    for name, key in (shapes(head) if head else {}).items():
        key.value = pose.get("keys", {}).get(name, 0.0)
    pose_bones(armature, {bone_name(armature, bone): np.array(turn) for bone, turn in pose.get("rotations", {}).items()})


@contextmanager
def preserved_pose(context: bpy.types.Context, armature: bpy.types.Object) -> Iterator[None]:
    """Afterwards bones, key values and LOOK_AT are as they were before."""
    head = head_of(armature)
    bones = {bone.name: bone.matrix_basis.copy() for bone in pose_of(armature).bones}
    keys = shapes(head) if head else {}
    values = {name: key.value for name, key in keys.items()}
    look_at = armature.get(LOOK_AT, 0.0)
    try:
        yield
    finally:
        armature[LOOK_AT] = look_at
        for bone, matrix in bones.items():
            pose_of(armature).bones[bone].matrix_basis = matrix
        for name, value in values.items():
            keys[name].value = value
        view_layer_of(context).update()


@contextmanager
def shown(*items: bpy.types.Object) -> Iterator[None]:
    """Objects that may be hidden are seen for a moment: Blender neither deforms, selects nor exports hidden ones.

    Raises InputError for one that cannot be seen because all its collections are excluded from the view layer.
    """
    for item in items:
        if item.name not in view_layer_of(bpy.context).objects:
            raise InputError(f"{item.name} is not in this view layer; tick its collection in the Outliner.")
    hidden = [(item, item.hide_viewport, item.hide_get()) for item in items]
    for item in items:
        item.hide_viewport = False
        item.hide_set(False)
    try:
        yield
    finally:
        for item, viewport, eye in hidden:
            item.hide_viewport = viewport
            item.hide_set(eye)


def photo_pose(armature: bpy.types.Object) -> dict[str, dict[str, Any]]:
    """`keys` by name and `rotations` (rotation vectors, upright frame) by bone.

    Blend files come from anywhere: whatever cannot be read is an empty dictionary.
    """
    try:
        pose = json.loads(armature.get(PHOTO_POSE, ""))
        keys = {str(name): float(value) for name, value in pose["keys"].items()}
        rotations = {str(bone): [float(x) for x in turn] for bone, turn in pose["rotations"].items() if len(turn) == 3}
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
        return {}
    return {"keys": keys, "rotations": rotations}


def _build_mesh(rigged: RiggedHead, name: str) -> bpy.types.Mesh:
    """Neutral and unposed; the semantic correspondence is an attribute, by which data can be carried from one person to another."""
    faces, faces_uv, parts = rigged.polygons()
    mesh = new_mesh(f"{name} Head", rigged.neutral @ HEAD_TO_BLENDER.T, faces)
    uv = mesh.uv_layers.new(name=UV_MAP)
    uv.data.foreach_set("uv", np.ascontiguousarray(rigged.uv[faces_uv[faces_uv >= 0]], np.float32).ravel())
    correspondence = mesh.attributes.new(CORRESPONDENCE_ATTRIBUTE, "FLOAT_VECTOR", "POINT")
    attribute_data(mesh, correspondence.name).foreach_set("vector", np.ascontiguousarray(rigged.correspondence, np.float32).ravel())
    add_materials(mesh, rigged, name, parts)
    return mesh

"""The rigged head, or a body with its armature, as a file for other programs: names, skin, shape keys and texture intact."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy

from ..core.errors import InputError
from .armature import pose_bones
from .body_rig import body_of
from .rig import head_of, preserved_pose, shown
from .typed import view_layer_of

RIG_SUFFIXES = (".glb", ".fbx")


def export_rig(context: bpy.types.Context, armature: bpy.types.Object, path: Path) -> None:
    """Write armature and rigged head or body, animation included, in the format of the suffix.

    Key values go along, and in FBX the bones' pose; in glTF the bones are at rest, because its importers take the nodes' pose for the rest.
    Raises InputError for another suffix, a missing head or a file that cannot be written.
    """
    head = head_of(armature) or body_of(armature)
    if head is None:
        raise InputError(f"{armature.name} has lost its mesh; reconstruct the photo again.")
    if path.suffix.lower() not in RIG_SUFFIXES:
        raise InputError(f"{path.name} has an unknown format for a rig; end its name with {' or '.join(RIG_SUFFIXES)}.")
    write = {".glb": _glb, ".fbx": _fbx}[path.suffix.lower()]
    try:
        with shown(armature, head), _only_selected(context, armature, head), preserved_pose(context, armature):
            write(context, armature, str(path))
    except RuntimeError as error:
        raise InputError(f"{path} cannot be written ({str(error).strip().splitlines()[-1]}); choose another folder.") from error


@contextmanager
def _only_selected(context: bpy.types.Context, *items: bpy.types.Object) -> Iterator[None]:
    """The items are what is selected for a moment; exporters cannot be told otherwise."""
    selected, active = context.selected_objects, view_layer_of(context).objects.active
    for item in selected:
        item.select_set(False)
    for item in items:
        item.select_set(True)
    try:
        yield
    finally:
        for item in items:
            item.select_set(False)
        for item in selected:
            item.select_set(True)
        view_layer_of(context).objects.active = active


def _glb(context: bpy.types.Context, armature: bpy.types.Object, path: str) -> None:
    pose_bones(armature, {})  # else the correctives of the pose would stay
    view_layer_of(context).update()
    bpy.ops.export_scene.gltf(filepath=path, export_format="GLB", use_selection=True)


def _fbx(context: bpy.types.Context, armature: bpy.types.Object, path: str) -> None:
    bpy.ops.export_scene.fbx(
        filepath=path,
        use_selection=True,
        object_types={"ARMATURE", "MESH"},
        add_leaf_bones=False,
        use_mesh_modifiers=False,  # or the keys' values would be in the Basis
        path_mode="COPY",
        embed_textures=True,
    )

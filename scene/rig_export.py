"""The rigged head, or a body with its armature, as a file for other programs: names, skin, shape keys and texture intact."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import InputError
from .armature import pose_bones
from .body_rig import HEAD_MASK, body_of, head_rig_on
from .bone_names import bone_names_of
from .rig import HAIR_SHELL, RIGGED, head_of, preserved_pose, shown
from .typed import mesh_of, view_layer_of

RIG_SUFFIXES = (".glb", ".fbx", ".usdz", ".usdc", ".usd")
SURFACE_SUFFIXES = RIG_SUFFIXES[1:]
"""Of a mesh without a rig; its .glb is core/export.py's."""


def export_rig(context: bpy.types.Context, armature: bpy.types.Object, path: Path) -> None:
    """Write armature and rigged head or body, animation included, in the format of the suffix; with a body the rigged head that stands on
    it too.

    Key values go along, and in FBX the bones' pose; in glTF the bones are at rest, because its importers take the nodes' pose for the rest.
    Raises InputError for another suffix, a missing head or a file that cannot be written.
    """
    body, above = body_of(armature), head_rig_on(armature)
    rigs = [armature] if above is None else [armature, above]
    heads = [head for rig in rigs for kind in (RIGGED, HAIR_SHELL) if (head := head_of(rig, kind)) is not None]
    meshes = heads if body is None else [body, *heads]
    if not meshes:
        raise InputError(f"{armature.name} has lost its mesh; reconstruct the photo again.")
    if path.suffix.lower() not in RIG_SUFFIXES:
        raise InputError(f"{path.name} has an unknown format for a rig; end its name with one of {', '.join(RIG_SUFFIXES)}.")
    write = _WRITERS[path.suffix.lower()]
    try:
        with ExitStack() as stack:
            stack.enter_context(shown(*rigs, *meshes))
            stack.enter_context(_only_selected(context, *rigs, *meshes))
            for rig in rigs:
                stack.enter_context(preserved_pose(context, rig))
            if body is not None:
                stack.enter_context(_without_masked(context, body))
            if path.suffix.lower() != ".fbx":
                for rig in rigs:
                    pose_bones(rig, {})  # else the correctives of the pose would stay
            elif body is not None and above is not None:
                stack.enter_context(_unparented(above))
            view_layer_of(context).update()
            (_game_fbx if write == _fbx and bone_names_of(armature) == "game" else write)(str(path))
    except RuntimeError as error:
        raise InputError(f"{path} cannot be written ({str(error).strip().splitlines()[-1]}); choose another folder.") from error


def export_surface(context: bpy.types.Context, item: bpy.types.Object, path: Path) -> None:
    """Write a mesh object without a rig, in one of SURFACE_SUFFIXES. Raises InputError for a file that cannot be written."""
    try:
        with shown(item), _only_selected(context, item):
            _WRITERS[path.suffix.lower()](str(path))
    except RuntimeError as error:
        raise InputError(f"{path} cannot be written ({str(error).strip().splitlines()[-1]}); choose another folder.") from error


@contextmanager
def _unparented(item: bpy.types.Object) -> Iterator[None]:
    """Blender's own reader of FBX knows no skeleton below a bone of another one: for a moment this one stands beside it."""
    kept = item.parent, item.parent_type, item.parent_bone, item.matrix_parent_inverse.copy(), item.matrix_basis.copy()
    placed = item.matrix_world.copy()
    item.parent, item.matrix_basis = None, placed
    try:
        yield
    finally:
        item.parent, item.parent_type, item.parent_bone, item.matrix_parent_inverse, item.matrix_basis = kept


@contextmanager
def _without_masked(context: bpy.types.Context, body: bpy.types.Object) -> Iterator[None]:
    """Exporters that keep shape keys apply no modifiers: for a moment the body's mesh is what its mask leaves."""
    mask = body.modifiers.get(HEAD_MASK)
    if mask is None or not mask.show_viewport:
        yield
        return
    whole, others = mesh_of(body), [modifier for modifier in body.modifiers if modifier != mask and modifier.show_viewport]
    for modifier in others:
        modifier.show_viewport = False
    view_layer_of(context).update()
    graph = context.evaluated_depsgraph_get()
    left = bpy.data.meshes.new_from_object(body.evaluated_get(graph), preserve_all_data_layers=True, depsgraph=graph)
    left.name = whole.name
    for modifier in others:
        modifier.show_viewport = True
    body.data, mask.show_viewport = left, False
    try:
        yield
    finally:
        body.data, mask.show_viewport = whole, True
        bpy.data.meshes.remove(left)


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


def _glb(path: str) -> None:
    bpy.ops.export_scene.gltf(filepath=path, export_format="GLB", use_selection=True)


def _fbx(path: str, **more: Any) -> None:
    bpy.ops.export_scene.fbx(
        filepath=path,
        use_selection=True,
        object_types={"ARMATURE", "MESH"},
        add_leaf_bones=False,
        use_mesh_modifiers=False,  # or the keys' values would be in the Basis
        path_mode="COPY",
        embed_textures=True,
        **more,
    )


def _game_fbx(path: str) -> None:
    """As Unreal and Unity take it: metres as the file's unit, so that nothing is scaled by a hundred; smoothing and tangents; no bones that
    move no vertex."""
    _fbx(path, apply_scale_options="FBX_SCALE_ALL", mesh_smooth_type="FACE", use_tspace=True, use_armature_deform_only=True)


def _usd(path: str) -> None:
    """Of .usdz the pictures are inside, of others in a folder beside the file. Raises InputError in a Blender without USD."""
    if not bpy.app.build_options.usd:
        raise InputError("This Blender was built without USD, unlike those of blender.org; choose another format.")
    bpy.ops.wm.usd_export(
        filepath=path,
        selected_objects_only=True,
        export_armatures=True,
        export_shapekeys=True,
        only_deform_bones=False,
        convert_orientation=True,
        export_global_forward_selection="NEGATIVE_Z",
        export_global_up_selection="Y",
        export_textures_mode="NEW",
        overwrite_textures=True,
    )


_WRITERS = {".glb": _glb, ".fbx": _fbx} | dict.fromkeys((".usdz", ".usdc", ".usd"), _usd)

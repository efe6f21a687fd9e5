"""The reconstruction behind a reconstructed head, read back from the scene alone. What the artist did to the head since is part of it."""

import json
from typing import Any, TypeGuard

import bpy
import numpy as np
from idprop.types import IDPropertyArray

from ..core.errors import InputError
from ..core.result import SURFACE, Mesh, Result
from .body_rig import body_of, body_rig_of
from .build import CAMERA, COLOUR_ATTRIBUTE, COUNTS, OBSERVED_ATTRIBUTE, REPORT
from .camera import PHOTO
from .frame import HEAD_TO_BLENDER
from .mesh import positions, triangles
from .rig import RECONSTRUCTED, head_of, linked_object, rig_of
from .typed import mesh_of
from .views import photos_of, views_of


def is_reconstruction(item: bpy.types.Object | None) -> TypeGuard[bpy.types.Object]:
    """Whether an object is a head as a reconstruction made it, its surface or its rig: with its vertices and faces, wherever those are now.

    Sculpting, posing and modifiers leave it one. Cutting and remeshing do not, although Blender keeps the custom properties.
    """
    if item is None or item.type != "MESH":
        return False
    counts: Any = item.get(COUNTS)
    mesh = mesh_of(item)
    return isinstance(counts, IDPropertyArray) and counts.to_list() == [len(mesh.vertices), len(mesh.polygons)]


def is_result(item: bpy.types.Object | None) -> TypeGuard[bpy.types.Object]:
    """Whether an object is the head of a result: a reconstruction (is_reconstruction) and no copy of one. Of heads without a rig the oldest
    one is the original; when that has been remeshed, the oldest copy that has not stands for it."""
    if not is_reconstruction(item):
        return False
    rig = rig_of(item)
    if rig is not None:
        return item in (head_of(rig), head_of(rig, RECONSTRUCTED))
    unchanged = [other for other in bpy.data.objects if is_reconstruction(other) and rig_of(other) is None]
    same = [other for other in unchanged if _origin(other) == _origin(item)]
    return item == min(same, key=lambda other: other.session_uid)


def _origin(item: bpy.types.Object) -> tuple[Any, ...]:
    """What a mesh of a result has in common with its copies only."""
    return photos_of(item), item.get(CAMERA), list(item[COUNTS])


def camera_of(item: bpy.types.Object | None) -> bpy.types.Object | None:
    """The photo's camera of the result that an object is part of: a head, the rig, or that camera. None when there is none any more."""
    if item is None or (item.type == "CAMERA" and PHOTO in item):
        return item
    return next((camera for head in _heads(item) if (camera := linked_object(head, CAMERA, "CAMERA"))), None)


def heads_of(item: bpy.types.Object | None) -> list[bpy.types.Object]:
    """The heads, or the body, of the result that an object is a part of: either head, the armature, the camera."""
    if item is None:
        return []
    if item.type == "CAMERA" and PHOTO in item:
        return [head for head in bpy.data.objects if linked_object(head, CAMERA, "CAMERA") == item and is_result(head)]
    return [head for head in _heads(item) if is_result(head)]


def _heads(item: bpy.types.Object) -> list[bpy.types.Object]:
    rig, body_rig = rig_of(item), body_rig_of(item)
    heads = [item] if rig is None else [head_of(rig), head_of(rig, RECONSTRUCTED)]
    heads = heads if body_rig is None else [body_of(body_rig)]
    return [head for head in heads if head is not None]


def sources(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The reconstructed heads of a scene; copies of them that kept their data count."""
    return [item for item in scene.objects if item.type == "MESH" and photos_of(item)]


def source_of(scene: bpy.types.Scene, item: bpy.types.Object) -> bpy.types.Object:
    """The reconstruction that a mesh object was made from: in a collection that both are in, else the scene's only one; of several copies
    of one head an unchanged one (is_reconstruction), another object than the mesh, and the one with most vertices.

    Raises InputError when there is none, or more than one.
    """
    found = sources(scene)
    near = [head for head in found if set(head.users_collection) & set(item.users_collection)]
    chosen = near or found
    if not chosen:
        raise InputError("There is no reconstruction in the scene; reconstruct a photo first.")
    if len({photos_of(head)[0].name for head in chosen}) > 1:
        raise InputError(f"The scene has several reconstructions; move {item.name} into the collection of the one that it lies on.")
    return max(chosen, key=lambda head: (is_reconstruction(head), head != item, len(mesh_of(head).vertices)))


def result_of(head: bpy.types.Object) -> Result:
    """A reconstruction as the surface of a result, with its views and its report, {} when that cannot be read; without rig. Raises
    InputError when surface or views cannot be read."""
    mesh, views = mesh_of(head), views_of(head)
    normals = np.empty(3 * len(mesh.vertices), np.float32)
    vectors: Any = mesh.vertex_normals
    vectors.foreach_get("vector", normals)
    surface = Mesh(
        vertices=positions(mesh) @ HEAD_TO_BLENDER,
        faces=triangles(mesh)[0],
        normals=normals.reshape(-1, 3) @ HEAD_TO_BLENDER,
        colours=_attribute(head, COLOUR_ATTRIBUTE, "BYTE_COLOR", "color_srgb", 4)[:, :3],
        observed=_attribute(head, OBSERVED_ATTRIBUTE, "FLOAT", "value", 1)[:, 0],
    )
    return Result(head.name, {SURFACE: surface}, views, _report(head))


def _report(head: bpy.types.Object) -> dict[str, Any]:
    """Blend files come from anywhere: whatever is not an object is {}."""
    try:
        report = json.loads(head.get(REPORT, ""))
        json.dumps(report, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return {}
    return report if isinstance(report, dict) else {}


def _attribute(head: bpy.types.Object, name: str, kind: str, member: str, size: int) -> np.ndarray:
    """Values (V, size) float32 of an attribute of the vertices."""
    found: Any = mesh_of(head).attributes.get(name)
    if found is None or found.data_type != kind or found.domain != "POINT":
        raise InputError(f"{head.name} has lost its vertices' attribute {name}; reconstruct the photo again.")
    values = np.empty(size * len(mesh_of(head).vertices), np.float32)
    found.data.foreach_get(member, values)
    return values.reshape(-1, size)

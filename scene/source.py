"""The reconstruction behind a free-form head, read back from the scene alone, so that work goes on after the blend file was saved, sent and
opened again. What the artist did to the head since is part of it."""

import json
from typing import Any

import bpy
import numpy as np
from idprop.types import IDPropertyArray

from ..core.errors import InputError
from ..core.photo.view import Camera
from ..core.result import Result
from .build import CAMERA, COLOUR_ATTRIBUTE, COUNTS, OBSERVED_ATTRIBUTE, VIEW
from .camera import PHOTO
from .frame import HEAD_TO_BLENDER
from .mesh import positions, triangles
from .photo import pixels
from .rig import FREE_FORM, head_of, kept_object, rig_of


def is_reconstruction(item: bpy.types.Object | None) -> bool:
    """Whether an object is a head as a reconstruction made it, free-form or rigged: with its vertices and faces, wherever those are now.

    Sculpting, posing and modifiers leave it one. Cutting and remeshing do not, although Blender keeps the custom properties.
    """
    counts = item.get(COUNTS) if item is not None and item.type == "MESH" else None
    return isinstance(counts, IDPropertyArray) and list(counts) == [len(item.data.vertices), len(item.data.polygons)]


def is_result(item: bpy.types.Object | None) -> bool:
    """Whether an object is the head of a result: a reconstruction (is_reconstruction) and no copy of one. Of heads without a rig the oldest
    one is the original; when that has been remeshed, the oldest copy that has not stands for it."""
    if not is_reconstruction(item):
        return False
    rig = rig_of(item)
    if rig is not None:
        return item in (head_of(rig), head_of(rig, FREE_FORM))
    unchanged = [other for other in bpy.data.objects if is_reconstruction(other) and rig_of(other) is None]
    same = [other for other in unchanged if other.get(PHOTO) == item.get(PHOTO)]
    return item == min(same, key=lambda other: other.session_uid)


def camera_of(item: bpy.types.Object | None) -> bpy.types.Object | None:
    """The photo's camera of the result that an object is part of: a head, the rig, or that camera. None when there is none any more."""
    if item is None or (item.type == "CAMERA" and PHOTO in item):
        return item
    rig = rig_of(item)
    heads = [item] if rig is None else [head_of(rig), head_of(rig, FREE_FORM)]
    return next((camera for head in heads if head is not None and (camera := kept_object(head, CAMERA, "CAMERA"))), None)


def sources(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The free-form heads of a scene; copies of them that kept their data count."""
    return [item for item in scene.objects if item.type == "MESH" and VIEW in item and isinstance(item.get(PHOTO), bpy.types.Image)]


def source_of(scene: bpy.types.Scene, item: bpy.types.Object) -> bpy.types.Object:
    """The free-form head that a mesh object was made from: in a collection that both are in, else the scene's only one; of several copies
    of one head an unchanged one (is_reconstruction), another object than the mesh, and the one with most vertices.

    Raises InputError when there is none, or more than one.
    """
    found = sources(scene)
    near = [head for head in found if set(head.users_collection) & set(item.users_collection)]
    chosen = near or found
    if not chosen:
        raise InputError("There is no reconstruction in the scene; reconstruct a photo first.")
    if len({head[PHOTO].name for head in chosen}) > 1:
        raise InputError(f"The scene has several reconstructions; move {item.name} into the collection of the one that it lies on.")
    return max(chosen, key=lambda head: (is_reconstruction(head), head != item, len(head.data.vertices)))


def result_of(head: bpy.types.Object) -> Result:
    """A free-form head's arrays without rig and report. Raises InputError when they cannot be read."""
    mesh, name = head.data, head.name
    vertices = positions(mesh) @ HEAD_TO_BLENDER
    camera, rotation, neck = _view(head)
    normals = np.empty(3 * len(vertices), np.float32)
    mesh.vertex_normals.foreach_get("vector", normals)
    return Result(
        name=name,
        vertices=(vertices @ rotation.T + neck).astype(np.float32),
        faces=triangles(mesh)[0],
        colours=_attribute(head, COLOUR_ATTRIBUTE, "BYTE_COLOR", "color_srgb", 4)[:, :3],
        observed=_attribute(head, OBSERVED_ATTRIBUTE, "FLOAT", "value", 1)[:, 0],
        normals=(normals.reshape(-1, 3) @ HEAD_TO_BLENDER @ rotation.T).astype(np.float32),
        photo=np.ascontiguousarray(pixels(head[PHOTO])[..., :3]),
        camera=camera,
        rotation=rotation,
        neck=neck,
    )


def _view(head: bpy.types.Object) -> tuple[Camera, np.ndarray, np.ndarray]:
    """Blend files come from anywhere."""
    try:
        view: Any = json.loads(head[VIEW])
        column, row = (float(x) for x in view["centre"])
        distance = np.inf if view["distance"] is None else float(view["distance"])
        camera = Camera((column, row), float(view["scale"]), distance)
        rotation, neck = np.array(view["rotation"], np.float64), np.array(view["neck"], np.float64)
    except (TypeError, ValueError, KeyError, RecursionError) as error:
        raise _unreadable(head) from error
    sound = np.isfinite([column, row, camera.scale]).all() and camera.scale > 0 and distance > 0
    if not sound or rotation.shape != (3, 3) or neck.shape != (3,) or not np.isfinite(neck).all():
        raise _unreadable(head)
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3):
        raise _unreadable(head)
    return camera, rotation, neck


def _attribute(head: bpy.types.Object, name: str, kind: str, member: str, size: int) -> np.ndarray:
    """Values (V, size) float32 of an attribute of the vertices."""
    found = head.data.attributes.get(name)
    if found is None or found.data_type != kind or found.domain != "POINT":
        raise InputError(f"{head.name} has lost its vertices' attribute {name}; reconstruct the photo again.")
    values = np.empty(size * len(head.data.vertices), np.float32)
    found.data.foreach_get(member, values)
    return values.reshape(-1, size)


def _unreadable(head: bpy.types.Object) -> InputError:
    return InputError(f"The data of {head.name} about its photo cannot be read; reconstruct the photo again.")

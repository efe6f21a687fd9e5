"""The mask of the person as a picture that Blender's own Texture Paint paints: a plane before the photo's camera, the photo below it red
where nobody is."""

from typing import Any

import bpy
import numpy as np
from mathutils import Vector

from ..core.errors import InputError
from .compat import shader_nodes
from .members import keep_members, members, remove_objects
from .mesh import new_mesh
from .photo import pack_picture, pixels, png_bytes
from .typed import scene_of, view_layer_of

MASK = "likeness_mask"
"""Custom property of the plane: the mask's image."""
_DISTANCE = 0.3  # metres before the camera
_TINT = (0.8, 0.05, 0.05, 1.0)


def begin_mask(
    context: bpy.types.Context, camera: bpy.types.Object, collection: bpy.types.Collection, photo: bpy.types.Image, matte: np.ndarray
) -> bpy.types.Object:
    """A plane that fills the camera's picture, active and in Texture Paint, whose paint is the mask (H, W) uint8."""
    end_mask(collection)
    frame: Any = camera.data
    corners = np.array([list(corner) for corner in frame.view_frame(scene=context.scene)])
    if frame.type != "ORTHO":
        corners *= _DISTANCE / -corners[:, 2:]
    else:
        corners[:, 2] = -_DISTANCE
    name = f"{collection.name} Mask"
    mesh = new_mesh(name, corners, np.array([[0, 1, 2], [0, 2, 3]]))
    uv = mesh.uv_layers.new(name="UVMap")
    places = np.array([[1, 1], [1, 0], [0, 0], [0, 1]], np.float32)  # as view_frame gives them
    uv.data.foreach_set("uv", places[[0, 1, 2, 0, 2, 3]].ravel())
    plane = bpy.data.objects.new(name, mesh)
    image = pack_picture(name, matte, "Non-Color")
    mesh.materials.append(_material(name, photo, image))
    plane[MASK] = image
    collection.objects.link(plane)
    plane.parent, plane.hide_render = camera, True
    keep_members(collection, [plane])
    layer = view_layer_of(context)
    for item in context.selected_objects:
        item.select_set(False)
    plane.select_set(True)
    layer.objects.active = plane
    settings: Any = scene_of(context).tool_settings.image_paint
    settings.mode, settings.canvas = "IMAGE", image
    bpy.ops.object.mode_set(mode="TEXTURE_PAINT")
    return plane


def plane_of(collection: bpy.types.Collection) -> bpy.types.Object | None:
    """The plane of a result whose mask is being painted."""
    return next((item for item in members(collection) if item.type == "MESH" and MASK in item), None)


def painted_mask(collection: bpy.types.Collection) -> bytes:
    """The mask as it is painted, a PNG file. Raises InputError when there is none."""
    plane = plane_of(collection)
    image = plane.get(MASK) if plane is not None else None
    if not isinstance(image, bpy.types.Image):
        raise InputError("There is no mask to apply; press Paint Mask first.")
    return png_bytes(pixels(image))


def end_mask(collection: bpy.types.Collection) -> None:
    """Remove the plane and its mask."""
    plane = plane_of(collection)
    if plane is None:
        return
    if bpy.context.object == plane and bpy.context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    settings: Any = scene_of(bpy.context).tool_settings.image_paint
    if settings.canvas == plane.get(MASK):
        settings.canvas = None
    remove_objects([plane])


def _material(name: str, photo: bpy.types.Image, mask: bpy.types.Image) -> bpy.types.Material:
    """Emission of the photo, tinted where the mask is black; the mask's node is the active one, which Texture Paint paints."""
    material = bpy.data.materials.new(name)
    tree = shader_nodes(material)
    tree.nodes.clear()
    nodes: dict[str, Any] = {kind: tree.nodes.new(kind) for kind in ("ShaderNodeOutputMaterial", "ShaderNodeEmission", "ShaderNodeMix")}
    pictures: list[Any] = [tree.nodes.new("ShaderNodeTexImage") for _ in range(2)]
    for number, (node, image) in enumerate(zip(pictures, (photo, mask), strict=True)):
        node.image, node.location = image, Vector((-700, 300 - 320 * number))
    mix = nodes["ShaderNodeMix"]
    mix.data_type, mix.blend_type = "RGBA", "MULTIPLY"
    mix.location = Vector((-350, 200))
    factor, first, second = mix.inputs[0], mix.inputs[6], mix.inputs[7]
    invert: Any = tree.nodes.new("ShaderNodeInvert")
    invert.location = Vector((-520, -100))
    second.default_value = _TINT
    links = tree.links
    links.new(pictures[1].outputs["Color"], invert.inputs["Color"])
    links.new(invert.outputs["Color"], factor)
    links.new(pictures[0].outputs["Color"], first)
    links.new(mix.outputs[2], nodes["ShaderNodeEmission"].inputs["Color"])
    links.new(nodes["ShaderNodeEmission"].outputs[0], nodes["ShaderNodeOutputMaterial"].inputs["Surface"])
    tree.nodes.active = pictures[1]
    return material

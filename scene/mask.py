"""The mask of the person as a picture that Blender's own Texture Paint paints, on a plane before the photo's camera. The photo lies over
it, half transparent, so that nobody is where the photo is dark. The Solid view draws that at once, without shaders to compile."""

import base64
from typing import Any

import bpy
import numpy as np

from ..core.errors import InputError
from ..core.private_folder import PrivateFolder
from .compat import shader_nodes
from .members import keep_members, members, remove_objects
from .mesh import new_mesh
from .photo import pack_picture, pixels, png_bytes
from .typed import scene_of, view_layer_of
from .viewport import shade

MASK = "likeness_mask"
"""Custom property of the plane: the mask's image."""
_PAINTED = "likeness_painted_mask"
"""Custom property of a head: the mask that it was made with, a PNG file as base64."""
_BEFORE = "likeness_before"
"""Custom property of the plane: how the photo was drawn before, and the 3D view shaded."""
_DISTANCE = 0.3  # metres before the camera
_OPACITY = 0.6  # of the photo over the mask


def begin_mask(
    context: bpy.types.Context, camera: bpy.types.Object, collection: bpy.types.Collection, matte: np.ndarray
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
    triangles = np.array([[0, 2, 1], [0, 3, 2]])  # towards the camera: Texture Paint leaves out what faces away
    mesh = new_mesh(name, corners, triangles)
    uv = mesh.uv_layers.new(name="UVMap")
    places = np.array([[1, 1], [1, 0], [0, 0], [0, 1]], np.float32)  # as view_frame gives them
    uv.data.foreach_set("uv", places[triangles.ravel()].ravel())
    plane = bpy.data.objects.new(name, mesh)
    image = pack_picture(name, matte, "Non-Color")
    mesh.materials.append(_material(name, image))
    plane[MASK] = image
    plane[_BEFORE] = shade(context, {"type": "SOLID", "color_type": "TEXTURE", "light": "FLAT"}) | _photo_over(frame, "FRONT", _OPACITY)
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


def store_mask(head: bpy.types.Object, mask: bytes) -> None:
    """Keep a mask, a PNG file or none, on a head, for the next time."""
    head[_PAINTED] = base64.b64encode(mask).decode()


def stored_mask(head: bpy.types.Object) -> bytes:
    """The mask that a head was made with; empty for none, and for those of a foreign file that cannot be read."""
    kept = head.get(_PAINTED)
    try:
        return base64.b64decode(kept, validate=True) if isinstance(kept, str) else b""
    except ValueError:
        return b""


def mask_of(mask: bytes) -> np.ndarray:
    """(H, W) uint8 of a PNG file. Raises InputError for any other."""
    with PrivateFolder() as folder:
        path = folder.path / "mask.png"
        path.write_bytes(mask)
        image = bpy.data.images.load(str(path))
        try:
            return pixels(image)[..., 0]
        finally:
            bpy.data.images.remove(image)


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
    before: Any = plane.get(_BEFORE)
    if before is not None:
        before = before.to_dict()
        camera: Any = plane.parent
        if camera is not None and camera.type == "CAMERA" and "depth" in before:
            _photo_over(camera.data, before.pop("depth"), before.pop("alpha"))
        shade(bpy.context, before)
    remove_objects([plane])


def _photo_over(camera: Any, depth: str, alpha: float) -> dict[str, Any]:
    """Draw a camera's background picture before or behind the scene, at an opacity; how it was drawn."""
    if not camera.background_images:
        return {}
    background = camera.background_images[0]
    before = {"depth": background.display_depth, "alpha": background.alpha}
    background.display_depth, background.alpha = depth, alpha
    return before


def _material(name: str, mask: bpy.types.Image) -> bpy.types.Material:
    """One whose only picture is the mask, which Texture Paint paints and the Solid view's textures show."""
    material = bpy.data.materials.new(name)
    tree = shader_nodes(material)
    tree.nodes.clear()
    node: Any = tree.nodes.new("ShaderNodeTexImage")
    node.image = mask
    tree.nodes.active = node
    return material

"""A texture for an artist's mesh that lies on a reconstruction: sends the mesh to the worker and assigns the picture that comes back."""

from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from ..core.colour.uv_mesh import Texture, UvMesh
from ..core.errors import InputError
from .compat import shader_nodes
from .frame import HEAD_TO_BLENDER
from .mesh import positions, triangles
from .photo import pack_picture
from .typed import mesh_of

_PICTURE_NODE, _UV_NODE = "Likeness Texture", "Likeness UV Map"


def uv_mesh_of(context: bpy.types.Context, item: bpy.types.Object, head: bpy.types.Object) -> UvMesh:
    """A mesh object as it is seen, modifiers included, with its active UV map; in the upright frame of a reconstruction, wherever that is.

    Raises InputError when there is no mesh or no UV map.
    """
    layer = mesh_of(item).uv_layers.active
    if layer is None:
        raise InputError(f"{item.name} has no UV map; unwrap it first.")
    evaluated = item.evaluated_get(context.evaluated_depsgraph_get())
    mesh = evaluated.to_mesh()
    try:
        corners = mesh.uv_layers.get(layer.name)
        if corners is None or not mesh.polygons:
            raise InputError(f"{item.name} has no faces with the UV map {layer.name} once its modifiers are applied; check them.")
        place = np.array(_place(head).inverted_safe() @ item.matrix_world)
        vertices = (positions(mesh) @ place[:3, :3].T + place[:3, 3]) @ HEAD_TO_BLENDER
        faces, faces_uv = triangles(mesh)
        uv = np.empty(2 * len(mesh.loops), np.float32)
        corners.data.foreach_get("uv", uv)
    finally:
        evaluated.to_mesh_clear()
    if np.linalg.det(place[:3, :3]) < 0:  # mirrored
        faces, faces_uv = faces[:, ::-1], faces_uv[:, ::-1]
    return UvMesh(vertices.astype(np.float32), faces, uv.reshape(-1, 2), faces_uv)


def _place(head: bpy.types.Object) -> Matrix:
    """World matrix of a reconstructed head, which Blender does not keep up to date while the head is hidden."""
    parent = head.parent
    return head.matrix_world if parent is None else parent.matrix_world @ head.matrix_parent_inverse @ head.matrix_basis


def assign_texture(item: bpy.types.Object, texture: Texture) -> bpy.types.Image:
    """The packed picture becomes the Base Color of all the object's materials, by its active UV map. Materials that others use as well
    are copied first; an object without any gets one. What an earlier baking made is replaced. Raises InputError without a UV map."""
    name, former, mesh = f"{item.name} Texture", set(), mesh_of(item)
    uv_map = mesh.uv_layers.active
    if uv_map is None:
        raise InputError(f"{item.name} has no UV map; unwrap it first.")
    image = pack_picture(name, texture.colours)
    if not item.material_slots:
        mesh.materials.append(None)
    for slot in item.material_slots:
        material = slot.material
        if material is None or _shader(material) is None:
            slot.material = material = bpy.data.materials.new(f"{item.name} Baked")
        elif material.users > 1:
            slot.material = material = material.copy()
        tree, shader = shader_nodes(material), _shader(material)
        assert shader is not None
        picture, uv = _node(tree, _PICTURE_NODE, "ShaderNodeTexImage"), _node(tree, _UV_NODE, "ShaderNodeUVMap")
        picture.location = (shader.location.x - 320, shader.location.y)
        uv.location = (shader.location.x - 520, shader.location.y)
        former.add(picture.image)
        picture.image, uv.uv_map = image, uv_map.name
        tree.links.new(uv.outputs["UV"], picture.inputs["Vector"])
        tree.links.new(picture.outputs["Color"], shader.inputs["Base Color"])
    for old in former - {None}:
        if old.users == 0:
            bpy.data.images.remove(old)
    image.name = name
    return image


def _shader(material: bpy.types.Material) -> bpy.types.Node | None:
    return next((node for node in shader_nodes(material).nodes if node.type == "BSDF_PRINCIPLED"), None)


def _node(tree: bpy.types.NodeTree, name: str, kind: str) -> Any:
    """The same node when baking again."""
    found = tree.nodes.get(name)
    if found is None or found.bl_idname != kind:
        found = tree.nodes.new(kind)
        found.name = name
    return found

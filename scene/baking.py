"""Textures for an artist's mesh that lies on a reconstruction: the mesh goes to the worker, the pictures go onto the materials."""

from typing import Any

import bmesh
import bpy
import numpy as np
from mathutils import Matrix

from ..core.colour.uv_mesh import COLOUR, DISPLACEMENT, NORMAL, OBSERVED, Textures, UvMesh
from ..core.errors import InputError
from .compat import shader_nodes
from .frame import HEAD_TO_BLENDER
from .mesh import positions, triangles
from .photo import pack_heights, pack_picture
from .typed import mesh_of, set_input

_UV_NODE, _NORMAL_NODE, _DISPLACEMENT_NODE = "Likeness UV Map", "Likeness Normal Map", "Likeness Displacement"
_PICTURE_NODES = {COLOUR: "Likeness Texture", NORMAL: "Likeness Normal", DISPLACEMENT: "Likeness Heights", OBSERVED: "Likeness Observed"}
_NAMES = {COLOUR: "Texture", NORMAL: "Normal", DISPLACEMENT: "Displacement", OBSERVED: "Observed"}
_ROW = 300  # between nodes


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
        linear = HEAD_TO_BLENDER.T @ place[:3, :3]
        vertices = positions(mesh) @ linear.T + place[:3, 3] @ HEAD_TO_BLENDER
        _split_polygons(mesh)
        faces, faces_uv = triangles(mesh)
        mesh.calc_tangents(uvmap=layer.name)
        uv, normals, tangents, signs = (np.empty(size * len(mesh.loops), np.float32) for size in (2, 3, 3, 1))
        mesh.uv_layers[layer.name].data.foreach_get("uv", uv)
        mesh.corner_normals.foreach_get("vector", normals)
        mesh.loops.foreach_get("tangent", tangents)
        mesh.loops.foreach_get("bitangent_sign", signs)
    finally:
        evaluated.to_mesh_clear()
    normals = normals.reshape(-1, 3) @ np.linalg.pinv(linear)
    tangents = tangents.reshape(-1, 3) @ linear.T
    if np.linalg.det(linear) < 0:  # mirrored
        faces, faces_uv, signs = faces[:, ::-1], faces_uv[:, ::-1], -signs
    frames = (values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12) for values in (normals, tangents))
    normals, tangents = (values.astype(np.float32) for values in frames)
    return UvMesh(vertices.astype(np.float32), faces, uv.reshape(-1, 2), faces_uv, normals, np.column_stack([tangents, signs]))


def _split_polygons(mesh: bpy.types.Mesh) -> None:
    """Faces of more than four corners become triangles: Blender has tangents for no others."""
    counts = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_total", counts)
    if counts.max() <= 4:
        return
    work = bmesh.new()
    try:
        work.from_mesh(mesh)
        bmesh.ops.triangulate(work, faces=[face for face in work.faces if len(face.verts) > 4])
        work.to_mesh(mesh)
    finally:
        work.free()


def _place(head: bpy.types.Object) -> Matrix:
    """World matrix of a reconstructed head, which Blender does not keep up to date while the head is hidden."""
    parent = head.parent
    return head.matrix_world if parent is None else parent.matrix_world @ head.matrix_parent_inverse @ head.matrix_basis


def assign_textures(item: bpy.types.Object, textures: Textures) -> list[bpy.types.Image]:
    """The packed pictures go into all the object's materials, by its active UV map: colour as Base Color, the normal map, the displacement
    (metres, mid level 0), and `observed`, unconnected, for masks. Materials that others use as well are copied first; an object without any
    gets one. What an earlier baking made is replaced. Raises InputError without a UV map."""
    mesh, former = mesh_of(item), set()
    uv_map = mesh.uv_layers.active
    if uv_map is None:
        raise InputError(f"{item.name} has no UV map; unwrap it first.")
    images = {kind: _packed(kind, picture) for kind, picture in vars(textures).items() if picture is not None}
    if not item.material_slots:
        mesh.materials.append(None)
    for slot in item.material_slots:
        material = slot.material
        if material is None or _shader(material) is None:
            slot.material = material = bpy.data.materials.new(f"{item.name} Baked")
        elif material.users > 1:
            slot.material = material = material.copy()
        former |= _wire(material, uv_map.name, images)
    for old in former - {None}:
        if old.users == 0:
            bpy.data.images.remove(old)
    for kind, image in images.items():  # once the former one of this name is gone
        image.name = f"{item.name} {_NAMES[kind]}"
    return list(images.values())


def _packed(kind: str, picture: np.ndarray) -> bpy.types.Image:
    if kind == DISPLACEMENT:
        return pack_heights(_NAMES[kind], picture)
    return pack_picture(_NAMES[kind], picture, "sRGB" if kind == COLOUR else "Non-Color")


def _wire(material: bpy.types.Material, uv_map: str, images: dict[str, bpy.types.Image]) -> set[bpy.types.Image | None]:
    """Put pictures into a material with a Principled shader; the images that were there before."""
    tree: Any = shader_nodes(material)
    shader = _shader(material)
    assert shader is not None
    x, y, former = shader.location.x, shader.location.y, set()
    uv = _node(tree, _UV_NODE, "ShaderNodeUVMap", (x - 740, y))
    uv.uv_map = uv_map
    pictures = {}
    for row, (kind, name) in enumerate(_PICTURE_NODES.items()):
        if kind in images:
            pictures[kind] = picture = _node(tree, name, "ShaderNodeTexImage", (x - 540, y - row * _ROW))
            former.add(picture.image)
            picture.image, picture.label = images[kind], _NAMES[kind]
            tree.links.new(uv.outputs["UV"], picture.inputs["Vector"])
    if COLOUR in pictures:
        tree.links.new(pictures[COLOUR].outputs["Color"], shader.inputs["Base Color"])
    if NORMAL in pictures:
        normal = _node(tree, _NORMAL_NODE, "ShaderNodeNormalMap", (x - 220, y - _ROW))
        normal.uv_map = uv_map
        tree.links.new(pictures[NORMAL].outputs["Color"], normal.inputs["Color"])
        tree.links.new(normal.outputs["Normal"], shader.inputs["Normal"])
    if DISPLACEMENT in pictures and (output := tree.get_output_node("ALL")) is not None:
        displacement = _node(tree, _DISPLACEMENT_NODE, "ShaderNodeDisplacement", (x - 220, y - 2 * _ROW))
        set_input(displacement, "Midlevel", 0.0)
        set_input(displacement, "Scale", 1.0)
        tree.links.new(pictures[DISPLACEMENT].outputs["Color"], displacement.inputs["Height"])
        tree.links.new(displacement.outputs["Displacement"], output.inputs["Displacement"])
        material.displacement_method = "DISPLACEMENT"  # as a bump it would double the normal map
    return former


def _shader(material: bpy.types.Material) -> bpy.types.Node | None:
    return next((node for node in shader_nodes(material).nodes if node.type == "BSDF_PRINCIPLED"), None)


def _node(tree: bpy.types.NodeTree, name: str, kind: str, place: tuple[float, float]) -> Any:
    """The same node when baking again."""
    found = tree.nodes.get(name)
    if found is None or found.bl_idname != kind:
        found = tree.nodes.new(kind)
        found.name, found.location = name, place
    return found

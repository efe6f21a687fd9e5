"""The rigged head's look: a material for each kind of part, all on the one UV map and the one packed texture."""

from typing import Any

import bpy
import numpy as np

from ..core.topology.rigged import MESH_PARTS, RiggedHead
from .compat import shader_nodes
from .photo import pack_picture
from .typed import set_input

_LOOKS = {  # colour without a texture (linear), roughness
    "Skin": ((0.55, 0.3, 0.22, 1.0), 0.5),
    "Eyes": ((0.8, 0.78, 0.75, 1.0), 0.1),
    "Teeth": ((0.75, 0.68, 0.55, 1.0), 0.2),
    "Tongue": ((0.5, 0.16, 0.14, 1.0), 0.35),
}
_LOOK_OF_PART = {
    "skin": "Skin", "left eye": "Eyes", "right eye": "Eyes", "upper teeth": "Teeth", "lower teeth": "Teeth", "tongue": "Tongue",
}  # fmt: skip


def add_materials(mesh: bpy.types.Mesh, rigged: RiggedHead, name: str, parts: np.ndarray) -> None:
    """Slots Skin, Eyes, Teeth and Tongue on the mesh's faces, parts (P,) indices into MESH_PARTS; the texture and where the photo shows
    it are packed into the file."""
    texture = None if rigged.texture is None else pack_picture(f"{name} Texture", rigged.texture)
    observed = None if rigged.texture_observed is None else pack_picture(f"{name} Observed", rigged.texture_observed, "Non-Color")
    for look, (colour, roughness) in _LOOKS.items():
        material = bpy.data.materials.new(f"{name} {look}")
        material.diffuse_color = colour
        tree = shader_nodes(material)
        shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
        set_input(shader, "Base Color", colour)
        set_input(shader, "Roughness", roughness)
        if texture is not None:
            node = _texture_node(tree, texture, shader.location.x - 320, shader.location.y)
            tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
        if observed is not None:
            # For masks: what the photo shows is white. Left unconnected.
            _texture_node(tree, observed, shader.location.x - 320, shader.location.y - 300).label = "Observed"
        mesh.materials.append(material)
    slots = np.array([list(_LOOKS).index(_LOOK_OF_PART[part]) for part in MESH_PARTS], np.int32)
    mesh.polygons.foreach_set("material_index", slots[parts])


def _texture_node(tree: bpy.types.NodeTree, image: bpy.types.Image, x: float, y: float) -> bpy.types.Node:
    node: Any = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    node.location = (x, y)
    return node

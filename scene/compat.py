"""What differs between Blender 4.2 and 5.x, in one place."""

import bpy


def material_nodes(material: bpy.types.Material) -> bpy.types.NodeTree:
    """The node tree of a new material, with a Principled shader and an output; 5.0 makes it at once, earlier versions on request."""
    if material.node_tree is None:
        material.use_nodes = True
    return material.node_tree

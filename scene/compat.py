"""What differs between Blender 4.5 and 5.x, in one place."""

import bpy


def shader_nodes(owner: bpy.types.Material | bpy.types.World) -> bpy.types.NodeTree:
    """The nodes of a new material (a Principled shader and an output) or world (a background and one); before 5.0 made on request only."""
    if owner.node_tree is None:
        owner.use_nodes = True
    assert owner.node_tree is not None
    return owner.node_tree

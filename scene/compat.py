"""What differs between Blender 4.2 and 5.x, in one place."""

from typing import Any

import bpy


def material_nodes(material: bpy.types.Material) -> bpy.types.NodeTree:
    """The node tree of a new material, with a Principled shader and an output; 5.0 makes it at once, earlier versions on request."""
    if material.node_tree is None:
        material.use_nodes = True
    return material.node_tree


def new_action(owner: bpy.types.ID, name: str) -> Any:
    """A new action that animates `owner`; what has its `fcurves` and `groups`. Since 4.4 they lie in a slot's channel bag."""
    data = owner.animation_data or owner.animation_data_create()
    action = bpy.data.actions.new(name)
    if not hasattr(action, "slots"):
        data.action = action
        return action
    slot = action.slots.new(id_type=owner.id_type, name=owner.name)
    data.action, data.action_slot = action, slot
    return action.layers.new("Layer").strips.new(type="KEYFRAME").channelbag(slot, ensure=True)

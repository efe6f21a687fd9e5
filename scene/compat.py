"""What differs between Blender 4.2 and 5.x, in one place."""

from typing import Any

import bpy


def material_nodes(material: bpy.types.Material) -> bpy.types.NodeTree:
    """The node tree of a new material, with a Principled shader and an output; 5.0 makes it at once, earlier versions on request."""
    if material.node_tree is None:
        material.use_nodes = True
    return material.node_tree


def new_action(name: str, *owners: bpy.types.ID) -> list[Any]:
    """A new action that animates the owners; for each what has its `fcurves` and `groups`.

    Since 4.4 these are channel bags of slots in one action; before, each owner needs an action of its own.
    """
    action = bpy.data.actions.new(name)
    strip = action.layers.new("Layer").strips.new(type="KEYFRAME") if hasattr(action, "slots") else None
    bags = []
    for number, owner in enumerate(owners):
        data = owner.animation_data or owner.animation_data_create()
        if strip is None:
            data.action = action if number == 0 else bpy.data.actions.new(name)
            bags.append(data.action)
            continue
        slot = action.slots.new(id_type=owner.id_type, name=owner.name)
        data.action, data.action_slot = action, slot
        bags.append(strip.channelbag(slot, ensure=True))
    return bags

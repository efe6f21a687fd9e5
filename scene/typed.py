"""Attributes whose types the stubs of bpy leave open. Each function returns one with the type that it has here.

Object.data can be any kind of data there, a context's scene can be missing, and sockets have no value.
"""

from typing import Any

import bpy


def mesh_of(item: bpy.types.Object) -> bpy.types.Mesh:
    """The data of an object of type MESH."""
    assert isinstance(item.data, bpy.types.Mesh)
    return item.data


def armature_of(item: bpy.types.Object) -> bpy.types.Armature:
    """The data of an object of type ARMATURE."""
    assert isinstance(item.data, bpy.types.Armature)
    return item.data


def pose_of(item: bpy.types.Object) -> bpy.types.Pose:
    """The pose of an object of type ARMATURE."""
    assert item.pose is not None
    return item.pose


def scene_of(context: bpy.types.Context) -> bpy.types.Scene:
    """The context's scene; there is one wherever operators run and panels are drawn."""
    scene: Any = context.scene  # the stubs of 4.5 take a context's properties for methods
    return scene


def view_layer_of(context: bpy.types.Context) -> bpy.types.ViewLayer:
    """The context's view layer; there is one wherever there is a scene."""
    layer: Any = context.view_layer
    return layer


def attribute_data(mesh: bpy.types.Mesh, name: str) -> Any:
    """The values of a mesh's attribute, which have foreach_get and foreach_set."""
    attribute: Any = mesh.attributes[name]
    return attribute.data


def set_input(node: bpy.types.Node, name: str, value: float | tuple[float, ...]) -> None:
    """Set the value that an unconnected input of a node has."""
    socket: Any = node.inputs[name]
    socket.default_value = value

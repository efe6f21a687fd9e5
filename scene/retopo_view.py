"""A scene made ready for drawing a new topology over a result: a mesh to draw in, snapping to the result, Blender's retopology overlay."""

from typing import Any

import bpy

from .typed import mesh_of, scene_of, view_layer_of
from .viewport import view_of


def set_up_retopo(context: bpy.types.Context, target: bpy.types.Object) -> bpy.types.Object:
    """A new empty mesh, in edit mode, whose vertices snap to the target's faces. The target can no longer be clicked, until the Outliner's
    arrow allows it again."""
    mesh = bpy.data.meshes.new(f"{target.name} Retopo")
    item = bpy.data.objects.new(mesh.name, mesh)
    (target.users_collection[0] if target.users_collection else scene_of(context).collection).objects.link(item)
    item.matrix_world = target.matrix_world
    item.show_in_front = False
    settings: Any = scene_of(context).tool_settings
    settings.use_snap = True
    settings.snap_elements_base, settings.snap_elements_individual = {"FACE"}, {"FACE_PROJECT"}
    settings.use_snap_self, settings.use_snap_backface_culling = False, True
    settings.mesh_select_mode = (True, False, False)
    area = view_of(context)
    if area is not None:
        space: Any = area.spaces.active
        space.overlay.show_retopology = True
    layer = view_layer_of(context)
    for other in context.selected_objects:
        other.select_set(False)
    target.hide_select = True
    item.select_set(True)
    layer.objects.active = item
    bpy.ops.object.mode_set(mode="EDIT")
    assert not mesh_of(item).vertices
    return item

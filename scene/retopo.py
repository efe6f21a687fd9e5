"""A retopo mesh in the scene: quads on a reconstruction, with its colours, a UV map, and modifiers that stay editable."""

from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np

from ..core.topology.quads import QuadMesh
from .build import build_material, set_colours
from .frame import HEAD_TO_BLENDER
from .mesh import add_groups
from .rig import UV_MAP, head_of, rig_of
from .typed import attribute_data, view_layer_of

WRAPPED = "On Surface"
"""The vertex group of what the Shrinkwrap modifier holds on the reconstruction."""


def build_retopo(context: bpy.types.Context, head: bpy.types.Object, meshes: Mapping[str, QuadMesh], levels: int) -> list[bpy.types.Object]:
    """A new object for each mesh, named after the reconstructed head and its part, at the head's place and in its collections, selected,
    the first one active; the head, and the rigged one at the same place, are hidden, as H does.

    Modifiers: Subdivision when `levels` is above 0, then Shrinkwrap onto the head.
    """
    items = [_object(head, f"{head.name} Retopo {part}".rstrip(), quads, levels) for part, quads in meshes.items()]
    layer, rig = view_layer_of(context), rig_of(head)
    for other in context.selected_objects:
        other.select_set(False)
    for there in (head, None if rig is None else head_of(rig)):
        if there is not None and there.name in layer.objects:
            there.hide_set(True, view_layer=layer)
            there.hide_render = True
    seen = [item for item in items if item.name in layer.objects]
    for item in seen:
        item.select_set(True)
    if seen:
        layer.objects.active = seen[0]
    return items


def _object(head: bpy.types.Object, name: str, quads: QuadMesh, levels: int) -> bpy.types.Object:
    item = bpy.data.objects.new(name, _mesh(name, quads))
    for collection in head.users_collection:
        collection.objects.link(item)
    item.parent, item.matrix_parent_inverse = head.parent, head.matrix_parent_inverse.copy()
    item.matrix_basis = head.matrix_basis.copy()
    add_groups(item, {WRAPPED: quads.wrapped})
    if levels:
        subdivision: Any = item.modifiers.new("Subdivision", "SUBSURF")
        subdivision.levels = subdivision.render_levels = levels
    wrap: Any = item.modifiers.new("Shrinkwrap", "SHRINKWRAP")
    wrap.target, wrap.vertex_group = head, WRAPPED
    return item


def _mesh(name: str, quads: QuadMesh) -> bpy.types.Mesh:
    there = quads.faces >= 0
    counts = there.sum(1).astype(np.int32)
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(quads.vertices))
    mesh.loops.add(int(counts.sum()))
    mesh.polygons.add(len(counts))
    attribute_data(mesh, "position").foreach_set("vector", np.ascontiguousarray(quads.vertices @ HEAD_TO_BLENDER.T).ravel())
    attribute_data(mesh, ".corner_vert").foreach_set("value", np.ascontiguousarray(quads.faces[there]))
    mesh.polygons.foreach_set("loop_start", np.cumsum(counts, dtype=np.int32) - counts)
    mesh.update(calc_edges=True)
    uv = mesh.uv_layers.new(name=UV_MAP)
    uv.data.foreach_set("uv", np.ascontiguousarray(quads.uv[quads.faces_uv[there]]).ravel())
    set_colours(mesh, quads.colours, quads.observed)
    mesh.materials.append(build_material(name))
    return mesh

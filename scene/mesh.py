"""Meshes from arrays and back."""

from collections.abc import Mapping

import bpy
import numpy as np

from .typed import attribute_data


def new_mesh(name: str, vertices: np.ndarray, faces: np.ndarray) -> bpy.types.Mesh:
    """A new smooth mesh of vertices (V, 3), Blender frame, and triangles (F, 3), or quads (F, 4) with -1 as a triangle's fourth corner."""
    there = np.asarray(faces) >= 0
    corners, sides = np.ascontiguousarray(faces[there], np.int32), there.sum(1, dtype=np.int32)
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(vertices))
    mesh.loops.add(len(corners))
    mesh.polygons.add(len(sides))
    # Straight into the attributes: three times faster than through vertices.co and loops.vertex_index.
    attribute_data(mesh, "position").foreach_set("vector", np.ascontiguousarray(vertices, np.float32).ravel())
    attribute_data(mesh, ".corner_vert").foreach_set("value", corners)
    mesh.polygons.foreach_set("loop_start", np.cumsum(sides, dtype=np.int32) - sides)
    mesh.update(calc_edges=True)
    return mesh


def positions(mesh: bpy.types.Mesh) -> np.ndarray:
    """Vertices (V, 3) float32 in the object's frame."""
    values = np.empty(3 * len(mesh.vertices), np.float32)
    attribute_data(mesh, "position").foreach_get("vector", values)
    return values.reshape(-1, 3)


def triangles(mesh: bpy.types.Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (F, 3) and corners (F, 3), int32, of the triangles that the faces consist of."""
    mesh.calc_loop_triangles()
    found = []
    for member in ("vertices", "loops"):
        values = np.empty(3 * len(mesh.loop_triangles), np.int32)
        mesh.loop_triangles.foreach_get(member, values)
        found.append(values.reshape(-1, 3))
    return found[0], found[1]


def add_groups(item: bpy.types.Object, groups: Mapping[str, np.ndarray]) -> None:
    """Vertex groups with weights (V,) in [0, 1], rounded to hundredths, which a dense mesh gets quickly; groups of no weight stay empty."""
    for name, weights in groups.items():
        group, hundredths = item.vertex_groups.new(name=name), np.round(weights * 100).astype(int)
        for share in np.unique(hundredths[hundredths > 0]).tolist():
            group.add(np.flatnonzero(hundredths == share).tolist(), share / 100, "REPLACE")


def add_group(item: bpy.types.Object, name: str, weights: np.ndarray) -> bpy.types.VertexGroup:
    """A vertex group with weights (V,) in [0, 1]; vertices of no weight are not in it."""
    group = item.vertex_groups.new(name=name)
    for index in np.flatnonzero(weights > 0).tolist():
        group.add([index], float(weights[index]), "REPLACE")
    return group

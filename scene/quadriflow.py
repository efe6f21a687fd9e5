"""Quads at a chosen count on a surface, by QuadriFlow in a Blender of its own, which can be ended at any time and may crash.

A script: FILE.npz OUTPUT.npz COUNT, the arguments after "--". FILE holds vertices (V, 3) metres, faces (F, 3), colours (V, 3) and observed
(V,); OUTPUT appears with the arrays of a QuadMesh. What it says on standard output is "stage: share" for the stages below; it ends with 0,
or with NO_QUADS.
"""

import os
import sys
from typing import Any

import bpy
import numpy as np

NO_QUADS = 9
STAGES = {"clean": "Cleaning the Surface", "quads": "Making Quads", "carry": "Carrying the Colours", "unwrap": "Unwrapping"}
_SHARES = {"clean": 0.05, "quads": 0.15, "carry": 0.8, "unwrap": 0.9}
_CELLS, _FEWEST, _MOST = 12, 20_000, 400_000  # voxels on the cleaned surface: for each quad, and in all
_SCALE = 100.0  # QuadriFlow refuses edges of a tenth of a millimetre in metres
_ANGLE = np.radians(66)


def main(source: str, output: str, count: int) -> None:
    """Make the quads. Ends the process with NO_QUADS when QuadriFlow makes none."""
    with np.load(source) as data:
        given = {name: data[name] for name in data.files}
    vertices, faces = given["vertices"] * _SCALE, given["faces"]
    _tell("clean")
    item = _object("surface", vertices, faces)
    mesh = item.data
    mesh.remesh_voxel_size = float(np.sqrt(_area(vertices, faces) / np.clip(_CELLS * count, _FEWEST, _MOST)))
    bpy.ops.object.voxel_remesh()
    _tell("quads")
    before = len(mesh.polygons)
    done: Any = bpy.ops.object.quadriflow_remesh(mode="FACES", target_faces=count, use_mesh_symmetry=False, seed=0)
    if "FINISHED" not in done or len(item.data.polygons) in (0, before):
        sys.stdout.flush()
        os._exit(NO_QUADS)
    _tell("carry")
    mesh = item.data
    places = _get(mesh.vertices, "co", 3)
    surface = _object("target", vertices, faces)
    found = [surface.closest_point_on_mesh(place) for place in places]
    places = np.array([place for _, place, _, _ in found], np.float32)
    corners = faces[[index for *_, index in found]]
    shares = _barycentric(vertices[corners], places)
    mesh.vertices.foreach_set("co", places.ravel())
    mesh.update()
    _tell("unwrap")
    layer: Any = bpy.context.view_layer
    layer.objects.active = item
    bpy.ops.object.select_all(action="DESELECT")
    item.select_set(True)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.uv.smart_project(angle_limit=_ANGLE, island_margin=0.003)
    bpy.ops.object.mode_set(mode="OBJECT")
    quads, loops = _corners(mesh)
    carried = {name: np.einsum("ni...,ni->n...", given[name][corners], shares).astype(np.float32) for name in ("colours", "observed")}
    partial = output + ".part.npz"
    np.savez(
        partial,
        vertices=places / np.float32(_SCALE),
        faces=quads,
        uv=_get(mesh.uv_layers.active.data, "uv", 2),
        faces_uv=loops,
        wrapped=np.ones(len(places), np.float32),
        format=np.array(1),
        **carried,
    )
    os.replace(partial, output)
    _tell("unwrap", 1.0)


def _tell(stage: str, share: float | None = None) -> None:
    sys.stdout.write(f"{stage}: {_SHARES[stage] if share is None else share}\n")
    sys.stdout.flush()


def _object(name: str, vertices: np.ndarray, faces: np.ndarray) -> Any:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices, [], faces)
    item = bpy.data.objects.new(name, mesh)
    context: Any = bpy.context
    context.scene.collection.objects.link(item)
    context.view_layer.objects.active = item
    context.view_layer.update()
    return item


def _area(vertices: np.ndarray, faces: np.ndarray) -> float:
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def _get(collection: Any, member: str, size: int) -> np.ndarray:
    values = np.empty(size * len(collection), np.float32)
    collection.foreach_get(member, values)
    return values.reshape(-1, size)


def _corners(mesh: bpy.types.Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (F, 4) and corners (F, 4) of quads and triangles; a triangle's fourth is -1."""
    start, total = (np.empty(len(mesh.polygons), np.int32) for _ in range(2))
    mesh.polygons.foreach_get("loop_start", start)
    mesh.polygons.foreach_get("loop_total", total)
    of_corner = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", of_corner)
    loops = start[:, None] + np.arange(4, dtype=np.int32)
    there = np.arange(4) < total[:, None]
    loops = np.where(there, loops, -1)
    return np.where(there, of_corner[loops], -1), loops


def _barycentric(corners: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(N, 3) of places (N, 3) in triangles (N, 3, 3), in [0, 1]."""
    a, b, c = (corners[:, corner].astype(np.float64) for corner in range(3))
    normal = np.cross(b - a, c - a)
    opposite = np.stack([np.cross(c - b, places - b), np.cross(a - c, places - c), np.cross(b - a, places - a)], axis=1)
    shares = np.clip(np.einsum("nij,nj->ni", opposite, normal), 0, None)
    return shares / np.maximum(shares.sum(1, keepdims=True), 1e-30)


if __name__ == "__main__":
    made, wanted, quads = sys.argv[sys.argv.index("--") + 1 :][:3]
    main(made, wanted, int(quads))
    sys.stdout.flush()
    os._exit(0)  # a module's Blender can hang at its ordinary end

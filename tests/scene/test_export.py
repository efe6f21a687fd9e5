"""Blender's own exporters keep the head's colours: what leaves the scene is what came in."""

import bpy
import numpy as np
import pytest


def _srgb(linear: np.ndarray) -> np.ndarray:
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)


def _colours(mesh) -> np.ndarray:
    """(V, 3) linear colours of a mesh, whatever the domain of its colour attribute."""
    attribute = mesh.color_attributes["Colour"] if "Colour" in mesh.color_attributes else mesh.color_attributes[0]
    values = np.empty(4 * len(attribute.data), np.float32)
    attribute.data.foreach_get("color", values)
    values = values.reshape(-1, 4)[:, :3]
    if attribute.domain == "POINT":
        return values
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    means = np.zeros((len(mesh.vertices), 3))
    np.add.at(means, corners, values)
    return means / np.bincount(corners, minlength=len(means))[:, None]


@pytest.mark.parametrize("kind", ["glb", "ply", "obj", "usdc"])
def test_colours_survive_export_and_import(part, make_result, tmp_path, kind):
    result = make_result()
    part("scene.build").build_result(bpy.context, result)
    path = str(tmp_path / f"head.{kind}")
    if kind == "glb":
        bpy.ops.export_scene.gltf(filepath=path, use_selection=True)
    elif kind == "usdc":
        part("scene.rig_export").export_surface(bpy.context, bpy.data.objects["Ada"], tmp_path / "head.usdc")
    elif kind == "ply":
        bpy.ops.wm.ply_export(filepath=path, export_selected_objects=True, export_colors="SRGB")
    else:
        bpy.ops.wm.obj_export(filepath=path, export_selected_objects=True, export_colors=True)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    importers = {
        "glb": bpy.ops.import_scene.gltf,
        "ply": bpy.ops.wm.ply_import,
        "obj": bpy.ops.wm.obj_import,
        "usdc": bpy.ops.wm.usd_import,
    }
    importers[kind](filepath=path)
    (head,) = [item for item in bpy.data.objects if item.type == "MESH"]
    found, points = _colours(head.data), np.array([head.matrix_world @ vertex.co for vertex in head.data.vertices])
    expected = result.surface.vertices * np.float32([1, 1, -1])
    expected = expected[:, [0, 2, 1]]
    order = np.array([np.argmin(((points - point) ** 2).sum(1)) for point in expected])
    assert np.abs(points[order] - expected).max() < 1e-4
    assert np.abs(_srgb(found[order]) - result.surface.colours).max() < 2 / 255  # the attribute rounds, then the format does

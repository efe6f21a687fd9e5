"""Mesh files, read back by another reader where there is one."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh

from likeness.core.errors import InputError
from likeness.core.export import write_mesh
from likeness.core.photo.srgb import srgb_to_linear
from likeness.core.result import Result


def linear_to_srgb(linear: np.ndarray) -> np.ndarray:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


def read_glb(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """The JSON part and the float attributes of the only primitive."""
    data = path.read_bytes()
    length = struct.unpack_from("<I", data, 12)[0]
    tree = json.loads(data[20 : 20 + length])
    blob = data[20 + length + 8 :]
    arrays = {}
    for name, index in tree["meshes"][0]["primitives"][0]["attributes"].items():
        accessor = tree["accessors"][index]
        assert accessor["componentType"] == 5126, f"{name} must be float32"
        start = tree["bufferViews"][accessor["bufferView"]]["byteOffset"] + accessor.get("byteOffset", 0)
        width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor["type"]]
        arrays[name] = np.frombuffer(blob, np.float32, accessor["count"] * width, start).reshape(-1, width)
    return tree, arrays


def test_glb_holds_linear_colours_and_observed(bust: Result, tmp_path: Path) -> None:
    write_mesh(bust, tmp_path / "head.glb")
    tree, arrays = read_glb(tmp_path / "head.glb")
    assert np.abs(linear_to_srgb(arrays["COLOR_0"]) - bust.surface.colours).max() < 1 / 255
    assert np.array_equal(arrays["_OBSERVED"][:, 0], bust.surface.observed)
    assert np.allclose(arrays["POSITION"], bust.surface.vertices)
    assert np.allclose(arrays["NORMAL"], bust.surface.normals, atol=1e-5)
    material = tree["materials"][tree["meshes"][0]["primitives"][0]["material"]]["pbrMetallicRoughness"]
    assert material["baseColorFactor"] == [1, 1, 1, 1]
    assert (material["metallicFactor"], material["roughnessFactor"]) == (0, 0.6)


@pytest.mark.parametrize("suffix", ["ply", "obj"])
def test_ply_and_obj_hold_srgb_colours(bust: Result, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"head.{suffix}"
    write_mesh(bust, path)
    mesh = trimesh.load(path, process=False, maintain_order=True)
    assert np.abs(mesh.vertices - bust.surface.vertices).max() < 1e-5
    assert np.abs(mesh.visual.vertex_colors[:, :3] / 255 - bust.surface.colours).max() < 1 / 255
    assert np.array_equal(mesh.faces, bust.surface.faces)
    assert mesh.is_watertight


def test_ply_holds_observed(bust: Result, tmp_path: Path) -> None:
    write_mesh(bust, tmp_path / "head.ply")
    assert b"property float observed" in (tmp_path / "head.ply").read_bytes()[:600]


def test_known_value_of_the_srgb_curve() -> None:
    assert srgb_to_linear(np.array([0.0, 0.04045, 0.5, 1.0])) == pytest.approx([0, 0.0031308, 0.21404, 1], abs=1e-5)


@pytest.mark.parametrize("name", ["head.stl", "missing/head.glb"])
def test_impossible_files_are_refused_by_name(bust: Result, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="head"):
        write_mesh(bust, tmp_path / name)

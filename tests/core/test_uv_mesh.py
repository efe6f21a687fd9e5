"""The files between Blender and the worker when a mesh is baked."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from likeness.core.colour.uv_mesh import Textures, UvMesh
from likeness.core.errors import AssetError

ONE = np.int32([[0, 1, 2]])
FRAME = np.eye(3, dtype=np.float32), np.ones((3, 4), np.float32)
MESH = UvMesh(np.eye(3, dtype=np.float32), ONE, np.float32([[0, 0], [1, 0], [0, 1]]), ONE, *FRAME)


def test_meshes_and_textures_survive_the_file(tmp_path: Path) -> None:
    MESH.save(tmp_path / "mesh.npz")
    assert np.array_equal(UvMesh.load(tmp_path / "mesh.npz").vertices, MESH.vertices)
    Textures(np.full((8, 8, 3), 7, np.uint8), displacement=np.full((8, 8), -0.5, np.float32)).save(tmp_path / "textures.npz")
    back = Textures.load(tmp_path / "textures.npz")
    assert back.colour is not None and back.colour.sum() == 7 * 192 and back.normal is None
    assert back.displacement is not None and back.displacement.sum() == -32


@pytest.mark.parametrize(
    "change",
    [
        {"faces": np.int32([[0, 1, 3]])},
        {"faces": np.int32([[0, 1, -1]])},
        {"faces": np.zeros((0, 3), np.int32), "faces_uv": np.zeros((0, 3), np.int32)},
        {"faces_uv": np.int32([[0, 1, 2], [0, 1, 2]])},
        {"faces_uv": np.float32([[0, 1, 2]])},
        {"uv": np.float32([[0, 0], [1, 0], [0, np.nan]])},
        {"vertices": np.zeros((3, 2), np.float32)},
        {"vertices": np.array([None])},
        {"tangents": np.ones((3, 3), np.float32)},
    ],
)
def test_a_damaged_mesh_is_refused(tmp_path: Path, change: dict[str, np.ndarray]) -> None:
    replace(MESH, **change).save(tmp_path / "mesh.npz")
    with pytest.raises(AssetError, match="bake again"):
        UvMesh.load(tmp_path / "mesh.npz")


def test_a_texture_of_another_kind_is_refused(tmp_path: Path) -> None:
    Textures(np.zeros((8, 8, 3))).save(tmp_path / "textures.npz")
    with pytest.raises(AssetError):
        Textures.load(tmp_path / "textures.npz")

"""The reconstructed head without pose and expression, and the same on both sides."""

import numpy as np
import pytest

from likeness.core.geometry.closest import ClosestSurface
from likeness.core.geometry.mesh import vertex_normals
from likeness.core.models.head import HeadModel
from likeness.core.models.parametric import Parameters
from likeness.core.result import Mesh
from likeness.core.topology import neutral
from likeness.core.topology.hair import hair_shell
from likeness.core.topology.neutral import neutral_mesh, symmetric_mesh
from likeness.core.topology.rigged import RiggedHead

from .model_rig import model_rig

TURNED = np.array([[0.1, 0.3, 0.05], [0.1, -0.2, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]])


def mesh_of(vertices: np.ndarray, faces: np.ndarray) -> Mesh:
    count = len(vertices)
    return Mesh(vertices, faces, vertex_normals(vertices, faces), np.full((count, 3), 0.5, np.float32), np.zeros(count, np.float32))


@pytest.fixture(scope="module")
def rigged() -> RiggedHead:
    model = HeadModel.load()
    values = np.array([{"mouthSmileLeft": 0.7, "browInnerUp": 0.5}.get(name, 0.0) for name in model.expression_names])
    return model_rig(model, Parameters(np.random.default_rng(2).normal(0, 0.7, len(model.identity)), values, TURNED))


@pytest.fixture(scope="module")
def surface(rigged: RiggedHead) -> Mesh:
    """The skin as in the photo, with 1.5 cm of hair on the crown."""
    skin = rigged.faces[rigged.face_part == 0]
    posed = rigged.posed(rigged.key_values, rigged.rotations)[: skin.max() + 1]
    return mesh_of(posed, skin)


def test_the_skin_comes_back_to_the_neutral_one(rigged: RiggedHead, surface: Mesh) -> None:
    expected = rigged.neutral[: len(surface.vertices)]
    off = np.linalg.norm(neutral_mesh(rigged, surface).vertices - expected, axis=1)
    moved = np.linalg.norm(surface.vertices - expected, axis=1)
    assert np.percentile(moved, 95) > 0.01
    assert np.percentile(off, 95) < 0.0015 and off.max() < 0.006


def test_hair_turns_back_with_the_head(rigged: RiggedHead, surface: Mesh) -> None:
    crown = rigged.neutral[: len(surface.vertices), 1] > rigged.neutral[:, 1].max() - 0.03
    hair = mesh_of((surface.vertices + 0.015 * crown[:, None] * surface.normals).astype(np.float32), surface.faces)
    back = neutral_mesh(rigged, hair).vertices
    height = ((back - rigged.neutral[: len(back)]) * vertex_normals(rigged.neutral[: len(back)], surface.faces)).sum(1)
    assert np.median(height[crown]) == pytest.approx(0.015, abs=0.002)


def test_a_symmetric_head_is_its_mirror_image_and_takes_seen_colours(rigged: RiggedHead) -> None:
    skin = rigged.faces[rigged.face_part == 0]
    vertices = rigged.neutral[: skin.max() + 1].copy()
    vertices += np.where(vertices[:, :1] > 0.02, 0.003, 0) * vertex_normals(vertices, skin)  # one side is fuller
    mesh = mesh_of(vertices.astype(np.float32), skin)
    left = vertices[:, 0] > 0
    mesh.colours[left], mesh.observed[left] = [1, 0, 0], 1
    same = symmetric_mesh(mesh)

    def apart(one: Mesh) -> float:
        outer = np.abs(one.vertices[:, 0]) > 0.03
        return float(np.percentile(np.abs(ClosestSurface(one.vertices, one.faces).query(one.vertices[outer] * [-1, 1, 1])[0]), 90))

    assert apart(mesh) > 0.002 and apart(same) < 0.0003
    right = same.vertices[:, 0] < -0.01
    assert np.percentile(same.colours[right, 0], 10) > 0.9 and np.median(same.observed[right]) > 0.9


def test_without_fading_hair_would_smile(rigged: RiggedHead, surface: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    far = mesh_of((surface.vertices + 0.04 * surface.normals).astype(np.float32), surface.faces)
    faded = neutral_mesh(rigged, far).vertices
    monkeypatch.setattr(neutral, "_FADE", 10.0)
    assert np.abs(neutral_mesh(rigged, far).vertices - faded).max() > 0.002


def test_hair_is_what_is_seen_as_such_and_what_stands_off_the_hidden_skull(rigged: RiggedHead, surface: Mesh) -> None:
    neutral_skin = rigged.neutral[: len(surface.vertices)]
    crown = neutral_skin[:, 1] > neutral_skin[:, 1].max() - 0.05
    mesh = mesh_of((surface.vertices + 0.012 * crown[:, None] * surface.normals).astype(np.float32), surface.faces)
    front = neutral_skin[:, 2] > 0.09
    mesh.observed[front] = 1
    shell = hair_shell(rigged, mesh, (crown & front).astype(np.float32))
    assert shell is not None
    height = shell.vertices[:, 1]
    assert height.min() > neutral_skin[:, 1].max() - 0.07 and np.ptp(shell.vertices[:, 2]) > 0.1
    assert hair_shell(rigged, surface, np.zeros(len(front), np.float32)) is None, "bald"

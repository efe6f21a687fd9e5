"""Small real things that several tests of core use."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import skimage.data
import trimesh
from PIL import Image
from skimage.measure import marching_cubes

from likeness.core.geometry.mesh import vertex_normals
from likeness.core.photo.pose import Pose
from likeness.core.photo.view import Camera
from likeness.core.pipeline import Reconstructor
from likeness.core.result import Mesh, Result, ResultView

from .colour_ball import RADIUS


@pytest.fixture(scope="session")
def astronaut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NASA's portrait of Eileen Collins, public domain, from scikit-image's wheel, as a file."""
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    Image.fromarray(skimage.data.astronaut()).save(path)
    return path


@pytest.fixture(scope="session")
def reconstructor() -> Reconstructor:
    """The product with the bundled weights, loaded once for all tests."""
    return Reconstructor.load("cpu")


@pytest.fixture
def bust() -> Result:
    """A ball with a nose, 0.2 m wide, head turned 30 degrees to the person's left, red in front and blue behind."""
    axis = np.linspace(-0.16, 0.16, 33)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    head = np.sqrt((x / 0.08) ** 2 + (y / 0.11) ** 2 + ((z + 0.05) / 0.1) ** 2) - 1
    nose = np.sqrt((x / 0.02) ** 2 + ((y + 0.03) / 0.03) ** 2 + ((z - 0.05) / 0.03) ** 2) - 1
    vertices, faces, _, _ = marching_cubes(np.minimum(head, nose), 0.0123)
    upright = (vertices * (axis[1] - axis[0]) + axis[0]).astype(np.float32)
    angle = np.radians(30)
    rotation = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    colours = np.where(upright[:, 2:] > -0.05, [[0.8, 0.5, 0.4]], [[0.1, 0.2, 0.6]]).astype(np.float32)
    colours[::7] = np.linspace(0, 1, len(colours[::7]))[:, None]
    faces, neck = faces.astype(np.int32), np.array([0.0, -0.1, -0.05])
    seen = ((upright @ rotation.T)[:, 2] > 0).astype(np.float32)
    mesh = Mesh((upright - neck).astype(np.float32), faces, vertex_normals(upright, faces), colours, seen)
    view = ResultView(np.full((300, 240, 3), 128, np.uint8), Camera((120.0, 140.0), 1000.0, 1.0), Pose(rotation, rotation @ neck))
    return Result("ball with a nose", {"surface": mesh}, (view,))


@pytest.fixture
def scene():
    """A small picture in which no two corners look alike, smooth enough for JPEG."""
    rows, columns = np.mgrid[:48, :64]
    return np.stack([rows * 5, columns * 4, 255 - rows * 2 - columns], axis=2).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def ball() -> SimpleNamespace:
    """A ball whose front a camera sees, for tests of colours."""
    mesh = trimesh.creation.icosphere(6, RADIUS)
    vertices = np.asarray(mesh.vertices, np.float32)
    return SimpleNamespace(vertices=vertices, faces=np.asarray(mesh.faces), normals=vertices / RADIUS)

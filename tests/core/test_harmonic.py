"""A flat skin of 21 by 21 vertices: its middle lies 20 mm high on hair, crowded together, and beside cloth its last third 8 mm below."""

import numpy as np
import pytest

from likeness.core.geometry.mesh import face_normals, vertex_normals
from likeness.core.result import Mesh
from likeness.core.topology.harmonic import spread_evenly
from likeness.core.topology.template import Template, cotangent_laplacian

STEP, SIDE = 0.005, 21
X = np.arange(SIDE) * STEP
HAIR, CLOTH = slice(8, 13), slice(16, SIDE - 1)


def grid(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    corner = (np.arange(len(y) - 1)[:, None] * len(x) + np.arange(len(x) - 1)).ravel()
    faces = np.concatenate([corner[:, None] + [0, 1, len(x)], corner[:, None] + [1, len(x) + 1, len(x)]])
    return np.stack([*np.meshgrid(x, y), np.zeros((len(y), len(x)))], axis=-1).reshape(-1, 3), faces


def height(x: np.ndarray) -> np.ndarray:
    return 0.02 * np.exp(-(((x - X[10]) / 0.015) ** 2)) + 0.008 / (1 + np.exp(-(x - X[15]) / 0.002))


@pytest.fixture(scope="module")
def skin() -> tuple[np.ndarray, np.ndarray]:
    return grid(X, X)


@pytest.fixture(scope="module")
def template(skin: tuple[np.ndarray, np.ndarray]) -> Template:
    vertices, faces = skin
    stiffness, mass = cotangent_laplacian(vertices, faces)
    ones = np.ones(len(vertices))
    return Template(faces, np.zeros((0, 2), int), stiffness, mass, ones, ones, ones, 0 * ones)


def surface(downwards: bool = False) -> Mesh:
    vertices, faces = grid(np.linspace(-0.01, 0.11, 121), np.linspace(-0.01, 0.11, 121))
    vertices[:, 2] = height(vertices[:, 0])
    faces = faces[:, ::-1] if downwards else faces
    return Mesh(
        vertices.astype(np.float32), faces.astype(np.int32), vertex_normals(vertices, faces).astype(np.float32),
        np.zeros((len(vertices), 3), np.float32), np.zeros(len(vertices), np.float32),
    )  # fmt: skip


def registered(skin: np.ndarray) -> np.ndarray:
    """On the hair, where its rows of vertices are crowded, and still below the cloth."""
    vertices = skin.reshape(SIDE, SIDE, 3).copy()
    vertices[:, HAIR, 0] = X[10] + 0.3 * (vertices[:, HAIR, 0] - X[10])
    vertices[:, : CLOTH.start, 2] = height(vertices[:, : CLOTH.start, 0])
    return vertices.reshape(-1, 3)


@pytest.fixture(scope="module")
def spread(template: Template, skin: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return spread_evenly(template, registered(skin[0]), *skin, surface()).reshape(SIDE, SIDE, 3)


def test_quads_over_hair_are_spread_evenly_on_it(spread: np.ndarray) -> None:
    widths = np.linalg.norm(np.diff(spread[10, 6:15], axis=0), axis=1)
    assert widths.min() > 0.6 * widths.max(), "they were crowded to less than a fifth"
    assert np.abs(spread[1:-1, HAIR, 2] - height(spread[1:-1, HAIR, 0])).max() < 0.0005


def test_cloth_beside_which_the_template_was_left_is_met(spread: np.ndarray) -> None:
    assert np.abs(spread[1:-1, CLOTH, 2] - height(spread[1:-1, CLOTH, 0])).max() < 0.0003


def test_skin_that_lies_on_the_surface_stays(spread: np.ndarray, skin: tuple[np.ndarray, np.ndarray]) -> None:
    bare = np.s_[:, :4]
    assert np.abs(spread[bare] - registered(skin[0]).reshape(SIDE, SIDE, 3)[bare]).max() < 1e-6


def test_a_border_does_not_slide(spread: np.ndarray) -> None:
    assert np.ptp(spread[0, :, 1]) < 1e-6 and np.ptp(spread[:, -1, 0]) < 0.001


def test_nothing_is_drawn_onto_an_underside(template: Template, skin: tuple[np.ndarray, np.ndarray]) -> None:
    found = spread_evenly(template, registered(skin[0]), *skin, surface(downwards=True)).reshape(SIDE, SIDE, 3)
    assert found[1:-1, CLOTH, 2].max() < 0.006
    assert (face_normals(found.reshape(-1, 3), skin[1])[:, 2] > 0).all()

"""Front relief: normals are integrated into depth and into the visible side of a mesh, and nothing else moves."""

import numpy as np
import pytest

from likeness.core.geometry.mesh import face_normals, vertex_normals
from likeness.core.surface.detail import BUNDLED_RELIEF, OWN_RELIEF, ReliefStrength, displace_back, displace_front, integrate_normals
from likeness.core.surface.extract import check_manifold, extract_surface

SIZE = 256
RADIUS = 0.6


def picture():
    axis = (np.arange(SIZE) + 0.5) * 2 / SIZE - 1
    x, y = np.meshgrid(axis, -axis)
    return x, y


def relief(x, y):
    """Ripples of about 2 mm with a wavelength of 2 cm, and their slopes."""
    k = 2 * np.pi / 0.1
    height = 0.006 * np.sin(k * x) * np.cos(k * y)
    return height, 0.006 * k * np.cos(k * x) * np.cos(k * y), -0.006 * k * np.sin(k * x) * np.sin(k * y)


def normals_of(slope_x, slope_y):
    normals = np.stack([-slope_x, -slope_y, np.ones_like(slope_x)], axis=-1)
    return normals / np.linalg.norm(normals, axis=-1, keepdims=True)


def dome(x, y):
    depth = np.sqrt(np.clip(RADIUS**2 - x**2 - y**2, 1e-3, None))
    return depth, -x / depth, -y / depth


def test_fine_relief_is_recovered_from_normals():
    x, y = picture()
    height, slope_x, slope_y = relief(x, y)
    base, base_x, base_y = dome(x, y)
    mask = np.hypot(x, y) < 0.45
    result = integrate_normals(base, normals_of(base_x + slope_x, base_y + slope_y), mask)
    inner = np.hypot(x, y) < 0.4
    assert np.abs(result - base - height)[inner].mean() < 0.15 * np.abs(height)[inner].mean()
    assert np.array_equal(result[~mask], base[~mask])


def test_normals_that_agree_change_nothing():
    x, y = picture()
    base, slope_x, slope_y = dome(x, y)
    mask = np.hypot(x, y) < 0.45
    assert np.abs(integrate_normals(base, normals_of(slope_x, slope_y), mask) - base).max() < 5e-4


def test_the_change_is_clamped():
    x, y = picture()
    flat = np.zeros((SIZE, SIZE))
    result = integrate_normals(flat, normals_of(np.full_like(x, 1.0), np.zeros_like(y)), np.ones_like(flat, bool), ReliefStrength(2, 0.02))
    assert 0.015 < np.abs(result).max() <= 0.02


def test_own_normals_mend_what_the_bundled_ones_leave() -> None:
    x, y = picture()
    base, base_x, base_y = dome(x, y)
    k = 2 * np.pi / 0.9  # a bend of 18 cm, as between two noses of other lengths
    height, slope = 0.02 * np.cos(k * x), -0.02 * k * np.sin(k * x)
    mask = np.hypot(x, y) < 0.45
    normals = normals_of(base_x + slope, base_y)
    inner = np.hypot(x, y) < 0.4

    def left(strength: ReliefStrength) -> float:
        apart = (integrate_normals(base, normals, mask, strength) - base - height)[inner]
        return float(np.abs(apart - apart.mean()).mean() / np.abs(height - height[inner].mean())[inner].mean())

    assert left(OWN_RELIEF) < 0.5 * left(BUNDLED_RELIEF)


def test_separate_surfaces_stay_apart():
    x, y = picture()
    step = np.where(x > 0, 0.4, 0.0)
    flat = normals_of(np.zeros_like(x), np.zeros_like(y))
    result = integrate_normals(step, flat, np.ones_like(step, bool), ReliefStrength(0.5, 0.5))
    assert np.abs(result - step).max() < 1e-6


@pytest.fixture(scope="module")
def ball():
    vertices, faces = extract_surface(lambda points: np.linalg.norm(points, axis=1) - RADIUS, None, 256)
    return vertices, faces, vertices / np.linalg.norm(vertices, axis=1, keepdims=True)


def rippled_map():
    x, y = picture()
    _, slope_x, slope_y = relief(x, y)
    _, base_x, base_y = dome(x, y)
    return normals_of(base_x + slope_x, base_y + slope_y), np.hypot(x, y) < RADIUS


def test_the_front_takes_the_relief_and_the_rest_stays(ball):
    vertices, faces, normals = ball
    normals_map, mask = rippled_map()
    moved = displace_front(vertices, faces, normals, normals_map, mask)
    assert np.array_equal(moved[:, :2], vertices[:, :2])
    change = moved[:, 2] - vertices[:, 2]
    assert np.abs(change[normals[:, 2] < 0]).max() == 0
    front = normals[:, 2] > 0.75
    height = relief(vertices[:, 0], vertices[:, 1])[0]
    assert np.abs(change - height)[front].mean() < 0.2 * np.abs(height)[front].mean()
    x, y, z = vertices[front].T
    _, slope_x, slope_y = relief(x, y)
    cosine = (vertex_normals(moved, faces)[front] * normals_of(slope_x - x / z, slope_y - y / z)).sum(1)
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean() < 5


def test_no_visible_face_turns_over(ball):
    vertices, faces, normals = ball
    random = np.random.default_rng(1).normal(size=(SIZE, SIZE, 3)) * [1, 1, 0.3] + [0, 0, 0.5]
    moved = displace_front(vertices, faces, normals, random, np.ones((SIZE, SIZE), bool))
    before, after = face_normals(vertices, faces)[:, 2], face_normals(moved, faces)[:, 2]
    assert np.array_equal(np.sign(before), np.sign(after)) or np.abs(before - after).max() < 1e-9
    check_manifold(moved, faces)
    assert np.abs(moved - vertices).max() <= 0.03


def test_thin_parts_are_not_pushed_through_their_back():
    thickness = 0.04

    def plate(points):
        return np.maximum(np.abs(points[:, 2]) - thickness / 2, np.abs(points[:, :2]).max(1) - 0.7)

    vertices, faces = extract_surface(plate, None, 256)
    normals = vertex_normals(vertices, faces)
    x, y = picture()
    bowl = normals_of(3 * x, 3 * y)
    moved = displace_front(vertices, faces, normals, bowl, np.ones((SIZE, SIZE), bool), ReliefStrength(3, 0.2))
    front = normals[:, 2] > 0.9
    assert moved[front, 2].min() > -thickness / 2 + 0.3 * thickness
    assert moved[front, 2].min() < 0.015


def test_the_back_gets_relief_from_its_own_normals(ball):
    vertices, faces, normals = ball
    x, y = picture()
    _, base_x, base_y = dome(x, y)
    _, slope_x, slope_y = relief(x, y)
    away = normals_of(base_x + slope_x, base_y + slope_y) * [1, 1, -1]
    moved = displace_back(vertices, faces, normals, away, np.hypot(x, y) < RADIUS)
    back, front = vertices[:, 2] < -0.5, vertices[:, 2] > 0
    height = relief(vertices[back, 0], vertices[back, 1])[0]
    assert np.corrcoef(vertices[back, 2] - moved[back, 2], height)[0, 1] > 0.9
    assert np.array_equal(moved[front], vertices[front])
    check_manifold(moved, faces)

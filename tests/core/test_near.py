"""Booleans with the near part of a surface leave what booleans with all of it do."""

import manifold3d
import numpy as np
import pytest

from likeness.core.errors import ReconstructionError
from likeness.core.geometry.mesh import signed_volume
from likeness.core.surface.extract import check_manifold, extract_surface
from likeness.core.surface.near import NearPart, other_solid
from likeness.core.surface.solid import ClosedSurface, from_solid, to_solid

CENTRE = np.array([0.0, 0.45, 0.0])
REGION = manifold3d.Manifold.cube((0.5, 0.3, 0.5), True).translate(tuple(CENTRE))


def cross(points: np.ndarray) -> np.ndarray:
    """A rod upright and a longer one across it, whose ends are bent up beside the first."""
    upright = np.maximum(np.hypot(points[:, 0], points[:, 2]) - 0.1, np.abs(points[:, 1]) - 0.6)
    height = points[:, 1] - 2 * points[:, 0] ** 2
    return np.minimum(upright, np.maximum(np.hypot(height, points[:, 2]) - 0.08, np.abs(points[:, 0]) - 0.5))


@pytest.fixture(scope="module")
def whole() -> ClosedSurface:
    vertices, faces = extract_surface(cross, None, 64)
    return ClosedSurface(vertices, faces, vertices[:, :2].copy())


def near(whole: ClosedSurface) -> np.ndarray:
    return (np.abs(whole.vertices - CENTRE) < [0.4, 0.25, 0.4]).all(1)


def test_a_cut_is_the_same_as_of_the_whole(whole: ClosedSurface) -> None:
    part = NearPart.of(whole, near(whole), CENTRE)
    assert len(part.surface.faces) < 0.7 * len(whole.faces)
    cut, unknown = part.put_back(part.solid - REGION)
    expected, also = from_solid(to_solid(whole) - REGION)
    check_manifold(cut.vertices, cut.faces)
    assert len(unknown) == len(also) > 0
    assert {*map(tuple, cut.vertices)} == {*map(tuple, expected.vertices)}
    assert abs(signed_volume(cut.vertices, cut.faces) - signed_volume(expected.vertices, expected.faces)) < 1e-7
    known = np.setdiff1d(np.arange(len(cut.vertices)), unknown)
    assert np.abs(cut.values[known] - cut.vertices[known, :2]).max() < 1e-5


def test_another_surface_is_put_on_with_its_values(whole: ClosedSurface) -> None:
    ball, faces = extract_surface(lambda points: np.linalg.norm(points - [0, 0.6, 0], axis=1) - 0.15, None, 64)
    part = NearPart.of(whole, near(whole), CENTRE)
    both, _ = part.put_back(part.solid + other_solid(ClosedSurface(ball, faces, np.full((len(ball), 2), 7.0))))
    check_manifold(both.vertices, both.faces)
    top = both.vertices[:, 1] > 0.7
    assert top.any() and (both.values[top] == 7).all()


def test_a_part_without_a_border_is_the_whole(whole: ClosedSurface) -> None:
    part = NearPart.of(whole, np.ones(len(whole.vertices), bool), CENTRE)
    back, unknown = part.put_back(part.solid)
    assert len(back.vertices) == len(whole.vertices) and not len(unknown)


def test_nothing_near_is_refused(whole: ClosedSurface) -> None:
    with pytest.raises(ReconstructionError, match="does not meet"):
        NearPart.of(whole, np.zeros(len(whole.vertices), bool), CENTRE)

"""What the photo shows and a field leaves out is added, as round as its outline; all else stays as it is."""

import numpy as np
import pytest

from likeness.core.fields.field import Field
from likeness.core.fields.missing import with_missing_parts
from likeness.core.surface.extract import check_manifold, extract_surface

from .shapes import Shape

RADIUS, ARM = 0.2, 0.06


def trunk(points: np.ndarray) -> np.ndarray:
    """A ball that is behind the middle of the cube."""
    return (np.linalg.norm(points - [0, 0, -0.2], axis=1) - RADIUS).astype(np.float32)


def outline(points: np.ndarray) -> np.ndarray:
    """Of the ball with an arm to the right."""
    flat = points[:, :2]
    along = np.clip(flat[:, 0], 0, 0.6)
    arm = np.hypot(flat[:, 0] - along, flat[:, 1]) - ARM
    return np.minimum(np.linalg.norm(flat, axis=1) - RADIUS, arm).astype(np.float32)


def near_trunk(points: np.ndarray) -> np.ndarray:
    return trunk(points) < 0.1


@pytest.fixture(scope="module")
def whole() -> Field:
    return with_missing_parts(Shape(trunk, may_contain_surface=near_trunk), outline)


def test_an_arm_that_the_field_has_lost_is_there_again(whole: Field) -> None:
    vertices, faces = extract_surface(whole.distance, whole.may_contain_surface, 64, prior=whole.prior_distance)
    check_manifold(vertices, faces)
    arm = vertices[vertices[:, 0] > 0.35]
    assert arm[:, 0].max() > 0.6
    for axis, middle in ((1, 0.0), (2, -0.2)):
        low, high = arm[:, axis].min(), arm[:, axis].max()
        assert abs((low + high) / 2 - middle) < 0.03 and 0.7 * ARM < (high - low) / 2 < 1.4 * ARM


def test_what_is_there_stays(whole: Field) -> None:
    points = np.random.default_rng(0).uniform(-0.5, 0.0, (2000, 3)).astype(np.float32)
    points = points[np.abs(trunk(points)) < 0.04]
    assert np.allclose(whole.distance(points), trunk(points), atol=1e-3)


def test_a_field_that_misses_nothing_is_left_alone() -> None:
    field = Shape(trunk)
    assert with_missing_parts(field, lambda points: (np.linalg.norm(points[:, :2], axis=1) - RADIUS).astype(np.float32)) is field


def test_a_skirt_is_one_piece_over_the_legs() -> None:
    def leg(points: np.ndarray) -> np.ndarray:
        return (np.hypot(points[:, 0], points[:, 2] + 0.1) - 0.12).astype(np.float32)

    def skirt(points: np.ndarray) -> np.ndarray:
        return np.maximum(np.abs(points[:, 0]) - 0.35, np.abs(points[:, 1]) - 0.3).astype(np.float32)

    whole = with_missing_parts(Shape(leg), skirt)
    before = np.array([[0, 0, 0.05], [0.2, 0, 0.05], [-0.2, 0.1, 0.05]], np.float32)
    assert (whole.distance(before) < 0).all() and (leg(before) > 0).all()

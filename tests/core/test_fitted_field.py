"""The distance of a fitted model, whose parts that reach into each other are one."""

import numpy as np
import pytest
import trimesh

from likeness.core.fields.fitted import FittedField
from likeness.core.models.prior import PriorSurface
from likeness.core.photo.framing import HEAD
from likeness.core.surface.extract import extract_surface


def balls(*places: float, radius: float = 0.3) -> PriorSurface:
    """Balls side by side, crop frame."""
    ball = trimesh.creation.icosphere(3, 1.0)
    vertices, faces = np.array(ball.vertices), np.array(ball.faces)
    placed = [radius * vertices + [x, 0, 0] for x in places]
    moved = [faces + number * len(vertices) for number in range(len(places))]
    points = np.concatenate(placed).astype(np.float32)
    return PriorSurface(points, np.concatenate(moved), points, HEAD)


def test_what_lies_in_one_part_is_inside_though_another_parts_surface_is_nearer() -> None:
    field = FittedField(balls(-0.2, 0.2))
    # Inside the left ball, right outside the right one's surface.
    points = np.array([[-0.12, 0, 0.0], [-0.105, 0.02, 0.03]], np.float32)
    assert (field.distance(points) < 0).all()
    assert (field.distance(np.array([[0, 0, 0], [-0.2, 0, 0]], np.float32)) < 0).all()
    assert (field.distance(np.array([[0, 0.29, 0], [0.6, 0, 0], [0, 0, 0.35]], np.float32)) > 0).all()


def test_the_surface_of_parts_that_overlap_is_one_piece_without_walls_inside() -> None:
    vertices, _ = extract_surface(FittedField(balls(-0.2, 0.2)).distance, None, 64)
    inner = (np.abs(vertices[:, 0]) < 0.08) & (np.linalg.norm(vertices[:, 1:], axis=1) < 0.15)
    assert not inner.any() and np.ptp(vertices[:, 0]) == pytest.approx(1.0, abs=0.03)


def test_the_outline_in_the_picture_is_that_of_all_parts() -> None:
    field = FittedField(balls(-0.2, 0.2))
    points = np.array([[0, 0, 0], [0.7, 0, 0.9], [0, 0.5, -0.9]], np.float32)
    assert field.outline(points) == pytest.approx([-0.22, 0.2, 0.24], abs=0.02)

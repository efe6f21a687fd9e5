"""Smoothed fields: fine noise goes where the photo tells little, and nothing else changes."""

import numpy as np
import pytest

from likeness.core.errors import Cancelled
from likeness.core.fields.field import PointFunction
from likeness.core.fields.smoothed import smooth_hidden_field
from likeness.core.progress import Cancel

from .shapes import Shape, everywhere

RADIUS = 0.5
RIPPLE = 0.008  # 1.6 mm, with wavelengths of some 2 cm


def ball(points: np.ndarray) -> np.ndarray:
    return (np.linalg.norm(points, axis=1) - RADIUS).astype(np.float32)


def rippled(points: np.ndarray) -> np.ndarray:
    return (ball(points) + RIPPLE * np.prod(np.sin(60 * points + 1), axis=1)).astype(np.float32)


def nowhere(points: np.ndarray) -> np.ndarray:
    return np.zeros(len(points), np.float32)


def bare(points: np.ndarray) -> np.ndarray:
    return np.zeros(len(points), bool)


def smoothed(
    field: PointFunction, prior: PointFunction, protect_mask: PointFunction, clothing_mask: PointFunction, cancel: Cancel | None = None
) -> PointFunction:
    """Distance of a field with its hidden parts smoothed."""
    return smooth_hidden_field(Shape(field, prior), protect_mask=protect_mask, clothing_mask=clothing_mask, cancel=cancel).distance


def on_ball(low: float, high: float) -> np.ndarray:
    """Points of the ball with z in a range."""
    points = np.random.default_rng(0).normal(size=(20_000, 3))
    points *= RADIUS / np.linalg.norm(points, axis=1, keepdims=True)
    return points[(points[:, 2] > low) & (points[:, 2] < high)].astype(np.float32)


def test_noise_goes_where_it_is_hidden_and_stays_where_it_is_seen() -> None:
    smooth = smoothed(rippled, ball, nowhere, bare)
    back, front = on_ball(-0.5, -0.1), on_ball(0.2, 0.5)
    assert np.std(smooth(back)) < 0.3 * np.std(rippled(back))
    assert np.abs(smooth(front) - rippled(front)).max() < 0.1 * RIPPLE


def test_broad_shape_keeps_its_place() -> None:
    smooth = smoothed(ball, ball, nowhere, bare)
    assert np.abs(smooth(on_ball(-0.5, 0.5))).max() < 0.002


def test_what_the_model_knows_nothing_of_is_smoothed_where_it_is_seen_too() -> None:
    smooth = smoothed(rippled, lambda points: ball(points) + 0.1, nowhere, bare)
    front = on_ball(0.2, 0.5)
    assert np.std(smooth(front)) < 0.4 * np.std(rippled(front))


def test_what_the_model_knows_stays_even_where_it_is_hidden() -> None:
    smooth = smoothed(rippled, ball, lambda points: 1 - nowhere(points), bare)
    assert np.abs(smooth(on_ball(-0.5, 0.5)) - rippled(on_ball(-0.5, 0.5))).max() < 0.1 * RIPPLE


def test_known_places_under_hair_are_smoothed() -> None:
    smooth = smoothed(rippled, lambda points: ball(points) + 0.12, lambda points: 1 - nowhere(points), bare)
    assert np.std(smooth(on_ball(-0.5, -0.1))) < 0.3 * np.std(rippled(on_ball(-0.5, -0.1)))


def test_the_field_is_not_evaluated_where_it_is_hidden() -> None:
    evaluated = []

    def field(points: np.ndarray) -> np.ndarray:
        evaluated.append(points)
        return rippled(points)

    smooth = smoothed(field, ball, nowhere, bare)
    evaluated.clear()
    smooth(np.concatenate([on_ball(-0.5, -0.25), on_ball(0.3, 0.5)]))
    assert len(evaluated) == 1
    assert evaluated[0][:, 2].min() > 0.25


def test_it_can_be_stopped() -> None:
    with pytest.raises(Cancelled):
        smoothed(ball, ball, nowhere, bare, lambda: True)


def test_sheets_that_stand_out_are_taken_off_clothes_only() -> None:
    def collared(points: np.ndarray) -> np.ndarray:
        """The ball and a plate in front of it, 8 mm thick."""
        beyond = np.abs(points - [0, 0, 0.6]) - [0.2, 0.02, 0.2]
        plate = np.linalg.norm(np.maximum(beyond, 0), axis=1) + np.minimum(beyond.max(1), 0)
        return np.minimum(ball(points), plate).astype(np.float32)

    tip = np.array([[0, 0, 0.72]], np.float32)
    assert collared(tip)[0] < 0
    assert smoothed(collared, ball, nowhere, everywhere)(tip)[0] > 0.02
    assert smoothed(collared, collared, nowhere, bare)(tip)[0] < 0
    shape = on_ball(-0.5, 0.5)
    away = np.abs(shape[:, 1]) > 0.15
    assert np.abs(smoothed(collared, ball, nowhere, everywhere)(shape[away])).max() < 0.006

"""Labels move in depth with the limbs of the fit, and keep their place in the picture."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from likeness.training.bodies.depths import LimbDepths, contradicted


def rod(x: float, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Points (N, 3) and normals (N, 3) of an upright rod at x, 8 cm thick and a metre long."""
    rng = np.random.default_rng(int(10 * x) + 3)
    angle, height = rng.uniform(0, 2 * np.pi, count), rng.uniform(-0.5, 0.5, count)
    normals = np.stack([np.cos(angle), np.zeros(count), np.sin(angle)], axis=1)
    return (normals * 0.04 + np.stack([np.full(count, x), height, np.zeros(count)], axis=1)).astype(np.float32), normals.astype(np.float32)


def test_a_limb_that_the_fit_has_nearer_takes_its_labels_along() -> None:
    (left, _), (right, _) = rod(-0.3), rod(0.3)
    true = np.concatenate([left, right])
    fitted = true + np.concatenate([np.zeros_like(left), np.full_like(right, 0.1) * [0, 0, 1]])
    limbs = LimbDepths.of(true, fitted)
    around = np.array([[0.3, 0.1, 0.07], [0.38, -0.2, 0.0], [-0.3, 0.1, 0.07], [-0.38, 0.2, 0.0]], np.float32)
    nearer = np.array([[0, 0, 0.1], [0, 0, 0.1], [0, 0, 0], [0, 0, 0]])
    assert limbs.moved(around) == pytest.approx(around + nearer, abs=2e-3)


def test_normals_turn_with_a_limb_that_leans_towards_the_camera() -> None:
    points, normals = rod(0.0)
    leaning = points.copy()
    leaning[:, 2] += 0.4 * points[:, 1]
    limbs = LimbDepths.of(points, leaning)
    inner = np.abs(points[:, 1]) < 0.4
    front = inner & (normals[:, 2] > 0.95)
    expected = Rotation.from_rotvec([np.arctan(0.4), 0, 0]).apply(normals[front])
    assert np.degrees(np.arccos((limbs.turned(points, normals)[front] * expected).sum(1).clip(-1, 1))).mean() < 6
    assert not limbs.turned(points, np.zeros_like(normals)).any()


def test_points_between_limbs_that_have_met_are_told() -> None:
    (left, towards), (right, away) = rod(-0.06), rod(0.06)
    surface, normals = np.concatenate([left, right]), np.concatenate([towards, away])
    points = np.array([[-0.06, 0, 0], [0.06, 0.1, 0.3], [0.06, 0.1, 0.08]])
    # Inside one rod but called outside; far from both but called near is allowed to be; rightly told.
    assert contradicted(points, np.array([0.04, 0.02, 0.04]), surface, normals).tolist() == [True, False, False]
    assert contradicted(points, np.array([-0.04, 0.4, 0.04]), surface, normals).tolist() == [False, True, False]

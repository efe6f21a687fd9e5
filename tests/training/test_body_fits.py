"""Fits of stored bodies: labels and fits meet in one frame."""

from dataclasses import replace

import numpy as np
import pytest

from likeness.core.photo.view import Camera
from likeness.training.bodies.fits import _BORDER, _SIDE, camera_of, in_picture, label_frame, photograph
from likeness.training.body_model.evaluate import out_of_crop


def test_labels_and_fits_meet_in_one_frame() -> None:
    """A fit that is right but for the distance of its origin: its vertices are the labels, once these are moved to its frame."""
    rng = np.random.default_rng(0)
    true = Camera((0.45 * _SIDE, 0.55 * _SIDE), 230.0, 3.0)
    points = rng.normal(0, 0.2, (50, 3)) * [1, 2.5, 1]
    # The fit's origin is 20 cm behind the stored one: on the same axis, where pixels are larger.
    fitted = replace(true, scale=true.scale * 3.0 / 3.2, distance=3.2)
    ours = in_picture(points + np.array([0, 0, 0.2]), fitted)
    shift, stretch = label_frame(float(points[:, 2].mean()), float(ours[:, 2].mean()), true)
    labels = in_picture(points, true)
    moved = np.column_stack([labels[:, :2], (labels[:, 2] - shift) * stretch])
    assert np.allclose(moved, ours, atol=1e-6)
    assert 0.1 * (true.scale * 2 / _SIDE) * stretch == pytest.approx(0.1 * fitted.scale * 2 / _SIDE)


def test_a_fit_of_another_size_shares_the_labels_frame() -> None:
    """Twice as large and twice as far away looks the same, and is the same in the crop frame."""
    points = np.random.default_rng(1).normal(0, 0.2, (50, 3))
    true = Camera((_SIDE / 2, _SIDE / 2), 230.0, 3.0)
    ours = in_picture(2 * points, Camera(true.centre, 115.0, 6.0))
    shift, stretch = label_frame(float(points[:, 2].mean()), float(ours[:, 2].mean()), true)
    assert np.allclose(in_picture(points, true), ours)
    assert shift == pytest.approx(0, abs=1e-9) and stretch == pytest.approx(1)


def test_a_stored_camera_is_the_pictures() -> None:
    camera = camera_of(np.array([-0.1, 0.2, 0.9, 0.25], np.float32), 512)
    assert np.allclose(camera.centre, (230.4, 307.2), atol=1e-3)
    assert camera.scale == pytest.approx(230.4, abs=1e-3) and camera.distance == pytest.approx(4)


def test_stored_points_come_back_to_the_camera() -> None:
    points = np.random.default_rng(4).normal(0, 0.3, (20, 3))
    stored = np.array([-0.1, 0.2, 0.9, 0.25])
    assert np.allclose(out_of_crop(in_picture(points, camera_of(stored, _SIDE)), stored), points)


def test_a_stored_picture_becomes_a_photo_with_its_surroundings() -> None:
    size, rng = 64, np.random.default_rng(3)
    inside = np.zeros((size, size), np.uint8)
    inside[16:48, 24:40] = 255
    normal = np.zeros((size, size, 3), np.int8)
    normal[inside > 0, 2] = 127
    flat = lambda value: np.full((size, size), value, np.uint8)  # noqa: E731
    view = {
        "albedo": np.stack([flat(200)] * 3, axis=-1), "normal": normal, "coverage": inside, "ambient": flat(255), "material": flat(2),
        "shadows": flat(255)[None], "keys": np.array([[0.0, 0.6, 0.8]], np.float32),
    }  # fmt: skip
    photo, matte = photograph(view, rng)
    assert photo.shape == (_SIDE + 2 * _BORDER, _SIDE + 2 * _BORDER, 3) and matte.shape == (_SIDE, _SIDE)
    assert matte[_SIDE // 2, _SIDE // 2] > 0.9 and matte[0, 0] < 0.1
    assert photo[:_BORDER].std() > 0 or photo[:_BORDER].mean() > 0
    again, _ = photograph(view, np.random.default_rng(3))
    assert np.array_equal(photo, again)

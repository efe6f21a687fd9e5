"""The turned camera: a head beside the photo's middle is seen as from straight before it, and comes back to where the photo shows it."""

import numpy as np
import pytest

from likeness.core.photo.turned import TurnedCamera
from likeness.core.photo.view import Camera

PHOTO = Camera((640.0, 480.0), 400.0, 3.0)  # of a body: the centre is the photo's middle
HEAD = np.array([0.7, 0.5, 0.1])  # 16 degrees beside the axis


def sphere_photo(radius: float = 0.12) -> np.ndarray:
    """(960, 1280) uint8: the photo's outline of a sphere at HEAD, ray by ray."""
    rows, columns = np.mgrid[0:960, 0:1280] + 0.5
    focal = PHOTO.scale * PHOTO.distance
    rays = np.stack([(columns - 640) / focal, -(rows - 480) / focal, -np.ones_like(rows)], axis=-1)
    centre = HEAD - [0, 0, PHOTO.distance]
    along = rays @ centre / np.linalg.norm(rays, axis=-1)
    return ((centre @ centre - along**2 < radius**2) * 255).astype(np.uint8)


def test_what_a_fit_finds_in_the_turned_picture_lies_over_the_photo() -> None:
    turned = TurnedCamera.towards(PHOTO, PHOTO.project(HEAD[None])[0])
    points = np.random.default_rng(0).normal(0, 0.1, (200, 3))
    seen, axis = Camera((300.0, 250.0), 1200 / 2.9, 2.9), np.array([300.0, 250.0])
    photo = PHOTO.project(turned.to_camera(points, seen, axis, PHOTO.distance))
    assert np.abs(turned.from_photo(photo) + axis - seen.project(points)).max() < 1e-6
    # A fit's centre is a pixel or two beside the axis.
    beside = Camera((301.5, 249.0), seen.scale, seen.distance)
    photo = PHOTO.project(turned.to_camera(points, beside, axis, PHOTO.distance))
    assert np.abs(turned.from_photo(photo) + axis - beside.project(points)).max() < 0.05


def test_a_sphere_stays_a_sphere_at_the_distance_that_the_fit_gives_it() -> None:
    turned = TurnedCamera.towards(PHOTO, PHOTO.project(HEAD[None])[0])
    far = float(np.linalg.norm(HEAD - [0, 0, PHOTO.distance]))
    points = np.random.default_rng(1).normal(size=(100, 3))
    points *= 0.1 / np.linalg.norm(points, axis=1, keepdims=True)
    back = turned.to_camera(points, Camera((10.0, 10.0), 1200 / far, far), np.array([10.0, 10.0]), PHOTO.distance)
    assert np.linalg.norm(back - HEAD, axis=1) == pytest.approx(0.1, abs=1e-9)


def test_the_turned_picture_shows_a_sphere_beside_the_middle_as_a_circle() -> None:
    photo = sphere_photo()
    middle = TurnedCamera.towards(PHOTO, PHOTO.project(HEAD[None])[0])
    picture, axis = middle.picture(photo, 120)
    assert picture.shape == (240, 240)

    def outline(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows, columns = np.nonzero(picture > 127)
        return np.array([columns.mean(), rows.mean()]) + 0.5, np.linalg.eigvalsh(np.cov(columns, rows))

    centre, spread = outline(picture)
    assert np.abs(centre - axis).max() < 0.2
    assert spread[1] / spread[0] < 1.01
    assert outline(photo)[1][1] / outline(photo)[1][0] > 1.05  # the photo itself shows an ellipse


def test_the_turned_picture_ends_where_the_photo_does() -> None:
    photo = np.full((960, 1280, 3), 200, np.uint8)
    corner = TurnedCamera.towards(PHOTO, np.array([1250.0, 30.0]))
    picture, axis = corner.picture(photo, 200)
    assert (picture == 200).all()
    assert picture.shape[0] < 260 and picture.shape[1] < 260
    shown = corner.from_photo(np.array([[1250.0, 30.0]]))[0] + axis
    assert (shown > 0).all() and (shown < picture.shape[1::-1]).all()


def test_a_camera_that_looks_at_its_own_middle_does_not_turn() -> None:
    photo = np.random.default_rng(2).integers(0, 255, (200, 300, 3)).astype(np.uint8)
    picture, axis = TurnedCamera.towards(Camera((150.0, 100.0), 400.0, 3.0), np.array([150.0, 100.0])).picture(photo, 50)
    assert np.array_equal(picture, photo[50:150, 100:200])
    assert axis.tolist() == [50, 50]

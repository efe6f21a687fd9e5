"""Every term of the bound on hidden solid: what it allows and what it forbids, which the opposite without it."""

from types import SimpleNamespace
from typing import cast

import numpy as np

from likeness.core.fields.crop import CropField
from likeness.core.fields.head import picture_shares
from likeness.core.fields.hidden import PictureShares, solid_bounds
from likeness.core.photo.parsing import CLASSES, Parsing
from likeness.core.photo.view import View

HEAD, NECK = 0.4, 0.2  # radii


def model(points: np.ndarray) -> np.ndarray:
    """A ball on a column, as the fitted model: signed distance."""
    head = np.linalg.norm(points - [0, 0.3, 0], axis=1) - HEAD
    neck = np.maximum(np.linalg.norm(points[:, [0, 2]], axis=1) - NECK, points[:, 1])
    return np.minimum(head, neck).astype(np.float32)


def bald(points: np.ndarray) -> np.ndarray:
    """The model's own outline in the picture: signed distance."""
    head = np.linalg.norm(points[:, :2] - [0, 0.3], axis=1) - HEAD
    neck = np.maximum(np.abs(points[:, 0]) - NECK, points[:, 1])
    return np.minimum(head, neck)


def with_strip(points: np.ndarray, x: float, y: float, width: float, height: float) -> np.ndarray:
    """The same with an upright strip beside the neck."""
    half = np.array([width, height]) / 2
    return np.minimum(bald(points), np.abs((points[:, :2] - [x, y]) / half).max(1) * half.min() - half.min())


def with_lock(points: np.ndarray) -> np.ndarray:
    """A lock of 18 mm that stands off the neck."""
    return with_strip(points, 0.5, -0.3, 0.09, 0.6)


def with_hair(points: np.ndarray) -> np.ndarray:
    """Hair on both sides of the neck, from the ears down to -0.4."""
    return np.minimum(with_strip(points, 0.35, -0.1, 0.4, 0.6), with_strip(points, -0.35, -0.1, 0.4, 0.6))


def allowed(silhouette, *place: float) -> bool:
    return bool(solid_bounds(model, silhouette).hidden(np.array([place], np.float32))[0] < 0)


def test_one_stray_lock_allows_nothing_behind_the_neck() -> None:
    assert not allowed(with_lock, 0, -0.3, -0.45)


def test_a_stray_lock_that_is_seen_keeps_its_own_depth() -> None:
    assert allowed(with_lock, 0.5, -0.3, -0.15)


def test_short_hair_is_allowed_where_nothing_stands_off_and_no_more() -> None:
    assert allowed(bald, 0, 0.3, -HEAD - 0.07)
    assert not allowed(bald, 0, 0.3, -HEAD - 0.12)


def test_hair_may_hang_a_little_lower_behind_than_it_is_seen_beside() -> None:
    assert allowed(with_hair, 0, -0.42, -0.45)
    assert not allowed(with_hair, 0, -0.55, -0.45)


def test_hair_may_be_a_little_thicker_behind_than_beside() -> None:
    assert allowed(with_hair, 0, -0.1, -NECK - 0.38)
    assert not allowed(with_hair, 0, -0.1, -NECK - 0.5)


def test_the_bound_changes_gradually_from_row_to_row() -> None:
    heights = np.linspace(-0.6, -0.2, 41, dtype=np.float32)
    places = np.stack([0 * heights, heights, np.full_like(heights, -0.45)], axis=1)
    assert np.abs(np.diff(solid_bounds(model, with_hair).hidden(places))).max() < 0.025  # a step would be 0.16 within three rows


def test_clothes_beside_a_jaw_lie_behind_it():
    """A raised shoulder is seen beside the head: solid may be as far out as it is where the neck is near, not where the face is."""
    shoulder = lambda points: with_strip(points, 0.55, 0.1, 0.5, 0.6)  # noqa: E731
    everywhere, nothing = (lambda points, value=value: np.full(len(points), value, np.float32) for value in (1, 0))
    face = lambda points: (points[:, 2] > 0).astype(np.float32)  # noqa: E731
    bounds = solid_bounds(model, shoulder, PictureShares(everywhere, nothing, nothing, face))
    before, behind = bounds.anywhere(np.array([[0.5, 0.3, 0.1], [0.5, 0.3, -0.1]], np.float32))
    assert behind < 0 < before
    assert bounds.anywhere(np.array([[0.41, 0.3, 0.1]], np.float32))[0] < 0


def test_a_lock_beside_a_cheek_lies_against_it():
    """Hair is seen 4 mm beside the head: before the head it may stand off by 6 mm more, and behind or above as far as other hair."""
    hair = lambda points: with_strip(points, 0.55, 0.1, 0.5, 0.6)  # noqa: E731
    everywhere, nothing = (lambda points, value=value: np.full(len(points), value, np.float32) for value in (1, 0))
    below = lambda points: (points[:, 1] < 0.35) * np.where(points[:, 1] < 0.31, 1, 0.7).astype(np.float32)  # noqa: E731
    bounds = solid_bounds(model, hair, PictureShares(everywhere, everywhere, nothing, locks=below))
    before, near, behind, above = bounds.anywhere(
        np.array([[0.42, 0.3, 0.3], [0.42, 0.3, 0.15], [0.42, 0.3, -0.3], [0.42, 0.33, 0.3]], np.float32)
    )
    assert max(near, behind, above) < 0 < before


def test_hair_that_goes_on_below_the_jaw_is_no_lock_against_a_cheek():
    hair = lambda points: with_strip(points, 0.55, 0.1, 0.5, 0.6)  # noqa: E731
    everywhere, nothing = (lambda points, value=value: np.full(len(points), value, np.float32) for value in (1, 0))
    above_jaw = lambda points: (points[:, 1] > 0).astype(np.float32)  # noqa: E731
    ending = lambda points: (points[:, 1] > 0.1).astype(np.float32)  # noqa: E731
    place = np.array([[0.42, 0.3, 0.3]], np.float32)
    assert solid_bounds(model, hair, PictureShares(everywhere, everywhere, nothing, locks=above_jaw)).anywhere(place)[0] < 0
    assert solid_bounds(model, hair, PictureShares(everywhere, ending, nothing, locks=above_jaw)).anywhere(place)[0] > 0


def test_locks_are_hair_between_the_eyes_and_the_jaw():
    """Of a picture that is hair all over: not the fringe above, nor what lies on neck and chest."""
    size = 64
    shares = np.zeros((size, size, len(CLASSES)), np.float32)
    shares[..., CLASSES.index("hair")] = 1
    view = View(
        np.zeros((size, size, 3), np.uint8), np.ones((size, size), np.float32), {}, None, "Ada", parsing=Parsing(shares, (0, 0, size))
    )
    place = SimpleNamespace(prior_place=lambda points: points, prior_face=lambda points: np.zeros(len(points)))
    picture = picture_shares(view, (0, 0, size), cast(CropField, place))
    assert picture is not None and picture.locks is not None
    heights = np.array([0.12, -0.06, -0.5, -0.61, -0.73], np.float32)
    found = picture.locks(np.stack([0 * heights, heights, 0 * heights], axis=1))
    np.testing.assert_allclose(found, [0, 1, 1, 1, 0], atol=0.01)

"""What of a body is hair, skin, clothes and shoes: the photo's classes on the surface."""

from typing import Any

import numpy as np
import pytest

from likeness.core.body_rigging import NearestPlaces, body_parts
from likeness.core.colour import carried
from likeness.core.colour.body import ARMS
from likeness.core.models.body import BodyModel
from likeness.core.photo.parsing import CLASSES
from likeness.core.surface.extract import extract_surface


class Ball:
    """A ball whose places are its own, all of it the head."""

    cells = None

    def __init__(self, vertices: np.ndarray) -> None:
        self.mean = vertices

    def regions(self, *names: str) -> np.ndarray:
        return np.ones((len(self.mean), len(names)))


def parts_of_a_ball(size: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Its vertices (V, 3), and its parts by a photo (size, size) of skin above clothes."""
    vertices, faces = extract_surface(lambda points: np.linalg.norm(points, axis=1) - 0.7, None, 64)
    shares = np.zeros((size, size, len(CLASSES)), np.float32)
    shares[: size // 2, :, CLASSES.index("skin")] = 1
    shares[size // 2 :, :, CLASSES.index("clothes")] = 1
    rows, columns = np.mgrid[:size, :size]
    matte = (np.hypot(rows - size / 2, columns - size / 2) < 0.34 * size).astype(np.float32)
    nearest: Any = Ball(vertices)
    return vertices, body_parts(vertices, faces, nearest, np.zeros(len(vertices)), shares, matte)


@pytest.mark.parametrize("size", [128, 512, 1024])  # of the matte: draft, standard and high
def test_the_classes_lie_where_the_photo_shows_them_at_every_quality(size: int) -> None:
    vertices, parts = parts_of_a_ball(size)
    above, below = (vertices[:, 2] > 0.3) & (vertices[:, 1] > 0.1), (vertices[:, 2] > 0.3) & (vertices[:, 1] < -0.1)
    assert parts["Skin"][above].min() > 0.9 and parts["Clothes"][below].min() > 0.9


def test_what_is_hidden_is_lent_in_parts_as_it_is_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _, whole = parts_of_a_ball(128)
    monkeypatch.setattr(carried, "_AT_ONCE", 100)
    _, parts = parts_of_a_ball(128)
    assert all(np.array_equal(parts[name], whole[name]) for name in whole)


def test_what_hangs_beside_a_hand_is_no_hand() -> None:
    """Such as a wide skirt, whose nearest place on the fitted body is the hand: it took the hand's colours."""
    body = BodyModel.load()
    fitted = body.closed_rest / 1.1
    hand = np.flatnonzero(body.closed_region("hands") > 0.9)
    tip = fitted[hand[fitted[hand, 0].argmax()]]
    near, beside = (NearestPlaces(body, fitted, (tip + np.array([by, 0, 0]))[None].astype(np.float32)) for by in (0.02, 0.1))
    assert near.regions("hands")[0, 0] > 0.9 and beside.regions("hands")[0, 0] < 0.5
    assert np.linalg.norm(beside.mean[0] - near.mean[0]) > 0.05


def test_skin_before_a_body_is_the_hands_where_the_photo_shows_it() -> None:
    """A lap on which hands lie: they were printed on what is behind them."""
    body = BodyModel.load()
    fitted = body.closed_rest / 1.1
    arms = np.max([body.closed_region(name) for name in (*ARMS, "head", "neck")], axis=0) > 0.1
    trunk = fitted[~arms & (np.abs(fitted[:, 0]) < 0.05) & (np.abs(fitted[:, 1] - fitted[:, 1].mean()) < 0.05)]
    before = trunk[trunk[:, 2] > trunk[:, 2].mean()].astype(np.float32)
    points = np.concatenate([before, before * [1, 1, 0] + [0, 0, trunk[:, 2].min()]], dtype=np.float32)
    hand = body.closed_region("hands") > 0.5
    fitted = fitted.copy()
    fitted[hand] = points.mean(0) + np.array([0, 0, 0.4]) + 0.05 * (fitted[hand] - fitted[hand].mean(0))
    regions = lambda skin: NearestPlaces(body, fitted, points, skin=np.full((64, 64), skin, np.float32)).regions("hands")[:, 0]  # noqa: E731
    seen, hidden = np.split(regions(1.0), 2)
    assert np.median(seen) > 0.9 and hidden.max() < 0.1 and regions(0.0).max() < 0.1

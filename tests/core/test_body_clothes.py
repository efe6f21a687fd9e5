"""A body's surface has vertices enough where garments end and where the photo's colours change."""

import numpy as np
import pytest

from likeness.core.body_clothes import FigureCrop, dressed_body
from likeness.core.body_rigging import NearestPlaces
from likeness.core.geometry.mesh import unique_edges
from likeness.core.photo.parsing import CLASSES
from likeness.core.surface.extract import extract_surface

SIZE, RADIUS, CELLS = 256, 0.8, 64


class Ball(NearestPlaces):
    """A ball that is all trunk, in the place of a body."""

    def __init__(self, vertices: np.ndarray) -> None:
        self._points = vertices

    @property
    def mean(self) -> np.ndarray:
        return self._points

    def regions(self, *names: str) -> np.ndarray:
        return np.zeros((len(self._points), len(names)), np.float32)


def edges_of(photo: np.ndarray, pixel: float = 2 / SIZE) -> tuple[np.ndarray, np.ndarray]:
    """Middles (E, 3) and lengths (E,), cells, of the edges of a clothed ball of which this is the photo (SIZE, SIZE, 3). pixel: metres."""
    down, right = np.mgrid[1 : -1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    matte = (np.hypot(down, right) < RADIUS).astype(np.float32)
    parsing = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    parsing[..., CLASSES.index("clothes")], parsing[..., 0] = matte, 1 - matte
    vertices, faces = extract_surface(lambda points: np.linalg.norm(points, axis=1) - RADIUS, None, CELLS)
    crop = FigureCrop(photo.astype(np.float32), matte, parsing, 1.0, pixel, np.array([0.0, 1.0, 0.0]))
    vertices, faces, _ = dressed_body(vertices.astype(np.float32), faces, Ball, crop, CELLS, 0.0)
    ends = vertices[unique_edges(faces)[0]]
    return ends.mean(1), np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1) * CELLS / 2


@pytest.mark.parametrize("side", [1, -1], ids=["seen", "hidden"])
def test_it_is_finer_along_hems(side: int) -> None:
    photo = np.full((SIZE, SIZE, 3), 0.9)
    photo[SIZE // 2 :] = 0.1, 0.1, 0.3
    places, length = edges_of(photo)
    on_side = places[:, 2] * side > 0.5
    hem = np.abs(places[:, 1]) < 0.01
    assert length[on_side & hem].mean() < 0.5 * length[on_side & (np.abs(places[:, 1]) > 0.2)].mean()


def test_it_is_finer_around_a_print() -> None:
    photo = np.full((SIZE, SIZE, 3), 0.9)
    photo[120:124, 110:146] = 0.5
    places, length = edges_of(photo)
    printed = (np.abs(places[:, 1] - 0.047) < 0.02) & (np.abs(places[:, 0]) < 0.12) & (places[:, 2] > 0)
    assert length[printed].mean() < 0.6 * length[places[:, 2] < 0].mean()


def test_a_pattern_that_is_everywhere_makes_it_little_finer() -> None:
    rows, columns = np.indices((SIZE, SIZE)) // 3
    checked = np.repeat((0.2 + 0.6 * ((rows + columns) % 2))[..., None], 3, axis=2)
    plain = len(edges_of(np.full((SIZE, SIZE, 3), 0.5))[1])
    assert len(edges_of(checked)[1]) < 1.6 * plain


def test_it_is_no_finer_than_the_photo() -> None:
    photo = np.full((SIZE, SIZE, 3), 0.9)
    photo[120:124, 110:146] = 0.5
    plain, fine, coarse = (len(edges_of(*one)[1]) for one in ((np.full_like(photo, 0.9),), (photo,), (photo, 2 / CELLS)))
    assert coarse - plain < 0.2 * (fine - plain)

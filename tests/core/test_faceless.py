"""Heads in photos without a face, told by a parser that knows one colour for skin and one for clothes."""

import cv2
import numpy as np
import pytest

from likeness.core.photo.decode import Photo
from likeness.core.photo.faceless import HeadPicture
from likeness.core.photo.parsing import CLASSES

SKIN, CLOTH, WALL = (200, 120, 80), (40, 60, 160), (120, 130, 120)


class StubParser:
    """Tells skin and clothes by their colours."""

    size = 128
    outline_stays = False

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        shares = np.zeros((*picture.shape[:2], len(CLASSES)), np.float32)
        colours = {"background": WALL, "skin": SKIN, "clothes": CLOTH}
        apart = np.stack([np.abs(picture.astype(float) - colour).sum(-1) for colour in colours.values()])
        for index, name in enumerate(colours):
            shares[..., CLASSES.index(name)] = apart.argmin(0) == index
        return shares


def photo(middle: tuple[int, int], radius: int, size: tuple[int, int] = (900, 700)) -> Photo:
    image = np.full((*size, 3), WALL, np.uint8)
    cv2.rectangle(image, (middle[0] - 2 * radius, middle[1] + radius), (middle[0] + 2 * radius, size[0]), CLOTH, -1)
    cv2.circle(image, middle, radius, SKIN, -1)
    return Photo(image, None, None, "side")


@pytest.mark.parametrize("middle", [(350, 300), (120, 500), (600, 110)])
def test_a_head_is_found_wherever_it_is(middle):
    found = HeadPicture.of(photo(middle, 100), StubParser(), None)
    assert found is not None
    place, across = found.place()
    assert np.linalg.norm(place - middle) < 12 and across == pytest.approx(100 * np.sqrt(np.pi), rel=0.06)
    left, top, side = found.box()
    assert left < middle[0] - 100 and top < middle[1] - 100 and left + side > middle[0] + 100 and top + side > middle[1] + 100
    assert found.matte[middle[1], middle[0]] > 0.95 and found.matte[middle[1] + 130, middle[0]] > 0.95 and found.matte[5, 5] < 0.05


def test_the_largest_of_two_heads_is_taken():
    image = photo((200, 300), 60).image
    cv2.circle(image, (500, 300), 100, SKIN, -1)
    found = HeadPicture.of(Photo(image, None, None, "two"), StubParser(), None)
    assert found is not None and np.linalg.norm(found.place()[0] - (500, 300)) < 15


def test_no_head_and_a_tiny_one_are_none():
    assert HeadPicture.of(photo((350, 300), 20), StubParser(), None) is None
    assert HeadPicture.of(Photo(np.full((400, 400, 3), WALL, np.uint8), None, None, "wall"), StubParser(), None) is None

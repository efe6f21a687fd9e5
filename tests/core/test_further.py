"""Which parts of a head further photos may tell of."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from likeness.core.fields.crop import CropField
from likeness.core.further import FurtherPhotos
from likeness.core.prepared import PreparedPhoto


class StubCrop:
    """Canonical places are the points themselves."""

    def prior_place(self, points: np.ndarray) -> np.ndarray:
        return points


def further(sides: int) -> FurtherPhotos:
    """Of a main photo alone, whose number is 0; sides: of the photos that would follow."""
    fit: Any = SimpleNamespace(closed_vertices=np.zeros((3, 3)), camera=None)
    main = cast(PreparedPhoto, SimpleNamespace(fit=fit, surface=None))
    return FurtherPhotos(main, [], cast(CropField, StubCrop()), sides)


HEAD, SHOULDER = np.array([[0.0, 0.2, 0.3]], np.float32), np.array([[0.3, -0.9, 0.0]], np.float32)


def test_a_photo_without_a_face_tells_nothing_of_shoulders():
    """Nothing is fitted to them."""
    photos = further(0)
    assert photos._told_by(0, SHOULDER, SHOULDER) == 1
    assert photos._told_by(1, SHOULDER, SHOULDER) == 0 and photos._told_by(1, HEAD, HEAD) == 1


def test_a_photo_tells_nothing_of_what_lies_beyond_its_crop():
    """The last column of its picture would be drawn out into streaks."""
    photos = further(0)
    beyond = np.array([[1.05, 0.0, 0.0]], np.float32)
    assert photos._told_by(0, HEAD, beyond) == 0 and photos._told_by(0, HEAD, HEAD) == 1

"""The body detector on a real picture: scikit-image's astronaut, of whom the upper half is seen."""

import numpy as np
import pytest
from skimage import data

from likeness.core.photo.people import LANDMARKS, BodyDetector


@pytest.fixture(scope="module")
def detector() -> BodyDetector:
    return BodyDetector()


def test_a_person_is_read_alike_in_every_framing(detector: BodyDetector) -> None:
    image = data.astronaut()
    readings = detector.readings(image, (60, 0, 460, 512))
    assert len(readings) == 4
    points = np.array([reading.points for reading in readings])
    assert points.shape == (4, LANDMARKS, 2)
    nose, shoulders = points[:, 0], points[:, 11:13]
    assert np.allclose(nose.mean(0), (225, 125), atol=30)
    assert (shoulders[:, 0, 0] > shoulders[:, 1, 0] + 100).all()  # her left shoulder is to the right
    assert np.abs(nose - nose.mean(0)).max() < 15
    assert all(reading.visibility[0] > 0.9 for reading in readings)


def test_where_nobody_is_nothing_is_read(detector: BodyDetector) -> None:
    assert detector.readings(np.full((200, 200, 3), 90, np.uint8), (20, 20, 180, 180)) == []

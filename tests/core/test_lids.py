"""How far eyes are closed in a video, from the landmarks of their lids."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from likeness.core.animation.lids import FEWEST_FRAMES, blinks, openings
from likeness.core.models.head import HeadModel
from likeness.core.photo.faces import Face
from likeness.core.photo.landmarks import MEDIAPIPE
from likeness.core.photo.view import Camera

UPPER, LOWER = (385, 387, 160, 158), (380, 373, 144, 153)
SHUT = 5  # number of the frame


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


def mesh(model: HeadModel, opened: float) -> np.ndarray:
    """The mean head's landmarks in pixels, its eyes open by a share."""
    points = model.mediapipe.on(model.mean) + model.mediapipe.bias
    camera = Camera((320.0, 280.0), 1700.0, 1.4)
    found = np.column_stack([camera.project(points), points[:, 2] * camera.scale]).astype(np.float32)
    found[list(UPPER)] = found[list(LOWER)] + opened * (found[list(UPPER)] - found[list(LOWER)])
    return found


def test_openings_do_not_depend_on_the_size_or_turn_of_the_head(model: HeadModel) -> None:
    points = mesh(model, 1.0)
    turn = cv2.Rodrigues(np.array([0.2, 0.5, -0.3]))[0]
    assert openings(points) == pytest.approx(openings(2 * points @ turn.T), rel=1e-4)
    assert openings(mesh(model, 0.5)) == pytest.approx(openings(points) / 2, rel=1e-3)


def test_shut_eyes_are_shut_and_open_ones_open() -> None:
    opened = np.full((20, 2), [0.32, 0.26])
    opened[3] *= 0.28  # as the detector reads shut eyes
    opened[4, 1] *= 0.6
    opened[5] *= 0.93  # a reading that wanders
    found = blinks(opened)
    assert found[3] == pytest.approx([1, 1]) and found[5] == pytest.approx([0, 0]) and found[0] == pytest.approx([0, 0])
    assert found[4, 0] == 0 and 0.4 < found[4, 1] < 0.6


class Shown:
    """A detector that sees a face with open eyes in every picture, but shut ones in one."""

    def __init__(self, model: HeadModel) -> None:
        self._model, self._number = model, -1

    def detect(self, image: np.ndarray, closer: bool = True) -> list[Face]:
        self._number += 1
        return [Face({MEDIAPIPE: mesh(self._model, 0.2 if self._number == SHUT else 1.0)}, 1.0)]

    def follow(self, image: np.ndarray, face: Face) -> Face | None:
        return self.detect(image)[0]


@pytest.mark.parametrize("count", [FEWEST_FRAMES, FEWEST_FRAMES - 1])
def test_the_tracker_closes_the_eyes_by_the_lids_where_a_video_shows_them_open(model: HeadModel, tmp_path: Path, count: int) -> None:
    from likeness.core.animation.track import Tracker

    for number in range(count):
        cv2.imwrite(str(tmp_path / f"{number:04d}.png"), np.zeros((600, 640, 3), np.uint8))
    found = Tracker(model, Shown(model)).run(tmp_path, smoothing=0)  # type: ignore[arg-type]
    eyes = found.key_values[:, [found.key_names.index(f"eyeBlink{side}") for side in ("Left", "Right")]]
    assert (eyes[SHUT] > 0.95).all() == (count == FEWEST_FRAMES)
    assert np.delete(eyes, SHUT, axis=0).max() < 0.3

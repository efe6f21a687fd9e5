"""MediaPipe's landmarks of turned faces are mended: photographs of drawn people of the evaluation seed, nobody of whom taught the map."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from likeness.core.models.fit import fit_head
from likeness.core.models.head import HeadModel
from likeness.core.models.observation import Observation
from likeness.core.models.rotation import rotation_matrix, rotation_vector
from likeness.core.models.turned_landmarks import TurnedLandmarks
from likeness.core.photo.landmarks import MEDIAPIPE

FACES = Path(__file__).with_name("turned_faces.npz")
"""Of R photographs of faces turned by 35 degrees and more: landmarks found (R, 468, 3) and true (R, 468, 2), pixels; the head's
rotation (R, 3, 3), and pixels in a metre, scale (R,)."""


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


@pytest.fixture(scope="module")
def mended() -> TurnedLandmarks:
    return TurnedLandmarks.load()


@pytest.fixture(scope="module")
def faces() -> dict[str, np.ndarray]:
    with np.load(FACES, allow_pickle=False) as data:
        return {name: data[name].astype(np.float64) for name in data.files}


def seen(model: HeadModel, yaw: float) -> np.ndarray:
    """The mean head's landmarks as the detector reports them, pixels."""
    turn = rotation_matrix(np.array([0, np.radians(yaw), 0]))
    points = (model.mediapipe.on(model.mean) + model.mediapipe.bias) @ turn.T
    return points * [3000, -3000, 3000] + [300, 300, 0]


def error(rotation: np.ndarray, truth: np.ndarray) -> float:
    return float(np.degrees(np.linalg.norm(rotation_vector(rotation @ truth.T))))


def test_a_face_that_looks_ahead_stays_as_it_is(model: HeadModel, mended: TurnedLandmarks) -> None:
    landmarks = seen(model, 8)
    assert np.array_equal(mended.corrected(landmarks), landmarks)


def test_landmarks_of_turned_faces_come_nearer_to_where_they_belong(
    model: HeadModel, faces: dict[str, np.ndarray], mended: TurnedLandmarks
) -> None:
    """Which is the truth, and the offset that the detector has from every side."""
    offset = np.einsum("nij,lj->nli", faces["rotation"], model.mediapipe.bias)[..., :2] * [1, -1] * faces["scale"][:, None, None]
    wanted = faces["truth"] + offset
    off = lambda points: np.linalg.norm(points[..., :2] - wanted, axis=2).mean()  # noqa: E731
    assert off(np.stack([mended.corrected(found) for found in faces["found"]])) < 0.9 * off(faces["found"])


def test_a_tilted_and_larger_face_is_mended_the_same_way(faces: dict[str, np.ndarray], mended: TurnedLandmarks) -> None:
    found = faces["found"][0]
    tilt = 2.0 * rotation_matrix(np.array([0, 0, 0.6]))[:2, :2]
    moved = np.column_stack([found[:, :2] @ tilt.T + [50, -20], 2.0 * found[:, 2]])
    expected = mended.corrected(found)
    expected = np.column_stack([expected[:, :2] @ tilt.T + [50, -20], 2.0 * expected[:, 2]])
    assert np.abs(mended.corrected(moved) - expected).max() < 0.01


def test_both_sides_are_mended_alike(model: HeadModel, mended: TurnedLandmarks) -> None:
    rest = model.mediapipe.on(model.mean)
    other = cKDTree(rest).query(rest * [-1, 1, 1])[1]
    left, right = (mended.corrected(seen(model, yaw)) - seen(model, yaw) for yaw in (50, -50))
    assert np.abs(left).max() > 5
    assert np.abs(left[other] * [-1, 1, 1] - right).mean() < 0.15 * np.abs(left).mean()


def test_the_fit_of_a_detected_face_begins_with_mended_landmarks(model: HeadModel, faces: dict[str, np.ndarray]) -> None:
    found, rotation = faces["found"][0], faces["rotation"][0]
    as_found, as_mended = (fit_head(model, make({MEDIAPIPE: found})) for make in (Observation, Observation.detected))
    assert error(as_mended.rotation, rotation) != error(as_found.rotation, rotation)

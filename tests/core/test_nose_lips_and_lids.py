"""Nose, lips and lids of a fit lie where the detector has found them, closer than the model's shapes can bring them."""

import numpy as np
import pytest

from likeness.core.models import across, face_shapes
from likeness.core.models.across import to_lips_and_lids, to_the_nose
from likeness.core.models.fit import fit_head, landmark_points
from likeness.core.models.head import HeadModel
from likeness.core.models.observation import Observation
from likeness.core.models.parametric import Parameters
from likeness.core.models.rotation import rotation_matrix, rotation_vector
from likeness.core.photo.landmarks import IBUG68, LIDS, LIPS, MEDIAPIPE, NOSE, NOSE_BASE
from likeness.core.photo.view import Camera

MODEL = HeadModel.load()
CAMERA = Camera((260.0, 200.0), 1200.0, 1.5)
HIDES_IT = -1.2  # radians of the head's turn at which the other side's eye is seen alone
UPPER_LID, LOWER_LID = [161, 160, 159, 158, 157], [163, 144, 145, 153, 154]  # of the right eye


def landmarks(turn: float = 0.0, seed: int = 3) -> np.ndarray:
    """MediaPipe's (468, 3) of a head that is turned to its left, photo pixels."""
    rotations = np.zeros((5, 3))
    rotations[0] = rotation_vector(rotation_matrix(np.array([0.0, turn, 0.0])))
    identity = np.clip(np.random.default_rng(seed).normal(0, 0.8, len(MODEL.identity)), -2, 2)
    posed = MODEL.posed(Parameters(identity, np.zeros(52), rotations))
    points = MODEL.mediapipe.on(posed.vertices) + MODEL.mediapipe.bias @ posed.rotation.T
    return np.concatenate([CAMERA.project(points), points[:, 2:] * CAMERA.scale], axis=1)


def with_a_narrow_eye(turn: float = 0.0) -> np.ndarray:
    """The same, with the lids of one eye 3 mm closer together."""
    found = landmarks(turn)
    found[UPPER_LID, 1] += 0.0015 * CAMERA.scale
    found[LOWER_LID, 1] -= 0.0015 * CAMERA.scale
    return found


def apart(found: np.ndarray, some: list[int]) -> float:
    """Millimetres between a fit's landmarks and the detector's."""
    fit = fit_head(MODEL, Observation({MEDIAPIPE: found}))
    pixels = np.linalg.norm(fit.camera.project(landmark_points(MODEL, fit)) - found[:, :2], axis=1)[some]
    return 1000 * float(pixels.mean()) / fit.camera.scale


def test_one_narrowed_eye_is_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    found = with_a_narrow_eye()
    narrowed = apart(found, UPPER_LID + LOWER_LID)
    monkeypatch.setattr(across, "_MOST", 1e-9)
    assert narrowed < 0.6 * apart(found, UPPER_LID + LOWER_LID)


def test_lips_and_lids_count_for_more_than_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    found = landmarks()
    rest = np.setdiff1d(np.arange(468), [*LIPS, *LIDS])
    found[rest, :2] += np.random.default_rng(0).normal(0, 0.003 * CAMERA.scale, (len(rest), 2))
    monkeypatch.setattr(across, "_MOST", 1e-9)
    trusted = apart(found, [*LIPS, *LIDS])
    monkeypatch.setattr(face_shapes, "_REFINED", 1.0)
    assert trusted < 0.9 * apart(found, [*LIPS, *LIDS])


def moved(found: np.ndarray) -> np.ndarray:
    """Moves (V, 3) in millimetres of the vertices of a fit to the unaltered landmarks when the detector has found these."""
    fit, seen = fit_head(MODEL, Observation({MEDIAPIPE: landmarks()})), Observation({MEDIAPIPE: found})
    return 1000 * (to_lips_and_lids(MODEL, to_the_nose(MODEL, fit, seen), seen).vertices - fit.vertices)


def near(landmark: int) -> int:
    """The vertex of the model's that lies nearest to a landmark."""
    return int(np.argmin(np.linalg.norm(MODEL.mean - MODEL.mediapipe.on(MODEL.mean)[landmark], axis=1)))


def test_only_skin_around_them_moves_and_never_far() -> None:
    found = with_a_narrow_eye()
    found[list(LIPS), 0] += 0.05 * CAMERA.scale
    apart = np.linalg.norm(moved(found) - moved(landmarks()), axis=1)
    assert 2 < apart.max() < 6
    assert apart[near(4)] < 0.1 and apart[MODEL.regions["ears"] > 0.5].max() < 0.01


def test_a_raised_nose_is_raised_and_lips_stay() -> None:
    found = landmarks()
    found[list(NOSE), 1] -= 0.003 * CAMERA.scale
    up = (moved(found) - moved(landmarks()))[:, 1]
    assert 2.2 < up[near(2)] < 3.5 and 2.2 < up[near(98)] < 3.5
    assert np.abs(up[[near(61), near(14), near(133)]]).max() < 0.5


def test_a_nose_found_far_off_is_not_followed() -> None:
    found = landmarks()
    found[list(NOSE), 1] -= 0.03 * CAMERA.scale
    assert 2 < (moved(found) - moved(landmarks()))[near(2), 1] < 6


def test_a_noses_width_is_the_fits() -> None:
    found = landmarks()
    found[[98, 129, 64], 0] -= 0.003 * CAMERA.scale
    found[[327, 358, 294], 0] += 0.003 * CAMERA.scale
    assert np.abs((moved(found) - moved(landmarks()))[[near(98), near(64), near(294)], 0]).max() < 0.1


def test_a_noses_base_lies_above_where_the_detector_sees_it_on_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    def base() -> float:
        fit = fit_head(MODEL, Observation({MEDIAPIPE: landmarks()}))
        return 1000 * float(MODEL.mediapipe.on(fit.vertices)[list(NOSE_BASE), 1].mean())

    above = base()
    monkeypatch.setattr(across, "_NOSE_BASE_ERROR", 0.0)
    assert 0.4 < above - base() < 0.8


def test_lids_that_face_away_stay_with_the_model() -> None:
    def of_the_model(turn: float) -> float:
        fit = fit_head(MODEL, Observation({MEDIAPIPE: with_a_narrow_eye(turn)}))
        posed = MODEL.posed(Parameters(fit.identity, fit.expression, fit.rotations))
        return float(np.linalg.norm(MODEL.mediapipe.on(fit.vertices - posed.vertices)[UPPER_LID + LOWER_LID], axis=1).mean())

    assert of_the_model(HIDES_IT) < 1e-5 < 1e-4 < of_the_model(-HIDES_IT)


def test_without_mediapipes_landmarks_the_model_stays() -> None:
    fit = fit_head(MODEL, Observation({MEDIAPIPE: landmarks()}))
    other = Observation({IBUG68: np.zeros((68, 2))})
    assert to_lips_and_lids(MODEL, fit, other) is fit and to_the_nose(MODEL, fit, other) is fit

"""How predicted bodies are laid over their truth."""

import numpy as np
import pytest
import trimesh

from likeness.core.photo.framing import Framing
from likeness.core.photo.view import Camera
from likeness.evaluation import score
from likeness.evaluation.align import Similarity
from likeness.evaluation.case import Case, Truth
from likeness.evaluation.methods import Prediction
from likeness.evaluation.metrics import MeasuredTruth
from likeness.evaluation.nearest import NearestSurface

NO_LANDMARKS = np.zeros((0, 3))
TRUE = Camera((300.0, 200.0), 250.0, 4.0)
OWN = Camera((300.0, 200.0), 180.0, 3.0)  # thinks of a larger and nearer person


@pytest.fixture(scope="module")
def case() -> Case:
    ball = trimesh.creation.icosphere(3, 0.5)
    vertices, faces = np.asarray(ball.vertices, np.float32), np.asarray(ball.faces, np.int32)
    truth = Truth(vertices, faces, np.zeros(len(vertices), np.uint8), ("body",))
    return Case("ball", np.zeros((400, 600, 3), np.uint8), "body", truth, TRUE, mask=np.zeros((400, 600), np.float32))


def predicted(vertices: np.ndarray, faces: np.ndarray) -> Prediction:
    return Prediction(vertices, faces, NO_LANDMARKS, OWN, 0.0, framing=Framing(1.0, (0.0, 0.0, 0.0)))


def test_a_body_covers_the_same_pixels_before_the_true_camera(case: Case) -> None:
    points = np.random.default_rng(0).normal(0, 0.4, (50, 3))
    moved = score.in_true_frame(case, predicted(points, np.zeros((0, 3), int)), points)
    assert np.allclose(TRUE.project(moved), OWN.project(points), atol=1e-6)
    assert np.allclose(moved[:, 2], points[:, 2] * (OWN.scale / TRUE.scale))


def test_an_alignment_that_leads_astray_is_not_used_for_bodies(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    assert case.truth is not None
    surface = NearestSurface(case.truth.vertices + np.float32([0.01, 0, 0]), case.truth.faces)
    near = score.motions(MeasuredTruth(case), surface, NO_LANDMARKS, ("A2",))["A2"]
    assert np.abs(near(np.array([[0.01, 0, 0]]))).max() < 2e-3
    astray = Similarity(1.0, np.eye(3), np.array([0.4, 0, 0]))
    monkeypatch.setattr(score, "align_surface", lambda *_: astray)
    assert np.allclose(score.motions(MeasuredTruth(case), surface, NO_LANDMARKS, ("A2",))["A2"].translation, 0)


def test_a_body_without_landmarks_is_measured(case: Case) -> None:
    assert case.truth is not None
    vertices = case.truth.vertices * np.float32(TRUE.scale / OWN.scale)
    budget = score.SamplingBudget(2000, 1, None, ("A0", "A2"), False)
    values = score.score(case, MeasuredTruth(case), predicted(vertices, case.truth.faces), budget).values
    assert values["A2.chamfer"] < 15 and "landmark_px" not in values

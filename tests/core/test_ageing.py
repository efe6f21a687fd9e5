"""How folded a face is, is read from its picture whatever the light, and fits of folded faces are of older heads."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from likeness.core.models.fit import fit_head
from likeness.core.models.guess import HeadGuess
from likeness.core.models.head import HeadModel
from likeness.core.models.observation import Observation
from likeness.core.networks import ageing
from likeness.core.networks.ageing import COUNT, SIZE, Ageing, face_features, face_picture
from likeness.core.networks.weights import load_parsing
from likeness.core.photo.view import View
from likeness.core.pipeline import Reconstructor

CPU, YOUNG, OLD = torch.device("cpu"), 0.0, 9.0


@pytest.fixture(scope="module")
def view(reconstructor: Reconstructor, astronaut: Path) -> View:
    return reconstructor.intake.load(astronaut)


@pytest.fixture(scope="module")
def bundled() -> Ageing:
    parsing = load_parsing()
    assert parsing is not None
    return Ageing.load(parsing.backbone, CPU, torch.inference_mode)


@pytest.fixture
def guess() -> HeadGuess:
    return HeadGuess(np.full(80, 0.1), np.ones(80), np.zeros(52), np.eye(3))


def test_a_face_is_read_alike_in_other_light(bundled: Ageing, view: View) -> None:
    folds = bundled.folds(view, view.mesh)
    darker = replace(view, image=np.round(255 * (view.image / 255.0) ** 1.4).astype(np.uint8))
    assert 0 < folds < 1.5
    assert abs(bundled.folds(darker, view.mesh) - folds) < 0.5


def test_only_the_face_is_read(view: View) -> None:
    picture, face = face_picture(view, view.mesh)
    assert picture.shape == (SIZE, SIZE, 3) and 0.3 < face.mean() < 0.8
    corner, middle = face[:20, :20], face[SIZE // 2 - 10 : SIZE // 2 + 10, SIZE // 2 - 10 : SIZE // 2 + 10]
    assert not corner.any() and middle.all()
    parsing = load_parsing()
    assert parsing is not None
    read = [face_features(parsing.backbone, picture, share, CPU, torch.inference_mode) for share in (face, np.zeros_like(face))]
    assert read[0].shape == (COUNT,) and np.abs(read[0]).max() > 0 and not read[1].any()


def test_hair_beside_the_face_is_not_counted(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = face_picture(view, view.mesh)[1].sum()
    monkeypatch.setattr(ageing, "_RIM", 0)
    assert inside < 0.9 * face_picture(view, view.mesh)[1].sum()


def test_smooth_faces_stay_and_folded_ones_get_the_head_of_the_old(bundled: Ageing, guess: HeadGuess) -> None:
    change = [bundled.aged(guess, folds).identity - guess.identity for folds in (YOUNG, 1.0, 1.85, 2.7, OLD)]
    assert not change[0].any() and not change[1].any()
    assert np.allclose(change[2], change[3] / 2) and np.array_equal(change[3], change[4])
    assert 2 < np.linalg.norm(change[4]) < 5 and np.abs(change[4]).max() < 2


def test_the_predictors_guess_is_as_old_as_the_face_looks(
    reconstructor: Reconstructor, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    def guessed(folds: float) -> np.ndarray:
        monkeypatch.setattr(Ageing, "folds", lambda *_: folds)
        found = reconstructor._predictor.guess(view)
        assert found is not None
        return found.identity

    assert np.linalg.norm(guessed(OLD) - guessed(YOUNG)) > 2


def test_a_fit_of_a_folded_face_has_folds_where_landmarks_see_none(bundled: Ageing, reconstructor: Reconstructor, view: View) -> None:
    guess = reconstructor._predictor.guess(view)
    assert guess is not None
    model, seen = HeadModel.load(), Observation.of(view)
    young, old = (fit_head(model, seen, bundled.aged(guess, folds)) for folds in (YOUNG, OLD))
    way = bundled.aged(guess, OLD).identity - guess.identity
    assert ((old.identity - young.identity)[: len(way)] @ way) / (way @ way) > 0.5
    assert abs(old.residual - young.residual) < 0.004

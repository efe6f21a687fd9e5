"""Pins: their file, what they do to landmarks, and that the fitted face meets them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from likeness.core.errors import InputError
from likeness.core.models.fit import fit_head, landmark_points, refit_to_pins
from likeness.core.models.head import HeadModel
from likeness.core.models.observation import Observation
from likeness.core.models.parametric import Parameters
from likeness.core.photo.landmarks import MEDIAPIPE
from likeness.core.photo.named_landmarks import NAMED_LANDMARKS
from likeness.core.photo.pins import Pin, parse_pins, pinned, pins_text, read_pins, spread
from likeness.core.photo.view import Camera, View

NOSE, CHIN = NAMED_LANDMARKS["Nose Tip"], NAMED_LANDMARKS["Chin"]


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


@pytest.fixture(scope="module")
def view(model: HeadModel) -> View:
    """A photo of a head of the model, as a detector sees it: 76 pixels between the eyes."""
    identity = np.clip(np.random.default_rng(3).normal(0, 0.8, len(model.identity)), -2, 2)
    posed = model.posed(Parameters(identity, np.zeros(52), np.array([[0.1, 0.2, 0], *[[0, 0, 0]] * 4])))
    camera = Camera((260.0, 200.0), 1200.0, 1.5)
    points = model.mediapipe.on(posed.vertices) + model.mediapipe.bias @ posed.rotation.T
    landmarks = np.concatenate([camera.project(points), points[:, 2:] * camera.scale], axis=1)
    return View(np.zeros((480, 520, 3), np.uint8), np.ones((480, 520), np.float32), {MEDIAPIPE: landmarks}, None, "drawn")


def _seen(model: HeadModel, fit) -> np.ndarray:
    return fit.camera.project(landmark_points(model, fit))


@pytest.mark.parametrize("name", ["Nose Tip", "Mouth Corner.L", "Eye Outer.R", "Jaw.R", "Chin", "Brow Middle.L"])
def test_a_pin_that_is_moved_20_pixels_lands_within_1(model, view, name):
    first, index = fit_head(model, Observation.of(view)), NAMED_LANDMARKS[name]
    wanted = view.mesh[index, :2] + [16, -12]
    moved = pinned(view, [Pin((float(wanted[0]), float(wanted[1])), name)])
    for fit in (refit_to_pins(model, Observation.of(moved), first), fit_head(model, Observation.of(moved))):
        assert np.linalg.norm(_seen(model, fit)[index] - wanted) < 1


@pytest.mark.parametrize("name", ["Chin", "Jaw.R", "Brow Inner.R"])
def test_the_model_itself_goes_to_a_pin(model, view, name):
    """Before the skin is moved the rest of the way, which the rig of the same person would not know of."""
    index = NAMED_LANDMARKS[name]
    wanted = view.mesh[index, :2] + [0, 16]
    pins = pinned(view, [Pin((float(wanted[0]), float(wanted[1])), name)])
    fit = refit_to_pins(model, Observation.of(pins), fit_head(model, Observation.of(view)))
    posed = model.posed(Parameters(fit.identity, fit.expression, fit.rotations))
    points = model.mediapipe.on(posed.vertices) + model.mediapipe.bias @ posed.rotation.T
    assert np.linalg.norm(fit.camera.project(points)[index] - wanted) < 1


def test_pins_that_hold_keep_what_is_right_where_another_moves(model, view):
    first = fit_head(model, Observation.of(view))
    places = {name: tuple(float(x) for x in _seen(model, first)[NAMED_LANDMARKS[name]]) for name in ("Nose Tip", "Chin", "Nostril.L")}
    move = Pin((places["Nose Tip"][0] + 20, places["Nose Tip"][1]), "Nose Tip")
    held = [Pin(places[name], name) for name in ("Chin", "Nostril.L")]
    for pins, lands in (([move], False), ([move, *held], True)):
        fit = refit_to_pins(model, Observation.of(pinned(view, pins)), first)
        apart = [np.linalg.norm(_seen(model, fit)[NAMED_LANDMARKS[pin.landmark]] - pin.at) for pin in held]
        assert (max(apart) < 1) == lands
        assert np.linalg.norm(_seen(model, fit)[NOSE] - move.at) < 1


def test_a_pin_anywhere_on_the_face_is_met_too(model, view):
    first = fit_head(model, Observation.of(view))
    origin = view.mesh[[NOSE, 50, 101], :2].mean(0)  # on the cheek beside the nose
    pin = Pin((float(origin[0]) + 8, float(origin[1]) + 3), "", (float(origin[0]), float(origin[1])))
    moved = pinned(view, [pin])
    assert moved.pins is not None and moved.pins.shares.sum() == pytest.approx(1) and (moved.pins.shares > 0).sum() == 3
    fit = refit_to_pins(model, Observation.of(moved), first)
    assert np.linalg.norm(moved.pins.shares[0] @ _seen(model, fit) - pin.at) < 1


def test_landmarks_around_a_pin_go_along_and_far_ones_stay(view):
    moved = pinned(view, [Pin((view.mesh[NOSE, 0] + 20.0, view.mesh[NOSE, 1] + 0.0), "Nose Tip")])
    went = moved.mesh[:, 0] - view.mesh[:, 0]
    assert went[NOSE] == pytest.approx(20, abs=0.1) and 5 < went[NAMED_LANDMARKS["Nostril.L"]] < 20 and abs(went[10]) < 1
    assert pinned(moved, []).pins is None


def test_moves_spread_without_overshooting():
    places, moves = np.array([[0.0, 0], [1, 0]]), np.array([[1.0, 0], [1, 0]])
    points = np.column_stack([np.linspace(-3, 4, 50), np.zeros(50)])
    found = spread(places, moves, points, 0.5)
    assert np.allclose(spread(places, moves, places, 0.5), moves, atol=1e-3) and found.max() < 1.2 and abs(found[0, 0]) < 0.01


def test_a_pins_file_comes_back_and_anything_else_is_refused_in_one_sentence(tmp_path: Path):
    pins = [Pin((10.0, 20.5), "Nose Tip"), Pin((3.0, 4.0), "", (2.0, 4.0))]
    (tmp_path / "pins.json").write_text(pins_text(pins))
    assert read_pins(tmp_path / "pins.json") == pins
    bad = ["", "[]", '{"pins": 3}', '{"pins": [{"at": [1, 2]}]}', '{"pins": [{"landmark": "Tail", "at": [1, 2]}]}']
    bad += ['{"pins": [{"landmark": "Chin", "at": [1, NaN]}]}', '{"pins": [3]}']
    for text in bad:
        with pytest.raises(InputError) as caught:
            parse_pins(text)
        assert str(caught.value).endswith(".") and "\n" not in str(caught.value)
    with pytest.raises(InputError, match="cannot be read"):
        read_pins(tmp_path / "none.json")


def test_a_view_without_pins_is_fitted_as_ever(model, view):
    same = fit_head(model, Observation.of(replace(view, pins=None)))
    assert np.array_equal(same.vertices, fit_head(model, Observation.of(view)).vertices)

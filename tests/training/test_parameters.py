"""True parameters of synthetic people, and what a photo's square and a mirror make of them."""

import numpy as np
import pytest
import torch

from likeness.core.models.head import HeadModel, HeadParameters
from likeness.core.models.rotation import rotation_matrix, rotation_vector
from likeness.core.networks.parameters import HALF_METRES
from likeness.core.photo.crop import face_square
from likeness.core.photo.view import Camera
from likeness.training.dataset import Batch, mirrored
from likeness.training.parameters import ParameterObjective, TrueIdentity, mirrored_expressions

SIDE = 400


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


@pytest.fixture(scope="module")
def objective() -> ParameterObjective:
    return ParameterObjective("cpu")


def test_the_identity_of_the_models_own_heads_comes_back(model: HeadModel) -> None:
    identity, expression = np.random.default_rng(0).normal(0, 1, len(model.identity)), np.zeros(52)
    expression[model.expression_names.index("mouthSmileLeft")] = 0.7
    found = TrueIdentity(model).of(model.rest(identity, expression)[0], expression)
    head = model.regions[model.region_names.index("head")] > 0.5
    apart = model.rest(found, np.zeros(52))[0] - model.rest(identity, np.zeros(52))[0]
    assert np.linalg.norm(apart, axis=1)[head].mean() < 1e-4
    assert np.corrcoef(found, identity)[0, 1] > 0.99


def test_a_mirrored_identity_is_the_mirrored_head(model: HeadModel) -> None:
    identity = np.random.default_rng(1).normal(0, 1, len(model.identity))
    head = model.regions[model.region_names.index("head")] > 0.5
    other = TrueIdentity(model).mirror() @ identity
    mirror = (model.rest(identity, np.zeros(52))[0] * [-1, 1, 1])[model.mirror]
    found = model.rest(other, np.zeros(52))[0]
    assert np.linalg.norm(found - mirror, axis=1)[head].mean() < 3e-4
    assert np.linalg.norm(model.rest(identity, np.zeros(52))[0] - mirror, axis=1)[head].mean() > 8e-4


def test_expressions_change_sides(model: HeadModel) -> None:
    other = mirrored_expressions(model.expression_names)
    assert [other[i] for i in other] == list(range(52))
    assert model.expression_names[other[model.expression_names.index("eyeBlinkLeft")]] == "eyeBlinkRight"
    assert other[model.expression_names.index("jawOpen")] == model.expression_names.index("jawOpen")


def stored(model: HeadModel, vector: list[float], at: tuple[float, float]) -> tuple[Batch, Camera, float]:
    """What samples.py stores of the mean head in a picture of SIDE pixels that is all crop; its camera and the square's half side."""
    rotations = np.zeros((5, 3))
    rotations[0] = vector
    posed = model.posed(HeadParameters(np.zeros(len(model.identity)), np.zeros(52), rotations))
    camera = Camera(at, 900.0, 2.0)
    square, half = face_square(camera.project(model.landmarks(posed.vertices))), SIDE / 2
    place = lambda point: (np.array(point) - half) / half  # noqa: E731
    rows = {
        "identity": np.zeros(len(model.identity)), "expression": np.zeros(52), "rotation": posed.rotation,
        "face_square": np.r_[place(square.centre), square.half / half, square.turn],
        "camera": np.r_[place(camera.centre), camera.scale / half, 1 / camera.distance],
    }  # fmt: skip
    return {name: torch.tensor(values, dtype=torch.float32)[None] for name, values in rows.items()}, camera, square.half


def test_parameters_are_told_in_the_levelled_square(model: HeadModel, objective: ParameterObjective) -> None:
    vector = rotation_vector(rotation_matrix(np.array([0, 0, -0.4])) @ rotation_matrix(np.array([0.1, 0.5, 0])))
    batch, camera, half = stored(model, list(vector), (230.0, 190.0))
    _, truth = objective._square(batch, None)
    upright, _, _ = stored(model, list(rotation_vector(rotation_matrix(np.array([0.1, 0.5, 0])))), (200.0, 200.0))
    _, level = objective._square(upright, None)
    for name, within in (("rotation", 0.03), ("scale", 0.03), ("offset", 0.03), ("nearness", 1e-6)):
        assert torch.allclose(truth[name], level[name], atol=within), name
    assert float(truth["scale"]) == pytest.approx(np.log(half / camera.scale / HALF_METRES), abs=1e-4)


def test_mirror_images_have_mirrored_parameters(model: HeadModel, objective: ParameterObjective) -> None:
    batch, _, _ = stored(model, [0.1, 0.5, 0.3], (230.0, 190.0))
    other, _, _ = stored(model, [0.1, -0.5, -0.3], (170.0, 190.0))
    square, truth = objective._square(mirrored(batch, torch.tensor([True])), None)
    expected_square, expected = objective._square(other, None)
    assert torch.allclose(square, expected_square, atol=0.01)
    for name in ("rotation", "scale", "offset", "nearness"):
        assert torch.allclose(truth[name], expected[name], atol=0.02), name
    twice = mirrored(mirrored(batch, torch.tensor([True])), torch.tensor([True]))
    assert torch.allclose(objective._square(twice, None)[0], objective._square(batch, None)[0])

"""The parameter network: its square stays on the face however that lies in the photo, and its answer is a guess for the fit."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut

from likeness.core.models.fit import fit_head
from likeness.core.models.head import HeadModel
from likeness.core.models.observation import Observation
from likeness.core.models.parametric import Parameters
from likeness.core.models.rotation import rotation_matrix
from likeness.core.networks.parameters import PARTS, PICTURE_SIZE, ParameterNetwork, guess, levelled, seen_square
from likeness.core.networks.weights import load_parameters
from likeness.core.photo.crop import face_square
from likeness.core.photo.faces import MediaPipeDetector
from likeness.core.photo.intake import Intake
from likeness.core.photo.landmarks import MEDIAPIPE
from likeness.core.photo.view import Camera, View

SIZE = 400


@pytest.fixture(scope="module")
def view() -> View:
    """Bright dots where the landmarks of the mean head are."""
    model = HeadModel.load()
    rotations = np.zeros((5, 3))
    rotations[0, 1] = 0.5
    posed = model.posed(Parameters(np.zeros(len(model.identity)), np.zeros(52), rotations))
    points, camera = model.mediapipe.on(posed.vertices), Camera((210.0, 180.0), 900.0, 1.2)
    landmarks = np.concatenate([camera.project(points), points[:, 2:] * camera.scale], axis=1)
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    for column, row in landmarks[::4, :2]:
        cv2.circle(image, (round(column), round(row)), 3, (255, 255, 255), -1)
    return View(image, np.ones((SIZE, SIZE), np.float32), {MEDIAPIPE: landmarks}, None, "dots")


def turned(view: View, degrees: float, scale: float) -> View:
    warp = cv2.getRotationMatrix2D((SIZE / 2 - 0.5, SIZE / 2 - 0.5), -degrees, scale)
    image = cv2.warpAffine(view.image, warp, (SIZE, SIZE))
    flat = (view.mesh[:, :2] - 0.5) @ warp[:, :2].T + warp[:, 2] + 0.5
    landmarks = np.concatenate([flat, view.mesh[:, 2:]], axis=1)
    return View(image, view.matte, {MEDIAPIPE: landmarks}, None, "turned")


@pytest.mark.parametrize(("degrees", "scale"), [(0.0, 0.7), (25.0, 1.0), (-40.0, 0.8)])
def test_the_square_turns_and_grows_with_the_face(view: View, degrees: float, scale: float) -> None:
    upright, other = face_square(view.mesh), face_square(turned(view, degrees, scale).mesh)
    assert np.degrees(other.turn - upright.turn) == pytest.approx(degrees, abs=0.01)
    assert other.half == pytest.approx(upright.half * scale, rel=1e-3)
    before, after = seen_square(view), seen_square(turned(view, degrees, scale))
    assert before.shape == (1, 4, PICTURE_SIZE, PICTURE_SIZE)
    different = (before - after).abs().mean()
    assert different < 0.15 * before.mean()
    assert different < 0.15 * (before - before.roll(2, -1)).abs().mean() * 2


def landmarks(view: View) -> torch.Tensor:
    return torch.from_numpy(view.mesh.astype(np.float32))[None]


def test_the_network_is_small_and_every_part_learns() -> None:
    network = ParameterNetwork.with_random_weights(HeadModel.load())
    assert sum(p.numel() for p in network.parameters()) <= 3_000_000
    estimate = network(torch.rand(2, 468, 3), torch.rand(2, 4, PICTURE_SIZE, PICTURE_SIZE))
    for name, count in PARTS.items():
        mean, deviation = estimate.part(name)
        assert mean.shape == deviation.shape == (2, count)
        assert (deviation > 0).all()
    (estimate.mean.square().sum() + estimate.deviation.log().sum()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_where_and_how_large_the_face_is_does_not_matter(view: View) -> None:
    model = HeadModel.load()
    network, other = ParameterNetwork.with_random_weights(model).eval(), turned(view, -40.0, 0.7)
    upright = network._aligned(landmarks(view))
    level = network._aligned(levelled(landmarks(other) * 3 + 5, torch.tensor([np.radians(-40.0)], dtype=torch.float32)))
    # Depths do not shrink with the warped picture, so scales in depth differ a little.
    assert torch.allclose(network._aligned(landmarks(view) * 2.5 + 7), upright, atol=1e-4)
    assert torch.allclose(level[:, -9:], upright[:, -9:], atol=0.1)


@pytest.mark.parametrize("degrees", [25.0, -40.0])
def test_the_guessed_turn_follows_the_photo(view: View, degrees: float) -> None:
    network, rolled = ParameterNetwork.with_random_weights(HeadModel.load()).eval(), turned(view, degrees, 1.0)
    roll = rotation_matrix(np.array([0, 0, -np.radians(degrees)]))
    assert np.allclose(guess(network, rolled).rotation, roll @ guess(network, view).rotation, atol=0.02)


def test_the_mean_head_leaves_nothing_after_alignment() -> None:
    model = HeadModel.load()
    seen = torch.from_numpy((model.mediapipe.on(model.mean) + model.mediapipe.bias) * [1, -1, 1] * 4 + 2).float()[None]
    aligned = ParameterNetwork.with_random_weights(model)._aligned(seen)
    assert aligned[:, :-9].abs().max() < 1e-6
    assert torch.allclose(aligned[:, -9:].view(3, 3), torch.eye(3), atol=1e-5)


def test_a_guess_is_usable_by_the_fit(view: View) -> None:
    found = guess(ParameterNetwork.with_random_weights(HeadModel.load()).eval(), view)
    assert found.usable
    assert np.isfinite(fit_head(HeadModel.load(), Observation.of(view), found).vertices).all()


def test_the_bundled_network_guesses_a_smile_and_the_fit_stays_on_the_face(tmp_path: Path) -> None:
    Image.fromarray(astronaut()).save(tmp_path / "astronaut.png")
    view, model, network = Intake(MediaPipeDetector()).load(tmp_path / "astronaut.png"), HeadModel.load(), load_parameters()
    assert network is not None
    found = guess(network, view)
    smile = model.expression_names.index("mouthSmileLeft")
    assert found.expression[smile] > 0.3
    assert found.identity_deviation.min() < 0.9
    assert fit_head(model, Observation.of(view), found).residual < 0.015


def test_there_need_not_be_weights() -> None:
    assert load_parameters("nowhere.safetensors") is None

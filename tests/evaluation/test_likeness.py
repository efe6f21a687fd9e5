"""Whom a head looks like, with a stand-in for the recogniser's weights, which are not ours to bundle."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from likeness.core.errors import AssetError
from likeness.core.models.head import HeadModel
from likeness.core.photo.view import Camera
from likeness.evaluation.case import Case
from likeness.evaluation.likeness import Likenesses, head_pictures, separation
from likeness.evaluation.methods import Prediction
from likeness.evaluation.recogniser import SIZE, Recogniser, face_picture

CAMERA = Camera((256.0, 220.0), 1300.0, 1.5)
RNG = np.random.default_rng(3)


def tint(pictures: np.ndarray) -> np.ndarray:
    """Knows people by the colour of their faces alone."""
    return pictures[:, 50:100, 50:100].mean((1, 2))


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


def head(model: HeadModel, colour: tuple[float, float, float]) -> Prediction:
    vertices = model.closed_rest.astype(np.float32)
    colours = np.tile(np.array(colour, np.float32), (len(vertices), 1))
    return Prediction(vertices, model.closed_mesh.faces, model.mediapipe.on(model.mean), CAMERA, 0.0, colours)


def portrait(name: str, prediction: Prediction, person: str = "") -> Case:
    assert prediction.colours is not None
    photo = np.full((512, 512, 3), np.round(prediction.colours[0] * 255), np.uint8)
    labels = {"scan": person} if person else {}
    return Case(name, photo, landmark_pixels=CAMERA.project(prediction.landmarks), labels=labels)


def test_a_head_in_its_own_colours_looks_like_its_photo_and_one_in_another_s_does_not(model: HeadModel) -> None:
    likenesses = Likenesses(tint)
    red, blue = head(model, (0.8, 0.2, 0.2)), head(model, (0.2, 0.2, 0.8))
    for name, person in (("red", red), ("blue", blue)):
        values = likenesses.add(portrait(name, person), "likeness", person)
        assert values["colour_front"] < 0.02 and values["colour_sides"] < 0.1 and values["clay_front"] > 0.3
    swapped = likenesses.add(portrait("red", red), "swapped", blue)
    assert swapped["colour_front"] > 0.5
    lines = likenesses.report().splitlines()
    assert any("bundled" in line and "colour, front" in line and "| 2 | 100% |" in line for line in lines)
    assert any("swapped" in line and "colour, front" in line and "| 1 | 0% |" in line for line in lines)


def test_other_photos_of_the_same_person_are_no_strangers(model: HeadModel) -> None:
    likenesses = Likenesses(tint)
    for name in ("left", "right"):
        likenesses.add(portrait(name, head(model, (0.8, 0.2, 0.2)), "james"), "likeness", head(model, (0.8, 0.2, 0.2)))
    assert likenesses.report() == ""


def test_a_case_without_a_face_has_no_likeness(model: HeadModel) -> None:
    likenesses = Likenesses(tint)
    nobody = Case("wall", np.zeros((64, 64, 3), np.uint8))
    assert likenesses.add(nobody, "likeness", head(model, (1, 1, 1))) == {} and likenesses.report() == ""


def test_faces_are_upright_and_of_one_size_however_the_photo_was_taken(model: HeadModel) -> None:
    landmarks = CAMERA.project(model.mediapipe.on(model.mean))
    photo = cv2.GaussianBlur(RNG.uniform(0, 255, (512, 512, 3)).astype(np.float32), (0, 0), 6).astype(np.uint8)
    straight = face_picture(photo, landmarks)
    turned = face_picture(np.ascontiguousarray(np.rot90(photo)), np.stack([landmarks[:, 1], 512 - landmarks[:, 0]], axis=1))
    larger = face_picture(cv2.resize(photo, (1024, 1024), interpolation=cv2.INTER_LINEAR), 2 * landmarks)
    assert straight.shape == (SIZE, SIZE, 3) and straight.std() > 0.01
    assert np.abs(turned - straight).max() < 0.02 and np.abs(larger - straight).max() < 0.02


def test_sides_are_seen_from_both_sides(model: HeadModel) -> None:
    person = head(model, (0.8, 0.6, 0.5))
    front, left, right = head_pictures(portrait("red", person), person, None)
    assert np.abs(left - right[:, ::-1]).mean() > 0.01  # the light comes from the left
    assert np.abs(front - left).mean() > 0.02


def test_separation_counts_standard_deviations() -> None:
    assert separation(np.array([1.0, 3.0]), np.array([6.0, 8.0])) == pytest.approx(5.0)


def weights() -> dict[str, np.ndarray]:
    """Of the network's shapes, drawn at random."""
    found: dict[str, np.ndarray] = {"fc": RNG.normal(0, 0.1, (256, 128))}

    def layer(name: str, inside: int, outside: int, side: int = 3) -> None:
        found[f"{name}/conv/filters"] = RNG.normal(0, (2 / (inside * side**2)) ** 0.5, (side, side, inside, outside))
        found[f"{name}/conv/bias"] = np.zeros(outside)
        found[f"{name}/scale/weights"], found[f"{name}/scale/biases"] = np.ones(outside), np.zeros(outside)

    def block(name: str, inside: int, outside: int) -> None:
        layer(f"{name}/conv1", inside, outside)
        layer(f"{name}/conv2", outside, outside)

    layer("conv32_down", 3, 32, 7)
    for width, before, count in ((32, 32, 3), (64, 32, 3), (128, 64, 2), (256, 128, 2)):
        if width > 32:
            block(f"conv{width}_down", before, width)
        for number in range(1, count + 1):
            block(f"conv{width}_{number}", width, width)
    block("conv256_down_out", 256, 256)
    return found


def test_the_network_takes_pictures_and_tells_different_ones_apart() -> None:
    recogniser = Recogniser(weights())
    pictures = RNG.uniform(0, 1, (2, SIZE, SIZE, 3)).astype(np.float32)
    first, second = recogniser(pictures)
    assert first.shape == (128,) and np.linalg.norm(first - second) > 1e-3
    assert np.allclose(recogniser(pictures[:1])[0], first, atol=1e-4)


def test_other_weights_are_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="cannot be read"):
        Recogniser.load(tmp_path / "nothing.bin")
    other = tmp_path / "face_recognition_model.bin"
    other.write_bytes(b"something else")
    with pytest.raises(AssetError, match="npm pack"):
        Recogniser.load(other)

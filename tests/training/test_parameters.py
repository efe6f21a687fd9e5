"""True parameters of synthetic people, what a photo's square and a mirror make of them, and what a detector sees of stored people."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.data import astronaut

from likeness.core.models.head import HeadModel
from likeness.core.models.parametric import Parameters
from likeness.core.models.rotation import rotation_matrix, rotation_vector
from likeness.core.networks.parameters import HALF_METRES, PICTURE_SIZE
from likeness.core.photo.crop import face_square
from likeness.core.photo.faces import LEFT_EYE_CORNER, RIGHT_EYE_CORNER, MediaPipeDetector
from likeness.core.photo.view import Camera
from likeness.training.data.dataset import Batch
from likeness.training.data.real_landmarks import Detections, detect
from likeness.training.parameters import ParameterObjective, TrueIdentity, mirrored_expressions, mirrored_landmarks

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
    head = model.regions["head"] > 0.5
    apart = model.rest(found, np.zeros(52))[0] - model.rest(identity, np.zeros(52))[0]
    assert np.linalg.norm(apart, axis=1)[head].mean() < 1e-4
    assert np.corrcoef(found, identity)[0, 1] > 0.99


def test_a_mirrored_identity_is_the_mirrored_head(model: HeadModel) -> None:
    identity = np.random.default_rng(1).normal(0, 1, len(model.identity))
    head = model.regions["head"] > 0.5
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


def seen(model: HeadModel, vector: list[float], at: tuple[float, float], mirror: bool = False) -> tuple[Batch, Camera, float]:
    """What a shard tells of the mean head in a picture of SIDE pixels that is all crop; its camera and the square's half side."""
    rotations = np.zeros((5, 3))
    rotations[0] = vector
    posed = model.posed(Parameters(np.zeros(len(model.identity)), np.zeros(52), rotations))
    camera, half = Camera(at, 900.0, 2.0), SIDE / 2
    points = model.mediapipe.on(posed.vertices)
    landmarks = np.concatenate([camera.project(points), points[:, 2:] * camera.scale], axis=1)
    square = face_square(landmarks)
    picture = np.zeros((4, PICTURE_SIZE, PICTURE_SIZE))
    picture[:, :, 0] = 1
    rows = {
        "identity": np.zeros(len(model.identity)), "expression": np.zeros(52), "rotation": posed.rotation,
        "landmarks": (landmarks - [half, half, 0]) / half, "square": picture, "mirrored": float(mirror),
        "camera": np.r_[(np.array(camera.centre) - half) / half, camera.scale / half, 1 / camera.distance],
    }  # fmt: skip
    return {name: torch.tensor(values, dtype=torch.float32)[None] for name, values in rows.items()}, camera, square.half


def test_parameters_are_told_in_the_levelled_square(model: HeadModel, objective: ParameterObjective) -> None:
    vector = rotation_vector(rotation_matrix(np.array([0, 0, -0.4])) @ rotation_matrix(np.array([0.1, 0.5, 0])))
    batch, camera, half = seen(model, list(vector), (230.0, 190.0))
    landmarks, _, truth = objective.levelled(batch)
    upright, _, _ = seen(model, list(rotation_vector(rotation_matrix(np.array([0.1, 0.5, 0])))), (200.0, 200.0))
    expected, _, level = objective.levelled(upright)
    for name, within in (("rotation", 0.03), ("scale", 0.03), ("offset", 0.03), ("nearness", 1e-6)):
        assert torch.allclose(truth[name], level[name], atol=within), name
    assert float(truth["scale"]) == pytest.approx(np.log(half / camera.scale / HALF_METRES), abs=1e-4)
    centred = lambda points: points - points.mean(1, keepdim=True)  # noqa: E731
    assert torch.allclose(centred(landmarks), centred(expected), atol=0.02)
    assert not torch.allclose(centred(batch["landmarks"]), centred(expected), atol=0.1)


def test_mirror_images_have_mirrored_parameters(model: HeadModel, objective: ParameterObjective) -> None:
    batch, _, _ = seen(model, [0.1, 0.5, 0.3], (230.0, 190.0), mirror=True)
    other, _, _ = seen(model, [0.1, -0.5, -0.3], (170.0, 190.0))
    landmarks, picture, truth = objective.levelled(batch)
    expected_landmarks, _, expected = objective.levelled(other)
    assert torch.allclose(landmarks, expected_landmarks, atol=0.02)
    assert torch.equal(picture[0, 0, 0], batch["square"][0, 0, 0].flip(0))
    for name in ("rotation", "scale", "offset", "nearness"):
        assert torch.allclose(truth[name], expected[name], atol=0.02), name


def test_landmarks_change_sides(model: HeadModel) -> None:
    other = mirrored_landmarks(model)
    assert np.array_equal(other[other], np.arange(468))
    assert other[RIGHT_EYE_CORNER] == LEFT_EYE_CORNER
    assert (other == np.arange(468)).sum() > 10


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people in a shard, of whom the second is found under one light only; person i's landmarks are all i + the light's number."""
    folder = tmp_path_factory.mktemp("shards") / "shard_00000"
    folder.mkdir()
    landmarks = np.arange(2)[:, None, None, None] * 10 + np.arange(3)[:, None, None] + np.zeros((2, 3, 468, 3), np.float32)
    landmarks[1, :2] = np.nan
    rows = {"landmarks": landmarks, "square": np.full((2, 3, 4, 32, 32), 51, np.uint8)}
    rows |= {"identity": np.arange(2)[:, None] + np.zeros((2, 128)), "camera": np.zeros((2, 4))}
    rows |= {"expression": np.zeros((2, 52)), "rotation": np.zeros((2, 3, 3))}
    for name, values in rows.items():
        np.save(folder / f"{name}.npy", values)
    (folder / "done").touch()
    return folder.parent


def test_batches_use_only_photographs_in_which_a_face_was_found(shards: Path) -> None:
    stream = Detections(shards).batches(2, seed=1)
    batches = list(islice(stream, 6))
    assert all(torch.isfinite(batch["landmarks"]).all() for batch in batches)
    first = {float(batch["landmarks"][i, 0, 0]) for batch in batches for i in range(2) if batch["identity"][i, 0] == 0}
    assert first <= {0.0, 1.0, 2.0} and len(first) > 1
    assert {float(batch["landmarks"][i, 0, 0]) for batch in batches for i in range(2) if batch["identity"][i, 0] == 1} == {12.0}
    assert float(batches[0]["square"].max()) == pytest.approx(0.2)


def test_a_continued_run_sees_the_batches_that_the_stopped_one_would_have_seen(shards: Path) -> None:
    whole = list(islice(Detections(shards).batches(2, seed=1), 4))
    again = next(Detections(shards).batches(2, seed=1, turn=(3, 1)))
    assert all(torch.equal(whole[3][name], again[name]) for name in again)


def test_the_detector_finds_a_photographed_face_again() -> None:
    """The astronaut as a batch: her landmarks come back in the crop's units, turned squares and all."""
    image = astronaut()[:256, 96:352]
    photo = np.concatenate([image / 255, np.ones((256, 256, 1))], axis=2).astype(np.float32)
    detector = MediaPipeDetector()
    face = detector.detect(image)[0]
    square, half = face_square(face.mesh), 128
    place = [(square.centre[0] - half) / half, (square.centre[1] - half) / half, square.half / half, square.turn]
    batch = {"photo": torch.from_numpy(photo).permute(2, 0, 1)[None], "face_square": torch.tensor([place], dtype=torch.float32)}
    landmarks, pictures = detect(detector, batch, np.random.default_rng(0))
    apart = (landmarks[0] + [1, 1, 0]) * half - face.mesh
    assert np.linalg.norm(apart, axis=1).mean() < 0.02 * face.size
    assert pictures.shape == (1, 4, PICTURE_SIZE, PICTURE_SIZE) and pictures[0, 3].min() == 255
    nothing = {"photo": torch.zeros_like(batch["photo"]), "face_square": batch["face_square"]}
    assert np.isnan(detect(detector, nothing, np.random.default_rng(0))[0]).all()

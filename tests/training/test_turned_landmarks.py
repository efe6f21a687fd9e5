"""The map that mends landmarks of turned faces: what it learns from, and that it learns it."""

from pathlib import Path

import numpy as np
import pytest

from likeness.core.models.head import HeadModel
from likeness.core.models.parametric import Parameters
from likeness.core.models.rotation import rotation_matrix
from likeness.training.landmarks.fit import errors, fit, read_examples
from likeness.training.landmarks.people import ARRAYS

SCALE = 600.0  # pixels in a metre


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


@pytest.fixture(scope="module")
def folder(model: HeadModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random model heads, turned to 80 degrees, whom a detector sees turned by three quarters of that."""
    place, rng = tmp_path_factory.mktemp("turned"), np.random.default_rng(4)
    for number in range(30):
        identity = np.clip(rng.normal(0, 0.8, len(model.identity)), -2, 2)
        vertices = model.posed(Parameters(identity, np.zeros(len(model.expression)), np.zeros((5, 3)))).vertices
        face, rows = model.mediapipe.on(vertices), []
        for yaw in np.radians(rng.uniform(-80, 80, 4)):
            turn, less = (rotation_matrix(np.array([0, angle, 0])) for angle in (yaw, 0.75 * yaw))
            pixels = [points * [SCALE, -SCALE, SCALE] + [200, 200, 0] for points in ((face + model.mediapipe.bias) @ less.T, face @ turn.T)]
            rows.append((*pixels, turn, np.array(SCALE)))
        arrays = {name: np.stack(values).astype(np.float32) for name, values in zip(ARRAYS, zip(*rows, strict=True), strict=True)}
        np.savez(place / f"{number:05d}.npz", **arrays)  # pyright: ignore[reportArgumentType] - numpy's stubs
    return place


def test_every_photograph_counts_as_its_mirror_image_too(model: HeadModel, folder: Path) -> None:
    examples = read_examples(folder, model)
    assert len(examples.found) == 2 * 4 * 30 and len(np.unique(examples.person)) == 30
    assert np.abs(examples.found[0][:, 0].mean() + examples.found[1][:, 0].mean()) < 0.01


def test_a_detector_that_turns_faces_too_little_is_mended_for_people_that_it_did_not_learn_from(model: HeadModel, folder: Path) -> None:
    examples = read_examples(folder, model)
    others = examples.person >= 24
    lines = errors(examples.of(others), fit(examples.of(~others), model))
    before, after = (float(part) for part in lines[-1].split(": ")[1].split(" -> "))
    assert before > 4 and after < 0.35 * before


def test_the_usual_offset_of_the_detector_is_no_error(model: HeadModel, folder: Path) -> None:
    """The fit expects it of every face; a face that looks ahead has no other."""
    examples = read_examples(folder, model)
    ahead = np.abs([np.abs(found - wanted).max() for found, wanted in zip(examples.found, examples.wanted, strict=True)]).min()
    assert ahead < 0.03

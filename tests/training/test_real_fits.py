"""The product's own fit in the place of a stored person's simulated one."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from likeness.core.geometry.raster import rasterize
from likeness.core.models.head import HeadModel
from likeness.core.models.parametric import Parameters
from likeness.core.photo.framing import HEAD
from likeness.training.data.real_fits import STORED_CROP, fields_of, refit, refit_shard

SIZE = 64
REPLACED = ("maps", "prior", "surface_prior", "prior_vertices", "fit_identity", "fit_expression", "fit_rotation")


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


@pytest.fixture(scope="module")
def person(model: HeadModel) -> dict[str, np.ndarray]:
    """What a shard tells of a bald head that the detector found under the second of two lights, without error; "truth": its bust."""
    identity = np.random.default_rng(0).normal(0, 0.5, len(model.identity))
    posed = model.posed(Parameters(identity, np.zeros(52), np.zeros((5, 3))))
    landmarks = model.mediapipe.on(posed.vertices) + model.mediapipe.bias
    half = HEAD.crop_box(STORED_CROP)[2] / 2
    found = np.concatenate([STORED_CROP.project(landmarks) / half - 1, landmarks[:, 2:] * STORED_CROP.scale / half], axis=1)
    bust = HEAD.to_crop(posed.closed_vertices, STORED_CROP).astype(np.float32)
    covered = rasterize(torch.from_numpy(bust), torch.from_numpy(np.asarray(model.closed_mesh.faces, np.int64)), SIZE).mask.numpy()
    return {
        "landmarks": np.stack([np.full_like(found, np.nan), found]).astype(np.float32),
        "coverage": covered.astype(np.uint8) * 255,
        "camera": np.array([*np.subtract(STORED_CROP.centre, half) / half, STORED_CROP.scale / half, 0], np.float32),
        "points": np.random.default_rng(1).uniform(-0.5, 0.5, (40, 3)).astype(np.float16),
        "surface": bust[::500].astype(np.float16),
        "truth": bust,
    }


def test_landmarks_without_error_lead_back_to_the_person(model: HeadModel, person: dict[str, np.ndarray]) -> None:
    fit = refit(model, person, np.random.default_rng(0))
    assert fit is not None
    fields = fields_of(model, fit, person, SIZE)
    face = model.closed_region("face") > 0.5
    apart = 200 * np.linalg.norm(fields["prior_vertices"].astype(np.float32) - person["truth"], axis=1)
    assert apart[face].mean() < 4  # mm; the camera's distance, which the fit has to assume, is part of it
    assert 200 * np.abs(fields["surface_prior"][:, 0].astype(np.float32)).mean() < 4
    covered = cv2.resize(fields["maps"][..., 7].astype(np.float32), (SIZE, SIZE)) > 0
    assert (covered == (person["coverage"] > 0)).mean() > 0.95


def test_people_not_found_and_crops_of_elsewhere_keep_their_fit(model: HeadModel, person: dict[str, np.ndarray]) -> None:
    unseen = person | {"landmarks": np.full_like(person["landmarks"], np.nan)}
    elsewhere = person | {"landmarks": person["landmarks"] + np.float32([0.2, 0, 0])}
    assert refit(model, unseen, np.random.default_rng(0)) is None
    assert refit(model, elsewhere, np.random.default_rng(0)) is None


def test_a_shard_gets_new_fits_and_nothing_else(tmp_path: Path, model: HeadModel, person: dict[str, np.ndarray]) -> None:
    unseen = person | {"landmarks": np.full_like(person["landmarks"], np.nan)}
    fit = refit(model, person, np.random.default_rng(0))
    assert fit is not None
    other = {name: np.zeros_like(values) for name, values in fields_of(model, fit, person, SIZE).items()}
    folder = tmp_path / "shard_00000"
    folder.mkdir()
    for name in (*person, *other):
        np.save(folder / f"{name}.npy", np.stack([{**one, **other}[name] for one in (person, unseen)]))
    (folder / "done").touch()
    before = {path.name: path.read_bytes() for path in folder.glob("*.npy")}
    assert refit_shard(model, folder) == 1
    after = {path.name: path.read_bytes() for path in folder.glob("*.npy")}
    assert {name for name in before if before[name] != after[name]} == {f"{name}.npy" for name in REPLACED}
    for name in REPLACED:
        first, second = np.load(folder / f"{name}.npy")
        assert first.any() and not second.any()

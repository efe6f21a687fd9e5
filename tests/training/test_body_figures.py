"""Stored bodies under fits, as the trainers read them: frames, simulated errors, windows."""

from pathlib import Path

import numpy as np
import pytest

from likeness.core.geometry.closest import ClosestSurface
from likeness.core.geometry.mesh import vertex_normals
from likeness.core.models.body import BodyModel
from likeness.core.photo.view import Camera
from likeness.training.bodies.figures import Figures, resized
from likeness.training.bodies.simulated_fits import SimulatedFits
from likeness.training.data.dataset import PICTURE_FIELDS, batches

WANTED = (*PICTURE_FIELDS, "points", "code", "prior_vertices")
SIDE, POINTS = 128, 600
NEAR, UNIT, RIGHT, DOWN = 0.3, 0.9, 0.15, -0.1  # 1 / distance, half sides a metre, and the principal point
ROOT = np.array([0.05, -0.1, 0.2])


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


@pytest.fixture(scope="module")
def naked(body: BodyModel) -> np.ndarray:
    """The mean body in the stored camera's frame."""
    return (body.posed(body.neutral()).vertices + ROOT).astype(np.float32)


def in_crop(points: np.ndarray) -> np.ndarray:
    """The stored crop frame."""
    flat = Camera((1 + RIGHT, 1 + DOWN), UNIT, 1 / NEAR).project(points) - 1
    return np.column_stack([flat[:, 0], -flat[:, 1], points[:, 2] * UNIT]).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path, body: BodyModel, naked: np.ndarray) -> Path:
    """A shard of one person who wears nothing, as bodies/sample.py stores them."""
    rng = np.random.default_rng(0)
    shown = in_crop(body.closed_mesh.on(naked))  # without the inside of the mouth
    points = (shown[rng.integers(0, len(shown), 2 * POINTS)] + rng.normal(0, 0.03, (2 * POINTS, 3))).astype(np.float32)
    flat = np.zeros((SIDE, SIDE, 3), np.int8)
    flat[..., 2] = 127
    covered = np.zeros((SIDE, SIDE), np.uint8)
    covered[20:110, 40:80] = 255
    stored = {
        "albedo": np.full((SIDE, SIDE, 3), 120, np.uint8), "normal": flat, "normal_back": -flat[::2, ::2], "coverage": covered,
        "ambient": covered, "material": np.zeros((SIDE, SIDE), np.uint8), "shadows": covered[None],
        "keys": np.array([[0, 0.6, 0.8]], np.float32), "camera": np.array([RIGHT, DOWN, UNIT, NEAR], np.float32),
        "naked": naked, "joints": np.tile(ROOT.astype(np.float32), (163, 1)), "points": points,
        "distance": ClosestSurface(shown, body.closed_mesh.faces).query(points)[0] / UNIT, "surface": shown[: 2 * POINTS],
        "surface_normal": np.zeros((2 * POINTS, 3), np.int8), "surface_albedo": np.zeros((2 * POINTS, 3), np.uint8),
        "surface_valid": np.ones(2 * POINTS, np.uint8),
    }  # fmt: skip
    shard = tmp_path / "shard_00000"
    shard.mkdir()
    for name, values in stored.items():
        np.save(shard / f"{name}.npy", values[None, None])
    (shard / "done").touch()
    return tmp_path


def figures(folder: Path, **options: float | str) -> Figures:
    return Figures(folder, 64, WANTED, **({"without_fit": 0.0} | options))  # type: ignore[arg-type]


def test_a_perfect_fit_tells_the_true_distances(folder: Path, body: BodyModel, naked: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimulatedFits, "__call__", lambda self, naked, normals, rng: naked)
    sample = figures(folder).draw(0, POINTS, np.random.default_rng(1))
    assert np.abs(sample["prior"][:, 0] - sample["distance"]).max() < 0.006
    assert np.abs(sample["surface_prior"][:, 0]).max() < 2e-3
    depth = body.closed_mesh.on(naked - ROOT)[:, 2].mean()
    assert sample["prior_vertices"][:, 2].mean() == pytest.approx(depth * UNIT / (1 - ROOT[2] * NEAR), abs=2e-3)


def test_a_stored_fit_takes_the_place_of_a_simulated_one(folder: Path, body: BodyModel, naked: np.ndarray) -> None:
    shard = folder / "shard_00000"
    shift, stretch = 0.1, 1.05
    fit = in_crop(naked)
    fit[:, 2] = (fit[:, 2] - shift) * stretch
    for name, values in {"found": np.uint8(1), "vertices": fit, "labels": np.array([shift, stretch], np.float32)}.items():
        np.save(shard / f"fit_{name}.npy", np.asarray(values)[None, None])
    sample = figures(folder, simulated=0.0).draw(0, POINTS, np.random.default_rng(1))
    assert np.abs(sample["surface_prior"][:, 0]).max() < 2e-3
    assert np.allclose(sample["prior_vertices"], body.closed_mesh.on(fit), atol=1e-4)


def test_labels_can_follow_the_limbs_of_a_fit(folder: Path, body: BodyModel, naked: np.ndarray) -> None:
    fit = in_crop(naked)
    lowest = fit[:, 1].min()
    fit[:, 2] += 0.3 * np.maximum(0.6 - (fit[:, 1] - lowest), 0)  # legs towards the camera, from the knees down by centimetres
    for name, values in {"found": np.uint8(1), "vertices": fit, "labels": np.array([0, 1], np.float32)}.items():
        np.save(folder / "shard_00000" / f"fit_{name}.npy", np.asarray(values)[None, None])
    samples = [figures(folder, simulated=0.0, depths=depths).draw(0, POINTS, np.random.default_rng(1)) for depths in ("true", "fit")]
    apart = [np.abs(sample["prior"][:, 0] - sample["distance"]).mean() for sample in samples]
    assert apart[1] < 0.4 * apart[0]


def test_some_people_have_no_fit(folder: Path) -> None:
    sample = figures(folder, without_fit=1.0).draw(0, POINTS, np.random.default_rng(1))
    assert not sample["maps"].any() and (sample["prior"][:, 0] == 0.5).all() and not sample["prior"][:, 1:].any()


def test_simulated_limbs_err_in_depth_more_than_in_the_picture(body: BodyModel, naked: np.ndarray) -> None:
    simulated, rng = SimulatedFits(body), np.random.default_rng(0)
    about = (naked - ROOT).astype(np.float32)
    normals = vertex_normals(about, body.faces)
    errors = np.stack([simulated(about, normals, rng) - about for _ in range(12)])
    arms, trunk = body.regions["forearms"] > 0.5, body.regions["torso"]
    across, deep = np.abs(errors[:, arms, 0]).mean(), np.abs(errors[:, arms, 2]).mean()
    assert 0.02 < deep < 0.2 and across < 0.7 * deep
    assert np.abs(errors[..., 2] @ trunk).max() / trunk.sum() < 1e-4


def test_an_enlarged_picture_is_cut_to_a_window_on_the_person(folder: Path) -> None:
    whole, near = (figures(folder, zoom=zoom) for zoom in (1.0, 2.0))
    shares = [[made.draw(0, 0, np.random.default_rng(seed))["coverage"].mean() for seed in range(6)] for made in (whole, near)]
    assert np.mean(shares[1]) > np.mean(shares[0]) and near.draw(0, 0, np.random.default_rng(0))["maps"].shape == (64, 64, 8)


def test_batches_are_those_of_heads(folder: Path) -> None:
    batch = next(batches(figures(folder), 1, 64, 0))
    assert batch["photo"].shape == (1, 4, 64, 64) and batch["surface_colour"].shape == (1, 32, 3)
    assert (batch["code"] >= 0).all() and (batch["code"] <= 1).all()


def test_normals_keep_their_signs_when_resized() -> None:
    picture = np.zeros((8, 8, 3), np.int8)
    picture[..., 0], picture[..., 1] = -100, 50
    small = resized(picture, 4)
    assert small.dtype == np.int8 and (small[..., 0] == -100).all() and (small[..., 1] == 50).all() and not small[..., 2].any()

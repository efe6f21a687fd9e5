"""Photographs for the normal network: fits that are missing, pictures that stay pictures, batches that a number determines."""

from pathlib import Path

import numpy as np
import torch

from likeness.training.data.dataset import PICTURE_FIELDS, Shards
from likeness.training.normals.mix import mixed
from likeness.training.normals.photographs import Photographs, developed

SIZE, PEOPLE, FITS = 32, 4, 3


def shards(folder: Path) -> Shards:
    """Made-up people, whose fits are told apart by their depth."""
    rng = np.random.default_rng(0)
    signed = lambda *shape: rng.integers(-127, 128, shape).astype(np.int8)  # noqa: E731
    unsigned = lambda *shape: rng.integers(0, 256, shape).astype(np.uint8)  # noqa: E731
    picture = (PEOPLE, SIZE, SIZE)
    maps = signed(PEOPLE, FITS, SIZE, SIZE, 8)
    maps[..., 6] = 10 * np.arange(1, FITS + 1)[:, None, None]
    keys = rng.normal(size=(PEOPLE, 2, 3)).astype(np.float32)
    values = {
        "albedo": unsigned(*picture, 3), "normal": signed(*picture, 3), "normal_back": signed(*picture, 3), "coverage": unsigned(*picture),
        "ambient": unsigned(*picture), "material": rng.integers(0, 5, picture).astype(np.uint8),
        "shadows": unsigned(PEOPLE, 2, SIZE, SIZE), "keys": keys / np.linalg.norm(keys, axis=-1, keepdims=True), "maps": maps,
    }  # fmt: skip
    (folder / "shard_00000").mkdir()
    for name, array in values.items():
        np.save(folder / "shard_00000" / f"{name}.npy", array)
    (folder / "shard_00000" / "done").touch()
    return Shards(folder, PICTURE_FIELDS)


def photographs(folder: Path, without_fit: float) -> Photographs:
    return Photographs(shards(folder), np.random.default_rng(1).random((2, 9, 3)), without_fit)


def test_some_samples_see_no_fit_and_the_others_see_any_of_theirs(tmp_path: Path) -> None:
    batches = photographs(tmp_path, 0.5).batches(PEOPLE, seed=2)
    maps = torch.cat([next(batches)["maps"] for _ in range(12)])
    empty = maps.abs().amax((1, 2, 3)) == 0
    assert 0.25 < empty.float().mean() < 0.75
    seen = {round(float(depth) * 100) for depth in maps[~empty][:, 6, 0, 0]}
    assert seen == {10, 20, 30}


def test_validation_sees_the_real_detectors_fit_always(tmp_path: Path) -> None:
    maps = next(photographs(tmp_path, 0.0).batches(PEOPLE, seed=2, augment=False))["maps"]
    assert torch.allclose(maps[:, 6], torch.tensor(10 * FITS / 100))


def test_a_batch_depends_on_its_number_alone(tmp_path: Path) -> None:
    source = photographs(tmp_path, 0.3)
    first = source.batches(2, seed=3)
    next(first)
    again, jumped = next(first), next(source.batches(2, seed=3, first=1))
    for name, values in again.items():
        assert torch.equal(values, jumped[name]), name


def test_a_developed_picture_is_in_range_and_only_skin_is_smoothed() -> None:
    rng = np.random.default_rng(4)
    picture = 0.5 + 0.05 * torch.randn(6, SIZE, SIZE, 3, generator=torch.Generator().manual_seed(1))
    bare = torch.zeros(6, SIZE, SIZE, dtype=torch.bool)
    for _ in range(3):
        result = developed(picture, bare, rng)
        assert result.shape == picture.shape and result.min() >= 0 and result.max() <= 1
    roughness = lambda pictures: (pictures[:, 1:] - pictures[:, :-1]).abs().mean()  # noqa: E731
    plain = [roughness(developed(picture, bare, np.random.default_rng(seed))) for seed in range(6)]
    smooth = [roughness(developed(picture, ~bare, np.random.default_rng(seed))) for seed in range(6)]
    assert sum(smooth) < sum(plain)


def test_a_mix_lies_between_both_networks_and_what_is_new_begins_at_zero() -> None:
    old, new = {"a": torch.tensor([1.0])}, {"a": torch.tensor([3.0]), "enter": torch.tensor([2.0]), "count": torch.tensor(7)}
    result = mixed(old, new, 0.25)
    assert {name: float(value) for name, value in result.items()} == {"a": 1.5, "enter": 0.5, "count": 7}

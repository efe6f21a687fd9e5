"""Stored samples become batches; mirrored ones stay true."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from likeness.training.data.dataset import Shards, batches, decoded, mirrored, photographs


def _stored(rng: np.random.Generator, size: int = 32, points: int = 5) -> dict[str, np.ndarray]:
    byte = lambda *shape: rng.integers(0, 256, shape).astype(np.uint8)  # noqa: E731
    signed = lambda *shape: rng.integers(-127, 128, shape).astype(np.int8)  # noqa: E731
    half = lambda *shape: rng.normal(0, 0.3, shape).astype(np.float16)  # noqa: E731
    keys = rng.normal(0, 1, (2, 3)).astype(np.float32)
    return {
        "albedo": byte(size, size, 3), "normal": signed(size, size, 3), "normal_back": signed(size, size, 3), "coverage": byte(size, size),
        "ambient": byte(size, size), "material": rng.integers(0, 5, (size, size)).astype(np.uint8), "shadows": byte(2, size, size),
        "keys": keys / np.linalg.norm(keys, axis=1, keepdims=True), "maps": signed(size, size, 8),
        "points": half(points, 3), "distance": half(points), "prior": half(points, 7), "code": byte(points, 3),
        "surface": half(points, 3), "surface_prior": half(points, 7), "surface_normal": signed(points, 3),
        "surface_albedo": byte(points, 3), "surface_valid": byte(points) // 128, "surface_code": byte(points, 3),
    }  # fmt: skip


def test_batches_have_pictures_first_and_colours_of_hidden_points() -> None:
    rng = np.random.default_rng(0)
    batch = photographs(decoded([_stored(rng) for _ in range(3)]), rng)
    assert batch["photo"].shape == (3, 4, 32, 32) and batch["maps"].shape == (3, 8, 32, 32)
    assert batch["surface_colour"].shape == (3, 5, 3)
    for name, values in batch.items():
        assert torch.isfinite(values.float()).all(), name


def test_two_photographs_of_one_sample_differ_but_their_shape_does_not() -> None:
    stored = decoded([_stored(np.random.default_rng(0))])
    first, second = photographs(stored, np.random.default_rng(1)), photographs(stored, np.random.default_rng(2))
    assert (first["photo"] - second["photo"]).abs().mean() > 0.01
    assert torch.equal(first["normal"], second["normal"]) and torch.equal(first["distance"], second["distance"])


def test_mirroring_twice_gives_the_batch_back_and_leaves_other_rows_alone() -> None:
    rng = np.random.default_rng(0)
    batch = photographs(decoded([_stored(rng) for _ in range(2)]), rng)
    chosen = torch.tensor([True, False])
    once = mirrored(batch, chosen)
    twice = mirrored(once, chosen)
    for name, values in batch.items():
        assert torch.allclose(twice[name], values, atol=1e-6), name
        assert torch.equal(once[name][1], values[1]), name
    assert not torch.equal(once["points"][0], batch["points"][0])
    assert torch.equal(once["distance"], batch["distance"])
    assert torch.allclose(once["normal"][0, 0], -batch["normal"][0, 0].flip(-1))


def test_a_batch_depends_on_its_number_alone(tmp_path: Path) -> None:
    samples = [_stored(np.random.default_rng(i), points=8) for i in range(5)]
    folder = tmp_path / "shard_00000"
    folder.mkdir()
    for name in samples[0]:
        np.save(folder / f"{name}.npy", np.stack([sample[name] for sample in samples]))
    (folder / "done").touch()
    shards = Shards(tmp_path, tuple(samples[0]))
    first = list(islice(batches(shards, 2, 4, 1), 5))
    torch.rand(7)  # what else is drawn in between must not matter
    for number, again in zip((1, 3), batches(shards, 2, 4, 1, turn=(1, 2)), strict=False):
        for name, values in again.items():
            assert torch.equal(values, first[number][name]), name
    assert not torch.equal(first[0]["points"], first[2]["points"])
    with pytest.raises(ValueError, match="more shards"):
        next(batches(shards, 6, 4, 1))

"""The trainer on a handful of made-up samples: it learns, stops at its budget, and goes on where it stopped."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from likeness.core.networks.normal import NormalNetwork
from likeness.training.train import Recipe, Trainer, train

RECIPE = Recipe(network="normal", minutes=5, steps=4, batch=2, seed=3)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for split in ("training", "validation"):
        folder = tmp_path / "data" / split / "shard_00000"
        folder.mkdir(parents=True)
        size, count = 64, 4
        normal = np.zeros((count, size, size, 3), np.int8)
        normal[..., 2] = 127
        fields = {
            "albedo": rng.integers(50, 200, (count, size, size, 3)).astype(np.uint8),
            "normal": normal,
            "coverage": np.full((count, size, size), 255, np.uint8),
            "ambient": np.full((count, size, size), 200, np.uint8),
            "material": np.zeros((count, size, size), np.uint8),
            "shadows": np.full((count, 2, size, size), 255, np.uint8),
            "keys": np.tile(np.array([0, 0.3, 0.9], np.float32), (count, 2, 1)),
            "maps": rng.integers(-60, 60, (count, size, size, 8)).astype(np.int8),
        }
        for name, values in fields.items():
            np.save(folder / f"{name}.npy", values)
        (folder / "done").touch()
    return tmp_path / "data"


def test_training_ends_at_its_steps_with_weights_that_load(data: Path, tmp_path: Path) -> None:
    results = train(RECIPE, data, tmp_path / "run", "cpu")
    assert np.isfinite(results["loss"])
    assert 0 < results["angle"] < 180
    NormalNetwork().load_state_dict({k: v.float() for k, v in load_file(tmp_path / "run" / "normal.safetensors").items()})
    assert (tmp_path / "run" / "normal.jsonl").read_text().count("\n") == 1


def test_a_stopped_run_goes_on_with_the_same_network_and_optimiser(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    train(RECIPE, data, output, "cpu")
    again = Trainer(RECIPE, output, "cpu")
    assert again.step == 4
    assert again.share == 1
    moments = again.optimiser.state_dict()["state"]
    assert moments[0]["exp_avg"].abs().sum() > 0
    stored = load_file(output / "normal-state.safetensors")
    for name, value in again.network.state_dict().items():
        assert torch.equal(value.cpu(), stored[f"network.{name}"])


def test_unknown_keys_of_a_recipe_are_refused(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text('network = "normal"\nminutes = 1\nsteps = 1\nbatch = 1\nepochs = 3\n')
    with pytest.raises(ValueError, match="epochs"):
        Recipe.read(tmp_path / "r.toml")


def test_the_bundled_recipes_are_readable() -> None:
    recipes = Path(__file__).parents[2] / "training" / "recipes"
    assert {Recipe.read(path).network for path in recipes.glob("*.toml")} == {"normal", "field"}

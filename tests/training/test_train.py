"""The trainer on a handful of made-up batches: it learns, stops at its budget or when asked, and goes on where it stopped."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from likeness.core.models.head import HeadModel
from likeness.core.networks.colour import ColourConfig, ColourNetwork, Pictures
from likeness.core.networks.config import CONFIGURATIONS, FieldConfig
from likeness.core.networks.normal import FRONT, NormalNetwork
from likeness.core.networks.parameters import ParameterNetwork
from likeness.core.networks.reference import HGFilter, ReferencePifu, SkipMLP
from likeness.core.networks.weights import colour_from, field_from, load_field, load_normal
from likeness.core.photo.framing import HEAD
from likeness.training.ancestors.train_together import recipes_of, train_together
from likeness.training.data.dataset import Batch
from likeness.training.distributed_group import DistributedGroup
from likeness.training.losses import normal_loss
from likeness.training.objective import network_of, objective, stored_fields
from likeness.training.recipe import FOLDERS, Recipe, find
from likeness.training.train import Trainer, grow, train

WIDTHS = (8, 8, 8, 8, 8)
NORMAL = Recipe(name="normal", network="normal", minutes=5, steps=2, batch=2, seed=3)


def field_recipe(config: FieldConfig, **values: object) -> Recipe:
    small = FieldConfig.from_values({"widths": list(WIDTHS), "volume": min(config.volume, 16), "volume_channels": 8}, config)
    return Recipe(**({"name": "f", "network": "field", "minutes": 5, "steps": 3, "batch": 2, "points": 64, "config": small} | values))


def made_up(number: int, count: int = 2, points: int = 64) -> Batch:
    """A batch that depends on its number alone: balls of radius 0.5 whose fitted model has 0.45."""
    rng = torch.Generator().manual_seed(number)
    new = lambda *shape: torch.rand(*shape, generator=rng)  # noqa: E731
    unit = lambda values: torch.nn.functional.normalize(values, dim=-1)  # noqa: E731
    where = new(count, points, 3) * 1.6 - 0.8
    surface = unit(new(count, points // 2, 3) - 0.5) * 0.5
    prior = lambda at: torch.cat([at.norm(dim=-1, keepdim=True) - 0.45, unit(at) * 0.4, unit(at)], dim=-1)  # noqa: E731
    normal = unit(new(count, 64, 64, 3) - 0.5).permute(0, 3, 1, 2)
    return {
        "photo": new(count, 4, 64, 64), "normal": normal, "normal_back": -normal,
        "mask": torch.ones(count, 64, 64), "hair": torch.zeros(count, 64, 64), "maps": new(count, 8, 64, 64) - 0.5,
        "points": where, "distance": where.norm(dim=-1) - 0.5, "prior": prior(where), "code": unit(where) / 2 + 0.5,
        "surface": surface, "surface_prior": prior(surface), "surface_normal": unit(surface),
        "surface_colour": new(count, points // 2, 3), "surface_valid": torch.ones(count, points // 2),
        "prior_vertices": _solid().expand(count, -1, -1),
        "identity": new(count, 128) - 0.5, "expression": new(count, 52), "rotation": torch.eye(3).expand(count, 3, 3),
        "landmarks": new(count, 468, 3) - 0.5, "square": new(count, 4, 32, 32), "mirrored": torch.zeros(count),
        "camera": torch.tensor([0.05, -0.1, 5, 0.5]).expand(count, 4),
    }  # fmt: skip


def _solid() -> torch.Tensor:
    model = HeadModel.load()
    return torch.from_numpy(model.posed(model.neutral()).closed_vertices / 0.2)


def stream(done: int) -> Iterator[Batch]:
    while True:
        yield made_up(done)
        done += 1


@pytest.fixture(autouse=True)
def one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading the head model takes longer than these tests' training."""
    model = _MODEL.setdefault("head", HeadModel.load())
    monkeypatch.setattr(HeadModel, "load", classmethod(lambda cls, path=None: model))


_MODEL: dict[str, HeadModel] = {}


def test_training_ends_at_its_steps_with_weights_that_load(tmp_path: Path) -> None:
    results = train(NORMAL, stream, [made_up(100, count=1)], tmp_path, DistributedGroup("cpu"))
    assert np.isfinite(results["loss"])
    assert 0 < results["angle"] < 180
    NormalNetwork().load_state_dict({k: v.float() for k, v in load_file(tmp_path / "normal.safetensors").items()})
    assert (tmp_path / "normal.jsonl").read_text().count("\n") == 1
    assert (tmp_path / "normal.png").stat().st_size > 1000
    assert "2 steps" in (tmp_path / "normal.md").read_text()


@pytest.mark.parametrize("name", ["pifu", "multiscale", "jiff", "seif", "likeness"])
def test_every_configuration_trains_and_its_file_says_what_it_is(name: str, tmp_path: Path) -> None:
    recipe = field_recipe(CONFIGURATIONS[name], steps=1)
    results = train(recipe, stream, [made_up(100, count=1)], tmp_path, DistributedGroup("cpu"))
    assert all(np.isfinite(value) for value in results.values())
    assert field_from((tmp_path / "f.safetensors").read_bytes(), "f").config == recipe.config
    assert json.loads((tmp_path / "f.jsonl").read_text())["validation"]["loss"] == results["loss"]
    assert (tmp_path / "f.png").exists()


def test_networks_that_race_end_as_they_would_alone(tmp_path: Path) -> None:
    recipes = [field_recipe(CONFIGURATIONS[name], name=name, steps=2) for name in ("pifu", "likeness")]
    results = train_together(recipes, stream, [made_up(100, count=1)], tmp_path / "together", "cpu")
    comparison = (tmp_path / "together" / "comparison.md").read_text()
    for recipe in recipes:
        alone = train(recipe, stream, [made_up(100, count=1)], tmp_path / recipe.name, DistributedGroup("cpu"))
        assert results[recipe.name]["iou"] == pytest.approx(alone["iou"], abs=1e-3)
        assert results[recipe.name]["loss"] == pytest.approx(alone["loss"], rel=1e-3)
        assert f"| {recipe.name} | 2 |" in comparison
    with pytest.raises(ValueError, match="same number of steps"):
        train_together([recipes[0], field_recipe(CONFIGURATIONS["seif"], name="seif", steps=2)], stream, [], tmp_path / "together", "cpu")


def test_networks_that_race_may_begin_with_weights(tmp_path: Path) -> None:
    recipe, held_out = field_recipe(CONFIGURATIONS["likeness"], name="likeness", steps=1), [made_up(100, count=1)]
    from_scratch = train(recipe, stream, held_out, tmp_path / "first", DistributedGroup("cpu"))
    start = tmp_path / "first" / "likeness.safetensors"
    together = train_together([recipe], stream, held_out, tmp_path / "together", "cpu", start=start)["likeness"]
    assert together["loss"] == pytest.approx(
        train(recipe, stream, held_out, tmp_path / "alone", DistributedGroup("cpu"), start)["loss"], rel=1e-3
    )
    assert together["loss"] != pytest.approx(from_scratch["loss"], rel=1e-6)


def test_recipes_with_other_batches_cannot_train_together() -> None:
    assert [recipe.name for recipe in recipes_of(["pifu", "likeness"], 10, "cpu")] == ["pifu", "likeness"]
    with pytest.raises(ValueError, match="must agree"):
        recipes_of(["pifu", "normal"], 10, "cpu")


def test_every_stack_of_the_papers_network_learns(tmp_path: Path) -> None:
    recipe = Recipe(name="p", network="pifu", minutes=5, steps=3, batch=2, precision="fp32")
    network = ReferencePifu(HGFilter(3, stacks=2, depth=1), SkipMLP((257, 16, 16, 8, 8, 1), (1, 2, 3, 4)))
    loss, parts = objective(recipe, tmp_path, "cpu")(network, made_up(0), torch.Generator())
    loss.backward()
    assert parts["loss"] == pytest.approx(0.25, abs=0.1)
    for stack in range(2):
        assert network.image_filter.get_parameter(f"l{stack}.weight").grad.abs().sum() > 0


def test_fields_learn(tmp_path: Path) -> None:
    trainer = Trainer(field_recipe(CONFIGURATIONS["likeness"], steps=400, learning_rate=5e-3), tmp_path, DistributedGroup("cpu"))
    losses = [trainer.train_step(made_up(0))["distance"] for _ in range(25)]
    assert losses[-1] < 0.7 * losses[0]


def test_a_stopped_run_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    recipe = field_recipe(FieldConfig.from_values({"correspondence_in": "predicted", "correspondence_out": True}), steps=6)
    whole = Trainer(recipe, tmp_path / "whole", DistributedGroup("cpu"))
    losses = [whole.train_step(made_up(step))["loss"] for step in range(4)]
    first = Trainer(recipe, tmp_path / "parts", DistributedGroup("cpu"))
    assert [first.train_step(made_up(step))["loss"] for step in range(2)] == losses[:2]
    first.save()
    second = Trainer(recipe, tmp_path / "parts", DistributedGroup("cpu"))
    assert second.step == 2
    assert [second.train_step(made_up(second.step))["loss"] for _ in range(2)] == pytest.approx(losses[2:], rel=1e-4)
    for mine, other in zip(second.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.allclose(mine, other, atol=1e-5)


def test_a_grown_field_begins_as_the_old_one(tmp_path: Path) -> None:
    old = network_of(field_recipe(CONFIGURATIONS["likeness"])).eval()
    grown = network_of(field_recipe(FieldConfig(volume=16, correspondence_out=True))).eval()
    grow(grown, old.state_dict())
    batch, prior = made_up(0), made_up(0)["prior"]
    pictures = batch["photo"], batch["maps"], batch["normal"]
    before = old.shape(old.features(old.encode(*pictures), batch["points"], prior), prior)
    cloud = torch.rand(2, 50, 9)
    features = grown.features(grown.encode(*pictures, cloud), batch["points"], prior)
    assert torch.allclose(grown.shape(features, prior).distance, before.distance, atol=1e-6)
    assert (grown.shape(features, prior).correspondence == 0.5).all()
    with pytest.raises(ValueError, match="nothing in common"):
        grow(grown, {"else": torch.zeros(1)})


def test_a_grown_normal_network_begins_as_the_bundled_one() -> None:
    old = load_normal()
    network = NormalNetwork(backbone=old.backbone).eval()
    grow(network, old.state_dict())
    batch = made_up(0)
    before, after = old(batch["photo"], batch["maps"]), network(batch["photo"], batch["maps"])
    assert torch.allclose(after.front, before.front, atol=1e-5)
    if before.back is None:
        assert torch.equal(after.back, batch["maps"][:, :3] * torch.tensor([1.0, 1, -1])[:, None, None])
        assert not after.shift.any()


def test_normals_of_both_sides_and_the_matte_learn(tmp_path: Path) -> None:
    trainer = Trainer(replace(NORMAL, steps=400, learning_rate=1e-2), tmp_path, DistributedGroup("cpu"))
    plain = torch.tensor([0.6, 0.0, 0.8])[:, None, None].expand(2, 3, 64, 64)
    batch = made_up(0) | {"normal": plain, "normal_back": -plain}
    parts = [trainer.train_step(batch) for _ in range(16)]
    for name in ("loss", "angle", "back_angle", "matte_error"):
        assert parts[-1][name] < 0.9 * parts[0][name], name
    assert parts[-1]["given_matte_error"] == parts[0]["given_matte_error"] > parts[-1]["matte_error"]


def test_the_matte_and_the_back_are_ignored_by_a_network_of_front_normals() -> None:
    loss, parts = normal_loss(NormalNetwork(WIDTHS, FRONT), made_up(0))
    assert loss > 0
    assert "back_angle" not in parts


@pytest.mark.parametrize("network", ["parameters", "colour"])
def test_the_other_networks_train_and_their_files_load(network: str, tmp_path: Path) -> None:
    config = ColourConfig(widths=WIDTHS, fine_widths=WIDTHS, cells=16, cell_channels=8) if network == "colour" else FieldConfig()
    recipe = Recipe(
        name="n", network=network, minutes=5, steps=400, batch=2, config=config, learning_rate=2e-2 if network == "colour" else 5e-3
    )
    trainer = Trainer(recipe, tmp_path, DistributedGroup("cpu"))
    batch = made_up(0) | {"surface_colour": torch.full((2, 32, 3), 0.1)}
    losses = [trainer.train_step(batch)["loss"] for _ in range(8)]
    assert losses[-1] < 0.95 * losses[0]
    results = train(replace(recipe, steps=1), stream, [made_up(100, count=1)], tmp_path / "whole", DistributedGroup("cpu"))
    assert all(np.isfinite(value) for value in results.values())
    data = (tmp_path / "whole" / "n.safetensors").read_bytes()
    if network == "colour":
        assert colour_from(data, "n").colours_config == config
    else:
        ParameterNetwork().load_state_dict({k: v.float() for k, v in load_file(tmp_path / "whole" / "n.safetensors").items()})


def test_a_colour_network_begins_as_the_field_it_starts_from() -> None:
    network, field = ColourNetwork().eval(), load_field()
    grow(network, field.state_dict())
    batch = made_up(0)
    pictures = batch["photo"], batch["maps"], batch["normal"]
    cloud = torch.rand(2, 50, 9)
    features = network.encode_pictures(Pictures(*pictures, cloud, torch.arange(50), HEAD.eye_depth))
    found, _ = network.colours(features, batch["surface"], batch["surface_prior"])
    assert torch.allclose(
        found, field.colours(field.features(field.encode(*pictures), batch["surface"], batch["surface_prior"])), atol=1e-5
    )


def test_a_run_that_is_terminated_leaves_a_checkpoint(tmp_path: Path) -> None:
    def terminated(done: int) -> Iterator[Batch]:
        yield from (made_up(done), made_up(done + 1))
        os.kill(os.getpid(), signal.SIGTERM)
        yield from stream(done + 2)

    assert train(field_recipe(CONFIGURATIONS["pifu"], steps=1000), terminated, [made_up(100)], tmp_path, DistributedGroup("cpu")) == {}
    assert 1 <= Trainer(field_recipe(CONFIGURATIONS["pifu"], steps=1000), tmp_path, DistributedGroup("cpu")).step < 10
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_stream_that_ends_too_early_says_so(tmp_path: Path) -> None:
    with pytest.raises(EOFError, match="ended"):
        train(NORMAL, lambda done: iter([made_up(0)]), [made_up(1)], tmp_path, DistributedGroup("cpu"))


def test_validation_does_not_change_with_the_hour(tmp_path: Path) -> None:
    trainer = Trainer(field_recipe(CONFIGURATIONS["likeness"]), tmp_path, DistributedGroup("cpu"))
    assert trainer.validate([made_up(0)]) == trainer.validate([made_up(0)])


def test_every_recipe_that_comes_along_is_readable() -> None:
    paths = sorted(path for folder in FOLDERS for path in folder.glob("*.toml"))
    for path in paths:
        recipe = Recipe.read(path)
        assert recipe.name == ("field" if path.stem == "likeness" else path.stem)
        network_of(recipe)
        assert Recipe.read(path, "cuda").batch > recipe.batch
    assert set(CONFIGURATIONS) | {"normal", "parameters", "colour"} <= {path.stem for path in paths}
    assert find("jiff") == FOLDERS[2] / "jiff.toml"
    assert find("jiff_volume").parent == FOLDERS[2] and find("likeness_volume").parent == FOLDERS[1]


def test_recipes_ask_for_what_their_network_needs() -> None:
    needed = {name: set(stored_fields(Recipe.read(find(name)))) for name in ("normal", "parameters", "colour", "pifu", "jiff", "seif")}
    assert "points" not in needed["normal"]
    assert not {"code", "prior_vertices"} & needed["pifu"]
    assert "points" not in needed["colour"] and {"surface_albedo", "prior_vertices"} <= needed["colour"]
    assert needed["parameters"] == {"landmarks", "square", "identity", "expression", "rotation", "camera"}
    assert "prior_vertices" in needed["jiff"]
    assert "code" in needed["seif"]


@pytest.mark.parametrize("line", ["epochs = 3", 'config = "pifuhd"', "[overrides]\nspeed = 1", "[loss]\nspeed = 1"])
def test_unknown_values_of_a_recipe_are_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "r.toml").write_text(f'network = "field"\nminutes = 1\nsteps = 1\nbatch = 1\n{line}\n')
    with pytest.raises(ValueError):
        Recipe.read(tmp_path / "r.toml")


def test_a_recipe_can_begin_with_another(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('network = "field"\nminutes = 1\nsteps = 9\nbatch = 2\n[overrides]\nvolume = 16\n[cuda]\nbatch = 64\n')
    (tmp_path / "b.toml").write_text('extends = "a.toml"\nminutes = 2\n[overrides]\ncorrespondence_out = true\n')
    recipe = Recipe.read(tmp_path / "b.toml")
    assert (recipe.name, recipe.minutes, recipe.batch, recipe.config.volume, recipe.config.correspondence_out) == ("b", 2, 2, 16, True)
    assert Recipe.read(tmp_path / "b.toml", "cuda").batch == 64


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_losses_agree_on_gpu_and_cpu(tmp_path: Path) -> None:
    recipe = field_recipe(CONFIGURATIONS["jiff"])
    network, found = network_of(recipe), []
    for device in ("cpu", "cuda"):
        batch = {name: values.to(device) for name, values in made_up(0).items()}
        noise = torch.Generator(device).manual_seed(0)
        found.append(objective(recipe, tmp_path, device)(network.to(device).eval(), batch, noise)[1])
    assert found[0]["loss"] == pytest.approx(found[1]["loss"], rel=1e-3)


_WORKER = """
import sys
from pathlib import Path
import torch
from likeness.training.ancestors.train_together import recipes_of, train_together
from likeness.training.distributed_group import DistributedGroup
from likeness.training.train import train
sys.path.insert(0, sys.argv[1])
from test_train import NORMAL, made_up
torch.set_num_threads(1)
group = DistributedGroup("cpu")
def stream(done):
    while True:
        yield made_up(10 * done + group.index, count=1)
        done += 1
train(NORMAL, stream, [made_up(100, count=1)], Path(sys.argv[2]), group)
gradients = [torch.full((2,), float(group.index)), torch.full((1, 3), 4.0 * group.index)]
group.average(gradients)
assert [g.mean().item() for g in gradients] == [0.5, 2.0]
assert group.highest(group.index, 5 - group.index) == [1, 5]
group.close()
"""


_ABORTED = "terminate called without an active exception"


@pytest.mark.slow
def test_processes_train_one_network_together(tmp_path: Path) -> None:
    worker, run, done = tmp_path / "worker.py", tmp_path, None
    worker.write_text(_WORKER)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    arguments = [str(worker), str(Path(__file__).parent)]
    # Now and then a process ends with these words of C++ and no line of Python; gloo is known to do that (pytorch/gloo#514). torchrun's own
    # restart does not help: it is given the dead process's address. Such a run is begun anew; what Python raises fails at once.
    for attempt in range(3):
        run = tmp_path / f"run{attempt}"
        done = subprocess.run([*command, *arguments, str(run)], capture_output=True, text=True, timeout=240)
        if _ABORTED not in done.stderr:
            break
    assert done is not None and done.returncode == 0, done and done.stderr
    assert Trainer(NORMAL, run, DistributedGroup("cpu")).step == 2
    assert (run / "normal.jsonl").read_text().count("validation") == 1

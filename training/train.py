"""Train one network from a recipe: `python -m likeness.training.train RECIPE --data FOLDER --output FOLDER`.

A recipe is TOML (see recipes/). Training stops after its minutes or steps, whichever comes first, and can be continued from the last
checkpoint at any time; the learning rate follows a cosine over the budget.
"""

import argparse
import copy
import json
import logging
import math
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from queue import Queue
from typing import cast

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from ..core.networks.field import ImplicitField
from ..core.networks.layers import channels_last
from ..core.networks.normal import NormalNetwork
from .dataset import PICTURE_FIELDS, POINT_FIELDS, Shards, batches
from .losses import Batch, Parts, field_loss, normal_loss

log = logging.getLogger(__name__)
_VALIDATION_BATCHES = 8


@dataclass(frozen=True)
class Recipe:
    """What to train and how long. network: normal or field; the field reads the frozen normal.safetensors of the same output folder."""

    network: str
    minutes: float
    steps: int
    batch: int
    points: int = 0
    learning_rate: float = 1e-3
    ema: float = 0.995
    seed: int = 1

    @classmethod
    def read(cls, path: Path) -> "Recipe":
        """Raises ValueError for unknown keys."""
        values = tomllib.loads(path.read_text())
        unknown = set(values) - {f.name for f in fields(cls)}
        if unknown:
            raise ValueError(f"{path} has unknown keys: {', '.join(sorted(unknown))}")
        return cls(**values)


class Trainer:
    """One network, its optimiser and its running average."""

    def __init__(self, recipe: Recipe, output: Path, device: str) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.output, self.device = recipe, output, device
        self.network = channels_last(_network(recipe).to(device))
        self.average = copy.deepcopy(self.network).eval()
        self.optimiser = torch.optim.AdamW(self.network.parameters(), recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
        self.loss = _loss(recipe, output, device)
        self.step, self.seconds = 0, 0.0
        output.mkdir(parents=True, exist_ok=True)
        self._state_file = output / f"{recipe.network}-state.safetensors"
        if self._state_file.exists():
            self._resume()

    @property
    def share(self) -> float:
        """Share of the budget that is used, 0 to 1."""
        return min(1.0, max(self.step / self.recipe.steps, self.seconds / (60 * self.recipe.minutes)))

    def train_step(self, batch: Batch) -> Parts:
        """One step of AdamW with clipping, then the running average."""
        rate = self.recipe.learning_rate * min(1, (self.step + 1) / 100) * (0.49 * (1 + math.cos(math.pi * self.share)) + 0.02)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.network.train()
        with torch.autocast(self.device, torch.bfloat16):
            loss, parts = self.loss(self.network, batch)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        keep = min(self.recipe.ema, 1 - 1 / (0.2 * self.step + 2))
        with torch.no_grad():
            for mean, value in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
                if mean.dtype.is_floating_point:
                    mean.lerp_(value, 1 - keep)
                else:
                    mean.copy_(value)
        return parts

    @torch.no_grad()
    def validate(self, held_out: list[Batch]) -> Parts:
        """Mean of the loss's parts over fixed batches, with the running average."""
        with torch.autocast(self.device, torch.bfloat16):
            results = [self.loss(self.average, batch)[1] for batch in held_out]
        return {name: sum(parts[name] for parts in results) / len(results) for name in results[0]}

    def save(self) -> None:
        """Weights (fp16 average) for use, and the full state for resuming; both replaced atomically."""
        half = {name: value.half() if value.dtype.is_floating_point else value for name, value in self.average.state_dict().items()}
        _replace(self.output / f"{self.recipe.network}.safetensors", {k: v.contiguous().cpu() for k, v in half.items()}, {})
        state = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        state |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for index, values in self.optimiser.state_dict()["state"].items():
            state |= {f"optimiser.{index}.{name}": value for name, value in values.items()}
        text = {"step": str(self.step), "seconds": str(self.seconds)}
        _replace(self._state_file, {k: v.clone().contiguous().cpu() for k, v in state.items()}, text)

    def _resume(self) -> None:
        from safetensors import safe_open

        with safe_open(self._state_file, "pt") as file:
            text = file.metadata()
        tensors = load_file(self._state_file, self.device)
        pick = lambda prefix: {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}  # noqa: E731
        self.network.load_state_dict(pick("network."))
        self.average.load_state_dict(pick("average."))
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in pick("optimiser.").items():
            index, _, key = name.partition(".")
            state.setdefault(int(index), {})[key] = value
        whole = self.optimiser.state_dict()
        whole["state"] = state
        self.optimiser.load_state_dict(whole)
        self.step, self.seconds = int(text["step"]), float(text["seconds"])
        log.info("continuing at step %d after %.1f minutes", self.step, self.seconds / 60)


def train(recipe: Recipe, data: Path, output: Path, device: str) -> Parts:
    """Run a recipe to the end of its budget. Returns the last validation."""
    trainer = Trainer(recipe, output, device)
    names = PICTURE_FIELDS + (POINT_FIELDS if recipe.points else ())
    held_out_shards = Shards(data / "validation", names)
    move = lambda batch: {k: v.to(device) for k, v in batch.items()}  # noqa: E731
    held_out = [move(b) for b in islice(batches(held_out_shards, recipe.batch, recipe.points, 0, augment=False), _VALIDATION_BATCHES)]
    stream = _ahead(batches(Shards(data / "training", names), recipe.batch, recipe.points, recipe.seed + trainer.step))
    started, spent, saved = time.monotonic(), trainer.seconds, time.monotonic()
    recent: list[Parts] = []
    results: Parts = {}
    while trainer.share < 1:
        recent.append(trainer.train_step(move(next(stream))))
        trainer.seconds = spent + time.monotonic() - started
        if trainer.step % 50 == 0:
            mean = {name: sum(parts[name] for parts in recent) / len(recent) for name in recent[0]}
            _write(output / f"{recipe.network}.jsonl", {"step": trainer.step, "minutes": trainer.seconds / 60, **mean})
            recent = []
        if time.monotonic() - saved > 240 or trainer.share >= 1:
            results = trainer.validate(held_out)
            _write(output / f"{recipe.network}.jsonl", {"step": trainer.step, "minutes": trainer.seconds / 60, "validation": results})
            trainer.save()
            saved = time.monotonic()
    return results


def _network(recipe: Recipe) -> nn.Module:
    return {"normal": NormalNetwork, "field": ImplicitField}[recipe.network]()


def _loss(recipe: Recipe, output: Path, device: str) -> Callable[[nn.Module, Batch], tuple[torch.Tensor, Parts]]:
    if recipe.network == "normal":
        return lambda network, batch: normal_loss(cast(NormalNetwork, network), batch)
    normals = NormalNetwork()
    normals.load_state_dict(load_file(output / "normal.safetensors"))
    normals = channels_last(normals.float().to(device)).eval()
    return lambda network, batch: field_loss(cast(ImplicitField, network), normals, batch)


def _ahead(stream: Iterator[Batch], depth: int = 3) -> Iterator[Batch]:
    """Make batches in a thread while the network computes; NumPy and OpenCV release the lock."""
    queue: Queue[Batch | Exception] = Queue(depth)

    def fill() -> None:
        try:
            for batch in stream:
                queue.put(batch)
        except Exception as error:  # noqa: BLE001 - handed to the consumer, which raises it
            queue.put(error)

    threading.Thread(target=fill, daemon=True).start()
    while True:
        item = queue.get()
        if isinstance(item, Exception):
            raise item
        yield item


def _replace(path: Path, tensors: dict[str, torch.Tensor], text: dict[str, str]) -> None:
    temporary = path.with_suffix(".new")
    save_file(tensors, temporary, metadata=text)
    temporary.replace(path)


def _write(path: Path, row: dict[str, object]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")
    log.info("%s", row)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(arguments.threads)
    train(Recipe.read(arguments.recipe), arguments.data, arguments.output, arguments.device)


if __name__ == "__main__":
    main()

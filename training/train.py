"""Train one network from a recipe: `likeness-train RECIPE --data FOLDER --output FOLDER`; RECIPE is a file or a known name.

Training stops after its minutes or steps, whichever comes first, or at SIGTERM, and goes on from the last checkpoint when started
again; the learning rate follows a cosine over the budget. Several GPUs: `torchrun --nproc-per-node N -m likeness.training.train ...`.
"""

import argparse
import copy
import json
import logging
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from ..core.networks.aligned import PixelAligned
from ..core.networks.config import METADATA_KEY
from ..core.networks.layers import channels_last
from .data.dataset import Batch, Shards, batches
from .data.real_landmarks import Detections
from .data.reused import reused
from .data.stream import Source, streamed
from .distributed_group import DistributedGroup
from .loop import GracefulStop, Prefetcher, Stream, update_average
from .losses import Parts
from .model_card import write_card
from .objective import FieldObjective, network_of, objective, stored_fields
from .pictures import Sheet
from .recipe import METRES, Recipe, find

log = logging.getLogger(__name__)
VALIDATION_BATCHES = 8
_LOG_STEPS = 50
_GROWING = ("distance.", "colour.", "output.")
_REUSE, _PEOPLE_A_RANK = 8, 100_000_000
ALL_POINTS = 4096


class Trainer:
    """One network, its optimiser and its running average, on one process of `group`."""

    def __init__(self, recipe: Recipe, output: Path, group: DistributedGroup, start: Path | None = None) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.output, self.group, self.device = recipe, output, group, group.device
        network = network_of(recipe)
        if start is not None:
            grow(network, load_file(start))
        self.network = channels_last(network.to(self.device))
        self.average = copy.deepcopy(self.network).eval()
        if recipe.compile:
            for part in self.network.children():
                part.compile()
        self.optimiser = torch.optim.AdamW(self.network.parameters(), recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
        self.objective = objective(recipe, output, self.device)
        self.step, self.seconds = 0, 0.0
        output.mkdir(parents=True, exist_ok=True)
        self._state_file = output / f"{recipe.name}-state.safetensors"
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
        with self._precision():
            loss, parts = self.objective(self.network, batch, self._noise(self.step * self.group.count + self.group.index))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.group.average([p.grad for p in self.network.parameters() if p.grad is not None])
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        update_average(self.average, self.network, self.step, self.recipe.ema)
        return parts

    @torch.no_grad()
    def validate(self, held_out: list[Batch]) -> Parts:
        """Mean of the loss's parts over fixed batches, with the running average; the same batches give the same numbers."""
        with self._precision():
            results = [self.objective(self.average, batch, self._noise(index))[1] for index, batch in enumerate(held_out)]
        return {name: sum(parts[name] for parts in results) / len(results) for name in results[0]}

    def save(self) -> None:
        """Weights (fp16 average) for use, and the full state for continuing; both replaced atomically."""
        half = {name: value.half() if value.dtype.is_floating_point else value for name, value in self.average.state_dict().items()}
        config = {METADATA_KEY: self.recipe.config.to_json()} if isinstance(self.average, PixelAligned) else {}
        _replace(self.output / f"{self.recipe.name}.safetensors", half, config)
        state = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        state |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for index, values in self.optimiser.state_dict()["state"].items():
            state |= {f"optimiser.{index}.{name}": value for name, value in values.items()}
        _replace(self._state_file, state, {"step": str(self.step), "seconds": str(self.seconds)})

    def _noise(self, number: int) -> torch.Generator:
        """Depends on the seed and the number alone, so that a continued run is the run that was not stopped."""
        return torch.Generator(self.device).manual_seed((self.recipe.seed << 32) + number)

    def _precision(self) -> torch.autocast:
        return torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.recipe.precision == "bf16")

    def _resume(self) -> None:
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


@torch.no_grad()
def grow(network: nn.Module, tensors: dict[str, torch.Tensor]) -> None:
    """Begin with the weights of a trained network that may lack parts of this one.

    A field's new features and answers come last, and so do a normal network's new pictures: what they share is taken over and the rest
    is zero, so that at first the grown network answers as the old one did. Other tensors are taken over if they have the same shape.
    Raises ValueError if none has.
    """
    taken = 0
    for name, value in network.state_dict().items():
        old = tensors.get(name)
        if old is not None and old.dim() == value.dim() and (old.shape == value.shape or name.startswith(_GROWING)):
            shared = tuple(slice(min(mine, other)) for mine, other in zip(value.shape, old.shape, strict=True))
            value.zero_()[shared].copy_(old[shared])
            taken += 1
    if not taken:
        raise ValueError("The weights to start with have nothing in common with the recipe's network; choose others.")
    log.info("starting with %d of %d tensors", taken, len(network.state_dict()))


def train(
    recipe: Recipe, stream: Stream, held_out: list[Batch], output: Path, group: DistributedGroup, start: Path | None = None
) -> Parts:  # fmt: skip
    """Run a recipe to the end of its budget or to SIGTERM. Returns the last validation, which is empty when it was stopped before one.

    start: weights to begin with, where there is no checkpoint to go on from.
    Writes NAME.safetensors, NAME-state.safetensors, NAME.jsonl, NAME.png and the model card NAME.md.
    """
    trainer = Trainer(recipe, output, group, start)
    move = lambda batch: {k: v.to(trainer.device, non_blocking=True) for k, v in batch.items()}  # noqa: E731
    held_out = [move(batch) for batch in held_out]
    sheet = Sheet(trainer.objective, held_out[0], recipe.config.subject) if group.leads else None
    started, spent, saved = time.monotonic(), trainer.seconds, time.monotonic()
    recent: list[Parts] = []
    results: Parts = {}
    with GracefulStop() as stop, Prefetcher(stream(trainer.step)) as source:
        while trainer.share < 1 and not stop.asked:
            recent.append(trainer.train_step(move(source.next())))
            passed, since, asked = group.highest(time.monotonic() - started, time.monotonic() - saved, stop.asked)
            trainer.seconds, stop.asked = spent + passed, bool(asked)
            row: dict[str, object] = {"step": trainer.step, "minutes": trainer.seconds / 60}
            if trainer.step % _LOG_STEPS == 0 and group.leads:
                mean = {name: sum(parts[name] for parts in recent) / len(recent) for name in recent[0]}
                _write(output / f"{recipe.name}.jsonl", row | mean)
                recent = []
            if since > 60 * recipe.validate_minutes or trainer.share >= 1:
                if group.leads:
                    results = trainer.validate(held_out)
                    _write(output / f"{recipe.name}.jsonl", row | {"validation": results})
                    trainer.save()
                    write_card(output / f"{recipe.name}.md", recipe, trainer.average, trainer.step, trainer.seconds, results)
                    if sheet is not None:
                        sheet.draw(trainer.average, output / f"{recipe.name}.png")
                saved = time.monotonic()
        if stop.asked and group.leads:
            trainer.save()
    return results


def _replace(path: Path, tensors: dict[str, torch.Tensor], text: dict[str, str]) -> None:
    temporary = path.with_suffix(".new")
    save_file({name: value.detach().clone().contiguous().cpu() for name, value in tensors.items()}, temporary, metadata=text)
    temporary.replace(path)


def _write(path: Path, row: dict[str, object]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")
    log.info("%s", row)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--data", type=Path, required=True, help="stored shards: training, unless --assets is given, and validation")
    parser.add_argument("--assets", type=Path, help="draw the people to train on while training, with this asset pack")
    parser.add_argument("--workers", type=int, default=2, help="processes that draw people")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--start", type=Path, help="begin with these weights, which may be of a smaller configuration")
    parser.add_argument("--minutes", type=float, help="instead of the recipe's")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(arguments.threads)
    group = DistributedGroup(arguments.device)
    recipe = Recipe.read(find(arguments.recipe), arguments.device).shortened(arguments.minutes)
    fixed = list(islice(_stored(recipe, arguments.data / "validation", 0, (0, 1), False), VALIDATION_BATCHES))
    train(recipe, _stream(recipe, arguments, group), fixed, arguments.output, group, arguments.start)
    group.close()


def _stored(recipe: Recipe, folder: Path, seed: int, turn: tuple[int, int], augment: bool = True, device: str = "cpu") -> Iterator[Batch]:
    """Batches from the finished shards of a folder, as the recipe's network needs them."""
    if recipe.network == "parameters":
        return Detections(folder).batches(recipe.batch, seed, turn, augment, device)
    shards = Shards(folder, stored_fields(recipe), metres=METRES[recipe.config.subject])
    return batches(shards, recipe.batch, recipe.points, seed, turn, augment, device)


def _stream(recipe: Recipe, arguments: argparse.Namespace, group: DistributedGroup) -> Stream:
    if arguments.assets is None and recipe.reuse > 1:
        seen = objective(recipe, arguments.output, group.device)
        assert isinstance(seen, FieldObjective)
        whole = lambda done: _stored(replace(recipe, points=ALL_POINTS), arguments.data / "training", recipe.seed + group.index, (done, 1))  # noqa: E731
        return lambda done: reused(whole, seen.see, recipe.points, recipe.reuse, recipe.seed + group.index, done)
    if arguments.assets is None:
        return lambda done: _stored(
            recipe, arguments.data / "training", recipe.seed, (done * group.count + group.index, group.count), device=group.device
        )
    if recipe.network == "parameters":
        raise SystemExit("Landmarks are detected in stored shards: leave out --assets and run likeness.training.data.real_landmarks.")

    def drawn(done: int) -> Iterator[Batch]:
        # A continued run draws other people than those it has seen, and so does every process.
        first = group.index * _PEOPLE_A_RANK + done * recipe.batch // _REUSE
        source = Source(arguments.assets, device=group.device, first=first, workers=arguments.workers)
        return streamed(source, recipe.batch, recipe.points, recipe.seed + first, reuse=_REUSE, device=group.device)

    return drawn


if __name__ == "__main__":
    main()

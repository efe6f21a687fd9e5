"""Train several recipes on the very same batches:
`python -m likeness.training.ancestors.train_together pifu jiff seif --data DATA --output RUN --steps 1500`.

Every network takes every step on the same people, photographs and points, so that differences are the networks' own; what they
share (photographs, predicted normals) is made once. Stops and goes on like training of one.
"""

import argparse
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch

from ..data.dataset import Batch, Shards, batches
from ..data.reused import reused
from ..distributed_group import DistributedGroup
from ..loop import GracefulStop, Prefetcher, Stream
from ..losses import Parts
from ..model_card import write_card
from ..objective import FieldObjective, objective, stored_fields
from ..recipe import METRES, Recipe, find
from ..train import ALL_POINTS, VALIDATION_BATCHES, Trainer

log = logging.getLogger(__name__)


def recipes_of(names: list[str], steps: int, device: str) -> list[Recipe]:
    """The recipes by their files' names, all with the same budget of steps. Raises ValueError where their batches differ."""
    recipes = [replace(Recipe.read(find(name), device), name=find(name).stem, steps=steps, minutes=math.inf) for name in names]
    if len({(recipe.network, recipe.batch, recipe.points, recipe.reuse, recipe.seed) for recipe in recipes}) > 1:
        raise ValueError("Recipes that train together must agree in network, batch, points, reuse and seed.")
    return recipes


def train_together(
    recipes: list[Recipe],
    stream: Stream,
    held_out: list[Batch],
    output: Path,
    device: str,
    minutes: float = 10,
    start: Path | None = None,
) -> dict[str, Parts]:
    """Train to the end of the steps or to SIGTERM. Returns each recipe's last validation.

    Every so many minutes and at the end it writes NAME.safetensors, its card and its state, and comparison.md.
    start: weights that all begin with, as far as they fit, where there is no checkpoint to go on from.
    Raises ValueError when checkpoints in the output folder have not made the same number of steps.
    """
    group = DistributedGroup(device)
    trainers = [Trainer(recipe, output, group, start) for recipe in recipes]
    if len({trainer.step for trainer in trainers}) > 1:
        raise ValueError(f"The networks in {output} have not made the same number of steps; begin in another folder.")
    results: dict[str, Parts] = {}
    saved = time.monotonic()
    with GracefulStop() as stop, Prefetcher(stream(trainers[0].step)) as ahead:
        while trainers[0].share < 1 and not stop.asked:
            now = ahead.next()
            for trainer in trainers:
                started = time.monotonic()
                trainer.train_step(now)
                trainer.seconds += time.monotonic() - started
            if time.monotonic() - saved > 60 * minutes or trainers[0].share >= 1:
                results = {trainer.recipe.name: trainer.validate(held_out) for trainer in trainers}
                _write(trainers, results, output)
                saved = time.monotonic()
        if stop.asked:
            for trainer in trainers:
                trainer.save()
    return results


def _write(trainers: list[Trainer], results: dict[str, Parts], output: Path) -> None:
    """Everybody's weights, cards and states, and the comparison."""
    for trainer in trainers:
        trainer.save()
        recipe = trainer.recipe
        write_card(output / f"{recipe.name}.md", recipe, trainer.average, trainer.step, trainer.seconds, results[recipe.name])
    names = list(dict.fromkeys(name for parts in results.values() for name in parts if name != "loss"))
    rows = [["recipe", "steps", "s a step", *names], ["---"] * (3 + len(names))]
    for trainer in trainers:
        parts = results[trainer.recipe.name]
        values = [f"{parts[name]:.4f}" if name in parts else "–" for name in names]
        rows.append([trainer.recipe.name, str(trainer.step), f"{trainer.seconds / trainer.step:.2f}", *values])
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    (output / "comparison.md").write_text(table + "\n")
    log.info("after %d steps\n%s", trainers[0].step, table)


def _seeing(recipes: list[Recipe], output: Path, device: str) -> Callable[[Batch], None]:
    """What adds to a batch the predictions that the recipes' fields read."""
    seeing = [objective(recipe, output, device) for recipe in recipes if recipe.config.normals][:1]
    return seeing[0].see if seeing and isinstance(seeing[0], FieldObjective) else lambda batch: None


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--data", type=Path, required=True, help="stored shards: training and validation")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--start", type=Path, help="all begin with these weights, as far as they fit")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(arguments.threads)
    recipes = recipes_of(arguments.recipes, arguments.steps, arguments.device)
    fields = tuple(dict.fromkeys(name for recipe in recipes for name in stored_fields(recipe)))
    first, metres = recipes[0], METRES[recipes[0].config.subject]
    shards, held_out = (Shards(arguments.data / name, fields, metres=metres) for name in ("training", "validation"))
    fixed = batches(held_out, first.batch, first.points, 0, augment=False, device=arguments.device)

    def whole(done: int, points: int = ALL_POINTS) -> Iterator[Batch]:
        return batches(shards, first.batch, points, first.seed, (done, 1), device=arguments.device)

    def stream(done: int) -> Iterator[Batch]:
        if first.reuse == 1:
            return whole(done, first.points)
        return reused(whole, _seeing(recipes, arguments.output, arguments.device), first.points, first.reuse, first.seed, done)

    train_together(recipes, stream, list(islice(fixed, VALIDATION_BATCHES)), arguments.output, arguments.device, start=arguments.start)


if __name__ == "__main__":
    main()

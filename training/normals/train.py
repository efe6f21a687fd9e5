"""Train the normal network: `python -m likeness.training.normals.train --data FOLDER --assets FOLDER --output FOLDER`.

--data holds `training` and `validation` as people.py writes them, or bodies/shards.py for the recipe body_normal.
Training goes on from its last checkpoint when started again.
"""

import argparse
import logging
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch

from ...core.networks.normal import INPUT_SIZE
from ..bodies.figures import Figures
from ..data.dataset import PICTURE_FIELDS
from ..distributed_group import DistributedGroup
from ..recipe import Recipe, find
from ..train import VALIDATION_BATCHES, train
from .photographs import Photographs

ENLARGED = 2.0
"""The most that a figure's picture is enlarged."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--recipe", default="normal_features")
    parser.add_argument("--start", type=Path, help="begin with these weights")
    parser.add_argument("--minutes", type=float, help="instead of the recipe's")
    parser.add_argument("--rate", type=float, help="learning rate instead of the recipe's")
    parser.add_argument("--without-fit", type=float, default=0.25, help="share of samples that see no fit")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    recipe = Recipe.read(find(arguments.recipe)).shortened(arguments.minutes)
    if arguments.rate is not None:
        recipe = replace(recipe, learning_rate=arguments.rate)
    training, validation = arguments.data / "training", arguments.data / "validation"
    if recipe.config.subject == "body":
        # Enlarged as well: the network sees figures whole for the field, and in twice as many pixels for the relief.
        training, validation = (Figures(folder, INPUT_SIZE, PICTURE_FIELDS, ENLARGED, 0.0) for folder in (training, validation))
    seen = Photographs.load(training, arguments.assets, arguments.without_fit)
    held_out = Photographs.load(validation, arguments.assets, 0.0)
    fixed = list(islice(held_out.batches(recipe.batch, 0, augment=False), VALIDATION_BATCHES))
    stream = lambda done: seen.batches(recipe.batch, recipe.seed, done)  # noqa: E731
    train(recipe, stream, fixed, arguments.output, DistributedGroup("cpu"), arguments.start)


if __name__ == "__main__":
    main()

"""Write shards of body samples: `python -m likeness.training.bodies.shards --assets FOLDER --output FOLDER`. An interrupted run goes on.

A shard is a folder with one .npy a field, samples along the first axis, `format.json` and, once it is complete, `done`: what
`dataset.Shards` reads.
"""

import argparse
import json
import logging
from pathlib import Path

import cv2
import torch

from ..data.samples import SEEDS, write_shard
from .sample import FORMAT, BodySampler

SHARD = 10


def write_body_shard(sampler: BodySampler, folder: Path, indices: range) -> None:
    """Write one shard folder of body samples, as write_shard does, with the format's number beside its fields."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "format.json").write_text(json.dumps({"format": FORMAT, "first": indices.start, "count": len(indices)}))
    write_shard(sampler, folder, indices)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--split", choices=sorted(SEEDS), default="training")
    parser.add_argument("--first", type=int, default=0, help="first shard")
    parser.add_argument("--shards", type=int, default=20)
    parser.add_argument("--size", type=int, default=768, help="pixels a side of the picture")
    parser.add_argument("--views", type=int, default=1, help="cameras a person")
    parser.add_argument("--loose", type=float, default=0.5, help="share of people in loose clothes")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    sampler = BodySampler(arguments.assets, arguments.split, arguments.size, arguments.views, arguments.loose)
    for shard in range(arguments.first, arguments.first + arguments.shards):
        indices = range(shard * SHARD, (shard + 1) * SHARD)
        write_body_shard(sampler, arguments.output / arguments.split / f"shard_{shard:05d}", indices)


if __name__ == "__main__":
    main()

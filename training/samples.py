"""Write training shards: `python -m likeness.training.samples --assets FOLDER --output FOLDER --first 0 --count 1000`.

Sample i depends on (seed, i) alone. Training, validation and evaluation use different seeds, so no person is in two of them.
"""

import argparse
import logging
import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from ..core.models.fit import HeadFit
from ..core.models.head import HeadModel
from ..core.models.prior import PriorSurface
from ..core.photo.view import CROP_CENTRE_Y, CROP_CENTRE_Z, CROP_HALF, Camera
from .dataset import MAP_SCALE
from .fits import simulated_fit
from .humans.assets import Assets
from .humans.bodies import Bodies
from .humans.person import People, Person
from .render.buffers import SIZE, Buffers, Layers, key_shadow, layers, render, solid_depth
from .render.labels import query_points, signed_distance, surface_samples
from .render.lighting import random_direction

log = logging.getLogger(__name__)
SEEDS = {"training": 1, "validation": 2, "evaluation": 3}
SHARD = 50
POINTS, SURFACE_POINTS, SHADOWS = 6144, 2048, 2
_PIXELS_PER_METRE = 1280.0


@dataclass(frozen=True)
class Drawn:
    """One sample before rendering; prior and scene are in the crop frame of the fit."""

    person: Person
    fit: HeadFit
    prior: PriorSurface
    scene: Layers
    rng: np.random.Generator


class Sampler:
    """Makes single samples as arrays in their stored form."""

    def __init__(self, assets: Path) -> None:
        self.model = HeadModel.load()
        self._people = People(Assets(assets), self.model, Bodies())

    def draw(self, seed: int, index: int) -> "Drawn":
        """Person, fit and fragments of one sample."""
        rng = np.random.default_rng([seed, index])
        person = self._people.make(rng)
        distance = np.inf if rng.random() < 0.15 else float(np.exp(rng.uniform(np.log(0.6), np.log(4))))
        camera = Camera((SIZE, SIZE), _PIXELS_PER_METRE, distance)
        fit = simulated_fit(self.model, person, camera, 2 * SIZE, rng)

        def to_crop(points: np.ndarray) -> np.ndarray:
            """True points as they appear in the crop that the fit, not the truth, defines."""
            flat = (camera.project(points) - fit.camera.centre) * [1, -1] / fit.camera.scale
            depth = points[:, 2:] * (camera.scale / fit.camera.scale)
            return (np.concatenate([flat, depth], axis=1) - [0, CROP_CENTRE_Y, CROP_CENTRE_Z]) / CROP_HALF

        prior = PriorSurface.of(self.model, fit.camera.to_crop(fit.solid_vertices).astype(np.float32))
        return Drawn(person, fit, prior, layers(person, to_crop), rng)

    def sample(self, seed: int, index: int) -> dict[str, np.ndarray]:
        """One stored sample; see dataset.py for the fields."""
        drawn = self.draw(seed, index)
        stored, _ = self.picture(drawn)
        rng, prior = drawn.rng, drawn.prior
        features = prior.point_features()
        depth, _ = solid_depth(drawn.scene)
        surface = surface_samples(drawn.person, drawn.scene, depth, rng)
        points = query_points(surface, prior.vertices, POINTS, rng)
        chosen = rng.integers(0, len(surface.position), SURFACE_POINTS)
        position = np.clip(surface.position[chosen], -0.999, 0.999)
        return stored | {
            "points": points.astype(np.float16),
            "distance": signed_distance(surface, depth, points).astype(np.float16),
            "prior": features(points).astype(np.float16),
            "surface": position.astype(np.float16),
            "surface_prior": features(position).astype(np.float16),
            "surface_normal": _signed(surface.normal[chosen], 127),
            "surface_albedo": _byte(surface.albedo[chosen] ** (1 / 2.2)),
            "surface_valid": surface.colour_valid[chosen].astype(np.uint8),
        }

    def picture(self, drawn: Drawn) -> tuple[dict[str, np.ndarray], Buffers]:
        """The stored picture fields of a sample, and the buffers they come from."""
        buffers = render(drawn.person, drawn.scene)
        keys = np.stack([random_direction(drawn.rng) for _ in range(SHADOWS)])
        shadows = np.stack([key_shadow(drawn.scene, buffers, key) for key in keys])
        return {
            "albedo": _byte(buffers.albedo ** (1 / 2.2)),
            "normal": _signed(buffers.normal, 127),
            "coverage": _byte(buffers.coverage),
            "ambient": _byte(buffers.ambient),
            "material": buffers.material.astype(np.uint8),
            "shadows": _byte(shadows),
            "keys": keys.astype(np.float32),
            "maps": _signed(drawn.prior.maps(SIZE).permute(1, 2, 0).numpy(), MAP_SCALE),
        }, buffers


def _byte(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)


def _signed(values: np.ndarray, scale: float | np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values * scale), -127, 127).astype(np.int8)


def write_shard(sampler: Sampler, folder: Path, seed: int, indices: range) -> None:
    """Write one shard folder; a finished one is left alone, an unfinished one is made again."""
    if (folder / "done").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    samples = [sampler.sample(seed, index) for index in indices]
    for name in samples[0]:
        np.save(folder / f"{name}.npy", np.stack([sample[name] for sample in samples]))
    (folder / "done").touch()
    log.info("%s", folder)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--split", choices=sorted(SEEDS), default="training")
    parser.add_argument("--first", type=int, default=0, help="first shard")
    parser.add_argument("--shards", type=int, default=20)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    os.environ.setdefault("GLOG_minloglevel", "2")
    sampler = Sampler(arguments.assets)
    for shard in range(arguments.first, arguments.first + arguments.shards):
        indices = range(shard * SHARD, (shard + 1) * SHARD)
        write_shard(sampler, arguments.output / arguments.split / f"shard_{shard:05d}", SEEDS[arguments.split], indices)


if __name__ == "__main__":
    main()

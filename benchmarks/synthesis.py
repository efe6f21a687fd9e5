"""Throughput of the synthesis of people, by stage: `python -m likeness.benchmarks.synthesis --assets FOLDER [--size 512] [--processes 2]`.

Every process makes its own samples in one thread, as in streaming; the rate is that of all together.
"""

import argparse
import multiprocessing
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from ..training.data.samples import PICTURE, Sampler, random_camera
from ..training.data.simulated_fits import simulated_fit


def measure(assets: Path, size: int, shrink: int, device: str, first: int, count: int) -> dict[str, float]:
    """Mean seconds a sample of each stage, and of all together."""
    torch.set_num_threads(1)
    sampler = Sampler(assets, "training", size, shrink, device)
    sampler.sample(first)  # caches of textures and models
    spent: defaultdict[str, float] = defaultdict(float)
    begun = time.perf_counter()
    for index in range(first + 1, first + 1 + count):
        for stage, seconds in _timed(sampler, index).items():
            spent[stage] += seconds / count
    spent["all"] = (time.perf_counter() - begun) / count
    return dict(spent)


def _timed(sampler: Sampler, index: int) -> dict[str, float]:
    """Seconds of each stage of sampler.sample(index)."""
    times: dict[str, float] = {}

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times[name] = time.perf_counter() - begun

    rng = np.random.default_rng([sampler.seed, index])
    with stage("person"):
        person = sampler.people.make(rng)
    camera = random_camera(rng)
    with stage("fit"):
        fit = simulated_fit(sampler.model, person, camera, PICTURE, rng)
    with stage("fragments"):
        drawn = sampler.scene(person, camera, fit, rng)
    with stage("render"):
        buffers = sampler.buffers(drawn)
    with stage("shadows"):
        sampler.picture(drawn, buffers)
    with stage("points"):
        sampler.points(drawn)
    return times


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--size", type=int, default=512, help="pixels a side")
    parser.add_argument("--shrink", type=int, default=1, help="samples a pixel along each side")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--count", type=int, default=20, help="samples a process")
    options = parser.parse_args()
    jobs = [(options.assets, options.size, options.shrink, options.device, 10_000 * i, options.count) for i in range(options.processes)]
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        found = pool.starmap(measure, jobs)
    print(f"{options.size}² pixels, {options.processes} processes on {options.device}: milliseconds a sample")
    for stage in found[0]:
        print(f"  {stage:10s} {1000 * sum(times[stage] for times in found) / len(found):7.0f}")
    print(f"  {sum(1 / times['all'] for times in found):.2f} samples a second")


if __name__ == "__main__":
    main()

"""The octree loop with which the published PIFu, PIFuHD, SeIF and JIFF make a mesh of a network, plainly written, to time ours against.

Written from the papers' description, with arrays where the published loop visits cells one by one: the samples of a dense grid are
evaluated on a coarse lattice first; cells between evaluated samples whose occupancies differ by less than a threshold are filled with their
mean; the lattice is halved and what is not filled yet is evaluated, until the lattice is the grid. PyMCubes' marching cubes on the dense
grid follow.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import mcubes
import numpy as np
import torch

from ..core.networks.reference import ReferencePifu

_COARSEST, _THRESHOLD = 64, 0.01  # as published
_BATCH = 8192  # of the sizes tried, the fastest on CPUs
_SOFTNESS = 0.003  # crop units over which occupancy falls: steep, as of networks taught hard labels; softer ones have more points evaluated
_SAMPLE = 32_768  # points on which PIFu's own network is timed

PointFunction = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Loop:
    """What one run took: points evaluated, seconds in the network, in the loop's own work, and in marching cubes; vertices of the mesh."""

    evaluated: int
    network: float
    bookkeeping: float
    marching: float
    vertices: int

    @property
    def total(self) -> float:
        return self.network + self.bookkeeping + self.marching


def octree(occupancy: PointFunction, resolution: int, coarsest: int = _COARSEST, threshold: float = _THRESHOLD) -> tuple[np.ndarray, int]:
    """Occupancy on a dense grid (R, R, R) float32 of the cube [-1, 1]³, and the number of points evaluated."""
    grid = np.zeros((resolution,) * 3, np.float32)
    open_ = np.ones(grid.shape, bool)
    evaluated = 0
    for step in (2**k for k in reversed(range((resolution // coarsest).bit_length()))):
        wanted = np.argwhere(open_[::step, ::step, ::step]) * step
        grid[tuple(wanted.T)] = occupancy((wanted * (2 / (resolution - 1)) - 1).astype(np.float32))
        open_[tuple(wanted.T)] = False
        evaluated += len(wanted)
        if step == 1:
            break
        samples = grid[::step, ::step, ::step]
        corners = [samples[tuple(slice(1, None) if c else slice(None, -1) for c in corner)] for corner in product((0, 1), repeat=3)]
        low, high = np.minimum.reduce(corners), np.maximum.reduce(corners)
        centres = (slice(step // 2, -step, step),) * 3
        settled = (high - low < threshold) & open_[centres]
        # A view of the grid by cells: three axes of cells, three within a cell.
        count = resolution // step
        for values, filling in ((grid, ((low + high) / 2)[settled][:, None, None, None]), (open_, False)):
            cells = values.reshape(count, step, count, step, count, step).transpose(0, 2, 4, 1, 3, 5)
            cells[:-1, :-1, :-1][settled] = filling
    return grid, evaluated


def timed_loop(distance: PointFunction, resolution: int) -> Loop:
    """The loop and marching cubes on a field of signed distances in crop units, made an occupancy."""
    inside = 0.0

    def occupancy(points: np.ndarray) -> np.ndarray:
        nonlocal inside
        start = time.perf_counter()
        values = 1 / (1 + np.exp(np.clip(distance(points) / _SOFTNESS, -50, 50)))
        inside += time.perf_counter() - start
        return values

    start = time.perf_counter()
    grid, evaluated = octree(occupancy, resolution)
    looped = time.perf_counter()
    vertices, _ = mcubes.marching_cubes(grid, 0.5)
    return Loop(evaluated, inside, looped - start - inside, time.perf_counter() - looped, len(vertices))


@torch.inference_mode()
def pifu_seconds() -> tuple[float, float]:
    """Seconds of PIFu's encoder for a picture of 512², and of its point network for a million points, from a sample of them. The weights
    are random, which takes as long."""
    network = ReferencePifu.with_random_weights().eval()
    start = time.perf_counter()
    features = network.encode(torch.rand(1, 3, 512, 512))[-1]
    encoded = time.perf_counter()
    points = torch.rand(1, _SAMPLE, 3) * 2 - 1
    network.query(features, points[:, :_BATCH])
    begun = time.perf_counter()
    for part in points.split(_BATCH, dim=1):
        network.query(features, part)
    return encoded - start, (time.perf_counter() - begun) / _SAMPLE * 1e6

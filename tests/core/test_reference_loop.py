"""The octree loop that the benchmark times ours against does what it should."""

import numpy as np

from likeness.benchmarks.reference_loop import octree, timed_loop


def ball(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points, axis=1) - 0.6


def test_the_grid_is_the_dense_one_near_the_surface_and_fewer_points_are_asked() -> None:
    occupancy = lambda points: 1 / (1 + np.exp(np.clip(ball(points) / 0.02, -50, 50)))  # noqa: E731
    grid, evaluated = octree(occupancy, 64, coarsest=16)
    axis = np.linspace(-1, 1, 64)
    dense = occupancy(np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)).reshape(grid.shape)
    assert np.abs(grid - dense).max() < 0.02
    assert evaluated < 0.4 * 64**3


def test_every_part_of_the_loop_is_timed() -> None:
    loop = timed_loop(ball, 128)
    assert loop.evaluated > 64**3 and loop.vertices > 10_000
    assert min(loop.network, loop.bookkeeping, loop.marching) > 0

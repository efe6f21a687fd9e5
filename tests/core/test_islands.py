"""Small patches apart from the rest of their kind are what is around them, unless the photo shows them, or they may stand alone."""

import numpy as np
import pytest

from likeness.core.colour.islands import seen_apart, without_islands
from likeness.core.colour.kinds import BEARD, HAIR, KINDS, SKIN
from likeness.core.colour.voxel_means import VoxelMeans

GOLDEN = np.pi * (3 - np.sqrt(5)) * np.arange(60_000)
HEIGHT = np.linspace(-1, 1, len(GOLDEN))
RING = np.sqrt(1 - HEIGHT**2)
CELLS = VoxelMeans.of(0.5 * np.column_stack([RING * np.cos(GOLDEN), HEIGHT, RING * np.sin(GOLDEN)]).astype(np.float32), 0.02)
NOWHERE = np.zeros(len(CELLS.first), bool)


def patch(radius: float) -> np.ndarray:
    """(K,) bool: cells within so many crop units of a point."""
    return np.linalg.norm(CELLS.centre - [0, 0, 0.5], axis=1) < radius


def shares(kind: int, where: np.ndarray) -> np.ndarray:
    return np.eye(len(KINDS), dtype=np.float32)[np.where(where, kind, HAIR)]


@pytest.mark.parametrize(
    ("radius", "kind", "seen", "ears", "stays"),
    [
        (0.08, SKIN, False, False, False),
        (0.17, SKIN, False, False, False),
        (0.08, SKIN, True, False, True),
        (0.08, SKIN, False, True, True),
        (0.08, BEARD, False, False, True),
        (0.25, SKIN, False, False, True),
    ],
    ids=["a blot in hair", "a wide one", "a blot that the photo shows", "an ear", "a brow", "a face"],
)
def test_small_hidden_patches_are_what_is_around_them(radius: float, kind: int, seen: bool, ears: bool, stays: bool) -> None:
    where = patch(radius)
    given = shares(kind, where)
    found = without_islands(CELLS, given, 1.0 * (where & seen), where & ears)
    assert np.allclose(found, given if stays else shares(HAIR, where), atol=1e-6)


def test_the_soft_rim_of_an_island_goes_with_it() -> None:
    given = shares(HAIR, NOWHERE)
    away = np.linalg.norm(CELLS.centre - [0, 0, 0.5], axis=1)
    given[:, SKIN] = np.clip((0.1 - away) / 0.04, 0, 0.5)
    given[:, HAIR] -= given[:, SKIN]
    assert without_islands(CELLS, given, np.zeros(len(given)), NOWHERE)[:, SKIN].max() < 0.02


@pytest.mark.parametrize(("radius", "bare", "apart"), [(0.06, 0, True), (0.06, 1, False), (0.03, 1, True), (0.2, 0, False)])
def test_what_is_seen_through_a_gap_is_left_out_and_ears_are_not(radius: float, bare: float, apart: bool) -> None:
    weight = 1.0 * (CELLS.centre[:, 2] < 0) + patch(radius)
    found = seen_apart(CELLS, weight, np.full(len(weight), float(bare)))
    assert found[patch(radius)].all() == apart
    assert not found[CELLS.centre[:, 2] < -0.1].any()

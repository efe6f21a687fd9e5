"""The grain of hidden beards and clothes, and how what is seen passes into them, on an egg-shaped head on a column with shoulders."""

import numpy as np

from likeness.core.colour.grain import PORES, STUBBLE, Grain

from .bald_bust import COLLAR
from .test_hidden_colours import JUMPER, SIZE, bust, filled, painted, seen  # noqa: F401

HEIGHTS = np.zeros((SIZE, SIZE), np.float32)
SIDE = -0.25  # depth of the jaw's hidden sides


def bearded(seen, lively):  # noqa: F811
    """A black beard with grey hairs."""
    _, y, z = np.moveaxis(seen.places, -1, 0)
    where = (y < -0.28) & (y > -0.62) & (z > -0.3)
    found = painted(seen, where, "beard", [0.2, 0.17, 0.15])
    found.photo[where] *= 1 + lively * np.random.default_rng(0).standard_normal((int(where.sum()), 1)).astype(np.float32)
    return found


def jaw(bust):  # noqa: F811
    vertices = bust.vertices
    return (np.abs(vertices[:, 0]) > 0.25) & (np.abs(vertices[:, 1] + 0.38) < 0.06) & (np.abs(vertices[:, 2] + 0.2) < 0.06)


def test_hidden_beards_have_the_stubble_of_the_seen_one(bust, seen):  # noqa: F811
    lively, even = (filled(bust, bearded(seen, much), heights=HEIGHTS) for much in (0.3, 0.0))
    where = jaw(bust) & (lively.observed < 0.1)
    assert where.sum() > 20
    fine = (lively.colours - even.colours)[where].mean(1)
    assert 0.004 < fine.std() < 0.06
    assert np.corrcoef(fine, (lively.relief - even.relief)[where])[0, 1] > 0.6, "the same hairs in clay"


def test_hairs_of_beards_run_down():
    noise = 0.5 + 0.1 * np.random.default_rng(0).standard_normal((SIZE, SIZE, 3)).astype(np.float32)
    points = np.random.default_rng(1).uniform(-0.5, 0.5, (200000, 3)).astype(np.float32)
    for side in (0, 2):
        normal = np.tile(np.eye(3, dtype=np.float32)[side], (len(points), 1))
        for kind, runs in ((STUBBLE, True), (PORES, False)):
            grain = Grain.of(noise, points, np.ones(len(points), bool), kind)
            moved = [points + np.float32(2 / SIZE) * np.eye(3, dtype=np.float32)[axis] for axis in (1, 2 - side)]
            down, across = (np.abs(grain.at(one, normal) - grain.at(points, normal)).mean() for one in moved)
            assert (down < 0.7 * across) == runs


def test_hidden_beards_stand_off_as_seen_ones(bust, seen):  # noqa: F811
    found = filled(bust, bearded(seen, 0.0), heights=HEIGHTS)
    where = jaw(bust) & (found.observed < 0.1)
    assert 0.0025 < found.relief[where].mean() < 0.006
    assert np.abs(filled(bust, seen, heights=HEIGHTS).relief[where]).max() < 1e-4


def test_hidden_clothes_have_the_weave_of_the_seen_ones(bust, seen):  # noqa: F811
    woven = painted(seen, np.zeros((SIZE, SIZE), bool), "skin", JUMPER)
    cloth = seen.places[..., 1] < COLLAR
    woven.photo[cloth] *= 1 + 0.1 * np.random.default_rng(0).standard_normal((int(cloth.sum()), 1)).astype(np.float32)
    back = (bust.vertices[:, 2] < -0.5) & (bust.vertices[:, 1] < COLLAR - 0.02) & (bust.vertices[:, 1] > -0.95)
    lively, even = (filled(bust, one, heights=HEIGHTS).colours[back].mean(1).std() for one in (woven, seen))
    assert lively > even + 0.002

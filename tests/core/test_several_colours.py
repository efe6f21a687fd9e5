"""Colours of several photos on one ball, whose paint is known."""

import numpy as np
import pytest
import trimesh

from likeness.core.colour.several import SeenColours, blended_colours, exposed, exposure_gains
from likeness.core.geometry.visibility import smoothstep

BALL = trimesh.creation.icosphere(5, 0.5)
VERTICES = BALL.vertices.astype(np.float32)
PAINT = (0.45 + 0.25 * np.sin(9 * VERTICES[:, :1]) * np.array([1, 0.8, 0.6])).astype(np.float32)
FRONT, SIDE = VERTICES[:, 2] / 0.5, VERTICES[:, 0] / 0.5


def shown(towards: np.ndarray, gain: tuple[float, float, float] = (1, 1, 1)) -> SeenColours:
    """What a camera from that side shows: exposed otherwise, and nothing of what faces away."""
    weight = smoothstep(towards, 0.2, 0.6)
    return SeenColours(np.where(weight[:, None] > 0, exposed(PAINT, np.log(gain)), 0).astype(np.float32), weight.astype(np.float32))


def guess() -> tuple[np.ndarray, np.ndarray]:
    """What the main photo alone gives: grey where it shows nothing."""
    main = shown(FRONT)
    return main.colours * main.weight[:, None] + 0.5 * (1 - main.weight[:, None]), main.weight


def test_a_photo_s_exposure_is_brought_to_the_main_one_s():
    gains = exposure_gains([shown(FRONT), shown(SIDE, (0.6, 0.7, 0.8)), shown(-SIDE, (1.3, 1.2, 1.0))])
    assert np.exp(gains[0]) == pytest.approx(np.ones(3))
    assert np.exp(gains[1]) == pytest.approx(1 / np.array([0.6, 0.7, 0.8]), rel=0.05)
    assert np.exp(gains[2]) == pytest.approx(1 / np.array([1.3, 1.2, 1.0]), rel=0.05)


def test_photos_without_a_common_place_keep_their_light():
    assert np.allclose(exposure_gains([shown(FRONT), shown(-FRONT, (0.5, 0.5, 0.5))]), 0)


def test_each_place_is_coloured_by_the_photo_that_shows_it_and_the_source_says_which():
    found = blended_colours(VERTICES, *guess(), [shown(FRONT), shown(SIDE, (0.7, 0.7, 0.7))])
    beside = (SIDE > 0.75) & (FRONT < 0.1)
    assert np.abs(found.colours - PAINT)[beside].mean() < 0.03 and (found.source[beside] == 1).all()
    assert (found.source[FRONT > 0.9] == 0).all() and np.abs(found.colours - PAINT)[FRONT > 0.9].mean() < 0.02
    assert (found.source[(FRONT < -0.3) & (SIDE < 0)] == -1).all()
    assert found.observed[beside].min() > 0.9 and (found.observed >= guess()[1] - 1e-6).all()


def test_no_seam_shows_between_two_photos_in_unlike_light():
    """A light that differs over the face, which no gain explains."""
    main, other = shown(FRONT), shown(SIDE)
    tinted = SeenColours(np.clip(other.colours + 0.08 * (0.3 + VERTICES[:, 1:2]), 0, 1), other.weight)
    found = blended_colours(VERTICES, *guess(), [main, tinted])
    edges = BALL.edges_unique
    seen = found.observed[edges].min(1) > 0.9
    step = np.abs(np.diff((found.colours - PAINT)[edges], axis=1)).max((1, 2))[seen]
    assert step.max() < 0.03

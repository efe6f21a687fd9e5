"""Where hidden clothes end around the neck, on an egg-shaped head on a column with shoulders."""

import numpy as np
import pytest

from likeness.core.colour.kinds import HAIR, KINDS, SKIN
from likeness.core.colour.neckline import even_neckline

from .bald_bust import behind, made_bust

EDGE, WAVE = -0.62, 0.05  # height of the edge, and of waves along it


@pytest.fixture(scope="module")
def bust():
    return made_bust()


def neckline(bust, weight=0.0, kind=SKIN, face=False, clothes=None):
    """How surely cells are clothes whose edge has waves of a twelfth of the circle, before and after they are made even."""
    x, y, z = bust.points.T
    wavy = EDGE + WAVE * np.sin(12 * np.arctan2(x, z + 0.42))
    given = np.clip((wavy - y) / 0.09 + 0.5, 0, 1) if clothes is None else clothes
    share = np.tile(np.eye(len(KINDS))[kind], (len(y), 1)) * (1 - given)[:, None]
    number = np.ones(len(y))
    return given, even_neckline(bust.cells, given, share, weight * number, bust.points, face * number > 0)


def unevenness(bust, clothes):
    """Of the edge behind, in height: where clothes pass into skin."""
    near = behind(bust.points, EDGE - 0.09, EDGE + 0.09)
    even = np.clip((EDGE - bust.points[near, 1]) / 0.09 + 0.5, 0, 1)
    return float(np.abs(clothes[near] - even).mean())


def test_the_hidden_edge_is_a_smooth_curve(bust):
    given, even = neckline(bust)
    assert unevenness(bust, even) < 0.5 * unevenness(bust, given)


def test_an_edge_that_the_photo_shows_stays(bust):
    given, even = neckline(bust, weight=1.0)
    assert np.allclose(given, even)


@pytest.mark.parametrize("of", [{"kind": HAIR}, {"face": True}])
def test_an_edge_under_hair_or_behind_a_jaw_stays(bust, of):
    given, even = neckline(bust, **of)
    assert np.allclose(given, even)


def test_a_neckline_that_hair_mostly_hides_stays(bust):
    hair = (bust.points[:, 2] < -0.5)[:, None]
    given = np.clip((EDGE + WAVE * np.sin(30 * bust.points[:, 0]) - bust.points[:, 1]) / 0.09 + 0.5, 0, 1)
    share = np.where(hair, np.eye(len(KINDS))[HAIR], np.eye(len(KINDS))[SKIN]) * (1 - given)[:, None]
    even = even_neckline(bust.cells, given, share, np.zeros(len(given)), bust.points, np.zeros(len(given), bool))
    assert np.allclose(given, even)


def test_a_slope_of_the_edge_stays(bust):
    """Collars are lower in front than behind."""
    slope = EDGE - 0.1 * (bust.points[:, 2] + 0.42)
    given, even = neckline(bust, clothes=np.clip((slope - bust.points[:, 1]) / 0.09 + 0.5, 0, 1))
    assert np.abs(even - given).mean() < 0.02


def test_a_raised_shoulder_beside_the_neck_stays_clothes(bust):
    """It is higher than the neckline."""
    low, raised = -0.74, bust.points.copy()
    shoulder = (np.abs(bust.points[:, 0]) > 0.35) & (bust.points[:, 1] < -0.7)
    raised[shoulder, 1] += 0.25
    given = np.where(shoulder, 1, np.clip((low - bust.points[:, 1]) / 0.09 + 0.5, 0, 1))
    share = np.tile(np.eye(len(KINDS))[SKIN], (len(given), 1)) * (1 - given)[:, None]
    even = even_neckline(bust.cells, given, share, np.zeros(len(given)), raised, np.zeros(len(given), bool))
    beside = shoulder & (np.abs(bust.points[:, 0]) < 0.42)
    assert beside.sum() > 10 and even[beside].min() > 0.9

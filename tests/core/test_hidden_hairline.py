"""Where hair ends that nobody sees, and how: round the neck, as on the other side, in single hairs, and not in fur or scarves."""

from types import SimpleNamespace

import numpy as np
import pytest

from likeness.core.colour import by_kind, hair_texture, hidden_hair
from likeness.core.colour.kinds import HAIR
from likeness.core.colour.long_hair import falls

from .bald_bust import behind, hidden, kinds_where, short
from .test_hidden_colours import BLOND, FAIR, bust, filled, locks, painted, seen  # noqa: F401


def towards(colours: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """How far colours (N, 3) are from one colour to another one."""
    return (colours - start) @ (end - start) / ((end - start) @ (end - start))


def test_the_hairline_falls_from_behind_the_ears_to_the_nape(bust) -> None:  # noqa: F811
    found = hidden(bust, kinds_where(bust.points, short(bust.points)))[:, HAIR]
    neck = (bust.points[:, 1] > -0.3) & (bust.points[:, 1] < -0.26)
    beside, nape = neck & (np.abs(bust.points[:, 2] + 0.5) < 0.04), neck & (bust.points[:, 2] < -0.66)
    assert beside.sum() > 5 and found[beside].mean() < 0.2
    assert nape.sum() > 5 and found[nape].mean() > 0.7


def test_the_hairline_at_the_nape_is_rounded(bust) -> None:  # noqa: F811
    found = hidden(bust, kinds_where(bust.points, short(bust.points)))[:, HAIR]
    low, across = behind(bust.points, -0.32, -0.24) & (bust.points[:, 2] < -0.55), np.abs(bust.points[:, 0])
    assert found[low & (across < 0.1)].mean() > found[low & (across > 0.18)].mean() + 0.25


def test_hair_that_lies_over_the_ears_is_longer_at_the_nape(bust) -> None:  # noqa: F811
    """And not beside it, or both would end in one level line."""
    over_ears = (bust.points[:, 1] > -0.12) & ((bust.points[:, 2] < -0.2) | (bust.points[:, 1] > 0.35))
    shorter, longer = (hidden(bust, kinds_where(bust.points, hair))[:, HAIR] for hair in (short(bust.points), over_ears))
    low = behind(bust.points, -0.41, -0.35) & (np.abs(bust.points[:, 0]) < 0.1)
    beside = (np.abs(bust.points[:, 2] + 0.45) < 0.04) & (bust.points[:, 1] > -0.41) & (bust.points[:, 1] < -0.3)
    assert low.sum() > 5 and longer[low].mean() > shorter[low].mean() + 0.3
    assert beside.sum() > 5 and longer[beside].max() < 0.2


def test_hair_thins_out_at_the_nape(bust) -> None:  # noqa: F811
    found = hidden(bust, kinds_where(bust.points, short(bust.points)))[behind(bust.points, -0.37, -0.31), HAIR]
    assert ((found > 0.1) & (found < 0.9)).mean() > 0.5


def test_a_sideburn_that_turns_away_is_one_on_the_other_side_too(bust, seen, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Its colours are too dark or too light to be copied, but what it is is seen."""
    monkeypatch.setattr(hair_texture, "add_locks", lambda *_: None)  # this hair is even, to be told from skin at each place
    sideburn = (seen.places[..., 1] > -0.3) & (seen.places[..., 1] < -0.1) & (np.abs(seen.places[..., 0]) > 0.2) & (seen.matte > 0)
    half = painted(seen, sideburn, "hair", BLOND)
    half = SimpleNamespace(**(vars(half) | {"matte": half.matte * (half.places[..., 0] < 0.02)}))
    turned = (bust.normals[:, 2] > 0.35) & (bust.normals[:, 2] < 0.5)
    missing = turned & (bust.vertices[:, 0] > 0.2) & (bust.vertices[:, 1] > -0.25) & (bust.vertices[:, 1] < -0.15)
    assert missing.sum() > 10
    colours = filled(bust, half).colours[missing]
    assert (np.linalg.norm(colours - BLOND, axis=1) < np.linalg.norm(colours - FAIR, axis=1)).mean() > 0.8


def test_hidden_hair_ends_in_hairs(bust, locks, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    found = filled(bust, locks[0]).colours
    monkeypatch.setattr(hidden_hair, "_ENDS", 0.0)
    differs = np.abs(found - filled(bust, locks[0]).colours).mean(1)
    assert differs[behind(bust.vertices, -0.37, -0.31)].mean() > 0.002
    assert differs[behind(bust.vertices, -0.1, 0.3)].max() < 0.005, "within it its strands are its own"


def test_sideburns_come_down_before_the_ear(bust, seen, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(hair_texture, "add_locks", lambda *_: None)
    side, height, depth = np.abs(bust.vertices[:, 0]), *bust.vertices[:, 1:].T
    before = (side > 0.25) & (depth > -0.25) & (depth < -0.19)
    hairy = towards(filled(bust, seen).colours, FAIR, BLOND)
    assert hairy[before & (height > 0) & (height < 0.1)].mean() > 0.35
    assert hairy[before & (height > -0.3) & (height < -0.15)].mean() < 0.1


def test_cropped_hair_thins_out(bust, seen, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """And thick hair ends sooner."""
    monkeypatch.setattr(hair_texture, "add_locks", lambda *_: None)
    nape = behind(bust.vertices, -0.45, -0.2)

    def between() -> float:
        share = towards(filled(bust, seen).colours[nape], FAIR, BLOND)
        return float(((share > 0.2) & (share < 0.8)).mean())

    cropped = between()
    monkeypatch.setattr(by_kind, "cropped", lambda *_: 0.0)
    assert cropped > 0.18 > 0.14 > between()


def test_a_beard_thins_out_where_nobody_sees_it(bust, seen) -> None:  # noqa: F811
    _, y, z = np.moveaxis(seen.places, -1, 0)
    dark = np.array([0.1, 0.08, 0.06])
    beard = painted(seen, (y < -0.28) & (y > -0.62) & (z > -0.3), "beard", dark)
    front = SimpleNamespace(**(vars(beard) | {"matte": beard.matte * (np.abs(seen.places[..., 0]) < 0.24)}))
    side, height, depth = np.abs(bust.vertices[:, 0]), *bust.vertices[:, 1:].T
    found = filled(bust, front)
    jaw = (side > 0.2) & (height > -0.75) & (height < -0.3) & (depth > -0.5) & (depth < -0.1) & (found.observed < 0.1)
    share = towards(found.colours[jaw], FAIR, FAIR + 0.8 * (dark - FAIR))
    assert ((share > 0.2) & (share < 0.8)).mean() > 0.145


def test_hair_ends_in_no_hairs_beside_its_strands(bust) -> None:  # noqa: F811
    points = bust.cells.centre
    # Nor at its roots, around a bald crown.
    for across, expected in ((points[:, 1], 1.0), (points[:, 0], 0.0), (-points[:, 1], 0.0)):
        found = hidden_hair._ends_downwards(bust.cells, np.clip(across / 0.2 + 0.5, 0, 1), points)
        edge = (np.abs(across) < 0.05) & (bust.points[:, 2] < -0.75)
        assert edge.sum() > 20 and np.abs(found[edge] - expected).mean() < 0.35


def test_hair_of_which_too_little_is_seen_has_strands_of_no_ones(bust, seen, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(hidden_hair.HairTexture, "of", classmethod(lambda *_: None))
    light = filled(bust, seen).colours[behind(bust.vertices, -0.1, 0.3)].mean(1)
    assert 0.01 < light.std() / light.mean() < 0.15


@pytest.mark.parametrize(("wide", "of_hair"), [(0.62, True), (0.75, False)], ids=["a curtain that widens", "a fur on the shoulders"])
def test_what_is_wider_at_once_than_the_hair_above_it_is_none(wide: float, of_hair: bool) -> None:
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(-1, 1, 201), np.linspace(-1.1, 0.5, 161)))
    outline = 0.4 + 0.15 * np.clip(-y, 0, 0.6) / 0.6 + (wide - 0.55) * (y < -0.6)
    upright = np.column_stack([x, y, 0 * x])[np.abs(x) < outline]
    shown = np.ones(len(upright))
    outer = (np.abs(upright[:, 0]) > 0.5) & (upright[:, 1] < -0.9)
    assert (falls(shown, shown, upright)[outer].mean() > 0.9) == of_hair


@pytest.mark.parametrize("gap", [0.0, 0.04], ids=["no gap", "a gap of two rows"])
def test_a_turned_heads_far_side_is_no_narrower_than_its_hair(gap: float) -> None:
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(-1, 1, 201), np.linspace(-1.1, 0.5, 161)))
    rim = np.where(y < -0.3, 0.42 + 0.3 * (-0.3 - y), 0.28)
    upright = np.column_stack([x, y, 0 * x])[np.abs(x) < np.where(np.abs(y + 0.59) < gap / 2, 0.28, rim)]
    shown = np.ones(len(upright))
    outer = (np.abs(upright[:, 0]) > 0.35) & (upright[:, 1] < -0.9)
    assert falls(shown, shown, upright)[outer].mean() > 0.9


def over_a_jumper(hair: np.ndarray, half: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Where long hair falls (N,), of places (N, 3) in front, as far as `half` from the middle, of which some (161, 201) bool are hair."""
    upright = np.stack([PLACE_X, PLACE_Y, 0 * PLACE_X], axis=-1)[np.abs(PLACE_X) < half]
    return falls(1.0 * hair[np.abs(PLACE_X) < half], np.ones(len(upright)), upright), upright


PLACE_X, PLACE_Y = np.meshgrid(np.linspace(-1, 1, 201), np.linspace(-1.1, 0.5, 161))


def test_long_hair_ends_higher_at_the_sides() -> None:
    found, upright = over_a_jumper(np.abs(PLACE_X) < 0.5, 0.5 + 0.4 * (PLACE_Y < -0.6))
    low = np.abs(upright[:, 1] + 0.7) < 0.005
    assert found[low & (np.abs(upright[:, 0]) < 0.1)].min() > 0.9
    assert found[low & (np.abs(np.abs(upright[:, 0]) - 0.45) < 0.02)].max() < 0.3


@pytest.mark.parametrize(("lowest", "longer"), [(-1.1, False), (-0.52, True)], ids=["seen to end", "cut off by the photo"])
def test_hair_falls_behind_as_far_as_it_is_seen_to_but_for_a_stray_lock(lowest: float, longer: bool) -> None:
    """Where the photo ends with it, it falls as far as it usually does."""
    upright = np.stack([PLACE_X, PLACE_Y, 0 * PLACE_X], axis=-1).reshape(-1, 3)
    across, height = np.abs(upright[:, 0]), upright[:, 1]
    shown = 1.0 * ((height > lowest) & (across < 0.6))
    hair = shown * ((height > -0.4) | (across < 0.35) & (height > -0.52) | (np.abs(across - 0.33) < 0.02) & (height > -0.75))
    found = falls(hair, shown, upright, np.full(len(upright), lowest))
    assert (found[(across < 0.1) & (np.abs(height + 0.65) < 0.02)].mean() > 0.9) == longer


def test_cloth_below_a_gap_is_no_hair_that_falls() -> None:
    found, upright = over_a_jumper((PLACE_Y > -0.4) | (PLACE_Y < -0.8), 0.4)
    assert found[upright[:, 1] < -0.85].max() < 0.1


def test_a_beard_goes_on_where_neither_side_is_seen(bust, seen) -> None:  # noqa: F811
    _, y, z = np.moveaxis(seen.places, -1, 0)
    beard = painted(seen, (y < -0.28) & (y > -0.62) & (z > -0.3), "beard", [0.1, 0.08, 0.06])
    front = SimpleNamespace(**(vars(beard) | {"matte": beard.matte * (np.abs(seen.places[..., 0]) < 0.24)}))
    side, height, depth = bust.vertices.T
    before_the_ear = (np.abs(side) > 0.27) & (height < -0.05) & (height > -0.25) & (depth > -0.3) & (depth < -0.22)
    assert before_the_ear.sum() > 10 and np.median(filled(bust, front).colours[before_the_ear].max(1)) < 0.45

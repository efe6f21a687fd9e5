"""The light, the tints and the strands of hidden hair, on a ball and on cells that face every way."""

from types import SimpleNamespace

import numpy as np
import pytest

from likeness.core.colour.kinds import BEARD, HAIR, KINDS, SKIN
from likeness.core.colour.material import Tints, _opaque, levels
from likeness.core.colour.seam import around_border, bridged, evened
from likeness.core.colour.voxel_means import VoxelMeans
from likeness.core.geometry.visibility import smoothstep

from .colour_ball import FAIR, RADIUS, X, Y, cells, coloured


def test_seen_hair_at_the_border_is_evened_by_so_much_at_most(ball: SimpleNamespace) -> None:
    cells = VoxelMeans.of(ball.vertices, 0.02)
    alike = lambda light: np.full((len(cells.first), 3), light)  # noqa: E731
    assert np.allclose(evened(cells, alike(0.5), alike(0.4), np.ones(len(cells.first))), np.log(0.56 / 0.46))
    assert np.allclose(evened(cells, alike(0.9), alike(0.3), np.ones(len(cells.first))), 0.4)


def test_grey_hair_takes_the_tint_of_what_shows_least_skin() -> None:
    of = cells()
    hair = of.places[:, 1] > 0
    through = np.random.default_rng(1).uniform(0, 0.5, (len(hair), 1))
    grey = np.array([0.7, 0.69, 0.67])
    seen = np.where(hair[:, None], grey + through * (FAIR - grey) * [1, 1, 1], FAIR)
    share = np.eye(len(KINDS))[np.where(hair, HAIR, SKIN)]
    found, _ = levels(np.tile(FAIR, (len(hair), 1)), seen.astype(np.float32), of.weight, share, of.places, of.normals)
    hidden = found[hair & (of.weight == 0)]
    assert (hidden[:, 0] - hidden[:, 2]).max() < 0.065, "most of the seen hair has more"


def test_skin_that_shows_through_grey_hair_does_not_darken_it() -> None:
    of = cells()
    hair = of.places[:, 1] > 0
    through = np.random.default_rng(1).uniform(0, 0.5, (len(hair), 1))
    grey = np.array([0.85, 0.84, 0.82])
    seen = np.where(hair[:, None], grey + through * (FAIR - grey), FAIR)
    share = np.eye(len(KINDS))[np.where(hair, HAIR, SKIN)]
    found, _ = levels(np.tile(FAIR, (len(hair), 1)), seen.astype(np.float32), of.weight, share, of.places, of.normals)
    usual = seen[hair & (of.weight > 0.5)].mean(1)
    assert np.median(found[hair & (of.weight == 0)].mean(1)) > np.percentile(usual, 60)


@pytest.mark.parametrize(
    ("colour", "kept"),
    [
        ((0.3, 0.2, 0.12), True),
        ((0.25, 0.3, 0.2), False),
        ((0.55, 0.5, 0.58), False),
        ((0.1, 0.6, 0.2), True),
        ((0.04, 0.04, 0.055), True),
    ],
    ids=["brown", "greenish", "lavender", "dyed green", "blue-black"],
)
def test_hair_has_no_cast_but_dyed_hair_keeps_its_colour(colour: tuple[float, float, float], kept: bool) -> None:
    tints = Tints.of(np.tile(colour, (50, 1)) * np.linspace(0.8, 1, 50)[:, None], 2)
    natural = tints.natural()
    assert (np.abs(natural.tints - tints.tints).max() < 0.01) == kept
    if not kept:
        assert (np.diff(natural.tints, axis=1) < 1e-6).all(), "red, green and blue in that order"


@pytest.mark.parametrize("tint", [(1.1, 0.95, 0.95), (1.09, 1.09, 0.82)], ids=["pink", "olive"])
def test_hair_is_neither_pink_nor_green(tint: tuple[float, float, float]) -> None:
    red, green, blue = Tints(np.array([0.4]), np.array([tint])).natural().tints[0]
    assert 0.27 < (green - blue) / (red - blue) < 0.76 and abs(red + green + blue - 3) < 0.02


def test_some_skin_shows_through_hidden_beards() -> None:
    of, black = cells(), 0.1
    beard = of.places[:, 1] < 0
    share = np.eye(len(KINDS))[np.where(beard, BEARD, SKIN)]
    seen = np.where(beard[:, None], black, FAIR).astype(np.float32)
    found, _ = levels(np.tile(FAIR, (len(seen), 1)), seen, of.weight, share, of.places, of.normals)
    assert black + 0.05 < found[beard & (of.weight == 0)].mean() < black + 0.2


def test_violet_hair_is_not_grey() -> None:
    """Its least tinted strands are highlights."""
    rng = np.random.default_rng(0)
    seen = np.concatenate([np.tile([0.55, 0.43, 0.5], (75, 1)), np.tile([0.85, 0.85, 0.87], (25, 1))]) + 0.001 * rng.standard_normal(
        (100, 3)
    )
    skin = Tints.of(np.tile(FAIR, (50, 1)) * np.linspace(0.8, 1, 50)[:, None], 1)
    hair = np.ones(100, bool)
    assert _opaque(seen, hair, skin, 25).sum() > 90
    assert _opaque(seen.mean(1, keepdims=True) + 0.3 * (seen - seen.mean(1, keepdims=True)), hair, skin, 25).sum() < 40


def test_hair_with_the_walls_light_on_it_has_its_own_tint(ball: SimpleNamespace) -> None:
    """A greenish spot, as of a green wall; the same before a grey wall is the hair's."""
    brown, green = np.array([0.3, 0.2, 0.12]), np.array([0.25, 0.27, 0.12])
    photo = np.where((np.hypot(X, Y) < 0.08)[..., None], green, brown)
    front = ball.normals[:, 2] > 0.995
    greenness = []
    for wall in ([0.2, 0.32, 0.12], [0.5, 0.5, 0.7]):
        colours, _ = coloured(ball, np.where((np.hypot(X, Y) < RADIUS)[..., None], photo, wall), np.full_like(X, True, bool), kind="hair")
        greenness.append(np.median(colours[front, 1] - colours[front, 0]))
    assert greenness[0] < -0.04 and greenness[1] > 0


def test_hair_before_a_wall_takes_the_tint_of_the_rest(ball: SimpleNamespace) -> None:
    brown, blue = np.array([0.35, 0.22, 0.12]), np.array([0.2, 0.25, 0.32])
    rim = np.hypot(X, Y) > RADIUS * np.sin(np.radians(48))
    colours, _ = coloured(ball, np.where(rim[..., None], blue, brown), np.full_like(X, True, bool), "hair")
    border = (ball.normals[:, 2] > 0.4) & (ball.normals[:, 2] < 0.7) & (np.abs(ball.normals[:, 1]) < 0.3)
    tint = (colours[border, 0] - colours[border, 2]) / colours[border].mean(1)
    assert border.sum() > 100 and 0.8 < tint.mean() < 1.2, "1 in the hair, -0.5 at its rim"


@pytest.mark.parametrize(
    ("tinted", "light", "some"), [(0.5, 0.66, (0.2, 0.3)), (0.7, 0.66, (0.4, 0.9)), (0.9, 0.66, (1.0, 1.0)), (0.5, 0.55, (0.4, 0.9))]
)
def test_the_greyer_and_lighter_hair_is_the_less_tinted_are_its_samples(tinted: float, light: float, some: tuple[float, float]) -> None:
    """tinted: of skin's tint; light: of the hair, beside skin of about 0.6."""
    skin = Tints.of(np.tile(FAIR, (50, 1)) * np.linspace(0.8, 1, 50)[:, None], 1)
    way = FAIR - FAIR.mean()
    amount = tinted * np.linalg.norm(skin.tints - 1, axis=1).min() / np.linalg.norm(way)
    hair = light - 0.06 + light * amount * np.linspace(0.98, 1.02, 100)[:, None] * way
    assert some[0] <= _opaque(hair, np.ones(100, bool), skin, 25).mean() <= some[1]


def test_locks_at_the_border_stay(ball: SimpleNamespace) -> None:
    cells = VoxelMeans.of(ball.vertices, 0.02)
    seen = smoothstep(cells.mean(ball.normals[:, 2]), 0.2, 0.4)
    locks = 0.3 * (1 + 0.3 * np.sin(2 * np.pi / 0.08 * cells.centre[:, :1])) * np.ones((1, 3))
    hair, around = np.ones(len(seen)), around_border(cells, seen)
    wide, fine = (np.hstack(bridged(cells, locks, hair, [(locks, seen)], around, rounds)[0])[around > 0.5].std() for rounds in (1, 4))
    assert fine < 0.5 * wide

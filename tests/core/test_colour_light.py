"""The light and the tint of hidden skin, on a ball whose front a camera sees and on cells that face every way."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from likeness.core.colour.grain import PORES, Grain
from likeness.core.colour.islands import glimpsed_ears
from likeness.core.colour.kinds import KINDS, SKIN
from likeness.core.colour.material import levels
from likeness.core.colour.seam import around_border, bridged, evened
from likeness.core.colour.voxel_means import VoxelMeans

from .colour_ball import FAIR, RADIUS, SIZE, X, Y, cells, coloured, rim, skin_levels


def ears_of(points: np.ndarray) -> np.ndarray:
    """Skin that is redder and darker on a patch at the side."""
    patch = (np.abs(points[:, 1]) < 0.15) & (np.abs(points[:, 2] + 0.1) < 0.15)
    return (patch[:, None] * np.array([-0.1, -0.3, -0.3])).astype(np.float32)


def test_a_dark_rim_darkens_neither_the_hidden_side_nor_its_border(ball: SimpleNamespace) -> None:
    colours, observed = coloured(ball, rim(0.4), np.full_like(X, True, bool))
    light = colours.mean(1) / FAIR.mean()
    z = ball.normals[:, 2]
    assert light[z < -0.65].min() > 0.95
    assert light[z < 0.2].min() > 0.8, "0.6 in the photo"
    border = (observed > 0.5) & (z < np.cos(np.radians(57)))
    assert border.sum() > 100 and light[border].mean() > 0.73, "0.6 in the photo"
    assert np.abs(light[z > 0.9] - 1).max() < 0.02, "what faces the camera is the photo's"


def test_hidden_skin_is_a_little_paler_than_the_face_and_as_light(ball: SimpleNamespace) -> None:
    colours, _ = coloured(ball, np.broadcast_to(FAIR, (SIZE, SIZE, 3)), np.full_like(X, True, bool))
    behind = colours[ball.normals[:, 2] < -0.8]
    tint = (behind - behind.mean(1, keepdims=True)) @ (FAIR - FAIR.mean()) / ((FAIR - FAIR.mean()) ** 2).sum()
    assert 0.84 < tint.mean() < 0.96 and abs(behind.mean() - FAIR.mean()) < 0.02


def test_a_level_below_black_does_not_spoil_the_light(ball: SimpleNamespace) -> None:
    cells = VoxelMeans.of(ball.vertices, 0.02)
    count = len(cells.first)
    assert np.isfinite(evened(cells, np.full((count, 3), -0.1), np.full((count, 3), 0.02), np.ones(count))).all()


def test_a_rim_is_not_mirrored(ball: SimpleNamespace) -> None:
    """The half x > 0 is hidden: its outer part is what the other half's rim is, but not as dark."""
    colours, observed = coloured(ball, rim(0.4), X < 0.02)
    angle = np.degrees(np.arccos(ball.normals[:, 2]))
    outer = (observed == 0) & (ball.vertices[:, 0] > 0.1) & (angle > 63) & (angle < 75)
    assert outer.sum() > 100 and (colours[outer].mean(1) / FAIR.mean()).mean() > 0.8


def test_mirrored_skin_lies_in_its_own_light_and_keeps_its_marks(ball: SimpleNamespace) -> None:
    """The half x > 0.1 is hidden; of the other one the outer part lies in shadow, with a mole in it."""
    shadow, mole = X < -0.25, np.hypot(X + 0.33, Y - 0.1) < 0.02
    photo = FAIR * np.where(shadow, 0.5, 1)[..., None] * np.where(mole, 0.5, 1)[..., None]
    colours, observed = coloured(ball, photo, X < 0.1)
    light, (x, y, z) = colours.mean(1) / FAIR.mean(), ball.vertices.T
    marked = (np.hypot(x - 0.33, y - 0.1) < 0.01) & (z > 0)
    outer = (observed == 0) & (x > 0.3) & (x < 0.4) & (np.abs(y + 0.1) < 0.1) & (z > 0)
    assert outer.sum() > 50 and light[outer].min() > 0.85
    assert light[marked].max() < light[outer].mean() - 0.1


def test_no_dark_line_stands_at_the_border_of_seen_skin(ball: SimpleNamespace) -> None:
    angle = np.degrees(np.arcsin(np.clip(np.hypot(X, Y) / RADIUS, 0, 1)))
    photo = FAIR * np.interp(angle, [45, 62], [1, 0.55])[..., None]
    colours, observed = coloured(ball, photo, np.full_like(X, True, bool))
    away = np.degrees(np.arccos(ball.normals[:, 2]))
    light = np.array([colours[(away > low) & (away < low + 4)].mean() for low in range(40, 100, 4)]) / FAIR.mean()
    assert light.min() > 0.85, "0.55 in the photo"
    assert observed[away < 50].min() > 0.95 and observed[away > 70].max() < 0.05


def test_hidden_skin_is_as_light_as_what_faces_the_camera() -> None:
    of = cells()
    seen = FAIR * np.where(of.normals[:, 2:] < 0.5, 0.5, 1)
    assert np.abs(skin_levels(of, seen)[of.weight == 0] / FAIR - 1).max() < 0.1


def test_a_bald_crown_is_as_light_as_what_is_seen_of_it() -> None:
    of = cells()
    of.places[:] *= 2
    high = of.places[:, 1:2] > 0.3
    found = skin_levels(of, FAIR * np.where(high, 1.15, 0.8), face=(~high[:, 0]).astype(np.float32))
    crown = (of.weight == 0) & (of.places[:, 1] > 0.65)
    assert crown.sum() > 50 and found[crown].mean() / FAIR.mean() > 1.05, "0.8 in the face"


def test_the_guesss_light_from_one_side_is_not_taken_but_its_relief_is() -> None:
    of = cells()
    relief = 0.05 * np.sin(40 * of.places[:, 1:2])
    guess = FAIR * (0.7 + 0.3 * of.normals[:, :1]) + relief
    found = skin_levels(of, np.tile(FAIR, (len(guess), 1)), guess)
    hidden = of.weight == 0
    left, right = (found[hidden & (side * of.normals[:, 0] > 0.5)].mean() for side in (-1, 1))
    assert abs(left / right - 1) < 0.03
    assert np.polyfit(relief[hidden, 0], found[hidden].mean(1), 1)[0] > 0.25


def test_hidden_skin_is_as_light_as_the_cheeks_and_not_as_a_forehead_that_the_sky_lights() -> None:
    upright = np.random.default_rng(0).uniform(-0.4, 0.6, (400, 3)).astype(np.float32)
    seen = FAIR * np.where(upright[:, 1] > 0.1, 1.25, 0.8)[:, None]
    share, weight = np.tile(np.eye(len(KINDS))[SKIN], (400, 1)), np.ones(400)
    level, _ = levels(np.tile(FAIR, (400, 1)), seen, weight, share, upright, np.tile([0.0, 0.0, 1.0], (400, 1)))
    assert np.abs(level.mean(1) / FAIR.mean() - 0.8).max() < 0.05


def test_hidden_skin_is_as_a_heads_places_are(ball: SimpleNamespace) -> None:
    photo = np.broadcast_to(FAIR, (SIZE, SIZE, 3))
    plain, observed = coloured(ball, photo, np.full_like(X, True, bool))
    with_ears, _ = coloured(ball, photo, np.full_like(X, True, bool), skin_change=ears_of)
    patch = (np.abs(ball.vertices[:, 1]) < 0.1) & (np.abs(ball.vertices[:, 2] + 0.1) < 0.1)
    ratio = np.log((with_ears[patch] + 0.06) / (plain[patch] + 0.06)).mean(0)
    assert np.abs(ratio - [-0.1, -0.3, -0.3]).max() < 0.05
    assert np.abs(with_ears - plain)[(observed > 0.99) & (ball.normals[:, 2] > 0.8)].max() < 1e-3, "what is seen is the photo's"
    step = np.abs(ball.vertices[:, 1]) - 0.15
    near = (np.abs(step) < 0.012) & (np.abs(ball.vertices[:, 2] + 0.1) < 0.1)
    blue = (with_ears - plain)[near, 2]
    assert blue[step[near] > 0.006].mean() - blue[step[near] < -0.006].mean() > 0.1, "folds are finer than colour cells"


def test_hidden_skin_has_the_visible_skins_grain(ball: SimpleNamespace) -> None:
    grain = gaussian_filter(np.random.default_rng(2).standard_normal((SIZE, SIZE)), 1)
    photo = FAIR * (1 + 0.05 * grain / grain.std() * 0.3)[..., None]
    colours, observed = coloured(ball, photo, np.full_like(X, True, bool))
    front, back = colours[(observed > 0.99)], colours[ball.normals[:, 2] < -0.7]
    assert 0.4 < back.mean(1).std() / front.mean(1).std() < 1.2
    smooth, _ = coloured(ball, np.broadcast_to(FAIR, (SIZE, SIZE, 3)), np.full_like(X, True, bool))
    assert smooth[ball.normals[:, 2] < -0.7].std(0).max() < 0.005


def test_moles_are_no_grain() -> None:
    photo = np.broadcast_to(FAIR, (SIZE, SIZE, 3)).copy()
    for row, column in product(range(0, SIZE, 20), range(0, SIZE // 2, 20)):
        photo[row : row + 4, column : column + 4] = 0.1
    points = np.column_stack([X[::2, ::2].ravel(), Y[::2, ::2].ravel(), np.zeros(SIZE**2 // 4)])
    pores = Grain.of(photo.astype(np.float32), points, np.ones(len(points), bool), PORES)
    assert pores is not None and pores.texture.std() < 0.002
    noisy = photo * (1 + 0.3 * np.random.default_rng(0).standard_normal((SIZE, SIZE, 1)))
    stubble = Grain.of(noisy.astype(np.float32), points, np.ones(len(points), bool), PORES)
    assert stubble is not None and stubble.texture.std() < 0.026


def test_seen_skin_at_the_border_takes_the_hidden_sides_tint(ball: SimpleNamespace) -> None:
    greenish = FAIR * [0.9, 1.0, 0.85]
    photo = np.where((np.hypot(X, Y) > RADIUS * np.sin(np.radians(45)))[..., None], greenish, FAIR)
    colours, observed = coloured(ball, photo, np.full_like(X, True, bool))
    border = (observed > 0.7) & (ball.normals[:, 2] < np.cos(np.radians(55)))
    tint = (colours[border, 1] / colours[border, 0]).mean()
    assert border.sum() > 100 and tint < 0.845, "0.86 in the photo, 0.78 on the face"


def test_a_crease_at_the_border_is_lightened_without_more_of_its_colour(ball: SimpleNamespace) -> None:
    """Skin whose shade has little blue, a quarter as light as what is around the border: as a ratio light would make it yellow."""
    cells = VoxelMeans.of(ball.vertices, 0.02)
    around = around_border(cells, (cells.centre[:, 2] > 0.2).astype(np.float64))
    shaded = np.where(((around > 0.5) & (around < 0.6))[:, None], FAIR * [0.45, 0.3, 0.1], FAIR)
    every = np.ones(len(around))
    shade, light = bridged(cells, shaded, every, [(shaded, every)], around)[0]
    darkest = (around > 0.54) & (around < 0.56)
    found = (shaded + light)[darkest].mean(0)
    assert not shade[darkest].any() and found[2] > 0.5 * FAIR[2], "0.1 in the photo, 0.3 with the most that shade may be"


@pytest.mark.parametrize(("share", "kept"), [(0.05, False), (0.6, True)])
def test_an_ear_of_which_a_rim_is_seen_is_not_copied(ball: SimpleNamespace, share: float, kept: bool) -> None:
    cells = VoxelMeans.of(ball.vertices, 0.02)
    x, y, z = cells.centre.T
    ears = ((np.hypot(y, z) < 0.15) & (np.abs(x) > 0.3)).astype(np.float64)
    left = x > 0
    front = np.quantile(z[(ears > 0) & left], 1 - share)
    found = glimpsed_ears(cells, ((z > front) & left).astype(np.float64), ears, left)
    ear = (ears > 0) & left
    assert (found[ear].max() < 0.01) if kept else (found[ear].min() > 0.9)
    assert found[(ears > 0) & ~left].min() > 0.9
    assert found[np.hypot(y, z) > 0.3].max() == 0

"""The light, the tints and the strands of hidden skin and hair, on a ball whose front a camera sees and on cells that face every way."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import trimesh
from scipy.ndimage import gaussian_filter

from likeness.core.colour import fill
from likeness.core.colour.channels import OF_KIND
from likeness.core.colour.fill import colour_vertices
from likeness.core.colour.grain import PORES, Grain
from likeness.core.colour.hidden_colours import SkinChange
from likeness.core.colour.islands import glimpsed_ears
from likeness.core.colour.kinds import BEARD, CLOTHES, HAIR, KINDS, SKIN, Places
from likeness.core.colour.material import Tints, _opaque, levels
from likeness.core.colour.seam import around_border, bridged, evened
from likeness.core.colour.voxel_means import VoxelMeans
from likeness.core.geometry.visibility import smoothstep
from likeness.core.photo.parsing import CLASSES

SIZE, RADIUS = 256, 0.6
FAIR = np.array([0.8, 0.62, 0.52], np.float32)
_AXIS = (np.arange(SIZE) + 0.5) * 2 / SIZE - 1
X, Y = np.meshgrid(_AXIS, -_AXIS)


@pytest.fixture(scope="module")
def ball() -> SimpleNamespace:
    mesh = trimesh.creation.icosphere(6, RADIUS)
    vertices = np.asarray(mesh.vertices, np.float32)
    return SimpleNamespace(vertices=vertices, faces=np.asarray(mesh.faces), normals=vertices / RADIUS)


def coloured(
    ball: SimpleNamespace,
    photo: np.ndarray,
    shown: np.ndarray,
    kind: str = "skin",
    skin_change: SkinChange | None = None,
    closed: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Colours and observed of a head of nothing but one kind before a photo (S, S, 3), of which `shown` (S, S) bool is the person."""
    matte = (shown & (np.hypot(X, Y) < RADIUS)).astype(np.float32)
    parsing = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    parsing[..., CLASSES.index(kind)], parsing[..., CLASSES.index("background")] = matte, 1 - matte

    def guess(points: np.ndarray) -> tuple[np.ndarray, Places]:
        codes = np.column_stack([(points[:, 0] + 1) / 2, points[:, 1] * 0.5 + 0.6, (points[:, 2] + 1) / 2]).clip(0.001, 1)
        nothing, all_over = np.zeros(len(points), np.float32), np.full(len(points), kind == "skin", np.float32)
        return np.tile(FAIR, (len(points), 1)), Places(codes.astype(np.float32), 1 - all_over, all_over, nothing, nothing)

    given = ball.vertices, ball.faces, ball.normals, photo.astype(np.float32), matte, guess, parsing, skin_change
    return colour_vertices(*given, closed=closed)[:2]


def rim(strength: float) -> np.ndarray:
    """A photo (S, S, 3) of skin that darkens where it turns away from the camera, beyond 45 degrees."""
    return FAIR * np.where(np.hypot(X, Y) > RADIUS * np.sin(np.radians(45)), 1 - strength, 1)[..., None]


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


def test_seen_hair_at_the_border_is_evened_by_so_much_at_most(ball: SimpleNamespace) -> None:
    cells = VoxelMeans.of(ball.vertices, 0.02)
    alike = lambda light: np.full((len(cells.first), 3), light)  # noqa: E731
    assert np.allclose(evened(cells, alike(0.5), alike(0.4), np.ones(len(cells.first))), np.log(0.56 / 0.46))
    assert np.allclose(evened(cells, alike(0.9), alike(0.3), np.ones(len(cells.first))), 0.4)


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


def cells(count: int = 6000) -> SimpleNamespace:
    """Cells that face every way, of which the front is seen."""
    normals = np.random.default_rng(0).standard_normal((count, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return SimpleNamespace(normals=normals, places=0.4 * normals, weight=(normals[:, 2] > 0).astype(np.float32))


def skin_levels(of: SimpleNamespace, seen: np.ndarray, guess: np.ndarray | None = None, face: np.ndarray | None = None) -> np.ndarray:
    """Levels (K, 3) of nothing but skin."""
    share = np.eye(len(KINDS))[np.full(len(seen), SKIN)]
    guess = np.tile(FAIR, (len(seen), 1)) if guess is None else guess
    return levels(guess.astype(np.float32), seen.astype(np.float32), of.weight, share, of.places, of.normals, face=face)[0]


def test_hidden_skin_is_as_light_as_what_faces_the_camera() -> None:
    of = cells()
    seen = FAIR * np.where(of.normals[:, 2:] < 0.5, 0.5, 1)
    assert np.abs(skin_levels(of, seen)[of.weight == 0] / FAIR - 1).max() < 0.1


def test_a_white_shirt_that_is_taken_for_skin_makes_no_skin_pale() -> None:
    of = cells()
    shirt = of.places[:, 1] < 0.1
    seen = np.where(shirt[:, None], [0.95, 0.95, 0.97], FAIR)
    hidden = of.weight == 0
    assert np.abs(skin_levels(of, seen, face=(~shirt).astype(np.float32))[hidden] - FAIR).max() < 0.05
    assert np.abs(skin_levels(of, seen)[hidden] - FAIR).max() > 0.1, "the case is none if the shirt never counts"


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


def ears_of(points: np.ndarray) -> np.ndarray:
    """Skin that is redder and darker on a patch at the side."""
    patch = (np.abs(points[:, 1]) < 0.15) & (np.abs(points[:, 2] + 0.1) < 0.15)
    return (patch[:, None] * np.array([-0.1, -0.3, -0.3])).astype(np.float32)


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


def test_a_coat_of_two_colours_goes_on_below_the_photo_and_is_not_observed(ball: SimpleNamespace) -> None:
    red, blue = np.array([0.6, 0.2, 0.2]), np.array([0.2, 0.2, 0.6])
    photo = np.where(Y[..., None] > -0.2, np.where(X[..., None] > 0, red, blue), 0)
    colours, observed = coloured(ball, photo, Y > -0.2, kind="clothes")
    below = (ball.vertices[:, 1] < -0.26) & (ball.vertices[:, 1] > -0.4) & (ball.normals[:, 2] > 0.6) & (np.abs(ball.vertices[:, 0]) > 0.1)
    right = ball.vertices[:, 0] > 0
    assert below.sum() > 100 and observed[below].max() == 0
    assert np.abs(colours[below & right] - red).max() < 0.05 and np.abs(colours[below & ~right] - blue).max() < 0.05


def test_the_face_that_a_cut_has_closed_has_the_colour_of_the_clothes_around_and_is_not_observed(ball: SimpleNamespace) -> None:
    """Though the camera sees some of it: a red tie before a blue coat."""
    photo = np.where(np.abs(X[..., None]) < 0.15, [0.6, 0.1, 0.1], [0.1, 0.1, 0.5])
    closed = (ball.normals[:, 1] < -0.6) & (ball.normals[:, 1] > -0.9)
    colours, observed = coloured(ball, photo, np.full_like(X, True, bool), kind="clothes", closed=closed)
    assert observed[closed].max() == 0 and np.ptp(colours[closed], axis=0).max() < 1e-6
    assert colours[closed, 2].min() > 0.4
    beside = (observed > 0.99) & (np.abs(ball.vertices[:, 0]) < 0.1)
    assert colours[beside, 0].min() > 0.5


def test_folds_of_a_garment_fade_out_where_it_is_no_longer_seen(ball: SimpleNamespace) -> None:
    folds = np.full(3, 0.3) * (1 + 0.5 * np.sin(Y * 120))[..., None]
    colours, observed = coloured(ball, folds, np.full_like(X, True, bool), kind="clothes")
    border, front = (observed > 0.8) & (ball.normals[:, 2] < np.cos(np.radians(68))), ball.normals[:, 2] > 0.8
    assert border.sum() > 100 and colours[border].mean(1).std() < 0.7 * colours[front].mean(1).std()


def test_clothes_end_in_a_line_where_the_photo_ends(ball: SimpleNamespace) -> None:
    """A white shirt's front between a dark coat's: where the shirt is seen too steeply to be copied nothing is grey."""
    photo = np.where((np.abs(X) < 0.3)[..., None], 0.95, 0.05) * np.ones(3)
    colours, observed = coloured(ball, photo, np.full_like(X, True, bool), kind="clothes")
    grey, border = np.abs(colours.mean(1) - 0.5) < 0.3, (observed > 0.05) & (observed < 0.95) & (np.abs(ball.vertices[:, 0]) < 0.24)
    assert border.sum() > 50 and grey[border].mean() < 0.3


def test_what_differs_from_hidden_clothes_ends_in_a_line() -> None:
    """Of the photo's weight from nothing to all."""
    weight, white, coat = np.linspace(0, 1, 101), np.full((101, 3), 0.9), np.full((101, 3), 0.1)
    line = fill._ending_in_a_line(weight, weight, white, coat, np.ones(101))
    assert ((line > 0.05) & (line < 0.95)).sum() < 25
    assert np.allclose(fill._ending_in_a_line(weight, weight, coat + 0.02, coat, np.ones(101)), weight, atol=0.05)


def test_clothes_end_in_an_even_line_though_what_is_copied_does_not(ball: SimpleNamespace) -> None:
    """It ends in teeth of a centimetre."""
    cells = VoxelMeans.of(ball.vertices, 0.02)
    x, y, _ = ball.vertices.T
    observed = 1.0 * (x + 0.03 * np.sign(np.sin(y * np.pi / 0.05)) > 0)
    around = fill._evenly(SimpleNamespace(cells=cells, vertices=ball.vertices), observed)  # pyright: ignore[reportArgumentType]
    white, coat = (np.full((len(x), 3), light) for light in (0.9, 0.1))
    line = fill._ending_in_a_line(np.maximum(observed, 0.2), around, white, coat, np.ones(len(x)))
    wrong = (line > 0.5) != (x > 0)
    assert wrong.sum() < 0.6 * ((observed > 0.5) != (x > 0)).sum()


def test_clothes_that_are_seen_steeply_are_no_skin(ball: SimpleNamespace) -> None:
    """Beside the border of what is copied the pixels show a coat, though by place a cheek goes on there."""
    photo, matte = np.broadcast_to(FAIR, (SIZE, SIZE, 3)).copy(), (np.hypot(X, Y) < RADIUS)
    coat = (np.hypot(X, Y) > RADIUS * np.sin(np.radians(60))) & (X > 0.2)
    photo[coat] = [0.1, 0.1, 0.5]
    parsing = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    parsing[..., CLASSES.index("skin")], parsing[..., CLASSES.index("background")] = matte & ~coat, ~matte
    parsing[..., CLASSES.index("clothes")] = matte & coat

    def guess(points: np.ndarray) -> tuple[np.ndarray, Places]:
        codes = np.column_stack([(points[:, 0] + 1) / 2, points[:, 1] * 0.5 + 0.6, (points[:, 2] + 1) / 2]).clip(0.001, 1)
        none = np.zeros(len(points), np.float32)
        return np.tile(FAIR, (len(points), 1)), Places(codes.astype(np.float32), none, none, none, none)

    colours, observed = colour_vertices(ball.vertices, ball.faces, ball.normals, photo, matte.astype(np.float32), guess, parsing)[:2]
    steep = (ball.normals[:, 0] > 0.9) & (ball.normals[:, 2] > 0.04) & (ball.normals[:, 2] < 0.15)
    assert steep.sum() > 50 and observed[steep].max() < 0.1
    assert (colours[steep, 2] > colours[steep, 0]).mean() > 0.9


def test_skin_that_is_seen_steeply_is_no_collar(ball: SimpleNamespace) -> None:
    """Beside a coat whose colour goes on by place the pixels show the neck."""
    photo, matte = np.broadcast_to([0.1, 0.1, 0.5], (SIZE, SIZE, 3)).astype(np.float32), (np.hypot(X, Y) < RADIUS)
    neck = (np.hypot(X, Y) > RADIUS * np.sin(np.radians(58))) & (X > 0.2)
    photo[neck] = FAIR
    parsing = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    parsing[..., CLASSES.index("clothes")], parsing[..., CLASSES.index("background")] = matte & ~neck, ~matte
    parsing[..., CLASSES.index("skin")] = matte & neck

    def guess(points: np.ndarray) -> tuple[np.ndarray, Places]:
        codes = np.column_stack([(points[:, 0] + 1) / 2, points[:, 1] + 0.3, (points[:, 2] + 1) / 2]).clip(0.001, 1)
        none = np.zeros(len(points), np.float32)
        return np.tile(FAIR, (len(points), 1)), Places(codes.astype(np.float32), none, none, none, none)

    colours = colour_vertices(ball.vertices, ball.faces, ball.normals, photo, matte.astype(np.float32), guess, parsing)[0]
    steep = (ball.normals[:, 0] > 0.85) & (ball.normals[:, 2] > 0.04) & (ball.normals[:, 2] < 0.2) & (ball.vertices[:, 1] < -0.2)
    assert steep.sum() > 50 and (colours[steep, 0] > colours[steep, 2]).mean() > 0.8


def test_clothes_are_copied_where_they_are_seen_more_steeply_than_skin_is(ball: SimpleNamespace) -> None:
    steep = (ball.normals[:, 2] > np.cos(np.radians(68))) & (ball.normals[:, 2] < np.cos(np.radians(64)))
    grey = np.full((SIZE, SIZE, 3), 0.4)
    for kind, least, most in (("clothes", 0.9, 1), ("skin", 0, 0.3)):
        observed = coloured(ball, grey, np.full_like(X, True, bool), kind=kind)[1]
        assert steep.sum() > 50 and least <= observed[steep].mean() <= most


@pytest.mark.parametrize(("evens", "most"), [(True, 0.015), (False, 0.06)])
def test_one_garment_has_no_line_where_its_rim_is_lit(
    ball: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, evens: bool, most: float
) -> None:
    """The sky lights the rim of a coat: seen and hidden cloth meet in the light of the hidden one, and softly even where they do not."""
    if not evens:
        monkeypatch.setattr(fill, "evened", lambda cells, level, *_: np.zeros((len(level), 1)))
    photo = 0.35 * np.where(np.hypot(X, Y) > RADIUS * np.sin(np.radians(66)), 1.7, 1)[..., None] * np.ones(3)
    colours, observed = coloured(ball, photo, np.full_like(X, True, bool), kind="clothes")
    start, end = ball.faces.ravel(), np.roll(ball.faces, -1, axis=1).ravel()
    border = (np.minimum(observed[start], observed[end]) < 0.6) & (np.maximum(observed[start], observed[end]) > 0.4)
    step = np.abs(colours[start] - colours[end]).max(1)[border]
    assert border.sum() > 50 and step.max() < most


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


def test_locks_at_the_border_stay(ball: SimpleNamespace) -> None:
    cells = VoxelMeans.of(ball.vertices, 0.02)
    seen = smoothstep(cells.mean(ball.normals[:, 2]), 0.2, 0.4)
    locks = 0.3 * (1 + 0.3 * np.sin(2 * np.pi / 0.08 * cells.centre[:, :1])) * np.ones((1, 3))
    hair, around = np.ones(len(seen)), around_border(cells, seen)
    wide, fine = (np.hstack(bridged(cells, locks, hair, [(locks, seen)], around, rounds)[0])[around > 0.5].std() for rounds in (1, 4))
    assert fine < 0.5 * wide


def test_cells_do_not_show_where_a_garment_is_seen(ball: SimpleNamespace) -> None:
    cells = VoxelMeans.of(ball.vertices, 0.02)
    seen = (cells.centre[:, 0] > 0).astype(np.int64)
    of = np.ones(len(ball.vertices), np.int64)
    same = fill._same_garment(SimpleNamespace(cells=cells, vertices=ball.vertices), seen, of)
    border = np.abs(ball.vertices[:, 0]) < 0.008
    assert ((same > 0.1) & (same < 0.9))[border].mean() > 0.9
    assert same[ball.vertices[:, 0] > 0.04].min() > 0.95 and same[ball.vertices[:, 0] < -0.04].max() < 0.05
    assert not fill._same_garment(SimpleNamespace(cells=cells, vertices=ball.vertices), seen, 0 * of).any()


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


@pytest.mark.parametrize(
    ("kind", "pixel", "around", "kept"), [(CLOTHES, SKIN, 0.5, 0), (SKIN, CLOTHES, 0.5, 0), (CLOTHES, SKIN, 1, 1), (SKIN, SKIN, 0.5, 1)]
)
def test_the_photos_skin_is_not_copied_on_a_collar_at_its_border(
    ball: SimpleNamespace, kind: int, pixel: int, around: float, kept: int
) -> None:
    cells = VoxelMeans.of(ball.vertices, 0.02)
    shown = np.zeros((len(ball.vertices), OF_KIND.stop), np.float32)
    shown[:, OF_KIND.start + pixel] = 1
    kinds = np.eye(len(KINDS))[np.full(len(cells.first), kind)]
    surface = SimpleNamespace(cells=cells, vertices=ball.vertices)
    found = fill._of_its_kind(surface, shown, kinds, np.full(len(kinds), around))
    assert np.allclose(found, kept, atol=1e-3)

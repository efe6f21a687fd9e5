"""The colours of hair that nobody sees: even light, the seen hair's own strands and tints, and its own side's light."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from scipy.stats import skew

from likeness.core.colour import hair_texture, hidden_hair, locks
from likeness.core.colour.fill import _of_closed_face
from likeness.core.colour.hair_texture import HairTexture
from likeness.core.colour.kinds import CLOTHES, HAIR, KINDS, SKIN
from likeness.core.colour.material import Tints, _well_lit, levels
from likeness.core.colour.voxel_means import VoxelMeans

from .bald_bust import behind, short
from .colour_ball import SIZE, X, Y, cells
from .test_hidden_colours import FAIR, bust, filled, seen  # noqa: F401

BROWN, PALE = np.array([[0.35, 0.2, 0.1], [0.75, 0.66, 0.55]], np.float32)


def hair_levels(of: SimpleNamespace, photo: np.ndarray, guess: np.ndarray) -> np.ndarray:
    share = np.eye(len(KINDS))[np.full(len(photo), HAIR)]
    return levels(guess.astype(np.float32), photo.astype(np.float32), of.weight, share, of.places, of.normals)[0]


def test_a_crown_that_the_sky_lights_does_not_bleach_the_back() -> None:
    of = cells()
    lit = of.places[:, 1:2] / 0.4
    found = hair_levels(of, BROWN * (1.2 + lit), np.tile(FAIR, (len(lit), 1)))[of.weight == 0].mean(1)
    assert found.max() < 2 * found.min(), "the seen crown is thrice as light"
    assert found.max() > 1.05 * found.min(), "a little of it goes round"


def test_the_fields_guess_makes_no_clouds_in_hair() -> None:
    of = cells()
    guess = BROWN * (1 + np.sin(9 * of.places[:, :1]))
    found = hair_levels(of, np.tile(BROWN, (len(guess), 1)), guess)
    assert np.abs(found - BROWN).max() < 0.02


@pytest.mark.parametrize("colour", [(0.5, 0.4, 0.52), (0.45, 0.3, 0.42)], ids=["violet", "pink"])
def test_hair_that_is_dyed_violet_stays_so(colour: tuple[float, float, float]) -> None:
    tints = Tints.of(np.tile(colour, (50, 1)) * np.linspace(0.8, 1, 50)[:, None], 2)
    assert np.abs(tints.natural().tints - tints.tints).max() < 0.02


def test_a_few_seen_cells_tell_hairs_colour_rather_than_the_field() -> None:
    of = cells()
    of.weight[np.flatnonzero(of.weight > 0.5)[20:]] = 0
    found = hair_levels(of, np.tile(BROWN, (len(of.weight), 1)), np.tile([0.3, 0.5, 0.1], (len(of.weight), 1)))
    assert np.abs(found - BROWN).max() < np.abs(found - [0.3, 0.5, 0.1]).max() / 1.5


def test_a_few_cells_of_hair_have_no_cast() -> None:
    of = cells()
    of.weight[np.flatnonzero(of.weight > 0.5)[20:]] = 0
    found = hair_levels(of, np.tile([0.25, 0.21, 0.22], (len(of.weight), 1)), np.full((len(of.weight), 3), 0.2))
    assert (found[:, 1] - found[:, 2]).min() > 0


def test_of_what_hardly_shows_the_fields_guess_is_not_mottled() -> None:
    of = cells()
    of.weight[:] = 0
    guess = BROWN * (1 + 0.5 * np.sin(9 * of.places[:, :1]))
    assert hair_levels(of, np.tile(BROWN, (len(guess), 1)), guess).std(0).max() < 1e-3


@pytest.mark.parametrize("side", [2.0, 0.08], ids=["much hair", "little hair"])
def test_few_bright_strands_in_black_hair_stay_few_and_bright(side: float) -> None:
    noise = gaussian_filter(np.random.default_rng(0).standard_normal((SIZE, SIZE)), (12, 1.2))
    light = np.maximum(noise / noise.std() - 1, 0)
    points = np.column_stack([X[::2, ::2].ravel(), Y[::2, ::2].ravel(), np.zeros(SIZE**2 // 4)])
    strands = HairTexture.of(light[..., None].astype(np.float32), points, np.abs(points).max(1) < side / 2)
    assert strands is not None
    assert skew(strands.texture[..., 0], axis=None) > 1


@pytest.mark.parametrize(("size", "enough"), [(64, False), (128, False), (1024, True)])
def test_a_strip_of_hair_is_a_sample_if_it_has_some_pixels(size: int, enough: bool) -> None:
    """At draft quality a sample of 6 mm had two pixels, and a texture that is no number failed the whole portrait."""
    axis = (np.arange(256) + 0.5) * 2 / 256 - 1
    x, y = (one.ravel() for one in np.meshgrid(axis, -axis))
    points, picture = np.column_stack([x, y, 0 * x]), np.random.default_rng(0).random((size, size, 2)).astype(np.float32)
    strands = HairTexture.of(picture, points, np.abs(points).max(1) < 0.035)
    assert (strands is not None) == enough and (strands is None or np.isfinite(strands.texture).all())


def test_a_bleached_lock_makes_no_white_strands_all_over() -> None:
    light = 1.5 * (gaussian_filter(np.random.default_rng(0).standard_normal((SIZE, SIZE)), (12, 1.2)) > 0.05)
    points = np.column_stack([X[::2, ::2].ravel(), Y[::2, ::2].ravel(), np.zeros(SIZE**2 // 4)])
    strands = HairTexture.of(light[..., None].astype(np.float32), points, np.ones(len(points), bool))
    assert strands is not None
    assert 0.2 < strands.texture[..., 0].max() < 0.7


@pytest.mark.parametrize("long", [1.0, 0.0])
def test_relief_of_long_hair_is_as_deep_as_in_most_of_it(long: float) -> None:
    """The strands that most nearly run one way, which are the sample, have hardly any; cropped hair's stays so."""
    noise = np.random.default_rng(0).standard_normal((SIZE, SIZE))
    curls, combed = (gaussian_filter(noise, sigma) for sigma in ((1.5, 1.2), (40, 1.2)))
    straight = X < -0.1
    light = np.where(straight, combed / combed.std(), curls / curls.std()) / 10
    picture = np.stack([light, np.where(straight, 0.1, 1) * light], axis=-1).astype(np.float32)
    points = np.column_stack([X[::2, ::2].ravel(), Y[::2, ::2].ravel(), np.zeros(SIZE**2 // 4)])
    strands = HairTexture.of(picture, points, np.ones(len(points), bool), long)
    assert strands is not None
    assert (strands.texture[..., 1].std() > 0.4 * strands.texture[..., 0].std()) == (long > 0)


@pytest.mark.parametrize(("contrast", "long", "expected"), [(0.005, 1.0, True), (0.005, 0.0, False), (0.14, 1.0, False)])
def test_long_hair_that_is_black_all_over_has_ordinary_locks(contrast: float, long: float, expected: bool) -> None:
    """In a dark photo it was flat black, and smooth in clay; cropped hair and hair of ordinary contrast stay as they are seen."""
    noise = gaussian_filter(np.random.default_rng(0).standard_normal((SIZE, SIZE)), (12, 1.2))
    noise *= contrast / noise.std()
    points = np.column_stack([X[::2, ::2].ravel(), Y[::2, ::2].ravel(), np.zeros(SIZE**2 // 4)])
    picture = np.stack([noise, 2e-4 * noise / contrast], axis=-1).astype(np.float32)
    strands = HairTexture.of(picture, points, np.ones(len(points), bool), long)
    assert strands is not None
    light, relief = strands.texture.std((0, 1))
    assert (light > 0.06) == (contrast > 0.01 or expected) and (relief > 3e-3) == expected


def test_ordinary_locks_are_round_with_narrow_gaps_and_wave(monkeypatch: pytest.MonkeyPatch) -> None:
    found = locks.ordinary_locks(400, 256)
    assert abs(found.mean()) < 1e-3 and found.std() == pytest.approx(1, abs=1e-3)
    down, across = (np.diff(found, 2, axis=axis) for axis in (0, 1))
    assert across.std() > 2 * down.std() and skew(across, axis=None) > 0.4
    monkeypatch.setattr(locks, "_WAVY", 0.0)
    assert np.diff(locks.ordinary_locks(400, 256), axis=0).std() < 0.8 * np.diff(found, axis=0).std()


def test_strands_of_combed_hair_are_not_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = gaussian_filter(np.random.default_rng(0).standard_normal((SIZE, SIZE)), (4, 1.2))
    picture = np.repeat(noise[..., None] / noise.std() / 5, 2, axis=2).astype(np.float32)
    points = np.column_stack([X[::2, ::2].ravel(), Y[::2, ::2].ravel(), np.zeros(SIZE**2 // 4)])

    def along() -> np.ndarray:
        strands = HairTexture.of(picture, points, np.ones(len(points), bool))
        assert strands is not None
        return np.diff(strands.texture, axis=0).std((0, 1)) / strands.texture.std((0, 1))

    found = along()
    monkeypatch.setattr(hair_texture, "_STRAND", (0.0, 0.0))
    assert found[0] < 0.8 * along()[0] and found[1] < 0.6 * along()[1]


def test_relief_of_fine_strands_is_no_finer_than_a_mesh(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = gaussian_filter(np.random.default_rng(0).standard_normal((SIZE, SIZE)), (12, 0.4))
    picture = np.repeat(noise[..., None] / noise.std() / 10, 2, axis=2).astype(np.float32)
    points = np.column_stack([X[::2, ::2].ravel(), Y[::2, ::2].ravel(), np.zeros(SIZE**2 // 4)])

    def across() -> np.ndarray:
        strands = HairTexture.of(picture, points, np.ones(len(points), bool))
        assert strands is not None
        return np.diff(strands.texture, axis=1).std((0, 1)) / strands.texture.std((0, 1))

    found = across()
    monkeypatch.setattr(hair_texture, "_EDGE", 1e-6)
    assert found[1] < 0.85 * across()[1] and found[0] == pytest.approx(across()[0]), "in colour they are as fine as they are seen"


def test_single_highlights_of_curls_are_no_warts() -> None:
    noise = gaussian_filter(np.random.default_rng(0).standard_normal((SIZE, SIZE)), (1.5, 1.5))
    noise /= noise.std()
    relief = noise + 8 * np.maximum(noise - 2.5, 0)
    points = np.column_stack([X[::2, ::2].ravel(), Y[::2, ::2].ravel(), np.zeros(SIZE**2 // 4)])
    strands = HairTexture.of(np.stack([noise / 10, relief], axis=-1).astype(np.float32), points, np.ones(len(points), bool))
    assert strands is not None
    assert strands.texture[..., 1].max() < 3 * strands.texture[..., 1].std()


def with_photo(of: SimpleNamespace, photo: np.ndarray) -> SimpleNamespace:
    return SimpleNamespace(**(vars(of) | {"photo": photo.astype(np.float32)}))


def test_light_and_dark_strands_have_the_tints_of_light_and_dark_hair(bust, seen) -> None:  # noqa: F811
    across = gaussian_filter1d(np.random.default_rng(0).standard_normal(seen.photo.shape[1]), 0.7)
    strands = np.clip(0.5 + across / across.std() / 4, 0, 1)[None, :, None]
    photo = np.where(short(seen.places)[..., None], BROWN + strands * (PALE - BROWN), seen.photo)
    colours = filled(bust, with_photo(seen, photo)).colours[behind(bust.vertices, 0.05, 0.4)]
    light, tint = colours.mean(1), colours[:, 2] / colours[:, 0]
    dark, pale = (np.median(tint[part]) for part in (light < np.percentile(light, 10), light > np.percentile(light, 90)))
    assert pale > dark + 0.03


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_a_few_seen_colours_tell_a_tint(count: int) -> None:
    """Of hair that is nearly all covered, or seen through."""
    tints = Tints.of(np.tile([0.5, 0.4, 0.3], (count, 1)), 2).natural()
    assert tints.given_to(np.array([[0.2, 0.2, 0.2]]))[0] == pytest.approx([0.257, 0.2, 0.143], abs=0.01)


@pytest.mark.parametrize("combed", [True, False])
def test_strands_are_lengthened_and_curls_are_not(combed: bool) -> None:
    noise = np.random.default_rng(0).standard_normal((SIZE, SIZE))
    photo = 0.4 + 0.1 * gaussian_filter(noise, (12, 1.2) if combed else 1.2)[..., None]
    points = np.column_stack([X[::2, ::2].ravel(), Y[::2, ::2].ravel(), np.zeros(SIZE**2 // 4)])
    strands = HairTexture.of(photo.astype(np.float32), points, np.ones(len(points), bool))
    assert strands is not None
    assert strands.lengthened == pytest.approx(2.5 if combed else 1.0, abs=0.05)


def test_hidden_hair_follows_the_strands_that_run_one_way() -> None:
    """Where they cross in the middle of the hair, a smaller piece beside it tells more."""
    x, y = np.meshgrid((np.arange(512) + 0.5) / 256 - 1, -((np.arange(512) + 0.5) / 256 - 1))
    crossing = gaussian_filter(np.random.default_rng(0).standard_normal((512, 512)), 2)
    grey = 0.3 + 0.1 * np.where(x < 0.1, np.sin(300 * x), 5 * crossing)
    photo = grey[..., None].astype(np.float32)
    points = np.stack([x, y, np.zeros_like(x)], axis=-1).reshape(-1, 3)[::3]
    hair = (np.abs(points[:, 0]) < 0.5) & (np.abs(points[:, 1]) < 0.3)
    texture = HairTexture.of(photo, points, hair)
    assert texture is not None and texture.lengthened > 2.3


def test_hidden_hair_has_the_contrast_of_most_of_the_seen_hair() -> None:
    """Strands in deep shade run one way more than others, but are hardly seen."""
    x, y = np.meshgrid((np.arange(512) + 0.5) / 256 - 1, -((np.arange(512) + 0.5) / 256 - 1))
    wavy = gaussian_filter(np.random.default_rng(0).standard_normal((512, 512)), 2)
    grey = 0.3 + np.where(x < -0.05, 0.002 * np.sin(300 * x), wavy)
    photo = grey[..., None].astype(np.float32)
    points = np.stack([x, y, np.zeros_like(x)], axis=-1).reshape(-1, 3)[::3]
    hair = (np.abs(points[:, 0]) < 0.5) & (np.abs(points[:, 1]) < 0.3)
    texture = HairTexture.of(photo, points, hair)
    assert texture is not None and texture.texture.std() > 0.5 * wavy.std()


@pytest.mark.parametrize(("long", "deep"), [(0.0, 0.0035), (1.0, 0.008)])
def test_short_hair_is_no_deeper_than_it_is_thick(long: float, deep: float) -> None:
    assert hidden_hair._depth(0.01, 0.01, long) * 0.01 == pytest.approx(deep)
    assert hidden_hair._depth(0.002, 0.002, 0.0) == pytest.approx(0.8)


@pytest.mark.parametrize(("own", "dense"), [((0.12, 0.1, 0.09), True), ((0.85, 0.84, 0.82), False)], ids=["dark", "white"])
def test_hidden_cropped_hair_is_as_dark_as_where_no_skin_shows_through(own: tuple[float, float, float], dense: bool) -> None:
    of = cells()
    hair = of.places[:, 1] > 0
    through = np.random.default_rng(1).uniform(0, 0.5, (len(hair), 1))
    shown = np.where(hair[:, None], own + through * (FAIR - own), FAIR).astype(np.float32)
    share = np.eye(len(KINDS))[np.where(hair, HAIR, SKIN)]
    given = np.tile(FAIR, (len(hair), 1)), shown, of.weight, share, of.places, of.normals
    thick, cropped = (np.median(levels(*given, cropped=one)[0][hair & (of.weight == 0)].mean(1)) for one in (0.0, 1.0))
    usual = shown[hair & (of.weight > 0.5)].mean(1)
    assert (cropped < np.percentile(usual, 35)) == dense and (abs(cropped - thick) < 0.01) != dense


def beside_skin(own: np.ndarray, cropped: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Colours of hidden hair, of which colours (K, 3) are seen beside skin, and of the seen hair."""
    of = cells()
    hair = of.places[:, 1] > 0
    shown = np.where(hair[:, None], own, FAIR).astype(np.float32)
    share = np.eye(len(KINDS))[np.where(hair, HAIR, SKIN)]
    found = levels(np.tile(FAIR, (len(hair), 1)), shown, of.weight, share, of.places, of.normals, cropped=cropped)[0]
    return found[hair & (of.weight == 0)], shown[hair & (of.weight > 0.5)]


def noise() -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 1, (len(cells().places), 1))


def test_hidden_hair_is_as_light_as_seen_hair_where_nothing_shades_it() -> None:
    found, shown = beside_skin(BROWN * (0.5 + noise()))
    assert np.median(found) > 1.08 * np.median(shown)


def test_hidden_cropped_hair_that_is_not_black_is_no_darker() -> None:
    found, shown = beside_skin(PALE * (0.4 + 0.3 * noise()), cropped=1.0)
    assert np.median(found) > 0.98 * np.median(shown)


@pytest.mark.parametrize(("own", "all_of_it"), [((0.4, 0.25, 0.42), True), ((0.35, 0.2, 0.1), False)], ids=["violet", "brown"])
def test_of_violet_hair_the_dark_part_is_a_sample_too(own: tuple[float, float, float], all_of_it: bool) -> None:
    """Where it is light it is bleached."""
    shown, hair = own * (0.6 + noise()), np.ones(len(noise()), bool)
    found = _well_lit(shown, hair, Tints.of(np.tile(FAIR, (50, 1)), 1), 0.0)
    assert found.mean() > 0.99 if all_of_it else found.mean() < 0.75


def test_skin_that_shows_through_cropped_hair_makes_it_no_redder() -> None:
    own = np.array([0.34, 0.3, 0.25])
    own = own + 0.4 * noise() * (own.mean() / np.mean(FAIR) * np.asarray(FAIR) - own)
    cropped, thick = (np.median(beside_skin(own, one)[0], axis=0) for one in (1.0, 0.0))
    assert (cropped[0] - cropped[1]) / cropped.mean() < 0.92 * (thick[0] - thick[1]) / thick.mean()


def test_hair_of_which_little_is_seen_has_shallow_strands() -> None:
    assert HairTexture.unknown(np.zeros((64, 64, 2), np.float32)).texture[..., 1].std() == pytest.approx(0.0025, rel=0.01)
    assert HairTexture.unknown(np.zeros((64, 64, 1), np.float32)).texture.shape[2] == 1


@pytest.mark.parametrize(("from_left", "hair"), [(-0.2, True), (0.2, False)])
def test_the_face_that_a_cut_has_closed_is_what_most_is_around(ball, from_left: float, hair: bool) -> None:
    cells = VoxelMeans.of(ball.vertices, 0.04)
    of_hair = cells.centre[:, 0] > from_left
    surface = SimpleNamespace(cells=cells, closed=ball.normals[:, 1] < -0.6)
    nothing_worn = SimpleNamespace(garment=np.zeros(len(of_hair), np.int64))
    hidden = SimpleNamespace(share=np.eye(len(KINDS))[np.where(of_hair, HAIR, SKIN)], worn=nothing_worn)
    found = _of_closed_face(surface, hidden, np.where(of_hair[:, None], BROWN, FAIR))  # pyright: ignore[reportArgumentType]
    assert np.allclose(found, BROWN if hair else FAIR)


@pytest.mark.parametrize(("share", "closes"), [(0.24, False), (0.5, True)])
def test_cloth_closes_a_head_if_there_is_more_than_a_little_of_it(ball, share: float, closes: bool) -> None:
    cells = VoxelMeans.of(ball.vertices, 0.04)
    # Around the axis, as much of the turn as the share says.
    turn = np.arctan2(cells.centre[:, 0], cells.centre[:, 2] - ball.vertices[:, 2].mean()) / (2 * np.pi) + 0.5
    cloth = turn < share
    surface = SimpleNamespace(cells=cells, closed=ball.normals[:, 1] < -0.6)
    worn = SimpleNamespace(garment=cloth.astype(np.int64))
    hidden = SimpleNamespace(share=np.eye(len(KINDS))[np.where(cloth, CLOTHES, HAIR)], worn=worn)
    found = _of_closed_face(surface, hidden, np.where(cloth[:, None], FAIR, BROWN))  # pyright: ignore[reportArgumentType]
    assert np.allclose(found, FAIR if closes else BROWN)

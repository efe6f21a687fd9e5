"""What hidden parts look like: colours by kind, light, and the relief of hidden hair, on an egg-shaped head on a column."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from likeness.core.colour import by_kind, hair_texture, hidden_hair
from likeness.core.colour.fill import colour_vertices
from likeness.core.colour.kinds import CLOTHES, HAIR, KINDS, SKIN
from likeness.core.geometry.visibility import sample_picture
from likeness.core.photo.parsing import CLASSES

from .bald_bust import CHIN, COLLAR, behind, kinds_where, made_bust, places_of, shape, short

BLOND, FAIR, JUMPER = np.array([[0.75, 0.65, 0.42], [0.8, 0.62, 0.52], [0.15, 0.3, 0.2]], np.float32)
SIZE = 192


@pytest.fixture(scope="module")
def bust():
    return made_bust()


@pytest.fixture(scope="module")
def seen(bust):
    """Photo, matte, parsing and the places (S, S, 3) that they show."""
    axis = (np.arange(SIZE) + 0.5) * 2 / SIZE - 1
    x, y = np.meshgrid(axis, -axis)
    depths = np.linspace(0.3, -1, 131, dtype=np.float32)
    z = np.full((SIZE, SIZE), np.nan, np.float32)
    for depth in depths:
        inside = shape(np.stack([x, y, np.full_like(x, depth)], axis=-1).reshape(-1, 3).astype(np.float32)).reshape(x.shape) < 0
        z = np.where(np.isnan(z) & inside, depth, z)
    matte = np.isfinite(z).astype(np.float32)
    places = np.stack([x, y, np.nan_to_num(z)], axis=-1)
    flat = places.reshape(-1, 3)
    kinds = kinds_where(flat, short(flat)).reshape(SIZE, SIZE, -1)
    parsing = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    for index, name in enumerate(KINDS):
        parsing[..., CLASSES.index(name)] = kinds[..., index] * matte
    parsing[..., 0] = 1 - matte
    photo = (kinds[..., [SKIN, HAIR, CLOTHES]] @ np.stack([FAIR, BLOND, JUMPER])).astype(np.float32)
    return SimpleNamespace(photo=photo, matte=matte, parsing=parsing, places=places)


def painted(seen, where, name, colour):
    """The same with something in front."""
    photo, parsing = seen.photo.copy(), seen.parsing.copy()
    photo[where] = colour
    parsing[where] = np.eye(len(CLASSES))[CLASSES.index(name)]
    return SimpleNamespace(**(vars(seen) | {"photo": photo, "parsing": parsing}))


def coloured(bust, seen, guess=FAIR, parsing=True):
    """Colours and observed, with a field that takes everything for `guess`."""
    return filled(bust, seen, guess, parsing)[:2]


def filled(bust, seen, guess=FAIR, parsing=True, heights=None, apart=0.0):
    """apart: crop units by which all that is not bare stands off the fitted head."""

    def told(points):
        places = places_of(points)
        return np.tile(guess, (len(points), 1)).astype(np.float32), places._replace(distance=places.distance + apart * (1 - places.bare))

    return colour_vertices(
        bust.vertices, bust.faces, bust.normals, seen.photo, seen.matte, told, seen.parsing if parsing else None, heights=heights
    )


def test_blond_hair_is_blond_behind_though_the_field_takes_it_for_skin(bust, seen):
    back = behind(bust.vertices, -0.1, 0.45)
    colours, _ = coloured(bust, seen)
    assert np.abs(colours[back] - BLOND).max() < 0.1
    blind, _ = coloured(bust, seen, parsing=False)
    assert np.abs(blind[back] - FAIR).mean() < 0.1, "the case is none if the guess alone tells hair"


def test_things_before_the_face_are_not_copied_and_leave_no_trace(bust, seen):
    hand = (np.abs(seen.places[..., 0] - 0.15) < 0.1) & (np.abs(seen.places[..., 1] + 0.2) < 0.1)
    colours, observed = coloured(bust, painted(seen, hand, "object", [0, 0, 1]))
    covered = (np.abs(bust.vertices[:, 0] - 0.15) < 0.07) & (np.abs(bust.vertices[:, 1] + 0.2) < 0.07) & (bust.normals[:, 2] > 0.5)
    assert observed[covered].max() == 0
    assert np.abs(colours - FAIR)[covered].max() < 0.1
    mirrored = covered[:] | (np.abs(bust.vertices[:, 0] + 0.15) < 0.07)
    assert colours[mirrored & (bust.vertices[:, 1] > -0.5), 2].max() < 0.7


def test_a_beard_goes_on_to_the_ear(bust, seen):
    _, y, z = np.moveaxis(seen.places, -1, 0)
    colours, observed = coloured(bust, painted(seen, (y < -0.28) & (y > -0.62) & (z > -0.3), "beard", [0.1, 0.08, 0.06]))
    height, depth = bust.vertices[:, 1:].T
    jaw = (height < -0.35) & (height > -0.42) & (depth > -0.3) & (depth < -0.26) & (observed < 0.1)
    assert jaw.sum() > 10 and 0.15 < np.median(colours[jaw].max(1)) < 0.4, "some skin shows through"
    assert colours[(height < -0.25) & (height > -0.42) & (depth < -0.42) & (depth > -0.5)].min() > 0.35


def test_a_brooch_on_the_chest_stays(bust, seen):
    brooch = (np.abs(seen.places[..., 0] - 0.4) < 0.06) & (np.abs(seen.places[..., 1] + 0.9) < 0.06)
    colours, observed = coloured(bust, painted(seen, brooch, "object", [1, 1, 0]))
    middle = (np.abs(bust.vertices[:, 0] - 0.4) < 0.02) & (np.abs(bust.vertices[:, 1] + 0.9) < 0.02) & (bust.normals[:, 2] > 0.9)
    assert observed[middle].min() > 0.9 and np.abs(colours[middle] - [1, 1, 0]).max() < 0.1


@pytest.mark.parametrize("name", ["lips", "glasses", "teeth"])
def test_lips_and_glasses_are_copied_but_not_mirrored(bust, seen, name):
    half = seen.matte * (seen.places[..., 0] < 0.02)
    spot = (np.abs(seen.places[..., 0] + 0.2) < 0.06) & (np.abs(seen.places[..., 1] + 0.2) < 0.06)
    given = painted(seen, spot, name, [0, 0, 0])
    colours, _ = coloured(bust, SimpleNamespace(**(vars(given) | {"matte": half})))
    height = (np.abs(bust.vertices[:, 1] + 0.2) < 0.03) & (bust.normals[:, 2] > 0.5)
    assert colours[height & (np.abs(bust.vertices[:, 0] + 0.2) < 0.03)].max() < 0.1
    assert np.abs(colours - FAIR)[height & (np.abs(bust.vertices[:, 0] - 0.2) < 0.08)].max() < 0.1


def test_the_hidden_cheek_has_the_light_of_its_own_side(bust, seen):
    """Light from one side: the other one's cheek and ear, seen as far as x = 0.2, go on in its shade."""
    shade = np.clip(0.75 - 0.8 * seen.places[..., :1], 0.4, 1)
    lit = SimpleNamespace(
        **(vars(seen) | {"photo": (seen.photo * shade).astype(np.float32), "matte": seen.matte * (seen.places[..., 0] < 0.2)})
    )
    colours, observed = coloured(bust, lit)
    cheek = (observed < 0.01) & (np.abs(bust.vertices[:, 1] + 0.2) < 0.1) & (bust.vertices[:, 0] > 0.24) & (bust.vertices[:, 2] > -0.4)
    assert cheek.sum() > 50
    light = colours[cheek].mean() / FAIR.mean()
    assert light < 0.75, "mirrored alone it would be 0.95"


def test_what_is_seen_through_the_hairs_rim_colours_no_hidden_hair(bust, seen):
    """A green wall behind thin hair at the temples: neither the seam nor the light carries it on."""
    through = short(seen.places) & (np.abs(seen.places[..., 0]) > 0.28) & (seen.matte > 0)
    photo = seen.photo.copy()
    photo[through] = [0.55, 0.75, 0.3]
    colours, _ = coloured(bust, SimpleNamespace(**(vars(seen) | {"photo": photo})))
    back = (bust.vertices[:, 2] < -0.45) & (bust.vertices[:, 1] > -0.1) & (bust.vertices[:, 1] < 0.45)
    assert (colours[back, 1] - colours[back, 0]).max() < 0


def test_the_seam_gives_hidden_skin_no_tint_that_is_not_its_own(bust, seen):
    """Pale light on the rim of the face and the neck."""
    rim = (np.abs(seen.places[..., 0]) > 0.18) & (seen.places[..., 1] < 0.05) & (seen.places[..., 1] > COLLAR) & (seen.matte > 0)
    photo = seen.photo.copy()
    photo[rim] = [0.8, 0.7, 0.65]
    colours, observed = coloured(bust, SimpleNamespace(**(vars(seen) | {"photo": photo})))
    neck = (observed == 0) & (bust.vertices[:, 1] > -0.7) & (bust.vertices[:, 1] < -0.5) & (bust.vertices[:, 2] < -0.45)
    assert neck.sum() > 50
    assert np.abs(colours[neck, 2] / colours[neck, 0] - FAIR[2] / FAIR[0]).max() < 0.05


@pytest.mark.parametrize(("wall", "stays"), [((0.9, 0.9, 0.9), True), ((0.8, 0.1, 0.1), False)])
def test_what_is_worn_in_the_hair_keeps_its_colour_unless_the_wall_has_it_too(bust, seen, wall, stays):
    """The parsing takes a red band above the brow for hair; a wall that shows through the hair is no band."""
    band = short(seen.places) & (np.abs(seen.places[..., 1] - 0.42) < 0.03) & (np.abs(seen.places[..., 0]) < 0.12) & (seen.matte > 0)
    photo = np.where((seen.matte > 0)[..., None], seen.photo, np.float32(wall))
    photo[band] = [0.8, 0.1, 0.1]
    colours, _ = coloured(bust, SimpleNamespace(**(vars(seen) | {"photo": photo.astype(np.float32)})))
    front = (np.abs(bust.vertices[:, 1] - 0.42) < 0.015) & (np.abs(bust.vertices[:, 0]) < 0.08) & (bust.vertices[:, 2] > -0.3)
    assert front.sum() > 20
    redness = np.median(colours[front, 0] - colours[front, 1])
    assert redness > 0.5 if stays else redness < 0.35


def test_a_wall_seen_through_dark_hair_is_no_thing_worn_in_it(bust, seen):
    """A blue wall between the strands, half as bright as beside the person; the photo stays where the wall is grey."""
    patch = short(seen.places) & (np.abs(seen.places[..., 1] - 0.42) < 0.03) & (np.abs(seen.places[..., 0]) < 0.05) & (seen.matte > 0)
    dark = np.where(short(seen.places)[..., None], 0.1, seen.photo)
    dark[patch] = [0.15, 0.3, 0.45]
    front = (np.abs(bust.vertices[:, 1] - 0.42) < 0.015) & (np.abs(bust.vertices[:, 0]) < 0.03) & (bust.vertices[:, 2] > -0.3)
    blue = []
    for wall in ([0.2, 0.5, 0.8], [0.8, 0.8, 0.8]):
        photo = np.where((seen.matte > 0)[..., None], dark, wall).astype(np.float32)
        colours, _ = coloured(bust, SimpleNamespace(**(vars(seen) | {"photo": photo})))
        blue.append(np.median(colours[front, 2] - colours[front, 0]))
    assert blue[0] < 0.1 and blue[1] > 0.2


def test_clothes_are_not_painted_on_the_fitted_jaw(bust, seen):
    """The jaw is fitted too wide: beside the chin the photo shows the jumper behind it."""
    x, y, z = np.moveaxis(seen.places, -1, 0)
    jaw = (x > 0.1) & (y < -0.35) & (y > CHIN) & (z > -0.4)
    colours, observed = coloured(bust, painted(seen, jaw, "clothes", JUMPER))
    place = (bust.vertices[:, 0] > 0.15) & (np.abs(bust.vertices[:, 1] + 0.45) < 0.05) & (bust.vertices[:, 2] > -0.35)
    assert place.sum() > 10 and observed[place].max() < 0.1
    assert np.linalg.norm(colours[place] - FAIR, axis=1).max() < 0.5 * np.linalg.norm(JUMPER - FAIR)


RAISED, STRANDS = 0.008, 0.003  # crop units: how far the seen hair stands out, and its strands from that


@pytest.fixture(scope="module")
def locks(seen):
    """The bust with strands that run down in its hair's light, and their relief (S, S)."""
    across = gaussian_filter1d(np.random.default_rng(0).standard_normal(SIZE), 0.7)
    strands = np.broadcast_to(across / across.std(), (SIZE, SIZE)) * short(seen.places)
    lit = SimpleNamespace(**(vars(seen) | {"photo": (seen.photo * (1 + 0.1 * strands[..., None])).astype(np.float32)}))
    return lit, ((RAISED + STRANDS * strands) * short(seen.places) * seen.matte).astype(np.float32)


def test_hidden_hair_has_strands_where_its_colour_has_them_and_is_no_thicker_than_the_outline(bust, locks):
    seen, heights = locks
    colours, _, relief, *_ = filled(bust, seen, heights=heights)
    back = behind(bust.vertices, 0.05, 0.3)
    assert abs(relief[back].mean()) < 0.05 * RAISED
    assert 0.2 * STRANDS < relief[back].std() < 1.1 * STRANDS
    fine = [
        values[back] - bust.cells.spread(bust.cells.mean(values[:, None]), bust.vertices)[back, 0] for values in (relief, colours.mean(1))
    ]
    assert np.corrcoef(*fine)[0, 1] > 0.9


def test_hidden_hair_thins_out_to_its_end_and_what_is_seen_or_no_hair_has_none(bust, locks):
    seen, heights = locks
    relief = filled(bust, seen, heights=heights).relief
    inner = relief[behind(bust.vertices, 0.05, 0.3)].std()
    assert relief[behind(bust.vertices, -0.345, -0.31)].std() < 0.4 * inner
    assert relief[behind(bust.vertices, -0.75, -0.45)].std() < 0.02 * inner
    assert relief[(bust.normals[:, 2] > 0.75) & (bust.vertices[:, 2] > -0.4)].std() < 0.02 * inner


def test_long_hidden_hair_is_as_lively_as_the_seen_hairs_locks(bust, locks, monkeypatch):
    seen, heights = locks
    wide = heights + 4 * STRANDS * np.sin(seen.places[..., 0] / 0.04) * short(seen.places) * seen.matte
    back, found = behind(bust.vertices, 0.05, 0.3), []
    for long in ((9.0, 9.5), (-9.5, -9.0)):
        monkeypatch.setattr(hidden_hair, "_LONG", long)
        found.append(filled(bust, seen, heights=wide.astype(np.float32)).relief[back].std())
    assert found[1] > 1.3 * found[0]


def test_without_hair_or_relief_nothing_is_raised(bust, locks):
    seen, heights = locks
    assert np.abs(filled(bust, seen).relief).max() == 0
    bald = painted(seen, short(seen.places) & (seen.matte > 0), "skin", FAIR)
    assert np.abs(filled(bust, bald, heights=heights).relief).max() < 0.05 * STRANDS


@pytest.mark.parametrize("apart", [0.0, 0.15], ids=["cropped", "thick"])
def test_cropped_hair_stands_off_the_scalp(bust, seen, apart):
    """Seen or not; thick hair does so by itself."""
    rise = filled(bust, seen, apart=apart).rise
    hair, skin = behind(bust.vertices, 0.05, 0.3), (bust.vertices[:, 1] < -0.1) & (bust.vertices[:, 2] > -0.2)
    assert rise[hair].mean() == pytest.approx(0.0 if apart else 0.0075, rel=0.02) and np.abs(rise[skin]).max() < 1e-3
    assert rise[(bust.vertices[:, 1] > 0.43) & (bust.normals[:, 2] > 0.5)].mean() > (-1 if apart else 0.006)


def test_hair_that_the_other_side_shows_has_its_relief(bust, locks):
    """One half of the photo is missing, and the strands lie there as on the other."""
    seen, heights = locks
    half = SimpleNamespace(**(vars(seen) | {"matte": seen.matte * (seen.places[..., 0] < 0.02)}))
    relief = filled(bust, half, heights=heights).relief
    missing = (bust.vertices[:, 0] > 0.06) & (bust.vertices[:, 0] < 0.2) & (bust.vertices[:, 1] > 0.42) & (bust.normals[:, 2] > 0.55)
    assert missing.sum() > 20
    there = sample_picture(heights, bust.vertices[missing] * [-1, 1, 1])
    assert np.corrcoef(relief[missing], there)[0, 1] > 0.8
    assert abs(relief[missing].mean()) < 0.2 * RAISED


def test_hair_that_stands_off_has_its_own_locks_on_either_side(bust, locks):
    seen, heights = locks
    half = SimpleNamespace(**(vars(seen) | {"matte": seen.matte * (seen.places[..., 0] < 0.02)}))
    relief = filled(bust, half, heights=heights, apart=0.15).relief
    missing = (bust.vertices[:, 0] > 0.06) & (bust.vertices[:, 0] < 0.2) & (bust.vertices[:, 1] > 0.42) & (bust.normals[:, 2] > 0.55)
    there = sample_picture(heights, bust.vertices[missing] * [-1, 1, 1])
    assert relief[missing].std() > 0 and abs(np.corrcoef(relief[missing], there)[0, 1]) < 0.5


def test_a_blot_of_skin_in_hair_is_not_mirrored(bust, seen):
    half = SimpleNamespace(**(vars(seen) | {"matte": seen.matte * (seen.places[..., 0] < 0.02)}))
    blot = np.hypot(seen.places[..., 0] + 0.15, seen.places[..., 1] - 0.45) < 0.05
    there = (np.hypot(bust.vertices[:, 0] - 0.15, bust.vertices[:, 1] - 0.45) < 0.03) & (bust.normals[:, 2] > 0.4)
    colours, observed = coloured(bust, painted(half, blot & (half.matte > 0), "skin", [0.9, 0.1, 0.1]))
    assert there.sum() > 10 and observed[there].max() < 0.1
    assert np.abs(colours[there] - BLOND).max() < 0.15


def test_what_the_photo_shows_of_hair_through_a_gap_is_not_copied(bust, seen):
    through = np.hypot(seen.places[..., 0] - 0.2, seen.places[..., 1] - 0.4) < 0.06
    gap = SimpleNamespace(**(vars(seen) | {"matte": seen.matte * ((seen.places[..., 0] < 0.02) | through)}))
    _, observed = coloured(bust, gap)
    assert observed[(bust.vertices[:, 0] > 0.08) & (bust.vertices[:, 1] > 0.3)].max() < 0.1
    assert observed[(bust.vertices[:, 0] < -0.1) & (bust.normals[:, 2] > 0.8)].mean() > 0.6


def test_strands_of_cropped_hair_stay_as_short_as_they_are_seen(bust, locks, monkeypatch):
    """Hair that hangs to the jaw beside the face has longer strands behind; the strands' slopes along their course tell."""
    seen, heights = locks
    monkeypatch.setattr(hair_texture, "_STRAND", (0.0, 0.0))
    beside = (np.abs(seen.places[..., 0]) > 0.16) & (seen.places[..., 1] > -0.55) & (seen.matte > 0)
    hanging = painted(seen, beside, "hair", BLOND)
    back = np.flatnonzero(behind(bust.vertices, 0.05, 0.3))
    down = cKDTree(bust.vertices[back]).query(bust.vertices[back] - np.float32([0, 0.03, 0]))[1]

    def slope(one):
        relief = filled(bust, one, heights=heights).relief[back]
        return (relief - relief[down]).std() / relief.std()

    cropped, long = slope(seen), slope(hanging)
    monkeypatch.setattr(hair_texture, "_LENGTHENED", 1.0)
    assert long < 0.95 * slope(hanging) and cropped == pytest.approx(slope(seen))


def test_a_face_that_the_cut_has_closed_has_no_strands(bust, locks):
    seen, heights = locks
    down = SimpleNamespace(**(vars(bust) | {"normals": np.where(bust.vertices[:, 2:] < -0.6, [0, -1, 0], bust.normals).astype(np.float32)}))
    back = behind(bust.vertices, 0.05, 0.3) & (bust.vertices[:, 2] < -0.7)
    assert filled(down, seen, heights=heights).relief[back].std() < 0.1 * filled(bust, seen, heights=heights).relief[back].std()


def test_colours_follow_the_kinds_without_islands(bust, seen, monkeypatch):
    """What islands are, test_islands tells."""
    before = coloured(bust, seen)[0]
    monkeypatch.setattr(by_kind, "without_islands", lambda cells, share, weight, ears: np.eye(share.shape[1])[np.full(len(share), SKIN)])
    assert np.abs(coloured(bust, seen)[0] - before)[bust.normals[:, 2] < -0.5].mean() > 0.02


def test_strands_go_on_to_where_shading_tells_of_seen_ones(bust, locks):
    """Hair that is seen but turns away has colours of the photo and relief of hidden hair: smooth, it was a lump beside the face."""
    seen, heights = locks
    _, observed, relief, *_ = filled(bust, seen, heights=heights)
    turned = (bust.normals[:, 2] < 0.6) & (bust.vertices[:, 1] > 0.1) & (observed == 1)
    half = (np.abs(bust.normals[:, 2] - 0.525) < 0.05) & (bust.vertices[:, 1] > 0.1)
    hidden = relief[behind(bust.vertices, 0.05, 0.3)].std()
    assert turned.sum() > 50 and relief[turned].std() > 0.085 * hidden
    assert half.sum() > 50 and relief[half].std() < 0.27 * hidden, "both kinds of strands are no weave"

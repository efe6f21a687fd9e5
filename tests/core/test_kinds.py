"""What hidden parts are of: told by place and by what is seen at the same height, on an egg-shaped head on a column."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from likeness.core.colour.fill import colour_vertices
from likeness.core.colour.kinds import BEARD, CLOTHES, HAIR, HAT, KINDS, SKIN, Places, continued, hidden_kinds
from likeness.core.colour.voxel_means import VoxelMeans
from likeness.core.geometry.visibility import sample_picture
from likeness.core.networks.semantic import OFFSET, SCALE
from likeness.core.photo.parsing import CLASSES
from likeness.core.surface.extract import extract_surface

CHIN, COLLAR, TOP = -0.6, -0.8, 0.5


def shape(points):
    """A skull of 0.4 by 0.55 by 0.5 around (0, 0, -0.4), a neck, and shoulders below."""
    skull = (np.linalg.norm((points - [0, 0, -0.4]) / [0.4, 0.55, 0.5], axis=1) - 1) * 0.4
    neck = np.maximum(np.hypot(points[:, 0], points[:, 2] + 0.45) - 0.25, np.maximum(points[:, 1] + 0.2, -0.95 - points[:, 1]))
    shoulders = np.abs(points - [0, -0.9, -0.45]).max(1, initial=0, where=[False, True, True]) - 0.12
    shoulders = np.maximum(np.maximum(shoulders, np.abs(points[:, 0]) - 0.8), points[:, 1] + 0.78)
    return np.minimum(np.minimum(skull, neck), shoulders).astype(np.float32)


def places_of(points):
    """Scalp above and behind the ears, a bare face and ears before it."""
    scalp = ((points[:, 2] < -0.25) & (points[:, 1] > -0.05) | (points[:, 1] > 0.35)).astype(np.float32)
    bare = ((scalp == 0) & (points[:, 1] > CHIN) & (points[:, 2] > -0.45)).astype(np.float32)
    code = (points * SCALE + OFFSET).clip(0.001, 1).astype(np.float32) * (points[:, 1:2] > -0.7)
    nothing = np.zeros(len(points), np.float32)
    return Places(code, scalp, bare, nothing, nothing)


@pytest.fixture(scope="module")
def bust():
    vertices, faces = extract_surface(shape, None, 128)
    step = 0.01 * np.eye(3, dtype=np.float32)
    normals = np.stack([shape(vertices + one) - shape(vertices - one) for one in step], axis=1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    cells = VoxelMeans.of(vertices, 0.04)
    points = vertices[cells.first]
    weight = ((normals[cells.first][:, 2] > 0.05) & (points[:, 2] > -0.5)).astype(np.float32)
    return SimpleNamespace(vertices=vertices, faces=faces, normals=normals, cells=cells, points=points, weight=weight)


def kinds_where(points, hair, hat=None):
    """Shares of points of which some are hair, those below the collar clothes and the rest skin."""
    kind = np.where(hair, HAIR, np.where(points[:, 1] < COLLAR, CLOTHES, SKIN))
    return np.eye(len(KINDS), dtype=np.float32)[kind if hat is None else np.where(hat, HAT, kind)]


def hidden(bust, seen, weight=None):
    return hidden_kinds(seen, bust.weight if weight is None else weight, places_of(bust.points), bust.points)


def behind(points, low, high):
    return (points[:, 2] < -0.6) & (points[:, 1] > low) & (points[:, 1] < high) & (np.abs(points[:, 0]) < 0.3)


def short(points):
    return (points[..., 1] > 0.05) & (points[..., 2] < -0.2) | (points[..., 1] > 0.35)


def test_hair_seen_at_the_temples_goes_on_behind_down_to_the_nape(bust):
    found = hidden(bust, kinds_where(bust.points, short(bust.points)))
    assert found[behind(bust.points, -0.22, TOP), HAIR].min() > 0.9
    assert found[behind(bust.points, -0.6, -0.45), HAIR].max(initial=0) < 0.1


def test_a_bald_head_stays_bald_behind(bust):
    found = hidden(bust, kinds_where(bust.points, np.zeros(len(bust.points), bool)))
    assert found[behind(bust.points, -0.6, TOP), SKIN].min() > 0.9


def test_a_bald_crown_keeps_its_fringe(bust):
    fringe = short(bust.points) & (bust.points[:, 1] < 0.25)
    found = hidden(bust, kinds_where(bust.points, fringe))
    assert found[behind(bust.points, 0.36, TOP), SKIN].min() > 0.9
    assert found[behind(bust.points, -0.2, 0.03), HAIR].min() > 0.9


def test_the_edge_of_a_bald_crown_is_lower_behind_than_beside_it(bust):
    found = hidden(bust, kinds_where(bust.points, short(bust.points) & (bust.points[:, 1] < 0.25)))
    edge = (np.abs(bust.points[:, 1] - 0.19) < 0.03) & (bust.weight == 0)
    assert found[edge & (bust.points[:, 2] > -0.5), HAIR].mean() > found[edge & (bust.points[:, 2] < -0.75), HAIR].mean() + 0.3


def test_a_hat_goes_round_the_head(bust):
    found = hidden(bust, kinds_where(bust.points, short(bust.points), hat=bust.points[:, 1] > 0.25))
    assert found[behind(bust.points, 0.36, TOP), HAT].min() > 0.9
    assert found[behind(bust.points, -0.2, 0.18), HAIR].min() > 0.9


def test_a_hat_covers_all_that_is_above_it(bust):
    """Its crown, lit from above, is taken for hair or skin."""
    band = (bust.points[:, 1] > 0.15) & (bust.points[:, 1] < 0.3)
    found = hidden(bust, kinds_where(bust.points, short(bust.points), hat=band))
    assert found[behind(bust.points, 0.2, TOP + 0.1), HAT].min() > 0.9
    assert found[behind(bust.points, -0.2, 0.0), HAT].max() < 0.4


@pytest.mark.parametrize(("hair", "kind"), [(True, HAIR), (False, SKIN)])
def test_a_hat_ends_behind_where_it_ends_in_front(bust, hair, kind):
    """Though it is all of the scalp that is seen; below are hair, if there is any, or a bald nape."""
    curtain = hair & (bust.points[:, 1] > -0.5) & (np.abs(bust.points[:, 0]) > 0.18)
    found = hidden(bust, kinds_where(bust.points, curtain, hat=bust.points[:, 1] > 0))
    assert found[behind(bust.points, 0.04, TOP), HAT].min() > 0.9
    assert found[behind(bust.points, -0.3, -0.12), kind].min() > 0.9


def test_a_hat_covers_the_ears_that_it_hides(bust):
    found = hidden(bust, kinds_where(bust.points, np.zeros(len(bust.points), bool), hat=bust.points[:, 1] > -0.3))
    ears = (np.abs(bust.points[:, 0]) > 0.3) & (bust.points[:, 1] < -0.1) & (bust.points[:, 1] > -0.2) & (bust.weight == 0)
    assert ears.sum() > 10 and found[ears, HAT].min() > 0.9


@pytest.mark.parametrize(("bald", "top", "kind"), [(0.2, 0.44, SKIN), (0.03, TOP + 0.1, HAIR), (0.2, 0.41, HAIR)])
def test_a_crown_that_is_seen_to_be_bald_is_so_behind(bust, bald, top, kind):
    """Hair to the top on both sides, bald between; a parting is no bald crown, and one that the photo cuts off may be none."""
    seen = kinds_where(bust.points, short(bust.points) & (np.abs(bust.points[:, 0]) > bald))
    found = hidden(bust, seen, bust.weight * (bust.points[:, 1] < top))
    assert found[behind(bust.points, -0.1, 0.15), HAIR].min() > 0.9
    assert found[behind(bust.points, 0.42, TOP), kind].mean() > 0.8


def test_a_high_forehead_is_not_bald_behind(bust):
    seen = kinds_where(bust.points, short(bust.points))
    seen[(bust.points[:, 1] < 0.42) & (bust.points[:, 2] > -0.3)] = np.eye(len(KINDS))[SKIN]
    assert hidden(bust, seen)[behind(bust.points, -0.1, 0.2), HAIR].mean() > 0.75


@pytest.mark.parametrize("low", [-0.45, -0.85])
def test_hair_hangs_as_low_behind_as_it_does_beside(bust, low):
    curtain = (bust.points[:, 1] > low) & (np.abs(bust.points[:, 0]) > 0.18) & (bust.points[:, 1] < 0.1)
    found = hidden(bust, kinds_where(bust.points, curtain | short(bust.points)))
    assert np.median(found[behind(bust.points, low + 0.05, TOP), HAIR]) > 0.9
    assert found[behind(bust.points, -1, low - 0.12), HAIR].max(initial=0) < 0.1


def over_the_shoulders(points, top=0.1):
    """Long hair beside the face, and over the shoulders as far as 0.7 from the middle."""
    return (np.abs(points[:, 0]) > 0.18) & (np.abs(points[:, 0]) < 0.7) & (points[:, 1] < top)


def shoulders_behind(points):
    return (points[:, 2] < -0.5) & (points[:, 1] < -0.75)


def test_long_hair_in_front_leaves_the_shoulders_and_the_back_clothed_behind(bust):
    found = hidden(bust, kinds_where(bust.points, over_the_shoulders(bust.points) | short(bust.points)))
    wide, low = np.abs(bust.points[:, 0]) > 0.65, (bust.points[:, 1] < -0.96)
    for clothed in (wide, low):
        assert found[shoulders_behind(bust.points) & clothed, CLOTHES].min() > 0.85
    assert found[behind(bust.points, -0.7, -0.3), HAIR].mean() > 0.9


def test_cloth_that_is_taken_for_hair_makes_no_hair_behind(bust):
    chest = (bust.points[:, 1] < -0.85) & (np.abs(bust.points[:, 0]) < 0.5)
    found = hidden(bust, kinds_where(bust.points, chest | short(bust.points)))
    assert found[shoulders_behind(bust.points), HAIR].max() < 0.1


def test_below_the_photo_are_clothes(bust):
    """In front, too, though a neckline is all that it shows above its lower edge."""
    seen, neck = kinds_where(bust.points, short(bust.points)), np.hypot(bust.points[:, 0], bust.points[:, 2] + 0.45) < 0.26
    seen[neck] = np.eye(len(KINDS))[SKIN]
    found = hidden(bust, seen, bust.weight * (bust.points[:, 1] > -0.7))
    front = neck & (bust.points[:, 2] > -0.3)
    assert found[front & (bust.points[:, 1] < -0.78), CLOTHES].min() > 0.9
    assert found[front & (bust.points[:, 1] > -0.68), SKIN].mean() > 0.9


def test_bare_shoulders_are_bare_behind(bust):
    seen = kinds_where(bust.points, short(bust.points))
    seen[(np.abs(bust.points[:, 0]) > 0.4) & (bust.points[:, 1] < -0.65)] = np.eye(len(KINDS))[SKIN]
    hair = seen.copy()
    hair[over_the_shoulders(bust.points) & (np.abs(bust.points[:, 0]) < 0.4)] = np.eye(len(KINDS))[HAIR]
    found = hidden(bust, hair)
    assert found[shoulders_behind(bust.points) & (np.abs(bust.points[:, 0]) > 0.65), SKIN].min() > 0.9


def test_a_stray_fold_far_below_is_no_collar(bust):
    """The lowest cloth that is seen beside the neck has a gap above it."""
    seen = kinds_where(bust.points, short(bust.points))
    seen[bust.points[:, 1] < -0.65] = np.eye(len(KINDS))[CLOTHES]
    gap = (bust.points[:, 1] < -0.86) & (bust.points[:, 1] > -0.98)
    found = hidden(bust, seen, bust.weight * ~gap)
    assert found[behind(bust.points, -0.84, -0.7), CLOTHES].min() > 0.9


def test_clothes_go_round_and_a_neckline_does_not(bust):
    neckline = (np.abs(bust.points[:, 0]) < 0.15) & (bust.points[:, 1] < COLLAR)
    seen = kinds_where(bust.points, short(bust.points))
    seen[neckline] = np.eye(len(KINDS))[SKIN]
    found = hidden(bust, seen)
    back = (bust.points[:, 2] < -0.55) & (bust.points[:, 1] < COLLAR - 0.1)
    assert back.sum() > 20 and found[back, CLOTHES].min() > 0.9


def test_what_looks_like_cloth_above_skin_is_none(bust):
    seen = kinds_where(bust.points, short(bust.points))
    shadow = (bust.points[:, 1] < -0.5) & (bust.points[:, 1] > -0.62) & ~short(bust.points)
    seen[shadow] = np.eye(len(KINDS))[CLOTHES]
    assert hidden(bust, seen)[behind(bust.points, -0.6, -0.52), CLOTHES].max() < 0.4


def test_a_neckline_in_front_leaves_no_skin_below_the_collar_behind(bust):
    seen = kinds_where(bust.points, short(bust.points))
    seen[(bust.points[:, 1] < -0.6) & (np.abs(bust.points[:, 0]) > 0.15)] = np.eye(len(KINDS))[CLOTHES]
    neckline = (np.abs(bust.points[:, 0]) < 0.15) & (bust.points[:, 2] > -0.45)
    seen[neckline & (bust.points[:, 1] < -0.6)] = np.eye(len(KINDS))[SKIN]
    found = hidden(bust, seen)
    assert found[behind(bust.points, -0.92, -0.68), CLOTHES].min() > 0.9
    assert found[behind(bust.points, -0.54, -0.4), CLOTHES].max() < 0.1


def test_a_collar_is_no_higher_behind_than_beside(bust):
    """A scarf's knot, or a shadow that is taken for cloth, reaches up to the chin in front."""
    seen = kinds_where(bust.points, short(bust.points))
    seen[(np.abs(bust.points[:, 0]) < 0.15) & (bust.points[:, 1] < -0.55)] = np.eye(len(KINDS))[CLOTHES]
    found = hidden(bust, seen)
    assert found[behind(bust.points, -0.72, -0.55), CLOTHES].max() < 0.2
    assert found[behind(bust.points, -0.92, COLLAR - 0.04), CLOTHES].min() > 0.9


def test_a_collar_that_one_side_hides_is_as_high_as_on_the_other(bust):
    seen = kinds_where(bust.points, short(bust.points))
    seen[(bust.points[:, 1] < -0.65) & (bust.points[:, 0] > 0.1)] = np.eye(len(KINDS))[CLOTHES]
    found = hidden(bust, seen, bust.weight * (bust.points[:, 0] > 0))
    other = behind(bust.points, -0.9, -0.8) & (bust.points[:, 0] < -0.1)
    assert found[other, CLOTHES].min() > 0.9
    assert found[behind(bust.points, -0.6, -0.5) & (bust.points[:, 0] < -0.1), CLOTHES].max(initial=0) < 0.1


def test_a_collar_descends_from_the_back_of_the_neck_to_the_front(bust):
    """Beside the neck the chin hides it on one side."""
    points = bust.points
    edge = np.interp(points[:, 2], [-0.45, -0.2], [-0.62, -0.86])
    seen = np.eye(len(KINDS))[np.where(points[:, 1] < edge, CLOTHES, SKIN)]
    neck = np.hypot(points[:, 0], points[:, 2] + 0.45) < 0.3
    beside = neck & (points[:, 0] < -0.1) & (points[:, 2] > -0.42) & (points[:, 2] < -0.24)
    found = hidden(bust, seen, (points[:, 2] > -0.5) * ~beside)
    above = beside & (points[:, 1] > edge + 0.06) & (np.abs(points[:, 1] + 0.7) < 0.1)
    assert above.sum() > 5 and found[above, CLOTHES].max() < 0.3


def test_what_stands_off_the_neck_as_high_as_clothes_are_seen_is_cloth(bust):
    seen = kinds_where(bust.points, short(bust.points))
    seen[(np.abs(bust.points[:, 0]) < 0.15) & (bust.points[:, 1] < -0.55)] = np.eye(len(KINDS))[CLOTHES]
    places = places_of(bust.points)
    collar = behind(bust.points, -0.72, -0.6) & (np.abs(bust.points[:, 0]) < 0.05)
    on, off = (
        hidden_kinds(seen, bust.weight, places._replace(distance=np.full(len(bust.points), distance)), bust.points)[collar, CLOTHES]
        for distance in (0.0, 0.2)
    )
    assert on.max() < 0.05 and off.min() > 0.2


def test_an_edge_that_is_told_by_place_is_smooth(bust):
    """Taken where some vertex of each cell is, it would be as jagged as the cells are wide."""

    def off(points):
        return np.std((bust.cells.spread(points, bust.vertices) - bust.vertices)[bust.vertices[:, 1] > -0.6])

    assert off(bust.cells.centre) < 0.7 * off(bust.points)


def test_a_shaved_head_that_is_half_taken_for_hair_is_skin_behind(bust):
    seen = kinds_where(bust.points, np.zeros(len(bust.points), bool))
    seen[short(bust.points)] = 0.35 * np.eye(len(KINDS))[HAIR] + 0.65 * np.eye(len(KINDS))[SKIN]
    assert hidden(bust, seen)[behind(bust.points, -0.2, TOP), HAIR].max() < 0.15


def test_ears_stay_skin_and_a_beard_stays_in_front(bust):
    seen = kinds_where(bust.points, short(bust.points))
    chin = (bust.points[:, 1] < -0.3) & (bust.points[:, 1] > CHIN) & (bust.points[:, 2] > -0.2)
    seen[chin] = np.eye(len(KINDS))[BEARD]
    found = hidden(bust, seen)
    ears = (np.abs(bust.points[:, 0]) > 0.33) & (bust.points[:, 1] < -0.1) & (bust.points[:, 1] > -0.25) & (bust.points[:, 2] > -0.44)
    assert ears.sum() > 10 and found[ears, SKIN].min() > 0.9
    assert found[bust.points[:, 2] < -0.5, BEARD].max() < 0.1


def test_what_is_seen_goes_on_a_little_beyond_its_edge(bust):
    seen, by_place = np.zeros((len(bust.points), len(KINDS)), np.float32), np.zeros((len(bust.points), len(KINDS)), np.float32)
    seen[:, HAIR], by_place[:, SKIN] = 1, 1
    found = continued(bust.cells, by_place, [(seen, bust.weight), (seen, np.zeros_like(bust.weight))])
    assert found[bust.weight > 0, HAIR].min() > 0.8
    edge = (bust.weight == 0) & (bust.points[:, 2] > -0.42) & (bust.points[:, 1] > 0)
    assert found[edge, HAIR].mean() > 0.15
    assert found[bust.points[:, 2] < -0.8, HAIR].max() < 0.05


# The colours themselves: the bust seen from the front, photo and parsing painted by place.
BLOND, FAIR, JUMPER = np.array([[0.75, 0.65, 0.42], [0.8, 0.62, 0.52], [0.15, 0.3, 0.2]], np.float32)
SIZE = 192


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


def filled(bust, seen, guess=FAIR, parsing=True, heights=None):
    return colour_vertices(
        bust.vertices, bust.faces, bust.normals, seen.photo, seen.matte,
        lambda points: (np.tile(guess, (len(points), 1)).astype(np.float32), places_of(points)), seen.parsing if parsing else None,
        heights=heights,
    )  # fmt: skip


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
    colours, _, relief = filled(bust, seen, heights=heights)
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
    assert relief[(bust.normals[:, 2] > 0.6) & (bust.vertices[:, 2] > -0.4)].std() < 0.02 * inner


def test_without_hair_or_relief_nothing_is_raised(bust, locks):
    seen, heights = locks
    assert np.abs(filled(bust, seen).relief).max() == 0
    bald = painted(seen, short(seen.places) & (seen.matte > 0), "skin", FAIR)
    assert np.abs(filled(bust, bald, heights=heights).relief).max() < 0.05 * STRANDS


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


def test_strands_of_cropped_hair_stay_as_short_as_they_are_seen(bust, locks):
    """Hair that hangs to the jaw beside the face has long strands behind; the strands' slopes along their course tell."""
    seen, heights = locks
    beside = (np.abs(seen.places[..., 0]) > 0.16) & (seen.places[..., 1] > -0.55) & (seen.matte > 0)
    hanging = painted(seen, beside, "hair", BLOND)
    slopes = []
    for one in (seen, hanging):
        relief = filled(bust, one, heights=heights).relief
        back = np.flatnonzero(behind(bust.vertices, 0.05, 0.3))
        down = cKDTree(bust.vertices[back]).query(bust.vertices[back] - np.float32([0, 0.03, 0]))[1]
        slopes.append((relief[back] - relief[back][down]).std() / relief[back].std())
    assert slopes[1] < 0.95 * slopes[0]


def test_a_face_that_the_cut_has_closed_has_no_strands(bust, locks):
    seen, heights = locks
    down = SimpleNamespace(**(vars(bust) | {"normals": np.where(bust.vertices[:, 2:] < -0.6, [0, -1, 0], bust.normals).astype(np.float32)}))
    back = behind(bust.vertices, 0.05, 0.3) & (bust.vertices[:, 2] < -0.7)
    assert filled(down, seen, heights=heights).relief[back].std() < 0.1 * filled(bust, seen, heights=heights).relief[back].std()

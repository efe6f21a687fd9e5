"""Colours on a textured ball before a bright green background: copied where seen, without background, without a seam."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from likeness.core.colour.fill import colour_vertices
from likeness.core.colour.guessed import guessed_kinds
from likeness.core.colour.hair_texture import HairTexture
from likeness.core.colour.kinds import CLOTHES, HAIR, KINDS, SKIN, Places
from likeness.core.colour.material import Tints, levels
from likeness.core.colour.project import Projection
from likeness.core.colour.symmetry import Symmetry
from likeness.core.colour.voxel_means import VoxelMeans
from likeness.core.geometry.mesh import unique_edges
from likeness.core.networks.semantic import OFFSET, SCALE
from likeness.core.surface.extract import extract_surface

GREEN = np.array([0.0, 1.0, 0.0], np.float32)
RADIUS = 0.6


def texture(points):
    """A smooth warm pattern, never greenish."""
    x, y, z = points.T
    red = 0.6 + 0.2 * np.sin(5 * x + 2 * z)
    return np.stack([red, 0.3 + 0.1 * np.cos(6 * y), 0.4 + 0.1 * np.sin(4 * x - 3 * y)], axis=1).astype(np.float32)


def pixel_centres(size):
    axis = (np.arange(size) + 0.5) * 2 / size - 1
    return np.meshgrid(axis, -axis)


@pytest.fixture(scope="module")
def ball():
    """The ball as mesh, and its photo with an anti-aliased edge before green."""
    vertices, faces = extract_surface(lambda points: np.linalg.norm(points, axis=1) - RADIUS, None, 128)
    normals = vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
    size = 512
    x, y = pixel_centres(size)
    radius = np.hypot(x, y)
    z = np.sqrt(np.clip(RADIUS**2 - radius**2, 0, None))
    matte = np.clip((RADIUS - radius) * size / 2 + 0.5, 0, 1).astype(np.float32)
    surface = texture(np.stack([x, y, z], axis=-1).reshape(-1, 3)).reshape(size, size, 3)
    photo = GREEN + matte[..., None] * (surface - GREEN)
    # A camera blurs, and a person's matte is never exact: the green reaches over the edge.
    photo = gaussian_filter(photo, (1.2, 1.2, 0))
    return SimpleNamespace(vertices=vertices, faces=faces, normals=normals, photo=photo, matte=matte)


def at(codes):
    """Places of codes on a head without regions."""
    nothing = np.zeros(len(codes), np.float32)
    return Places(codes, nothing, nothing, nothing, nothing)


def reconstruct(ball, prior, codes=np.zeros_like, **changed):
    """prior, codes: functions of points."""
    given = SimpleNamespace(**(vars(ball) | changed))
    return colour_vertices(
        given.vertices, given.faces, given.normals, given.photo, given.matte, lambda points: (prior(points), at(codes(points)))
    )[:2]


def look(ball):
    return Projection.of(ball.vertices, ball.faces, ball.photo, ball.matte).sample_photo(ball.vertices, ball.normals)


def test_visible_vertices_copy_the_photo(ball):
    colours, observed = reconstruct(ball, lambda points: np.full_like(points, 0.2))
    front = ball.normals[:, 2] > 0.55
    assert observed[front].min() > 0.999
    assert np.abs(colours - texture(ball.vertices))[front].max() < 2 / 255


def test_hidden_and_grazing_vertices_are_not_observed(ball):
    _, weight = look(ball)
    assert weight[ball.normals[:, 2] < np.cos(np.radians(75))].max() == 0
    assert weight.min() >= 0 and weight.max() <= 1


def test_no_background_reaches_any_vertex(ball):
    colours, _ = reconstruct(ball, texture)
    assert np.abs(colours - texture(ball.vertices)).max() < 0.05
    carried, _ = look(ball)
    assert carried[:, 1].max() < 0.45


def test_a_matte_that_is_too_large_lets_no_more_than_its_error_in(ball):
    larger = np.roll(ball.matte, 2, axis=1)
    colours, _ = reconstruct(ball, texture, matte=larger)
    assert colours[:, 1].max() < 0.5


def test_the_hidden_side_keeps_the_prior_far_from_the_seam(ball):
    colours, _ = reconstruct(ball, lambda points: texture(points) - 0.15)
    back = ball.normals[:, 2] < -0.95
    assert np.abs(colours - texture(ball.vertices) + 0.15)[back].max() < 0.15 * 0.2


def test_the_hidden_side_keeps_the_priors_detail(ball):
    def detail(points):
        return 0.05 * np.sin(15 * points[:, :1])

    colours, _ = reconstruct(ball, lambda points: texture(points) - 0.1 + detail(points))
    back = ball.normals[:, 2] < -0.5
    kept, given = (colours - texture(ball.vertices))[back].mean(1), detail(ball.vertices)[back, 0]
    assert 0.85 < np.polyfit(given, kept, 1)[0] < 1.1


def test_there_is_no_seam(ball):
    colours, observed = reconstruct(ball, lambda points: texture(points) - 0.25)
    edges, _ = unique_edges(ball.faces)
    steps = np.abs(colours[edges[:, 0]] - colours[edges[:, 1]]).max(1)
    natural = np.abs(texture(ball.vertices[edges[:, 0]]) - texture(ball.vertices[edges[:, 1]])).max(1)
    assert (steps - natural).max() < 0.02
    assert 0.2 < observed.mean() < 0.45


def test_what_stands_behind_another_part_is_not_observed():
    def field(points):
        near = np.linalg.norm(points - np.array([0, 0, 0.5]), axis=1) - 0.2
        far = np.linalg.norm(points - np.array([0, 0, -0.2]), axis=1) - 0.45
        rod = np.maximum(np.hypot(points[:, 0], points[:, 1]) - 0.05, np.abs(points[:, 2]) - 0.4)
        return np.minimum(np.minimum(near, far), rod)

    vertices, faces = extract_surface(field, None, 128)
    normals = np.where(vertices[:, 2:] > 0.26, vertices - [0, 0, 0.5], vertices - [0, 0, -0.2]).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    picture, matte = np.ones((256, 256, 3), np.float32), np.ones((256, 256), np.float32)
    _, weight = look(SimpleNamespace(vertices=vertices, faces=faces, normals=normals, photo=picture, matte=matte))
    across = np.hypot(vertices[:, 0], vertices[:, 1])
    behind = (vertices[:, 2] < 0.25) & (across > 0.06)
    assert weight[behind & (across < 0.2)].max() < 0.01
    assert weight[behind & (across > 0.23) & (normals[:, 2] > 0.6)].min() > 0.99


def test_the_other_half_lends_its_colours(ball):
    covered = ball.matte.copy()
    covered[:, 256:] = 0
    colours, observed = reconstruct(
        ball, lambda points: np.full_like(points, [0.6, 0.3, 0.4]), lambda points: (points + 1) / 2, matte=covered
    )
    lent = (ball.vertices[:, 0] > 0.1) & (ball.normals[:, 2] > 0.7)
    assert observed[lent].max() == 0
    assert np.abs(colours - texture(ball.vertices * [-1, 1, 1]))[lent].mean() < 0.03


@pytest.fixture(scope="module")
def head():
    """Cells of a head seen from the front: skin in front and at the neck, hair above and behind, a jumper below. The field takes the
    hair for black, whatever it is."""
    rng = np.random.default_rng(0)
    places = rng.uniform([-0.45, -1.2, -0.85], [0.45, 0.55, 0.2], (6000, 3)).astype(np.float32)
    codes = (places * SCALE + OFFSET).clip(0.001, 1)
    codes[places[:, 1] < -0.7] = 0
    hair = (places[:, 1] > 0.25) | ((places[:, 2] < -0.35) & (places[:, 1] > -0.3))
    jumper = places[:, 1] < -0.7
    paint = lambda hair_colour: np.where(  # noqa: E731
        hair[:, None], hair_colour, np.where(jumper[:, None], [0.1, 0.2, 0.5], [0.8, 0.6, 0.5])
    ).astype(np.float32)
    weight = (places[:, 2] > -0.2).astype(np.float32)
    normals = places - np.array([0, -0.1, -0.35], np.float32)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return SimpleNamespace(
        places=places, codes=codes, normals=normals, hair=hair, jumper=jumper, weight=weight, guess=paint([0.1, 0.08, 0.06]), paint=paint
    )


def judge(head, guess, seen, weight):
    nothing = np.zeros_like(weight)
    share = guessed_kinds(guess, seen, weight, np.zeros_like(seen), nothing, head.codes, head.places)
    return None if share is None else SimpleNamespace(share=share, colours=levels(guess, seen, weight, share, head.places, head.normals)[0])


def test_hidden_hair_takes_the_visible_hairs_colour_and_skin_stays_skin(head):
    true = head.paint([0.6, 0.45, 0.25])
    seen = true * head.weight[:, None]
    found = judge(head, head.guess, seen, head.weight)
    assert found is not None
    hidden = head.weight == 0
    assert np.abs(found.colours - true)[hidden].mean() < 0.01
    assert found.share[head.hair & hidden, HAIR].min() > 0.95
    assert found.share[head.jumper, CLOTHES].min() > 0.95


def test_a_bald_head_stays_bald(head):
    guess = np.where(head.hair[:, None], [0.76, 0.58, 0.48], head.guess).astype(np.float32)
    found = judge(head, guess, head.paint([0.8, 0.6, 0.5]), head.weight)
    assert found is not None
    assert found.share[head.hair, SKIN].min() > 0.95
    assert np.abs(found.colours[head.hair] - [0.8, 0.6, 0.5]).max() < 0.05


def test_hidden_skin_keeps_the_guesss_own_shades_and_hair_and_clothes_do_not(head):
    shade = (0.03 * np.sin(25 * head.places[:, 1:2])).astype(np.float32)
    true = head.paint([0.6, 0.45, 0.25])
    found = judge(head, head.guess + shade, true * head.weight[:, None], head.weight)
    assert found is not None
    kept = {}
    for name, index in (("skin", 0), ("hair", 1), ("cloth", 2)):
        chosen = (found.share[:, index] > 0.99) & (head.weight == 0)
        kept[name] = np.polyfit(shade[chosen, 0], (found.colours - true)[chosen].mean(1), 1)[0]
    assert 0.25 < kept["skin"] < 0.6  # of skin the photo shows how it is lit
    assert max(abs(kept[name]) for name in ("hair", "cloth")) < 0.15  # what a field guesses of hair is smoke, of clothes noise


def test_hidden_skin_is_as_light_as_seen_skin_that_faces_the_same_way(head):
    """Light from the upper left; the level of a height or a side alone is not that of a place."""
    light = lambda normals: 0.75 * np.exp(0.3 * normals[:, :1] + 0.2 * normals[:, 1:2] + 0.1 * np.abs(normals[:, 2:]))  # noqa: E731
    share = np.eye(len(KINDS))[np.full(len(head.places), SKIN)]
    skin = np.array([0.8, 0.6, 0.5], np.float32)
    noses = np.random.default_rng(1).random((len(head.places), 1)) < 0.1  # and what has another light
    seen = np.where(noses, 0.3, 1) * light(head.normals) * skin
    found, _ = levels(np.tile(skin, (len(seen), 1)), seen, head.weight, share, head.places, head.normals)
    hidden = head.weight == 0
    true = light(head.normals) * skin
    middle = np.abs(np.log(true[:, 0] / np.median(true[:, 0]))) < 0.1
    assert np.abs(found - true)[hidden & middle].max() < 0.06
    left, right = (hidden & (side * head.normals[:, 0] > 0.7) for side in (1, -1))
    assert found[left].mean() > 1.1 * found[right].mean()
    # No side is lit more than what is seen mostly is.
    assert found.mean(1).max() < np.percentile(seen[head.weight > 0].mean(1), 80)


def hair_levels(head, seen, better):
    share = np.eye(len(KINDS))[np.where(head.hair, HAIR, SKIN)]
    return levels(head.guess, seen.astype(np.float32), head.weight, share, head.places, head.normals, better)[0][
        head.hair & (head.weight == 0)
    ]


@pytest.mark.parametrize("core", [20, 60])
def test_hidden_hair_takes_its_tint_from_hair_that_is_surely_hair(head, core):
    """Most of the seen hair lets a green wall through; even if the sure hair is little, it alone tells."""
    seen = head.paint([0.3, 0.4, 0.15])
    shown = np.flatnonzero(head.hair & (head.weight > 0))
    seen[shown[:core]] = [0.2, 0.15, 0.1]
    inside = np.random.default_rng(1).uniform(0, 0.3, len(head.weight))
    inside[~head.hair] = 1
    inside[shown[:core]] = 0.9
    found = hair_levels(head, seen, [inside])
    assert (found[:, 1] - found[:, 0]).max() < (0 if core > 30 else 0.05)
    assert (hair_levels(head, seen, [np.ones_like(inside)])[:, 1] > 0.3).all(), "the case is none if all seen hair gives the same"


def test_skin_that_shows_through_white_hair_does_not_tint_what_is_hidden(head):
    seen = head.paint([0.78, 0.76, 0.73])
    shown = np.flatnonzero(head.hair & (head.weight > 0))
    seen[shown[: int(0.45 * len(shown))]] = [0.92, 0.8, 0.73]
    found = hair_levels(head, seen, [])
    assert (found[:, 0] - found[:, 2]).max() < 0.08


def test_a_tint_is_kept_where_it_gets_too_light_for_the_picture():
    tints = Tints.of(np.tile([0.95, 0.75, 0.65], (50, 1)) * np.linspace(0.6, 1, 50)[:, None], 2)
    light = tints.given_to(np.full((1, 3), 1.2))
    assert light.max() <= 1 and light[0, 0] - light[0, 2] > 0.25


def test_without_a_face_in_sight_nothing_is_known_of_materials(head):
    assert judge(head, head.guess, head.guess, np.zeros_like(head.weight)) is None


def test_symmetry_is_found_in_a_turned_head(head):
    angle = np.radians(35)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    symmetry = Symmetry.of(head.places @ turn.T, head.codes)
    assert symmetry is not None
    points, _ = symmetry.mirrored(head.places @ turn.T, head.places)
    assert np.abs(points - (head.places * [-1, 1, 1]) @ turn.T).max() < 0.02
    assert np.abs(symmetry.upright(head.places @ turn.T) - head.places).max() < 0.02
    assert Symmetry.of(head.places, np.zeros_like(head.codes)) is None


def test_strands_have_the_samples_contrast_and_run_down():
    rng = np.random.default_rng(1)
    photo = np.full((256, 256, 3), 0.3, np.float32)
    # Strands that run across the photo.
    photo += 2 * gaussian_filter(rng.standard_normal((256, 256)), (1.5, 12))[..., None].astype(np.float32)
    points = rng.uniform(-0.6, 0.6, (60_000, 3))
    strands = HairTexture.of(photo, points, np.ones(len(points), bool))
    assert strands is not None
    texture = strands.texture.mean(-1)
    assert np.diff(texture, axis=1).std() > 3 * np.diff(texture, axis=0).std()
    assert 0.5 < texture.std() / photo[50:200, 50:200].std() < 1.2
    assert abs(texture.mean()) < 0.01
    values = strands.at(rng.uniform(-0.6, 0.6, (70_000, 3)))
    assert np.isfinite(values).all() and values.std() > 0.5 * texture.std()
    assert HairTexture.of(photo, points, np.zeros(len(points), bool)) is None


def test_cells_keep_means_and_bring_them_back_smoothly(ball):
    cells = VoxelMeans.of(ball.vertices, 0.04)
    values = ball.vertices[:, :1] * 0.5
    assert (cells.cell[cells.first] == np.arange(len(cells.first))).all()
    back = cells.spread(cells.mean(values), ball.vertices)
    assert np.abs(back - values).max() < 0.02
    assert np.array_equal(cells.spread(cells.mean(values), ball.vertices[::-1])[::-1], back), "other vertices of the same number"
    even = cells.spread(np.ones((len(cells.first), 1)), ball.vertices)
    assert even.max() <= 1 and even.min() > 0.9999
    links = cells.links
    assert (links != links.T).nnz == 0 and links.diagonal().max() == 0
    assert links.sum(1).min() >= 2


def test_without_anything_seen_the_prior_stays(ball):
    photo, matte = np.tile(GREEN, (64, 64, 1)), np.zeros((64, 64), np.float32)
    colours, observed = reconstruct(ball, texture, lambda points: (points + 1) / 2, photo=photo, matte=matte)
    assert observed.max() == 0
    assert np.abs(colours - texture(ball.vertices)).max() < 0.05

"""Colours of bodies on a trunk with one arm, seen from the front: garments go round, prints do not, patterns do."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp
import trimesh
from scipy.sparse.csgraph import connected_components

from likeness.core.colour.body import Bare, BodyPlaces, _alike, _steps, colour_body
from likeness.core.colour.voxel_means import VoxelMeans
from likeness.core.photo.parsing import CLASSES
from likeness.core.surface.extract import extract_surface

SHIRT, TROUSERS, SKIN, PRINT = np.array([[0.7, 0.2, 0.2], [0.15, 0.2, 0.45], [0.8, 0.6, 0.5], [1, 1, 0.9]], np.float32)
HEM, SLEEVE, RADIUS, SIZE = -0.1, 0.5, 0.22, 256
_AXIS = (np.arange(SIZE) + 0.5) * 2 / SIZE - 1
X, Y = np.meshgrid(_AXIS, -_AXIS)


def shape(points):
    trunk = np.maximum(np.hypot(points[:, 0], points[:, 2]) - RADIUS, np.abs(points[:, 1]) - 0.8)
    arm = np.maximum(np.hypot(points[:, 1] - 0.6, points[:, 2]) - 0.09, np.maximum(points[:, 0] - 0.85, -points[:, 0]))
    return np.minimum(trunk, arm).astype(np.float32)


def dressed(x, y):
    """Colours by place: a shirt with a sleeve over trousers."""
    return np.where((x > SLEEVE)[..., None], SKIN, np.where((y > HEM)[..., None], SHIRT, TROUSERS)).astype(np.float32)


@pytest.fixture(scope="module")
def body():
    vertices, faces = extract_surface(shape, None, 128)
    step = 0.01 * np.eye(3, dtype=np.float32)
    normals = np.stack([shape(vertices + one) - shape(vertices - one) for one in step], axis=1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    matte = (shape(np.stack([X, Y, np.zeros_like(X)], axis=-1).reshape(-1, 3)).reshape(X.shape) < 0).astype(np.float32)
    arm = (vertices[:, 0] > RADIUS + 0.02).astype(np.float32)
    places = BodyPlaces(vertices, np.zeros(len(vertices), int), arm)
    behind = (vertices[:, 2] < -0.05) & (normals[:, 2] < -0.3)
    return SimpleNamespace(vertices=vertices, faces=faces, normals=normals, matte=matte, places=places, behind=behind, arm=arm > 0)


def coloured(body, photo, places=None, parsing=None, bare=None):
    return colour_body(body.vertices, body.faces, body.normals, photo, body.matte, places or body.places, parsing, bare)


def test_a_hem_is_as_high_behind_as_in_front_and_narrow(body):
    found, _ = coloured(body, dressed(X, Y))
    y = body.vertices[:, 1]
    back = body.behind & ~body.arm
    assert np.abs(found[back & (y > HEM + 0.06)] - SHIRT).max() < 0.06
    assert np.abs(found[back & (y < HEM - 0.06)] - TROUSERS).max() < 0.06


def test_a_hem_behind_is_a_line(body):
    found, _ = coloured(body, dressed(X, Y))
    y, back = body.vertices[:, 1], body.behind & ~body.arm
    assert np.abs(found[back & (y > HEM + 0.015)] - SHIRT).max() < 0.06
    assert np.abs(found[back & (y < HEM - 0.015)] - TROUSERS).max() < 0.06


def test_a_hem_stays_as_high_behind_where_the_fitted_body_leans_otherwise_than_the_person(body):
    leaning = body.places.mean + np.array([0, 0.4, 0], np.float32) * body.vertices[:, 2:]
    found, _ = coloured(body, dressed(X, Y), body.places._replace(mean=leaning))
    y, back = body.vertices[:, 1], body.behind & ~body.arm
    assert np.abs(found[back & (y > HEM + 0.06)] - SHIRT).max() < 0.06
    assert np.abs(found[back & (y < HEM - 0.06)] - TROUSERS).max() < 0.06


def test_a_sleeve_ends_behind_where_it_does_in_front(body):
    found, _ = coloured(body, dressed(X, Y))
    x = body.vertices[:, 0]
    assert np.abs(found[body.behind & body.arm & (x > SLEEVE + 0.07)] - SKIN).max() < 0.08
    assert np.abs(found[body.behind & body.arm & (x < SLEEVE - 0.07)] - SHIRT).max() < 0.08


def test_a_sleeve_ends_behind_where_the_surface_has_its_hem(body):
    """Farther along the arm than in front."""
    x = body.vertices[:, 0]
    bare = (x > np.where(body.vertices[:, 2] > 0, SLEEVE, SLEEVE + 0.1)).astype(np.float32)
    ends = Bare(body.vertices, bare)
    between = body.behind & body.arm & (x > SLEEVE + 0.02) & (x < SLEEVE + 0.08)
    beyond = body.behind & body.arm & (x > SLEEVE + 0.12)
    found, _ = coloured(body, dressed(X, Y), bare=ends)
    assert between.sum() > 50 and np.abs(found[between] - SHIRT).mean() < 0.06
    assert np.abs(found[beyond] - SKIN).mean() < 0.04


def test_a_print_stays_in_front(body):
    photo = dressed(X, Y)
    photo[(np.abs(X) < 0.12) & (np.abs(Y - 0.3) < 0.08)] = PRINT
    found, observed = coloured(body, photo)
    near = (np.abs(body.vertices[:, 1] - 0.3) < 0.07) & (np.abs(body.vertices[:, 0]) < 0.1)
    assert np.abs(found[near & (observed > 0.9)] - PRINT).mean() < 0.1
    assert np.abs(found[near & body.behind] - SHIRT).max() < 0.1


def test_the_faint_edge_of_a_print_stays_in_front_too(body):
    photo = dressed(X, Y)
    cloth = (Y > HEM) & (X < SLEEVE)
    photo[cloth] += np.random.default_rng(0).normal(0, 0.01, photo.shape)[cloth].astype(photo.dtype)
    share = np.exp(-((X / 0.1) ** 2) - ((Y - 0.3) / 0.1) ** 2)[..., None]
    photo = (photo + share * (PRINT - photo)).astype(np.float32)
    found, _ = coloured(body, photo)
    near = (np.hypot(body.vertices[:, 0], body.vertices[:, 1] - 0.3) < 0.25) & body.behind
    assert np.percentile(np.abs(found[near] - SHIRT).max(1), 99) < 0.06


def test_a_shirt_in_several_lights_outvotes_a_print_of_one_colour(body):
    photo = dressed(X, Y)
    for number, light in enumerate((0.6, 0.85, 1.15, 1.4)):
        photo[(Y > HEM) & (X < SLEEVE) & (np.floor(X / 0.055).astype(int) % 4 == number)] = (SHIRT * light).clip(0, 1)
    photo[(np.abs(X) < 0.1) & (np.abs(Y - 0.2) < 0.3)] = PRINT
    found, _ = coloured(body, photo)
    near = body.behind & ~body.arm & (np.abs(body.vertices[:, 1] - 0.2) < 0.1)
    assert np.percentile(found[near, 2], 95) < 0.33


def test_light_and_shade_of_a_garment_are_one_material_but_not_what_meets_in_a_line_or_has_another_tint():
    """A square of colours that passes from dark to light: gradually, at once, or gradually to another tint."""
    row = sp.diags([np.ones(49)] * 2, [-1, 1])
    links = (sp.kron(sp.identity(50), row) + sp.kron(row, sp.identity(50))).tocsr()
    gradual = np.tile(np.linspace(0, 1, 50), 50)
    for share, light, tint, same in ((gradual, 26.0, 0.0, True), (np.round(gradual), 26.0, 0.0, False), (gradual, 20.0, 14.0, False)):
        lab = np.column_stack([20 + light * share, tint * share, 0 * share])
        material = (gradual > 0.5).astype(int)
        assert (_alike(lab, material, *_steps(lab, material, links))[0, 1] > 0.5) == same


def test_a_hem_behind_does_not_follow_the_triangles(body):
    """Where two garments meet, vertices mix them, or the border would be a saw."""
    found, _ = coloured(body, dressed(X, Y))
    share = (found[:, 0] - TROUSERS[0]) / (SHIRT[0] - TROUSERS[0])
    hem = body.behind & ~body.arm & (np.abs(body.vertices[:, 1] - HEM) < 0.008)
    assert ((share > 0.1) & (share < 0.9))[hem].mean() > 0.5


def test_a_shirts_pattern_goes_on_behind_in_its_scale(body):
    wave = lambda y: 0.15 * np.sin(2 * np.pi * y / 0.1)[..., None] * (y > HEM)[..., None]  # noqa: E731
    found, _ = coloured(body, (dressed(X, Y) + wave(Y)).astype(np.float32))
    back = body.behind & ~body.arm & (body.vertices[:, 1] > HEM + 0.1) & (body.vertices[:, 1] < 0.45)
    slope = np.polyfit(wave(body.vertices[back, 1])[:, 0], (found[back] - SHIRT).mean(1), 1)[0]
    assert 0.6 < slope < 1.2


def test_the_back_of_a_head_has_none_of_what_is_seen_in_front(body):
    face = (0.15 * np.sin(2 * np.pi * Y / 0.1)[..., None] * (Y > HEM)[..., None] + dressed(X, Y)).astype(np.float32)
    found, _ = coloured(body, face, body.places._replace(part=np.where(body.vertices[:, 1] > HEM, 2, 0)))
    back = body.behind & ~body.arm & (body.vertices[:, 1] > HEM + 0.1) & (body.vertices[:, 1] < 0.45)
    assert (found[back] - SHIRT).std() < 0.04


def test_there_is_no_seam_where_the_light_differs(body):
    shade = np.where(X < -0.16, 0.85, 1.0)[..., None]
    found, observed = coloured(body, (dressed(X, Y) * shade).astype(np.float32))
    left = (body.vertices[:, 0] < -0.16) & ~body.arm & (body.vertices[:, 1] > 0) & (body.vertices[:, 1] < 0.4)
    edge = left & (observed < 0.1) & (body.vertices[:, 2] > -0.05)
    assert edge.sum() > 20
    seen = 0.85 * SHIRT[0]
    assert abs(np.median(found[edge, 0]) - seen) < 0.05


def test_parts_keep_their_colours_to_themselves(body):
    """What is over the belly is skin in front, a scalp with hair at its top behind."""
    hair = body.vertices[:, 1] > 0.3
    photo = dressed(X, Y)
    photo[Y > 0.64] = [0.1, 0.1, 0.1]
    places = body.places._replace(part=np.where(hair & ((body.vertices[:, 2] < -0.05) | (body.vertices[:, 1] > 0.66)), 1, 0))
    found, _ = coloured(body, photo, places)
    assert found[body.behind & ~body.arm & (body.vertices[:, 1] > 0.4) & (body.vertices[:, 1] < 0.62)].mean() < 0.12


def test_a_scalp_takes_hair_where_hair_is_seen_and_skin_where_none_is(body):
    """The top, of which the fitted scalp begins in the middle of the forehead."""
    photo, parsing = dressed(X, Y), np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    hair = (Y > 0.72) & (X < 0.3)
    photo[(Y > 0.45) & (X < RADIUS + 0.02)] = SKIN
    bald = photo.copy()
    photo[hair] = 0.1
    parsing[..., CLASSES.index("hair")], parsing[..., CLASSES.index("skin")] = hair, ~hair
    head = (body.vertices[:, 1] > 0.45) & ~body.arm
    scalp = head & ((body.vertices[:, 1] > 0.6) | (body.vertices[:, 2] < 0))
    places = body.places._replace(part=np.select([scalp, head], [1, 2]))
    behind = body.behind & scalp & (body.vertices[:, 1] > 0.5) & (body.vertices[:, 1] < 0.75)
    assert coloured(body, photo, places, parsing)[0][behind].mean() < 0.2
    parsing[..., CLASSES.index("hair")], parsing[..., CLASSES.index("skin")] = 0, 1
    assert np.abs(coloured(body, bald, places, parsing)[0][behind] - SKIN).mean() < 0.1


def test_what_is_held_leaves_nothing_behind(body):
    photo, parsing = dressed(X, Y), np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    bag = (Y < 0.3) & (Y > 0)
    photo[bag] = [0, 1, 0]
    parsing[..., CLASSES.index("clothes")], parsing[..., CLASSES.index("object")] = ~bag, bag
    green = body.behind & ~body.arm & (body.vertices[:, 1] > 0.05) & (body.vertices[:, 1] < 0.25)
    assert coloured(body, photo, parsing=parsing)[0][green, 1].max() < 0.35
    assert coloured(body, photo)[0][green, 1].min() > 0.5, "the case is none if the bag is not carried on without parsing"


def test_regions_of_the_model_make_parts():
    of = {"scalp": [1, 0, 0, 0, 0], "head": [1, 1, 0, 0, 0], "hands": [0, 0, 1, 0, 0]}
    regions = lambda *names: np.column_stack([of.get(name, [0] * 5) for name in names])  # noqa: E731
    places = BodyPlaces.of(np.zeros((5, 3)), regions)
    assert len(set(places.part.tolist())) == 4 and places.part[3] == places.part[4]
    assert places.arms.tolist() == [0, 0, 1, 0, 0]


def test_cells_of_a_coarse_mesh_touch() -> None:
    ball = trimesh.creation.icosphere(3, 0.8)
    vertices, faces = np.asarray(ball.vertices, np.float32), np.asarray(ball.faces)
    pieces = lambda cells: connected_components(cells.links, directed=False)[0]  # noqa: E731
    assert pieces(VoxelMeans.of(vertices, 0.012)) == len(vertices)
    assert pieces(VoxelMeans.of_surface(vertices, faces, 0.012)) == 1
    assert VoxelMeans.of_surface(vertices, faces, 0.3).size == 0.3

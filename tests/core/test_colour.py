"""Colours on a textured ball before a bright green background: copied where seen, without background, without a seam."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from likeness.core.colour.fill import colour_vertices, mirror_colours
from likeness.core.colour.project import project_colours
from likeness.core.geometry.mesh import unique_edges
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


def reconstruct(ball, prior, **options):
    return colour_vertices(ball.vertices, ball.faces, ball.normals, ball.photo, ball.matte, prior, **options)


def test_visible_vertices_copy_the_photo(ball):
    colours, observed = reconstruct(ball, np.full_like(ball.vertices, 0.2))
    front = ball.normals[:, 2] > 0.55
    assert observed[front].min() > 0.999
    assert np.abs(colours - texture(ball.vertices))[front].max() < 2 / 255


def test_hidden_and_grazing_vertices_are_not_observed(ball):
    _, weight = project_colours(ball.vertices, ball.faces, ball.normals, ball.photo, ball.matte)
    assert weight[ball.normals[:, 2] < np.cos(np.radians(80))].max() == 0
    assert weight.min() >= 0 and weight.max() <= 1


def test_no_background_reaches_any_vertex(ball):
    colours, _ = reconstruct(ball, texture(ball.vertices))
    assert np.abs(colours - texture(ball.vertices)).max() < 0.05
    carried, _ = project_colours(ball.vertices, ball.faces, ball.normals, ball.photo, ball.matte)
    assert carried[:, 1].max() < 0.45


def test_a_matte_that_is_too_large_lets_no_more_than_its_error_in(ball):
    larger = np.roll(ball.matte, 2, axis=1)
    colours, _ = colour_vertices(ball.vertices, ball.faces, ball.normals, ball.photo, larger, texture(ball.vertices))
    assert colours[:, 1].max() < 0.5


def test_the_hidden_side_keeps_the_prior_far_from_the_seam(ball):
    prior = np.clip(texture(ball.vertices) - 0.15, 0, 1)
    colours, _ = reconstruct(ball, prior)
    back = ball.normals[:, 2] < -0.95
    assert np.abs(colours - prior)[back].max() < 0.15 * 0.2


def test_the_hidden_side_keeps_the_priors_detail(ball):
    detail = 0.05 * np.sin(60 * ball.vertices[:, :1])
    prior = texture(ball.vertices) - 0.1 + detail
    colours, _ = reconstruct(ball, prior)
    hidden = ball.normals[:, 2] < -0.1
    smooth = colours - detail
    edges, _ = unique_edges(ball.faces)
    within = hidden[edges].all(1)
    steps = np.abs(smooth[edges[:, 0]] - smooth[edges[:, 1]])[within]
    assert steps.max() < 0.03


def test_there_is_no_seam(ball):
    prior = np.clip(texture(ball.vertices) - 0.25, 0, 1)
    colours, observed = reconstruct(ball, prior)
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
    picture = np.ones((256, 256, 3), np.float32)
    _, weight = project_colours(vertices, faces, normals, picture, np.ones((256, 256), np.float32))
    across = np.hypot(vertices[:, 0], vertices[:, 1])
    behind = (vertices[:, 2] < 0.25) & (across > 0.06)
    assert weight[behind & (across < 0.2)].max() < 0.01
    assert weight[behind & (across > 0.23) & (normals[:, 2] > 0.6)].min() > 0.99


def test_the_other_half_lends_its_colours(ball):
    codes = (ball.vertices + 1) / 2
    codes[ball.vertices[:, 1] < -0.3] = 0
    weight = np.clip(ball.vertices[:, 0] * 10 + 0.5, 0, 1).astype(np.float32)
    colours = texture(ball.vertices)
    mirrored, trust = mirror_colours(colours, weight, codes)
    hidden = (ball.vertices[:, 0] < -0.1) & (ball.vertices[:, 1] > -0.25)
    expected = texture(ball.vertices * [-1, 1, 1])
    assert trust[hidden].min() > 0.8
    assert np.abs(mirrored - expected)[hidden].max() < 0.03
    assert trust[codes[:, 0] == 0].max() == 0
    assert trust[weight == 1].max() == 0


def test_without_anything_seen_the_prior_stays(ball):
    prior = texture(ball.vertices)
    photo, matte = np.tile(GREEN, (64, 64, 1)), np.zeros((64, 64), np.float32)
    colours, observed = colour_vertices(ball.vertices, ball.faces, ball.normals, photo, matte, prior, codes=(ball.vertices + 1) / 2)
    assert observed.max() == 0
    assert np.abs(colours - prior).max() < 1e-5

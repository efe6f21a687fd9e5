"""Surfaces of analytic fields: accuracy, closedness, thin parts, borders, and how often the field is asked."""

import mcubes
import numpy as np
import pytest
from scipy.spatial import cKDTree

from likeness.core.errors import Cancelled, ReconstructionError
from likeness.core.geometry.mesh import signed_volume
from likeness.core.surface import extract
from likeness.core.surface.extract import check_manifold, largest_component
from likeness.core.surface.marching import triangulate_cells


def sphere(radius, centre=(0, 0, 0)):
    return lambda points: np.linalg.norm(points - np.array(centre, np.float32), axis=1) - radius


def extract_surface(*arguments, **options):
    """As extract.extract_surface, whose surfaces are closed manifolds without being looked at: whatever the field."""
    vertices, faces = extract.extract_surface(*arguments, **options)
    check_manifold(vertices, faces)
    return vertices, faces


def union(*fields):
    return lambda points: np.minimum.reduce([field(points) for field in fields])


def cylinder(start, end, radius):
    """A rod with round ends."""
    start, end = np.array(start, np.float32), np.array(end, np.float32)
    axis = end - start

    def field(points):
        share = np.clip((points - start) @ axis / (axis @ axis), 0, 1)
        return np.linalg.norm(points - start - share[:, None] * axis, axis=1) - radius

    return field


def euler_characteristic(vertices, faces):
    return len(vertices) - len(faces) // 2


class Counter:
    def __init__(self, field):
        self.field, self.points, self.largest = field, 0, 0

    def __call__(self, points):
        self.points += len(points)
        self.largest = max(self.largest, len(points))
        return self.field(points)


@pytest.mark.parametrize("resolution", [64, 256])
def test_sphere_is_accurate_and_outward(resolution):
    vertices, faces = extract_surface(sphere(0.6), None, resolution)
    half_cell = 1 / resolution
    assert np.abs(np.linalg.norm(vertices, axis=1) - 0.6).max() < half_cell / 10
    assert signed_volume(vertices, faces) == pytest.approx(4 / 3 * np.pi * 0.6**3, rel=5e-3)
    assert euler_characteristic(vertices, faces) == 2
    assert vertices.dtype == np.float32 and faces.dtype == np.int32


def test_torus_keeps_its_hole():
    def torus(points):
        return np.hypot(np.hypot(points[:, 0], points[:, 2]) - 0.5, points[:, 1]) - 0.2

    vertices, faces = extract_surface(torus, None, 128)
    assert euler_characteristic(vertices, faces) == 0
    assert signed_volume(vertices, faces) == pytest.approx(2 * np.pi**2 * 0.5 * 0.2**2, rel=5e-3)


def test_the_largest_part_is_kept_even_when_another_has_a_finer_mesh():
    vertices, _ = extract_surface(union(sphere(0.3, (-0.5, 0, 0)), sphere(0.25, (0.5, 0, 0))), None, 64)
    assert vertices[:, 0].max() < 0


def test_an_inner_cavity_is_dropped():
    hollow = lambda points: np.maximum(sphere(0.6)(points), -sphere(0.5)(points))  # noqa: E731
    vertices, faces = extract_surface(hollow, None, 64)
    assert signed_volume(vertices, faces) == pytest.approx(4 / 3 * np.pi * 0.6**3, rel=2e-2)


def test_a_thin_horn_is_followed_although_no_coarse_sample_sees_it():
    resolution = 256
    radius = 0.75 * 2 / resolution  # thinner rods have slices without any sample, whoever looks
    direction = np.array([0.2, 0.9, 0.31])
    field = union(sphere(0.4), cylinder((0, 0, 0), direction, radius))
    vertices, _ = extract_surface(field, None, resolution)
    assert np.linalg.norm(vertices - direction, axis=1).min() < 3 / resolution


def test_a_thin_sheet_is_followed():
    resolution = 256
    thickness = 1.2 * 2 / resolution

    def sheet(points):
        outside = np.abs(points @ np.array([0.0, 0.28, 0.96], np.float32) - 0.0013) - thickness / 2
        return np.maximum(outside, np.linalg.norm(points, axis=1) - 0.8)

    vertices, faces = extract_surface(union(sphere(0.3), sheet), None, resolution)
    area = np.linalg.norm(np.cross(*(vertices[faces[:, i]] - vertices[faces[:, 0]] for i in (1, 2))), axis=1).sum() / 2
    assert area > 0.97 * (2 * np.pi * (0.8**2 - 0.3**2) + 4 * np.pi * 0.3**2)


def test_a_body_cut_by_the_crop_is_capped_flat_and_closed():
    resolution = 64
    vertices, faces = extract_surface(cylinder((0, -3, 0), (0, 0, 0), 0.5), None, resolution)
    assert vertices[:, 1].min() >= -1
    cap = vertices[vertices[:, 1] < -0.9]
    assert np.abs(np.unique(cap[np.hypot(cap[:, 0], cap[:, 2]) < 0.45][:, 1]) + 1).max() < 2 / resolution
    assert signed_volume(vertices, faces) == pytest.approx(np.pi * 0.25 * 1 + 2 / 3 * np.pi * 0.5**3, rel=3e-2)


def test_a_body_that_fills_the_crop_up_to_its_edges_is_closed():
    vertices, faces = extract_surface(lambda points: points[:, 1] + 0.31, None, 64)
    inset = 1 / 64  # the cap lies half a cell inside the cube's face
    assert signed_volume(vertices, faces) == pytest.approx((2 - 2 * inset) ** 2 * (0.69 - inset), rel=1e-3)


def test_noise_gives_a_closed_manifold_and_the_same_as_dense_evaluation():
    resolution = 64
    generator = np.random.default_rng(3)
    dense = generator.normal(size=(resolution + 1,) * 3).astype(np.float32)
    field = lambda points: dense[tuple(np.rint((points + 1) * resolution / 2).astype(int).T)]  # noqa: E731
    vertices, faces = extract_surface(field, None, resolution)
    for axis in range(3):
        np.moveaxis(dense, axis, 0)[[0, -1]] = 1
    cells = np.argwhere(np.ones((resolution,) * 3, bool))
    values = np.stack([dense[tuple((cells + np.array([c & 1, c >> 1 & 1, c >> 2])).T)] for c in range(8)], axis=1)
    whole = largest_component(*triangulate_cells(cells, values, resolution))[:2]
    assert len(whole[0]) == len(vertices) and len(whole[1]) == len(faces) > 50_000


def test_rounded_fields_with_exact_zeros_stay_manifold():
    extract_surface(lambda points: np.round(sphere(0.6)(points) * 8) / 8, None, 64)


def test_agrees_with_dense_marching_cubes():
    resolution = 64
    field = union(sphere(0.5, (0.1, 0.03, -0.05)), cylinder((0, 0, 0), (0.3, -0.8, 0.2), 0.13))
    vertices, faces = extract_surface(field, None, resolution)
    axis = np.linspace(-1, 1, resolution + 1, dtype=np.float32)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    expected, triangles = mcubes.marching_cubes(field(grid.reshape(-1, 3)).reshape((resolution + 1,) * 3), 0)
    expected = expected * 2 / resolution - 1
    assert cKDTree(expected).query(vertices)[0].max() < 0.011 * 2 / resolution
    assert signed_volume(vertices, faces) == pytest.approx(abs(signed_volume(expected, triangles)), rel=1e-3)


def test_every_edge_of_an_ambiguous_field_is_cut_where_marching_cubes_cuts_it():
    size = 24
    dense = np.ones((size + 1,) * 3, np.float32)
    dense[1:-1, 1:-1, 1:-1] = np.random.default_rng(5).normal(size=(size - 1,) * 3)
    cells = np.argwhere(np.ones((size,) * 3, bool))
    values = np.stack([dense[tuple((cells + np.array([c & 1, c >> 1 & 1, c >> 2])).T)] for c in range(8)], axis=1)
    vertices, _ = triangulate_cells(cells, values, size)
    expected, _ = mcubes.marching_cubes(dense, 0)
    inner = ((expected > 1) & (expected < size - 1)).all(1)  # edges that end on the border are cut half way
    assert inner.sum() > 10_000
    assert cKDTree(vertices).query(expected[inner])[0].max() < 0.011
    on_edges = (vertices == np.round(vertices)).sum(1) == 2  # the others are hubs inside cells
    assert on_edges.sum() == len(expected)


def test_only_the_neighbourhood_of_the_surface_is_evaluated():
    field = Counter(sphere(0.6))
    extract_surface(field, None, 256)
    assert field.points < 0.012 * 257**3
    assert field.largest <= 65_536


def test_candidates_and_prior_save_evaluations_and_change_nothing():
    everywhere, some = Counter(sphere(0.6)), Counter(sphere(0.6))
    prior = sphere(0.5, (0.05, 0, 0))
    expected, _ = extract_surface(everywhere, None, 64)
    vertices, _ = extract_surface(some, lambda points: np.abs(prior(points)) < 0.2, 64, prior=prior)
    assert some.points < everywhere.points - 10_000
    assert np.array_equal(vertices, expected)


def test_a_wrong_candidate_cannot_cut_the_surface():
    expected, _ = extract_surface(sphere(0.6), None, 64)
    vertices, _ = extract_surface(sphere(0.6), lambda points: points[:, 0] > 0.2, 64)
    assert np.array_equal(vertices, expected)


def test_progress_rises_to_one():
    seen = []
    extract_surface(sphere(0.6), None, 128, progress=seen.append)
    assert seen == sorted(seen) and seen[0] > 0 and seen[-1] == pytest.approx(1)


def test_cancelling_stops_before_the_next_batch():
    field = Counter(sphere(0.6))
    with pytest.raises(Cancelled):
        extract_surface(field, None, 256, cancel=lambda: field.points > 0)
    assert field.points <= 65_536


def test_an_empty_field_is_reported():
    with pytest.raises(ReconstructionError, match="No surface"):
        extract_surface(lambda points: np.ones(len(points)), None, 64)


def test_a_field_that_is_not_finite_is_reported():
    with pytest.raises(ReconstructionError, match="not numbers"):
        extract_surface(lambda points: np.full(len(points), np.nan), None, 64)


def test_check_manifold_finds_every_kind_of_damage():
    vertices, faces = extract_surface(sphere(0.6), None, 32)
    check_manifold(vertices, faces)
    count = len(vertices)
    twin = np.where(faces == 0, 0, faces + count - 1)
    # A tetrahedron with the middle of an edge as a vertex of a face without area.
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0, 0]])
    split = np.array([[0, 2, 1], [0, 1, 4], [0, 4, 3], [4, 1, 3], [1, 2, 3], [2, 0, 3]])
    damaged = [
        ("two faces", vertices, faces[1:]),
        ("two faces", vertices, np.concatenate([faces[:1, ::-1], faces[1:]])),
        ("unused", np.concatenate([vertices, [[2, 2, 2]]]), faces),
        ("coinciding", np.concatenate([vertices, vertices]), np.concatenate([faces, faces + count])),
        ("without area", corners, split),
        ("in a vertex", np.concatenate([vertices, 2 * vertices[0] - vertices[1:]]), np.concatenate([faces, twin[:, ::-1]])),
    ]
    for message, bad_vertices, bad_faces in damaged:
        with pytest.raises(ReconstructionError, match=message):
            check_manifold(bad_vertices, bad_faces)

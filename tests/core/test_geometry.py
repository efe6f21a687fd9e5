"""Rasterising, layered depth, closest points, subdivision, linear solver and camera, against analytic answers."""

import igl
import numpy as np
import pytest
import scipy.sparse as sp
import torch

from likeness.core.errors import ReconstructionError
from likeness.core.geometry import mesh, raster
from likeness.core.geometry.clip import part_above
from likeness.core.geometry.closest import ClosestSurface, closest_on_triangles
from likeness.core.geometry.rays import way_to_front
from likeness.core.geometry.solve import Bending, solve_positive
from likeness.core.geometry.visibility import depth_picture, sample_picture, visibility
from likeness.core.models.head import HeadModel
from likeness.core.photo.view import Camera

OCTAHEDRON = (
    np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], np.float64),
    np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]]),
)


def ball(radius=1.0, centre=(0, 0, 0), levels=5):
    """An octahedron, halved and pushed onto the sphere."""
    vertices, faces = OCTAHEDRON
    for _ in range(levels):
        matrix, faces = mesh.loop_subdivision(faces, len(vertices))
        vertices = matrix @ vertices
        vertices = vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
    return (vertices * radius + np.array(centre)).astype(np.float32), faces.astype(np.int32)


def tensors(vertices, faces):
    return torch.from_numpy(vertices), torch.from_numpy(faces)


def centres(size):
    axis = (np.arange(size) + 0.5) * 2 / size - 1
    return np.meshgrid(axis, -axis)


def test_raster_sees_the_front_of_a_ball():
    vertices, faces = ball(0.7, (0.1, -0.05, 0.2))
    picture = raster.rasterize(*tensors(vertices, faces), 200)
    x, y = centres(200)
    squared = 0.7**2 - (x - 0.1) ** 2 - (y + 0.05) ** 2
    assert np.mean(picture.mask.numpy() != (squared > 0)) < 1e-3
    inner = squared > 0.02
    assert np.abs(picture.depth.numpy() - 0.2 - np.sqrt(squared.clip(0)))[inner].max() < 2.2e-3
    position = raster.interpolate(picture, torch.from_numpy(faces), torch.from_numpy(vertices)).numpy()
    assert np.abs(position[..., 0] - x)[inner].max() < 3e-5
    assert np.abs(position[..., 1] - y)[inner].max() < 3e-5
    assert position[~picture.mask.numpy()].max() == 0


def test_fragments_do_not_depend_on_how_many_triangles_are_taken_at_once(monkeypatch):
    whole = raster.fragments(*tensors(*ball(0.7)), 64)
    monkeypatch.setattr(raster, "_BLOCK", 1000)
    split = raster.fragments(*tensors(*ball(0.7)), 64)
    for name in ("pixel", "depth", "face", "barycentric", "sign"):
        assert torch.equal(getattr(whole, name), getattr(split, name))


def test_every_ray_through_a_ball_has_one_front_and_one_back():
    pieces = raster.fragments(*tensors(*ball(0.7)), 128)
    front = torch.bincount(pieces.pixel[pieces.sign > 0], minlength=128 * 128)
    back = torch.bincount(pieces.pixel[pieces.sign < 0], minlength=128 * 128)
    covered = (front > 0) | (back > 0)
    assert ((front == 1) & (back == 1))[covered].float().mean() > 0.999
    assert pieces.barycentric.min() >= -1e-6
    assert torch.allclose(pieces.barycentric.sum(1), torch.ones(len(pieces.pixel)))


def test_a_mesh_outside_the_picture_gives_an_empty_one():
    picture = raster.rasterize(*tensors(*ball(0.3, (3, 0, 0), 2)), 32)
    assert not picture.mask.any() and torch.isinf(picture.depth).all()


def layered(*balls, size=96):
    vertices, faces, count = [], [], 0
    for radius, centre in balls:
        part_vertices, part_faces = ball(radius, centre)
        vertices.append(part_vertices)
        faces.append(part_faces + count)
        count += len(part_vertices)
    pieces = raster.fragments(*tensors(np.concatenate(vertices), np.concatenate(faces)), size)
    return pieces, raster.LayeredDepth(pieces)


def random_samples(size, count=20_000):
    generator = np.random.default_rng(0)
    pixel = generator.integers(0, size * size, count)
    depth = generator.uniform(-1, 1, count)
    x, y = centres(size)
    return pixel, depth, np.stack([x.ravel()[pixel], y.ravel()[pixel], depth], axis=1)


def test_rays_beside_vertices_leave_a_solid_as_often_as_they_enter_it():
    vertices, faces = ball(0.7, levels=3)
    # Those in front lie between pixels' centres and the samples beside them.
    front = vertices[:, 2] > 0.1
    vertices[front, 0] = (np.floor((vertices[front, 0] + 1) * 32) + 0.5007) / 32 - 1
    vertices[front, 1] = 1 - (np.floor((1 - vertices[front, 1]) * 32) + 0.5004) / 32
    pieces = raster.fragments(*tensors(vertices, faces), 64)
    total = torch.zeros(64 * 64).index_add_(0, pieces.pixel, pieces.sign)
    assert len(pieces.pixel) > 2000 and not total.any()


def test_layered_depth_knows_inside_and_outside():
    balls = [(0.4, (-0.2, 0, 0)), (0.35, (0.25, 0.1, 0.1)), (0.2, (0, -0.7, -0.5))]
    _, layers = layered(*balls)
    pixel, depth, points = random_samples(96)
    inside = (layers.winding(torch.from_numpy(pixel), torch.from_numpy(depth)) > 0.5).numpy()
    distance = np.min([np.linalg.norm(points - np.array(centre), axis=1) - radius for radius, centre in balls], axis=0)
    clear = np.abs(distance) > 5e-3
    assert np.array_equal(inside[clear], (distance < 0)[clear])


def test_winding_counts_overlapping_solids():
    _, layers = layered((0.5, (0, 0, 0)), (0.3, (0, 0, 0.1)))
    middle = torch.tensor([48 * 96 + 48])
    assert layers.winding(middle, torch.tensor([0.1])).item() == 2
    assert layers.winding(middle, torch.tensor([0.45])).item() == 1
    assert layers.winding(middle, torch.tensor([0.9])).item() == 0


def test_the_outer_boundary_of_a_union_leaves_inner_walls_out():
    balls = [(0.4, (0, 0, -0.2)), (0.4, (0, 0, 0.2))]
    pieces, layers = layered(*balls)
    outer = layers.outer()
    assert len(torch.unique(outer)) == len(outer)
    column = pieces.pixel == 48 * 96 + 48
    kept = sorted(pieces.depth[outer][column[outer]].tolist())
    assert kept == pytest.approx([-0.6, 0.6], abs=3e-3)
    assert column.sum() == 4


def test_distance_to_a_ball_is_signed_and_exact():
    vertices, faces = ball(0.6)
    points = np.random.default_rng(1).uniform(-1, 1, (5000, 3)).astype(np.float32)
    points = points[np.linalg.norm(points, axis=1) > 0.05]
    surface = ClosestSurface(vertices, faces)
    distance, face, barycentric = surface.query(points)
    expected = np.linalg.norm(points, axis=1) - 0.6
    assert np.abs(distance - expected).max() < 2e-3
    closest = surface.interpolate(vertices, face, barycentric)
    assert np.abs(np.linalg.norm(points - closest, axis=1) - np.abs(distance)).max() < 1e-5
    assert np.allclose(barycentric.sum(1), 1, atol=1e-5) and barycentric.min() > -1e-6


def fan():
    """A disc of 200 long triangles around one vertex, bent like a bowl."""
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    rim = np.stack([np.cos(angle), np.sin(angle), 0.3 * np.cos(2 * angle)], axis=1)
    number = np.arange(200)
    return np.vstack([np.zeros((1, 3)), rim]), np.stack([np.zeros(200, int), 1 + number, 1 + (number + 1) % 200], axis=1)


def needles():
    """A hundred unconnected triangles of all shapes, some without an area."""
    rng = np.random.default_rng(0)
    corners = rng.uniform(-1, 1, (100, 3, 3))
    corners[:40, 2] = corners[:40, 1] + rng.normal(0, 10.0 ** -rng.integers(1, 9, (40, 1)), (40, 3))
    return corners.reshape(-1, 3), np.arange(300).reshape(-1, 3)


def bust():
    """The head model's closed one, whose caps at neck and shoulders are long triangles."""
    model = HeadModel.load()
    return model.closed_rest, model.closed_mesh.faces


@pytest.mark.parametrize("shape", [ball, fan, needles, bust])
def test_closest_points_are_those_of_libigl(shape):
    vertices, faces = (np.asarray(part) for part in shape())
    rng = np.random.default_rng(1)
    near = vertices[rng.integers(0, len(vertices), 2000)] + rng.normal(0, 0.02, (2000, 3)) * np.ptp(vertices, axis=0)
    points = np.vstack([near, vertices.mean(0) + rng.normal(0, 1, (500, 3)) * np.ptp(vertices, axis=0), vertices[:50]]).astype(np.float32)
    surface = ClosestSurface(vertices, faces)
    distance, face, barycentric = surface.query(points)
    squared, _, _ = igl.point_mesh_squared_distance(points.astype(np.float64), surface.vertices.astype(np.float64), faces.astype(np.int64))
    tolerance = 2e-6 * np.ptp(points)
    assert np.abs(np.abs(distance) - np.sqrt(squared)).max() < tolerance
    found = surface.interpolate(surface.vertices, face, barycentric)
    assert np.abs(np.linalg.norm(points - found, axis=1) - np.abs(distance)).max() < tolerance


def test_no_points_give_empty_answers():
    distance, face, barycentric = ClosestSurface(*ball(levels=1)).query(np.zeros((0, 3), np.float32))
    assert distance.shape == (0,) and face.shape == (0,) and barycentric.shape == (0, 3)


def test_closest_on_triangle_finds_face_edges_and_corners():
    triangle = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float64)
    cases = {
        (0.25, 0.25, 3): (0.25, 0.25, 0),
        (0.5, -2, 1): (0.5, 0, 0),
        (-1, 0.5, 0): (0, 0.5, 0),
        (1, 1, 0): (0.5, 0.5, 0),
        (-1, -1, 2): (0, 0, 0),
        (3, -1, 0): (1, 0, 0),
        (-0.5, 4, 0): (0, 1, 0),
    }
    points = np.array(list(cases), np.float64)
    weights = closest_on_triangles(points, np.repeat(triangle[None], len(points), axis=0))
    assert np.allclose(weights @ triangle, list(cases.values()))


def test_subdivision_keeps_a_closed_mesh_closed_and_constants_constant():
    vertices, faces = OCTAHEDRON
    matrix, finer = mesh.loop_subdivision(faces, len(vertices))
    assert matrix.shape == (6 + 12, 6) and finer.shape == (32, 3)
    assert np.allclose(matrix @ np.ones(6), 1)
    edges, _ = mesh.unique_edges(finer)
    assert len(matrix @ vertices) - len(edges) + len(finer) == 2
    assert mesh.boundary_loops(finer) == []
    assert 0 < mesh.signed_volume(matrix @ vertices, finer) < mesh.signed_volume(vertices, faces)


def test_volume_normals_and_boundary():
    vertices, faces = ball(0.5)
    assert mesh.signed_volume(vertices, faces) == pytest.approx(4 / 3 * np.pi * 0.125, rel=5e-3)
    assert np.abs(mesh.vertex_normals(vertices, faces) - vertices / 0.5).max() < 0.02
    loops = mesh.boundary_loops(faces[1:])
    assert len(loops) == 1 and set(loops[0]) == set(faces[0])


def test_compact_drops_what_is_not_used():
    vertices, faces = ball(levels=2)
    kept_vertices, kept_faces, kept = mesh.compact(vertices, faces[:5])
    assert np.array_equal(kept_vertices[kept_faces], vertices[faces[:5]])
    assert np.array_equal(kept_vertices, vertices[kept])


def test_smoothing_keeps_constants_and_flattens_noise():
    vertices, faces = ball(levels=3)
    matrix = mesh.smoothing_matrix(faces, len(vertices))
    assert np.allclose(matrix @ np.ones(len(vertices)), 1, atol=1e-6)
    noise = np.random.default_rng(0).normal(size=len(vertices))
    assert (matrix @ noise).std() < 0.7 * noise.std()


def test_solver_agrees_with_a_direct_one():
    _, faces = ball(levels=4)
    count = int(faces.max()) + 1
    links = mesh.adjacency(faces, count)
    matrix = (sp.diags(np.asarray(links.sum(1)).ravel() + 1e-3) - links).tocsr()
    right = np.random.default_rng(0).normal(size=(count, 2))
    solution = solve_positive(matrix, right, np.arange(count) // 30, tolerance=1e-9)
    assert np.allclose(solution, sp.linalg.spsolve(matrix.tocsc(), right), atol=1e-5)


def test_the_bending_of_a_mesh_is_solved_as_its_matrix_would_be():
    vertices, faces = ball(levels=4)
    links = mesh.adjacency(faces, len(vertices))
    rng = np.random.default_rng(0)
    held, right, clusters = rng.uniform(0.1, 1, len(vertices)), rng.normal(size=(len(vertices), 2)), np.arange(len(vertices)) // 30
    umbrella = sp.identity(len(vertices)) - sp.diags(1 / np.asarray(links.sum(1)).ravel()) @ links
    matrix, bending = (sp.diags(held) + 50 * umbrella.T @ umbrella).tocsr(), Bending(links, held, 50)
    gather = sp.csr_matrix((np.ones(len(clusters)), (np.arange(len(clusters)), clusters)))
    assert np.allclose(bending @ right[:, 0], matrix @ right[:, 0]) and np.allclose(bending.diagonal(), matrix.diagonal())
    assert np.allclose(bending.summed(gather).toarray(), (gather.T @ matrix @ gather).toarray())
    assert np.allclose(solve_positive(bending, right, clusters), solve_positive(matrix, right, clusters), atol=1e-6)


def test_solver_reports_when_it_cannot_converge():
    indefinite = sp.csr_matrix(np.random.default_rng(0).normal(size=(200, 200)))
    with pytest.raises(ReconstructionError, match="did not converge"):
        solve_positive(indefinite, np.ones((200, 1)), np.arange(200) // 20)


def test_depth_picture_and_visibility_of_a_ball():
    vertices, faces = ball(0.6)
    picture = depth_picture(vertices, faces, 128, thickness=True)
    assert picture.thickness is not None and picture.thickness[64, 64] == pytest.approx(1.2, abs=5e-3)
    assert picture.thickness[0, 0] == 0 and not picture.mask[0, 0]
    normals = vertices / 0.6
    assert np.array_equal(depth_picture(vertices, faces, 128).depth, picture.depth), "what is turned away is hidden"
    seen = visibility(vertices, normals, picture.depth)
    assert seen[normals[:, 2] > 0.3].min() > 0.99
    assert seen[normals[:, 2] < 0].max() == 0


def test_a_surface_six_millimetres_behind_another_is_hidden_and_one_that_touches_it_is_seen():
    size, up = 128, np.array([[0.0, 0, 1]])
    depth = np.zeros((size, size), np.float32)
    assert visibility(np.array([[0, 0, -0.03]]), up, depth)[0] < 0.01
    assert visibility(np.array([[0, 0, -0.005]]), up, depth)[0] > 0.99


def test_sampled_pictures_follow_the_crop_frame():
    x, y = centres(64)
    points = np.random.default_rng(0).uniform(-0.9, 0.9, (100, 3)).astype(np.float32)
    assert np.allclose(sample_picture(np.stack([x, y], axis=-1), points), points[:, :2], atol=1e-5)


def test_projection_of_known_points():
    camera = Camera(centre=(100, 50), scale=1000, distance=1.0)
    pixels = camera.project(np.array([[0, 0, 0], [0.1, 0.1, 0], [0.1, 0.1, 0.5]]))
    assert np.allclose(pixels, [[100, 50], [200, -50], [300, -150]])


def test_equally_near_fragments_give_the_same_picture_every_time():
    # A fan of triangles with edges exactly through pixel centres: with slack, both sides of an edge cover them.
    axis = np.linspace(-1, 1, 65)
    x, y = np.meshgrid(axis, axis, indexing="ij")
    vertices = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1).astype(np.float32)
    corner = (np.arange(64)[:, None] * 65 + np.arange(64)).ravel()
    faces = np.concatenate([np.stack([corner, corner + 65, corner + 66], 1), np.stack([corner, corner + 66, corner + 1], 1)])
    pieces = raster.fragments(*tensors(vertices, faces), 64, slack=0.05)
    assert len(pieces.pixel) > 64 * 64
    pictures = [raster.nearest(pieces) for _ in range(5)]
    for picture in pictures:
        assert torch.equal(picture.face, pictures[0].face)
        position = raster.interpolate(picture, torch.from_numpy(faces), torch.from_numpy(vertices))
        # Face and barycentrics come from one and the same fragment, or the position would jump.
        assert np.abs(position[..., 0].numpy() - centres(64)[0]).max() < 1e-3


def test_way_to_the_nearest_front_of_many_triangles_of_any_shape():
    rng = np.random.default_rng(0)
    vertices = np.repeat(rng.uniform(-1, 1, (300, 3)), 3, axis=0) + rng.normal(0, 0.3, (900, 3)) * np.repeat(
        rng.uniform(0.01, 1, (300, 1)), 3, axis=0
    )
    faces, points = np.arange(900).reshape(-1, 3), rng.uniform(-1, 1, (200, 3))
    direction = np.array([1.0, 2, -2]) / 3
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    fronts = np.cross(b - a, c - a) @ direction > 0
    expected = np.array([igl.ray_mesh_intersect(point, direction, vertices, faces[fronts]) for point in points], object)
    expected = [min((hit[1] for hit in hits), default=np.inf) for hits in expected]
    found = way_to_front(points, direction, vertices, faces)
    assert 20 < np.isfinite(found).sum() < 200
    assert np.allclose(found, expected, atol=1e-4)


def test_fronts_behind_and_backs_before_are_not_met():
    vertices, faces = ball()
    points = np.array([[0, 0, 0], [0, 0, 2], [0, 0, -2], [3, 0, 0]])
    assert np.allclose(way_to_front(points, np.array([0, 0, 1.0]), vertices, faces), [1, np.inf, 3, np.inf], atol=0.01)


def test_a_mesh_is_cut_evenly_along_a_level():
    vertices, faces = ball()
    kept, edges, shares = part_above(faces, vertices[:, 2] - 0.3)
    first, second = vertices[edges[:, 0]], vertices[edges[:, 1]]
    every = np.concatenate([vertices, first + shares[:, None] * (second - first)])
    (border,) = mesh.boundary_loops(kept)
    assert (border >= len(vertices)).all() and np.abs(every[border, 2] - 0.3).max() < 0.008
    normals = mesh.face_normals(every, kept)
    assert (np.einsum("ni,ni->n", normals, every[kept].mean(1)) > 0).all(), "all faces still look outwards"
    assert np.linalg.norm(normals, axis=1).sum() / 2 == pytest.approx(2 * np.pi * 0.7, rel=0.01)
    nothing, edges, _ = part_above(faces, vertices[:, 2] - 2)
    assert not len(nothing) and not len(edges)

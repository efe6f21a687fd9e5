"""The evaluator against shapes whose distances are known on paper."""

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree

from likeness.core.errors import ReconstructionError
from likeness.core.geometry.closest import closest_on_triangles
from likeness.core.models.rotation import rotation_matrix
from likeness.core.photo.view import Camera
from likeness.evaluation.align import Similarity, align_points, align_surface
from likeness.evaluation.bootstrap import mean_interval
from likeness.evaluation.case import Case, Truth
from likeness.evaluation.metrics import MeasuredTruth, as_icon, as_sith, distances, mesh_health, occupied_cells, volumes
from likeness.evaluation.nearest import NearestSurface
from likeness.evaluation.pictures import colour_errors, normal_error
from likeness.evaluation.score import motions

STAY = Similarity.identity()


def ball(radius: float = 0.1, detail: int = 4) -> tuple[np.ndarray, np.ndarray]:
    mesh = trimesh.creation.icosphere(detail, radius)
    return np.array(mesh.vertices) + np.array([0, -0.03, -0.08]), np.array(mesh.faces)


def plane(height: float = 0.0, cells: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """0.2 m wide, facing the viewer."""
    axis = np.linspace(-0.1, 0.1, cells + 1)
    x, y = np.meshgrid(axis, axis, indexing="ij")
    corner = np.arange((cells + 1) ** 2).reshape(cells + 1, cells + 1)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]))
    vertices = np.stack([x.ravel(), y.ravel(), np.full(x.size, height)], axis=1)
    return vertices, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


def measured(vertices: np.ndarray, faces: np.ndarray, **more) -> MeasuredTruth:
    """An orthographic portrait of a shape."""
    camera = Camera((256.0, 256.0), 1000.0)
    region = (vertices[:, 1] > 0).astype(np.uint8)
    truth = Truth(vertices.astype(np.float32), faces.astype(np.int32), region, ("below", "above"), **more)
    return MeasuredTruth(Case("shape", np.zeros((8, 8, 3), np.uint8), truth=truth, camera=camera))


def compared(
    truth: MeasuredTruth, vertices: np.ndarray, faces: np.ndarray, motion: Similarity = STAY, count: int = 4000
) -> dict[str, float]:
    return distances(truth, NearestSurface(vertices, faces), motion, count, 0).summary()


def by_hand(vertices: np.ndarray, faces: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Distances by trying every triangle."""
    best = np.full(len(points), np.inf)
    for face in faces:
        corners = np.repeat(vertices[face][None], len(points), axis=0)
        closest = np.einsum("nij,ni->nj", corners, closest_on_triangles(points, corners))
        best = np.minimum(best, np.linalg.norm(points - closest, axis=1))
    return best


def test_closest_points_are_exact_even_among_slivers_and_degenerate_triangles() -> None:
    rng = np.random.default_rng(0)
    vertices, faces = rng.random((120, 3)), rng.integers(0, 120, (200, 3))
    vertices[faces[10:40, 2]] = vertices[faces[10:40, 1]] + 1e-4  # long needles
    area = np.linalg.norm(np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]]), axis=1)
    points = rng.random((300, 3)) * 4 - 1.5
    surface = NearestSurface(vertices, faces)
    found = surface.closest(points)
    assert (area < 1e-16).any()
    assert np.abs(found.distance - by_hand(vertices, faces[area > 1e-16], points)).max() < 1e-9
    assert np.allclose(np.linalg.norm(points - found.position, axis=1), found.distance)


def test_closest_points_agree_with_trimesh() -> None:
    vertices, faces = ball(detail=2)
    points = np.random.default_rng(1).normal(0, 0.15, (200, 3))
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    # trimesh.proximity needs rtree to find candidates; its exact point-to-triangle part takes them all.
    nearest = [
        np.linalg.norm(trimesh.triangles.closest_point(mesh.triangles, np.repeat(p[None], len(faces), 0)) - p, axis=1).min() for p in points
    ]
    assert np.abs(NearestSurface(vertices, faces).closest(points).distance - nearest).max() < 1e-5


def test_far_points_and_points_at_equal_distance_from_everything_are_settled() -> None:
    vertices, faces = ball(detail=3)
    found = NearestSurface(vertices, faces).closest(np.array([[0, -0.03, -0.08], [50.0, 0, 0]]))
    assert found.distance[0] == pytest.approx(0.1, rel=0.01) and found.distance[1] == pytest.approx(49.9, rel=1e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_mesh_with_bad_coordinates_is_rejected(value: float) -> None:
    vertices, faces = ball(detail=1)
    vertices[3, 1] = value
    with pytest.raises(ReconstructionError, match="no numbers"):
        NearestSurface(vertices, faces)


def test_a_mesh_without_area_is_rejected() -> None:
    with pytest.raises(ReconstructionError, match="no area"):
        NearestSurface(np.zeros((3, 3)), np.array([[0, 1, 2]]))


def test_identity_is_zero() -> None:
    vertices, faces = ball()
    row = compared(measured(vertices, faces), vertices, faces)
    assert row["chamfer"] < 1e-4 and row["f1"] == pytest.approx(100) and row["angle"] < 0.1 and row["artefacts"] == 0


def test_a_scaled_sphere_is_as_far_as_its_radius_grew() -> None:
    row = compared(measured(*ball(0.1, 5)), *ball(0.11, 5))
    assert row["p2s"] == pytest.approx(10, abs=0.05) and row["s2p"] == pytest.approx(10, abs=0.05)
    assert row["angle"] < 2 and row["f5"] == 0 and row["artefacts"] == 0


def test_a_translated_plane_is_as_far_as_it_moved() -> None:
    row = compared(measured(*plane()), *plane(0.004))
    assert row["p2s"] == pytest.approx(4, abs=1e-3) == row["s2p"] and row["p2s_p95"] == pytest.approx(4, abs=1e-3)
    assert row["angle"] == pytest.approx(0, abs=1e-3) and row["f5"] == pytest.approx(100) and row["f2"] == 0


def test_swapped_meshes_swap_the_directions() -> None:
    whole, half = ball(), (ball()[0], ball()[1][ball()[0][ball()[1]].mean(1)[:, 1] > -0.03])
    one, other = compared(measured(*whole), *half), compared(measured(*half), *whole)
    assert one["p2s"] > 10 and one["s2p"] < 0.01
    assert other["s2p"] == pytest.approx(one["p2s"], rel=0.05) and other["p2s"] == pytest.approx(one["s2p"], abs=0.01)


def test_order_and_triangulation_do_not_matter() -> None:
    vertices, faces = ball()
    order = np.random.default_rng(2).permutation(len(vertices))
    inverse = np.argsort(order)
    truth = measured(*ball(0.103))
    assert compared(truth, vertices[order], inverse[faces][::-1])["p2s"] == pytest.approx(compared(truth, vertices, faces)["p2s"], rel=1e-6)
    assert compared(measured(*plane()), *plane(0.004, 17))["p2s"] == pytest.approx(compared(measured(*plane()), *plane(0.004))["p2s"])


def test_few_and_many_samples_agree() -> None:
    vertices, faces = ball()
    truth, moved = measured(vertices, faces), vertices + np.array([0.004, 0.003, 0])
    few, many = (compared(truth, moved, faces, count=count)["chamfer"] for count in (1000, 100_000))
    assert few == pytest.approx(many, rel=0.04)


def test_holes_of_a_partial_truth_are_not_held_against_the_prediction() -> None:
    vertices, faces = ball()
    front = faces[vertices[faces].mean(1)[:, 2] > -0.08]
    assert compared(measured(vertices, front), vertices, faces)["s2p"] > 10
    assert compared(measured(vertices, front, partial=True), vertices, faces)["s2p"] < 0.1


def test_a_motion_is_applied_to_distances_and_normals() -> None:
    vertices, faces = ball()
    motion = Similarity(1.1, rotation_matrix(np.array([0.2, -0.3, 0.1])), np.array([0.01, 0.02, -0.01]))
    row = compared(measured(vertices, faces), motion.inverse()(vertices), faces, motion)
    assert row["chamfer"] < 1e-4 and row["angle"] < 0.1


def test_landmarks_align_with_and_without_scale_and_never_mirror() -> None:
    points = np.random.default_rng(3).normal(0, 0.1, (20, 3))
    known = Similarity(1.2, rotation_matrix(np.array([0.3, 0.2, -0.5])), np.array([0.1, 0.0, 0.3]))
    assert np.allclose(align_points(points, known(points), True)(points), known(points))
    assert align_points(points, known(points), False).scale == 1
    mirrored = align_points(points, points * [-1, 1, 1], True)
    assert np.linalg.det(mirrored.rotation) == pytest.approx(1)


@pytest.mark.parametrize("scale", [1.0, 1.07])
def test_icp_recovers_a_known_motion(scale: float) -> None:
    vertices, faces = ball()
    vertices = vertices * [0.8, 1.2, 1] + 0.02 * np.sin(vertices[:, ::-1] * 40)  # no two sides alike
    surface = NearestSurface(vertices, faces)
    known = Similarity(scale, rotation_matrix(np.array([0.08, -0.1, 0.05])), np.array([0.006, -0.004, 0.005]))
    points = known.inverse()(surface.sample(2000, 0).position)
    found = align_surface(points, surface, Similarity.identity(), scaled=scale != 1)
    assert np.abs(found(points) - known(points)).max() < 2e-4


def test_clothes_do_not_turn_a_head_out_of_its_place() -> None:
    vertices, faces = ball()
    vertices = vertices * [0.8, 1.2, 1] + 0.01 * np.sin(vertices[:, ::-1] * 40)
    face = vertices[:, 1] > -0.05
    truth = Truth(vertices.astype(np.float32), faces.astype(np.int32), face.astype(np.uint8), ("clothes", "face"))
    landmarks = vertices[face][:468]
    case = Case("dressed", np.zeros((8, 8, 3), np.uint8), truth=truth, camera=Camera((256.0, 256.0), 1000.0), landmarks=landmarks)
    padded = vertices + np.where(face, 0, 0.02)[:, None] * [1.0, -0.5, 1.0]
    shift = np.array([0.004, 0, 0.003])
    motion = motions(MeasuredTruth(case), NearestSurface(padded + shift, faces), landmarks + shift)["A1"]
    assert np.abs(motion(landmarks + shift) - landmarks).max() < 5e-4


def test_volumes_of_balls_overlap_as_their_radii_say() -> None:
    vertices, faces = ball(0.1)
    truth = measured(vertices, faces, cells=occupied_cells(measured(vertices, faces).case.unit_cube(vertices), faces))
    assert volumes(truth, vertices, faces) == {"iou": 1, "behind": 0}
    assert volumes(truth, *ball(0.11))["iou"] == pytest.approx(1 / 1.1**3, abs=0.01)
    assert np.isnan(volumes(measured(vertices, faces), vertices, faces)["iou"])


def test_solid_behind_the_back_is_told_from_solid_beside_it_and_in_front() -> None:
    vertices, faces = ball(0.08)
    truth = measured(vertices, faces, cells=occupied_cells(measured(vertices, faces).case.unit_cube(vertices), faces))
    behind, before = (volumes(truth, vertices + np.array([0, 0, depth]), faces)["behind"] for depth in (-0.02, 0.02))
    # A ball moved by a quarter of its radius leaves 3/16 of it, and a little more, outside.
    assert 0.15 < behind < 0.25 and before == 0
    assert volumes(truth, vertices + np.array([0.02, 0, 0]), faces)["behind"] < 0.1 * behind + 0.06


def test_a_broken_mesh_is_told_from_a_sound_one() -> None:
    vertices, faces = ball(detail=2)
    sound = mesh_health(vertices, faces)
    assert (sound["triangles"], sound["components"], sound["open_edges"], sound["bad_edges"]) == (len(faces), 1, 0, 0)
    twice = np.concatenate([vertices, vertices + 1])
    broken = mesh_health(twice, np.concatenate([faces[1:], faces + len(vertices), [[0, 1, 2]]]))
    assert broken["components"] == 2 and broken["open_edges"] + broken["bad_edges"] > 0


def test_a_rough_mesh_bends_more_than_a_smooth_one_and_a_cube_by_its_corners() -> None:
    box = trimesh.creation.box()
    # Six of the eighteen edges are diagonals of its sides.
    assert mesh_health(np.asarray(box.vertices), np.asarray(box.faces))["bend"] == pytest.approx(90 * 12 / 18)
    vertices, faces = ball(detail=4)
    rough = vertices + np.random.default_rng(0).normal(0, 0.0005, vertices.shape)
    assert mesh_health(rough, faces)["bend"] > 1.5 * mesh_health(vertices, faces)["bend"]


def test_the_columns_of_others_follow_their_definitions() -> None:
    truth, other = measured(*plane()), NearestSurface(*plane(0.004))
    icon = as_icon(truth, other, STAY, 0)
    assert icon["icon_p2s"] == pytest.approx(0.4, abs=1e-3) == icon["icon_chamfer"]
    sith = as_sith(truth, other, STAY, 4000, 0)
    mine, its = truth.samples(4000, 0).position, other.sample(4000, 1000).position
    assert sith["sith_p2s"] == pytest.approx(1000 * cKDTree(its).query(mine)[0].mean())
    assert sith["sith_p2s"] > 4 and sith["sith_nc"] == pytest.approx(1) and sith["sith_f"] > 99


def test_colours_of_seen_and_hidden_sides_are_measured_apart() -> None:
    vertices, faces = ball()
    colours = np.full((len(vertices), 3), 128, np.uint8)
    truth = measured(vertices, faces, colours=colours)
    guess = np.where(vertices[:, 2:] > -0.08, 128 / 255, 0.1) * np.ones(3)
    row = colour_errors(truth, vertices, faces, guess)
    assert row["psnr_observed"] > row["psnr_hidden"] + 8 and row["psnr_hidden"] == pytest.approx(-20 * np.log10(128 / 255 - 0.1), abs=1.0)
    assert row["ssim_observed"] > 0.9
    assert colour_errors(measured(vertices, faces), vertices, faces, guess) == {}


def test_normal_pictures_of_the_same_shape_agree_and_of_others_do_not() -> None:
    truth = measured(*ball())
    assert normal_error(truth, *ball()) < 1e-6 < normal_error(truth, ball()[0] * [1, 1, 0.5], ball()[1])


def test_the_bootstrap_interval_covers_the_mean() -> None:
    rng = np.random.default_rng(4)
    intervals = [mean_interval(rng.normal(5, 2, 40)) for _ in range(100)]
    assert sum(low < 5 < high for _, low, high in intervals) >= 88
    assert mean_interval(np.array([1.0, np.nan, 3.0]))[0] == 2 and np.isnan(mean_interval(np.array([]))[0])

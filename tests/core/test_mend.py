"""What a surface is rid of at last: short edges, slivers, folds, intersections and thin handles; and what it keeps."""

import numpy as np
import pytest

from likeness.core.geometry.mesh import signed_volume
from likeness.core.surface import mend
from likeness.core.surface.extract import check_manifold, extract_surface
from likeness.core.surface.handles import cut_handles, genus
from likeness.core.surface.mend import SHORTEST, SLIVER, Shape, mend_surface
from likeness.core.surface.smooth import smooth_surface

SIZE = 0.1  # metres of a unit of the fields below
Surface = tuple[np.ndarray, np.ndarray]


MIDDLE = np.array([0.013, 0.007, 0.004])  # between the lattice's points


def ball(radius: float = 0.5):
    return lambda points: np.linalg.norm(points - MIDDLE, axis=1) - radius


def torus(points: np.ndarray, thick: float = 0.06, centre: float = 0.6) -> np.ndarray:
    return np.hypot(np.hypot(points[:, 0] - centre, points[:, 1]) - 0.25, points[:, 2]) - thick


def surface(field, cells: int = 64) -> Surface:
    vertices, faces = extract_surface(field, None, cells)
    return (SIZE * vertices).astype(np.float32), faces


def pairs_that_meet(vertices: np.ndarray, faces: np.ndarray) -> int:
    """By Blender's own search, which its 3D print check uses."""
    import bpy  # noqa: F401  Blender's modules are there when it is.
    from mathutils.bvhtree import BVHTree

    tree = BVHTree.FromPolygons(vertices.tolist(), faces.tolist(), epsilon=0)
    return sum(not {*faces[a].tolist()} & {*faces[b].tolist()} for a, b in tree.overlap(tree) if a < b)


def crumpled(by: float = 0.004, seed: int = 0) -> Surface:
    """A ball with a crumpled place: folds, slivers, short edges and triangles that run through each other."""
    vertices, faces = surface(ball())
    vertices = smooth_surface(vertices, faces, 4)
    near = np.linalg.norm(vertices - [0, 0, 0.05], axis=1) < 0.015
    vertices[near] += np.random.default_rng(seed).normal(0, by, (near.sum(), 3)).astype(np.float32)
    return vertices, faces


def test_marching_leaves_short_edges_and_slivers() -> None:
    shape = Shape.of(*surface(ball()))
    assert shape.shortest.min() < SHORTEST and shape.aspect.max() > SLIVER


def test_a_mended_surface_has_nothing_wrong_and_is_where_it_was() -> None:
    before = surface(ball())
    vertices, faces, source = mend_surface(*before)
    check_manifold(vertices, faces)
    assert not Shape.of(vertices, faces).wrong.any()
    assert np.abs(np.linalg.norm(vertices - SIZE * MIDDLE, axis=1) - 0.05).max() < 1e-3  # a third of an edge
    assert np.linalg.norm(vertices - before[0][source], axis=1).max() < 3e-3
    assert signed_volume(vertices, faces) == pytest.approx(signed_volume(*before), rel=2e-3)


def test_a_crumpled_place_is_mended_and_the_rest_left_alone() -> None:
    before = crumpled()
    assert pairs_that_meet(*before) > 20 and Shape.of(*before).folded.sum() > 20
    vertices, faces, source = mend_surface(*before)
    check_manifold(vertices, faces)
    shape = Shape.of(vertices, faces)
    assert not shape.wrong.any() and pairs_that_meet(vertices, faces) == 0
    assert np.abs(np.linalg.norm(vertices - SIZE * MIDDLE, axis=1) - 0.05).max() < 3e-3
    moved = np.linalg.norm(vertices - before[0][source], axis=1) > 0
    assert moved.any() and not moved[vertices[:, 2] < 0].any()


def test_a_clean_surface_stays_as_it_is() -> None:
    vertices, faces = surface(ball())
    vertices = smooth_surface(vertices, faces, 4)
    mended = mend_surface(vertices, faces)
    assert np.array_equal(mended[0], vertices) and np.array_equal(mended[1], faces)


def test_without_relaxing_folds_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mend, "_STEPS", 0)
    vertices, faces, _ = mend_surface(*crumpled())
    assert Shape.of(vertices, faces).folded.any()


def test_long_spikes_are_mended() -> None:
    vertices, faces = crumpled(0.002)
    near = np.linalg.norm(vertices - [0, 0, 0.05], axis=1) < 0.004
    vertices[near] += np.random.default_rng(0).normal(0, 0.015, (near.sum(), 3)).astype(np.float32)
    assert not Shape.of(*mend_surface(vertices, faces)[:2]).wrong.any()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_mending_that_spreads_to_the_border_of_what_is_looked_at_leaves_no_hole_or_fold(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mend, "_AROUND", 1)
    vertices, faces, _ = mend_surface(*crumpled(0.006, seed))
    check_manifold(vertices, faces)
    assert not Shape.of(vertices, faces).wrong.any()


def test_faces_without_an_area_are_looked_through_too() -> None:
    vertices, faces = surface(ball(), 32)
    vertices[np.unique(faces[: len(faces) // 2 + 1])] = vertices[0]
    assert Shape.of(vertices, faces).wrong.any()


def test_intersections_are_those_that_blender_finds() -> None:
    """Two balls run through each other, every pair at a large angle."""
    one, faces = surface(ball(0.4), 32)
    vertices, both = np.concatenate([one, one + np.float32([0.05, 0.003, 0.001])]), np.concatenate([faces, faces + len(one)])
    found = Shape.of(vertices, both).intersecting
    assert found.sum() > 100
    import bpy  # noqa: F401
    from mathutils.bvhtree import BVHTree

    tree = BVHTree.FromPolygons(vertices.tolist(), both.tolist(), epsilon=0)
    meeting = {a for a, b in tree.overlap(tree) if not {*both[a].tolist()} & {*both[b].tolist()}}
    assert meeting == set(np.flatnonzero(found).tolist())


def test_layers_that_cross_at_a_small_angle_beside_a_fold_are_found_unless_the_look_is_hasty() -> None:
    across, along = np.meshgrid(np.arange(9) - 4.0, np.arange(9) - 4.0)
    flat = np.stack([across, along, 0 * across], -1).reshape(-1, 3)
    tilted = flat @ np.array([[np.cos(0.35), 0, np.sin(0.35)], [0, 1, 0], [-np.sin(0.35), 0, np.cos(0.35)]]) + [0.1, 0.2, 0.05]
    number = np.arange(81).reshape(9, 9)
    a, b, c, d = (number[rows, columns].ravel() for rows in (slice(-1), slice(1, None)) for columns in (slice(-1), slice(1, None)))
    layer = np.concatenate([np.stack([a, b, d], 1), np.stack([a, d, c], 1)])
    fold = np.array([[0.3, 0.3, -0.6], [0.3, 1.3, -0.6], [1.3, 0.3, -0.6]])  # looks the other way
    vertices = 1e-3 * np.concatenate([flat, tilted, fold])
    faces = np.concatenate([layer, layer + 81, [[162, 163, 164]]])
    assert Shape.of(vertices, faces).intersecting.sum() > 10
    assert not Shape.of(vertices, faces, hasty=True).intersecting[:-1].any()


@pytest.mark.parametrize("thick", [0.04, 0.12])
def test_a_thin_handle_is_cut_and_a_thick_one_stays(thick: float) -> None:
    field = lambda points: np.minimum(ball()(points), torus(points, thick))  # noqa: E731
    before = surface(field)
    assert genus(*before) == 1
    vertices, faces, _ = mend_surface(*before)
    check_manifold(vertices, faces)
    around = 2 * np.pi * thick * SIZE
    assert genus(vertices, faces) == int(around > 0.06)
    assert not Shape.of(vertices, faces).wrong.any()


def test_a_narrow_hole_is_closed() -> None:
    hole = lambda points: np.hypot(points[:, 0], points[:, 1]) - 0.05  # noqa: E731
    before = surface(lambda points: np.maximum(ball()(points), -hole(points)))
    vertices, faces, source = cut_handles(*before, 0.06)
    assert genus(*before) == 1 and genus(vertices, faces) == 0
    assert np.array_equal(source[: len(before[0])], np.arange(len(before[0]))) and source.max() < len(before[0])
    mended = mend_surface(*before)
    check_manifold(*mended[:2])
    assert genus(*mended[:2]) == 0 and not Shape.of(*mended[:2]).wrong.any()


def test_all_of_several_handles_are_cut() -> None:
    field = lambda points: np.minimum.reduce([ball()(points), torus(points, 0.05), torus(points * [-1, 1, 1], 0.05)])  # noqa: E731
    before = surface(field)
    vertices, faces, _ = mend_surface(*before)
    assert genus(*before) == 2 and genus(vertices, faces) == 0


def test_a_thin_handle_far_from_a_thick_one_is_cut() -> None:
    thick = lambda points: torus(points * [-1, 1, 1], 0.12)  # noqa: E731
    before = surface(lambda points: np.minimum.reduce([ball()(points), thick(points), torus(points, 0.05)]))
    assert before[0][0, 0] < -0.06, "the search begins at the thick one"
    vertices, faces, _ = mend_surface(*before)
    check_manifold(vertices, faces)
    assert genus(*before) == 2 and genus(vertices, faces) == 1


def test_a_handle_that_relaxing_draws_into_a_thread_is_cut_after_all(monkeypatch: pytest.MonkeyPatch) -> None:
    vertices, faces = surface(lambda points: np.minimum(ball()(points), torus(points, 0.04)))
    near = (np.abs(vertices[:, 1]) < 0.012) & (vertices[:, 0] > 0.07)
    vertices[near] += np.random.default_rng(1).normal(0, 0.01, (near.sum(), 3)).astype(np.float32)
    tried = []

    def later(vertices: np.ndarray, faces: np.ndarray, longest: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As if it had been too thick at first."""
        tried.append(len(vertices))
        return cut_handles(vertices, faces, longest if len(tried) > 1 else 0)

    monkeypatch.setattr(mend, "cut_handles", later)
    mended, some, source = mend_surface(vertices, faces)
    check_manifold(mended, some)
    assert len(tried) == 2 and genus(mended, some) == 0 and not Shape.of(mended, some).wrong.any()
    assert len(source) == len(mended) and source.max() < len(vertices)

"""Scanned heads on hm08: registration, lids on eyeballs, putting a head on a person."""

from pathlib import Path

import numpy as np
import pytest

from likeness.core.geometry.mesh import loop_subdivision
from likeness.core.models.head import HeadModel
from likeness.training.humans.faces import EYES, HM08_COUNT, LASHES, Faces, Shape, ball, follow, lid_rim, on_eyeball
from likeness.training.humans.registration import SmoothField, register

OCTAHEDRON = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float)
OCTAHEDRON_FACES = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])
BONES = 163


def sphere(levels: int, radii: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Ellipsoid (V, 3), (F, 3), metres."""
    vertices, faces = OCTAHEDRON, OCTAHEDRON_FACES
    for _ in range(levels):
        matrix, faces = loop_subdivision(faces, len(vertices))
        vertices = matrix @ vertices
        vertices /= np.linalg.norm(vertices, axis=1, keepdims=True)
    return vertices * radii, faces


def person() -> Shape:
    """The head model's mean in hm08's vertices; those it lacks lie far away."""
    model = HeadModel.load()
    vertices = np.full((HM08_COUNT, 3), 9.0, np.float32)
    known = model.hm08 >= 0
    vertices[model.hm08[known]] = model.mean[known]
    vertices[LASHES] = vertices[lid_rim()][np.arange(LASHES.stop - LASHES.start) % len(lid_rim())] + [0, 0, 0.002]
    return Shape(vertices, np.tile(model.skeleton.joints[:1], (BONES, 1)))


def heads(own: Shape) -> Faces:
    """A made-up shape space: the target 1 cm higher than the reference, one mode that widens the head."""
    model = HeadModel.load()
    rows = np.unique(model.hm08[model.hm08 >= 0])
    reference = own.vertices[rows]
    share = np.clip((reference[:, 1] + 0.2) / 0.1, 0, 1).astype(np.float32)
    eyes = np.zeros(HM08_COUNT, np.float32)
    skin = (model.part == 0) & (model.hm08 >= 0)
    eyes[model.hm08[skin]] = model.regions["eyes"][skin]
    widen = reference * np.array([0.1, 0, 0], np.float32)
    rim = lid_rim()
    pairs = []
    for side in (1, -1):
        own_side = rim[own.vertices[rim, 0] * side > 0]
        height = own.vertices[own_side, 1]
        pairs.append(np.searchsorted(rows, [own_side[height.argmax()], own_side[height.argmin()]]))
    target = reference + np.array([0, 0.01, 0], np.float32)
    return Faces(rows, share, reference, target, widen[None], eyes[rows], np.array(pairs))


def test_registration_lands_on_the_target_and_keeps_its_anchors() -> None:
    vertices, faces = sphere(3, (0.1, 0.1, 0.1))
    target = sphere(4, (0.112, 0.095, 0.1))
    anchors = np.array([0, 2])
    places = np.array([[0.112, 0, 0], [0, 0.095, 0]])
    moved = register(vertices, faces, target, np.zeros(len(vertices), bool), anchors, places)
    off = np.abs(np.linalg.norm(moved / [0.112, 0.095, 0.1], axis=1) - 1) * 0.1
    assert off.max() < 5e-4
    assert np.linalg.norm(moved[anchors] - places, axis=1).max() < 1e-4


def test_free_vertices_follow_their_neighbours_instead_of_the_target() -> None:
    vertices, faces = sphere(3, (0.1, 0.1, 0.1))
    dented, target_faces = sphere(4, (0.1, 0.1, 0.1))
    dented[dented[:, 2] > 0.09, 2] -= 0.005
    free = vertices[:, 2] > 0.07
    moved = register(vertices, faces, (dented, target_faces), free, np.zeros(0, int), np.zeros((0, 3)))
    assert moved[vertices[:, 2].argmax(), 2] > 0.0985


def test_a_field_known_in_places_is_continued_smoothly() -> None:
    vertices, faces = sphere(3, (1, 1, 1))
    known = np.tile([[2.0, -1.0]], (len(vertices), 1))
    weight = (vertices[:, 0] > 0.5).astype(float)
    assert np.allclose(SmoothField(faces, len(vertices)).solve(known * weight[:, None], weight, 0.1), known, atol=1e-3)


def test_a_ball_is_measured_from_its_surface() -> None:
    points = sphere(2, (0.017, 0.017, 0.017))[0] + [0.03, 0.01, -0.02]
    centre, radius = ball(points[points[:, 2] > -0.02])
    assert np.allclose(centre, [0.03, 0.01, -0.02], atol=1e-6)
    assert radius == pytest.approx(0.017)


def test_lids_keep_the_models_distance_to_another_eyeball() -> None:
    eye, other = sphere(2, (0.017,) * 3)[0], sphere(2, (0.016,) * 3)[0] + [0.001, 0, 0.002]
    lid = sphere(2, (0.018,) * 3)[0][:20]
    stray = lid * 1.1 + [0.001, 0, 0.002]
    weight = np.ones(20)
    weight[5:] = 0
    placed = on_eyeball(stray, other, lid, eye, weight)
    assert np.allclose(np.linalg.norm(placed[:5] - [0.001, 0, 0.002], axis=1), 0.017, atol=1e-6)
    assert np.array_equal(placed[5:], stray[5:])


def test_followers_move_with_the_nearest_leaders() -> None:
    before = np.random.default_rng(0).uniform(0, 1, (30, 3))
    points = before.copy()
    points[:20] += [0, 0.5, 0]
    follow(points, before, slice(25, 30), np.arange(20))
    assert np.allclose(points[25:] - before[25:], [0, 0.5, 0])
    assert np.array_equal(points[20:25], before[20:25])


def test_the_average_person_gets_exactly_the_target_head() -> None:
    own = person()
    faces = heads(own)
    moved = faces.put_on(own, own, np.zeros(1), keep=1.0).vertices - own.vertices
    head = np.setdiff1d(faces.rows[faces.share == 1], lid_rim())
    assert np.allclose(moved[head], [0, 0.01, 0], atol=1e-5)


def test_a_mode_widens_the_head_and_lids_stay_on_the_eyeballs() -> None:
    own = person()
    faces = heads(own)
    narrow, wide = (faces.put_on(own, own, np.array([amount]), keep=1.0).vertices for amount in (-1.0, 2.0))
    ears = faces.rows[(np.abs(faces.reference[:, 0]) > 0.07) & (faces.share == 1)]
    assert (np.abs(wide[ears, 0]) > np.abs(narrow[ears, 0])).all()
    rim = lid_rim()
    left = rim[own.vertices[rim, 0] > 0]
    (centre, radius), (own_centre, own_radius) = ball(wide[EYES[0]]), ball(own.vertices[EYES[0]])
    gap = np.linalg.norm(wide[left] - centre, axis=1) - radius
    own_gap = np.linalg.norm(own.vertices[left] - own_centre, axis=1) - own_radius
    assert np.abs(gap - own_gap).max() < 1e-3


def test_keep_fades_what_was_the_persons_own_in_the_head() -> None:
    own = person()
    faces = heads(own)
    broad = Shape(own.vertices * np.array([1.2, 1, 1], np.float32), own.bones)
    ear = faces.rows[np.where(faces.share == 1, faces.reference[:, 0], 0).argmax()]
    width = [faces.put_on(broad, broad, np.zeros(1), keep).vertices[ear, 0] / own.vertices[ear, 0] for keep in (0.0, 0.5, 1.0)]
    assert np.allclose(width, [1.0, 1.1, 1.2], atol=0.02)


def test_a_saved_file_is_small_and_gives_the_same_heads(tmp_path: Path) -> None:
    own = person()
    faces = heads(own)
    path = tmp_path / "faces.npz"
    faces.save(path)
    again = Faces.load(path)
    assert [item.name for item in tmp_path.iterdir()] == ["faces.npz"]
    assert path.stat().st_size < 1e6
    one, two = (each.put_on(own, own, np.ones(1), 0.5).vertices for each in (faces, again))
    assert np.abs(one - two).max() < 1e-4

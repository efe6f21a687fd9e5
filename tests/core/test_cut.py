"""Where a head ends: in a bowl outside of which nothing is left, with blunt shoulders and a round rim, and never at the crop's walls."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from likeness.core.geometry.mesh import face_normals, vertex_normals
from likeness.core.settings import CUTS
from likeness.core.surface.cut import _CUTS, below_cut, cut_head, onto_cut
from likeness.core.surface.extract import check_manifold, extract_surface
from likeness.core.surface.mend import Shape, mend_surface
from likeness.core.surface.smooth import smooth_surface
from likeness.core.surface.solid import ClosedSurface, from_solid, largest_part, to_solid
from likeness.core.surface.trim import _closing, trimmed

CENTRE, HALF = np.array([0.0, 0.119, 0.036]), 0.2  # of a head's crop about its neck's joint
KINDS = [kind for kind in CUTS if kind != "none"]


def person(points: np.ndarray) -> np.ndarray:
    """A head on a neck on wide shoulders."""
    points = CENTRE + HALF * points
    skull = np.linalg.norm((points - [0, 0.15, 0.04]) / [1, 1.25, 1.1], axis=1) - 0.09
    neck = np.maximum(np.hypot(points[:, 0], points[:, 2] - 0.01) - 0.055, points[:, 1] - 0.1)
    shoulders = np.linalg.norm((points - [0, -0.1, 0]) / [2.6, 0.9, 1], axis=1) - 0.1
    return np.minimum.reduce([skull, neck, shoulders]) / HALF


@pytest.fixture(scope="module")
def whole() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices in the torso's frame, faces, and which vertices are at the crop's walls."""
    vertices, faces = extract_surface(person, None, 128)
    at_wall = np.abs(vertices).max(1) > 1 - 3 / 128
    return CENTRE + HALF * smooth_surface(vertices, faces, 4), faces, at_wall


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_head_is_closed_and_clean_and_ends_nowhere_at_the_walls(whole: tuple[np.ndarray, ...], kind: str) -> None:
    vertices, faces, at_wall = whole
    assert at_wall.sum() > 100
    ended, rest, _ = mend_surface(*cut_head(vertices, faces, kind, at_wall)[:2])
    check_manifold(ended, rest)
    assert not Shape.of(ended, rest).wrong.any()
    assert (np.abs((ended - CENTRE) / HALF).max(1) < 1 - 2 / 128).all()
    high = vertices[vertices[:, 1] > 0.15]
    assert np.percentile(cKDTree(ended).query(high)[0], 95) < 1e-6  # all but what was mended


def test_the_cuts_leave_more_from_neck_to_bust(whole: tuple[np.ndarray, ...]) -> None:
    wide = {kind: float(np.ptp(cut_head(*whole[:2], kind, whole[2])[0][:, 0])) for kind in KINDS}
    assert wide["neck"] < wide["collar"] < wide["bust"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_closing_face_is_smooth(whole: tuple[np.ndarray, ...], kind: str) -> None:
    ended, rest, _ = cut_head(*whole[:2], kind, whole[2])
    normals, closing = vertex_normals(ended, rest), cKDTree(whole[0]).query(ended)[0] > 0.004
    faces = rest[closing[rest].all(1)]
    turned = (normals[faces[:, 0]] * normals[faces[:, 1]]).sum(1)
    assert len(faces) > 200 and np.percentile(turned, 1) > 0.94


@pytest.mark.parametrize("kind", KINDS)
def test_the_rim_is_round(whole: tuple[np.ndarray, ...], kind: str) -> None:
    """Nowhere do faces meet in a sharp edge."""
    ended, rest, _ = cut_head(*whole[:2], kind, whole[2])
    normals = face_normals(ended, rest)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-20
    turned = np.einsum("fi,fki->fk", normals, vertex_normals(ended, rest)[rest])
    assert np.percentile(turned, 0.2) > 0.87


def test_shoulders_end_blunt(whole: tuple[np.ndarray, ...]) -> None:
    """Upright at their ends, and thick right behind them."""
    ended, _, _ = cut_head(*whole[:2], "bust", whole[2])
    for side in (-1, 1):
        out = side * ended[:, 0]
        assert np.ptp(ended[out > out.max() - 0.01, 1]) > 0.024
    assert np.ptp(ended[:, 0]) > 0.25


def test_a_shallow_bust_is_narrower_and_keeps_some_of_the_shoulders(whole: tuple[np.ndarray, ...]) -> None:
    """Where the photo ends high, little is left under the slope of the shoulders."""
    vertices, faces, at_wall = whole
    unseen = (vertices[:, 1] < -0.04) & (vertex_normals(vertices, faces)[:, 2] > 0)
    ended = cut_head(vertices, faces, "bust", 0 * at_wall > 0, None, unseen)[0]
    assert 0.21 < np.ptp(ended[:, 0]) < 0.26


def test_what_is_under_the_head_is_told_from_its_sides(whole: tuple[np.ndarray, ...]) -> None:
    ended, rest, under = cut_head(*whole[:2], "bust", whole[2])
    assert under.sum() > 500 and vertex_normals(ended, rest)[under, 1].max() < -0.7
    out = np.abs(ended[:, 0])
    assert not under[out > out.max() - 0.005].any()


def test_wide_hair_is_left_above_the_shoulders(whole: tuple[np.ndarray, ...]) -> None:
    hair = np.array([[0.18, 0.12, 0.0], [-0.18, 0.12, 0.0]])
    assert (below_cut(hair, "bust") < 0).all() and (below_cut(hair - [0, 0.12, 0], "bust") > 0.02).all()


def test_points_outside_come_onto_the_cut() -> None:
    points = np.random.default_rng(4).uniform([-0.3, -0.3, -0.2], [0.3, 0.0, 0.2], (500, 3))
    for kind in KINDS:
        outside = below_cut(points, kind) > 0
        ended = onto_cut(points, kind)
        assert outside.any() and np.allclose(ended[~outside], points[~outside], atol=1e-12)
        assert np.abs(below_cut(ended[outside], kind)).max() < 1e-6


def test_a_crop_that_is_small_makes_the_bust_smaller(whole: tuple[np.ndarray, ...]) -> None:
    vertices, faces, _ = whole
    walls = np.abs(vertices[:, 0]) > 0.125
    free, kept = (cut_head(vertices, faces, "bust", walls & wanted)[0] for wanted in (False, True))
    assert np.ptp(kept[:, 0]) < np.ptp(free[:, 0]) - 0.02


def test_a_crop_that_is_small_does_not_cost_the_chin(whole: tuple[np.ndarray, ...]) -> None:
    """A head bent down to the chest: of the bowl, so much stays that it passes under the chin."""
    vertices, faces, _ = whole
    walls, chin = vertices[:, 1] < -0.06, np.array([[0.0, -0.045, 0.1]])
    small, kept = (cut_head(vertices, faces, "bust", walls, face)[0] for face in (None, chin))
    assert kept[:, 1].min() < -0.074 < small[:, 1].min() - 0.002


def test_the_bust_ends_in_front_where_the_photo_does(whole: tuple[np.ndarray, ...]) -> None:
    """Of what the photo would show below its edge, all is a guess."""
    vertices, faces, at_wall = whole
    edge = -0.065
    unseen = (vertices[:, 1] < edge) & (vertex_normals(vertices, faces)[:, 2] > 0)
    full, ended = (cut_head(vertices, faces, "bust", 0 * at_wall > 0, None, what)[0] for what in (None, unseen))
    middle = cKDTree(vertices[unseen & (np.abs(vertices[:, 0]) < 0.05)])
    left = [int((middle.query(points)[0] < 1e-4).sum()) for points in (full, ended)]
    assert left[0] > 100 and left[1] < 0.2 * left[0]
    assert np.ptp(ended[:, 0]) > 0.8 * np.ptp(full[:, 0]), "shoulders stay"


def test_a_photo_that_ends_at_the_chin_keeps_a_neck(whole: tuple[np.ndarray, ...]) -> None:
    vertices, faces, at_wall = whole
    unseen = (vertices[:, 1] < 0.06) & (vertex_normals(vertices, faces)[:, 2] > 0)
    assert cut_head(vertices, faces, "bust", at_wall, None, unseen)[0][:, 1].min() < -0.02


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_around_the_cut_need_go_through_the_boolean(whole: tuple[np.ndarray, ...], kind: str) -> None:
    vertices, faces, _ = whole
    bowl, none = _CUTS[kind], np.zeros((len(vertices), 0))
    beyond = bowl.beyond(vertices)
    solid = bowl.solid(vertices[np.abs(beyond) < 0.002], 0.003)
    expected, _ = from_solid(largest_part(to_solid(ClosedSurface(vertices, faces, none)) ^ solid))
    found, rest = trimmed(vertices, faces, beyond, solid, bowl.centre)
    check_manifold(found, rest)
    # Whether an edge that is next to nothing is collapsed depends on the whole's size.
    assert abs(len(rest) - len(expected.faces)) <= 4 and abs(len(found) - len(expected.vertices)) <= 2
    assert np.percentile(cKDTree(found).query(expected.vertices)[0], 99.9) < 1e-6
    untouched = trimmed(vertices, faces, beyond - beyond.max() - 1, solid, bowl.centre)
    assert np.array_equal(untouched[0], vertices.astype(np.float32)) and np.array_equal(untouched[1], faces)


def test_no_wall_of_what_is_trimmed_is_beside_much_of_the_solid() -> None:
    """A boolean compares all faces whose boxes meet: with long slanting walls, under long hair, it took four seconds."""
    bowl = _CUTS["bust"]
    around, up = (one.ravel() for one in np.meshgrid(np.linspace(-0.5, 0.5, 9), np.linspace(-0.6, 0.9, 9)))
    away = np.column_stack([np.cos(up) * np.cos(around), np.sin(up), np.cos(up) * np.sin(around)])
    hair = bowl.centre + 1.01 * away / bowl.gauge(bowl.centre + away)[:, None]
    corner = (np.arange(8)[:, None] * 9 + np.arange(8)).ravel()
    faces = np.concatenate([np.stack([corner, corner + 9, corner + 10], 1), np.stack([corner, corner + 10, corner + 1], 1)])
    places, walls = _closing(hair, faces, bowl.beyond(hair), bowl.centre)
    solid = np.asarray(bowl.solid(np.zeros((0, 3)), 0.003).to_mesh64().vert_properties)[:, :3]
    low, high = places[walls].min(1), places[walls].max(1)
    held = [((solid > one) & (solid < other)).all(1).mean() for one, other in zip(low, high, strict=True)]
    assert max(held) < 0.01


def test_what_closes_a_cut_is_coarse_below_alone() -> None:
    bowl = _CUTS["bust"]
    around, up = (one.ravel() for one in np.meshgrid(np.linspace(-0.6, 0.6, 30), (-1.3, 0.4)))
    away = np.column_stack([np.cos(up) * np.cos(around), np.sin(up), np.cos(up) * np.sin(around)])
    rim = bowl.centre + away / bowl.gauge(bowl.centre + away)[:, None]
    solid = bowl.solid(rim, 0.0015).to_mesh64()
    vertices, faces = np.asarray(solid.vert_properties)[:, :3], np.asarray(solid.tri_verts).astype(np.int64)
    far, normals = cKDTree(rim).query(vertices)[0], vertex_normals(vertices, faces)
    side = ((vertices > rim.min(0)) & (vertices < rim.max(0))).all(1) & (normals[:, 1] > -0.9)
    edges = np.linalg.norm(vertices[faces[:, 0]] - vertices[faces[:, 1]], axis=1)
    parts = far < 4e-3, side & (far > 1e-2), (normals[:, 1] < -0.96) & (far > 1e-2)
    at_rim, beside, below = (np.median(edges[part[faces].all(1)]) for part in parts)
    assert max(at_rim, beside) < 2.2e-3 and below > 2.5e-3

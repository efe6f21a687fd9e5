"""Where a head ends: a smooth cut below which nothing is left, closed by a face as fine as the rest, and never at the crop's walls."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from likeness.core.geometry.mesh import vertex_normals
from likeness.core.settings import CUTS
from likeness.core.surface.cut import _CUTS, _below, cut_head
from likeness.core.surface.extract import check_manifold, extract_surface
from likeness.core.surface.mend import Shape, mend_surface
from likeness.core.surface.smooth import smooth_surface
from likeness.core.surface.solid import ClosedSurface, from_solid, largest_part, to_solid
from likeness.core.surface.trim import trimmed

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
    assert len(faces) > 200 and np.percentile(turned, 1) > 0.95


def test_a_crop_that_is_small_makes_the_bust_smaller(whole: tuple[np.ndarray, ...]) -> None:
    vertices, faces, at_wall = whole
    free = cut_head(vertices, faces, "bust", np.zeros(len(vertices), bool))[0]
    kept = cut_head(vertices, faces, "bust", at_wall)[0]
    assert np.ptp(kept[:, 0]) < np.ptp(free[:, 0]) - 0.02


def test_a_crop_that_is_small_does_not_cost_the_chin(whole: tuple[np.ndarray, ...]) -> None:
    """A head bent down to the chest: of the bell, so much stays that it passes under the chin."""
    vertices, faces, at_wall = whole
    chin = np.array([[0.0, -0.03, 0.1]])
    free, kept, small = (cut_head(vertices, faces, "bust", *options)[0] for options in ((0 * at_wall > 0,), (at_wall, chin), (at_wall,)))
    assert np.ptp(small[:, 0]) < np.ptp(kept[:, 0]) - 0.005 and np.ptp(kept[:, 0]) < np.ptp(free[:, 0]) + 1e-6


def test_the_bust_ends_in_front_where_the_photo_does(whole: tuple[np.ndarray, ...]) -> None:
    """Of what the photo would show below its edge, all is a guess."""
    vertices, faces, at_wall = whole
    edge = -0.05
    unseen = (vertices[:, 1] < edge) & (vertex_normals(vertices, faces)[:, 2] > 0)
    full, ended = (cut_head(vertices, faces, "bust", at_wall, None, what)[0] for what in (None, unseen))
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
    cut, none = _CUTS[kind], np.zeros((len(vertices), 0))
    below = _below(cut, vertices.min(0) - 0.02, vertices.max(0) + 0.02, 0.003)
    expected, _ = from_solid(largest_part(to_solid(ClosedSurface(vertices, faces, none)) - to_solid(below)))
    height = vertices[:, 1] - cut.height(vertices[:, 0], vertices[:, 2])
    found, rest = trimmed(vertices, faces, height, below)
    assert len(rest) == len(expected.faces) and len(found) == len(expected.vertices)
    assert cKDTree(found).query(expected.vertices)[0].max() < 1e-6
    untouched = trimmed(vertices, faces, height - height.min() + 1, below)
    assert np.array_equal(untouched[0], vertices.astype(np.float32)) and np.array_equal(untouched[1], faces)

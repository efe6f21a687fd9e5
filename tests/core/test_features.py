"""A fitted model's fine features are carried over to a coarse surface, and only where the surface is that of the model."""

from collections.abc import Callable

import numpy as np
import pytest

from likeness.core.geometry.mesh import cross, face_normals, signed_volume, unique_edges
from likeness.core.models.head import HeadModel
from likeness.core.models.prior import FaceBlend
from likeness.core.photo.parsing import CLASSES
from likeness.core.surface.extract import extract_surface
from likeness.core.surface.features import Features, uncovered
from likeness.core.surface.refine import refine

Height = Callable[[np.ndarray, np.ndarray], np.ndarray]
OPEN = np.ones((64, 64), np.float32)
FLAT: Height = lambda x, y: 0 * x  # noqa: E731


def plate(height: Height, spacing: float, reach: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """A height field that looks at the viewer: vertices (V, 3) and faces (F, 3)."""
    axis = np.arange(-reach, reach + spacing / 2, spacing)
    x, y = (part.ravel() for part in np.meshgrid(axis, axis))
    number = np.arange(len(x)).reshape(len(axis), -1)
    a, b, c, d = number[:-1, :-1].ravel(), number[:-1, 1:].ravel(), number[1:, 1:].ravel(), number[1:, :-1].ravel()
    faces = np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])
    return np.column_stack([x, y, height(x, y)]).astype(np.float32), faces


def furrow(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """2 mm deep and some 2 mm wide, with walls that are steep for its viewer."""
    return -0.01 * np.exp(-((y / 0.004) ** 4))


def with_features(model: Height, surface: Height, picture: np.ndarray = OPEN) -> tuple[np.ndarray, np.ndarray]:
    """The surface, of cells of 3 mm, with the features of a model whose mask reaches 2 cm from the middle."""
    fine, fine_faces = plate(model, 0.003)
    coarse, coarse_faces = plate(surface, 0.015)
    mask = (np.hypot(fine[:, 0], fine[:, 1]) < 0.1).astype(np.float32)
    features = Features.of(fine, fine_faces, mask, coarse, coarse_faces)
    assert features is not None
    return features.on(coarse, coarse_faces, picture)


def apart(found: np.ndarray, wanted: Height, within: float = 0.09) -> float:
    """Largest distance along z, crop units, of what lies in the mask."""
    here = found[np.hypot(found[:, 0], found[:, 1]) < within]
    return float(np.abs(here[:, 2] - wanted(here[:, 0], here[:, 1])).max())


def test_a_furrow_finer_than_the_cells_is_carried_over() -> None:
    found, faces = with_features(furrow, FLAT)
    assert apart(found, furrow) < 0.003
    edges = unique_edges(faces)[0]
    inside = (np.hypot(found[:, 0], found[:, 1]) < 0.09)[edges].all(1)
    assert np.linalg.norm((found[edges[:, 0]] - found[edges[:, 1]])[inside, :2], axis=1).max() < 0.0051
    far = np.hypot(found[:, 0], found[:, 1]) > 0.13
    assert (found[far, 2] == 0).all()


def test_steep_walls_of_a_feature_are_carried_over_too() -> None:
    step: Height = lambda x, y: -0.02 * np.clip(y / 0.004 + 0.5, 0, 1)  # noqa: E731
    fine, fine_faces = plate(step, 0.001, 0.1)
    coarse, faces = plate(FLAT, 0.015)
    features = Features.of(fine, fine_faces, np.ones(len(fine), np.float32), coarse, faces)
    assert features is not None
    found, _ = features.on(coarse, faces, OPEN)
    wall = found[(np.abs(found[:, 1]) < 0.002) & (np.abs(found[:, 0]) < 0.05)]
    assert np.abs(wall[:, 2] - wall[:, 2].mean() - step(*wall[:, :2].T) - 0.01).max() < 0.006


def test_what_bends_over_centimetres_stays_the_surfaces() -> None:
    bent: Height = lambda x, y: 0.01 + 0.05 * x  # noqa: E731
    found, _ = with_features(furrow, bent)
    assert apart(found, lambda x, y: bent(x, y) + furrow(x, y)) < 0.004


@pytest.mark.parametrize("shift", [0.0, 0.01])
def test_hair_that_stands_out_over_a_feature_stays(shift: float) -> None:
    tuft: Height = lambda x, y: shift + 0.06 * np.exp(-((np.hypot(x, y) / 0.03) ** 4))  # noqa: E731
    found, _ = with_features(furrow, tuft)
    assert apart(found, tuft, 0.015) < 0.006


def test_what_covers_the_face_keeps_its_features_away() -> None:
    found, faces = with_features(furrow, FLAT, np.zeros((64, 64), np.float32))
    assert (found[:, 2] == 0).all()
    assert len(faces) == len(plate(FLAT, 0.015)[1])


def test_a_surface_behind_the_features_does_not_move() -> None:
    fine, fine_faces = plate(furrow, 0.003)
    front, faces = plate(FLAT, 0.015)
    both, all_faces = np.concatenate([front, front - [0, 0, 0.2]]), np.concatenate([faces, faces[:, ::-1] + len(front)])
    features = Features.of(fine, fine_faces, np.ones(len(fine), np.float32), both, all_faces)
    assert features is not None
    found, _ = features.on(both, all_faces, OPEN)
    assert (found[len(front) : 2 * len(front)] == both[len(front) :].astype(np.float32)).all()


def test_overhangs_of_the_surface_are_unfolded() -> None:
    coarse, faces = plate(FLAT, 0.015)
    overhanging = coarse.copy()
    overhanging[:, 1] += 0.05 * np.exp(-((np.hypot(coarse[:, 0], coarse[:, 1]) / 0.03) ** 2))
    assert (face_normals(overhanging, faces)[:, 2] < 0).any()
    fine, fine_faces = plate(furrow, 0.003)
    features = Features.of(fine, fine_faces, np.ones(len(fine), np.float32), overhanging, faces)
    assert features is not None
    found, finer = features.on(overhanging, faces, OPEN)
    assert (face_normals(found, finer)[:, 2] > 0).all()


def test_the_edge_of_a_lip_over_teeth_is_not_ragged() -> None:
    teeth, own = plate(lambda x, y: 0 * x - 0.02, 0.003)
    along, up = np.array([0.96, 0.28, 0]), np.array([-0.28, 0.96, 0])
    lip = teeth[:, :1] * along + (teeth[:, 1:2] + 0.3) / 2 * up
    model, faces = np.concatenate([teeth, lip]).astype(np.float32), np.concatenate([own, own + len(teeth)])
    surface = plate(lambda x, y: 0 * x - 0.01, 0.015)
    features = Features.of(model, faces, (np.hypot(model[:, 0], model[:, 1]) < 0.1).astype(np.float32), *surface)
    assert features is not None
    found, finer = features.on(*surface, OPEN)
    assert np.ptp(found[np.hypot(found[:, 0], found[:, 1]) < 0.05, 2]) > 0.018
    middle, normals = found[finer].mean(1), face_normals(found, finer)
    edge = normals[(np.abs(middle @ up) < 0.012) & (np.abs(middle[:, :2]).max(1) < 0.06)]
    assert np.abs(edge @ along).sum() < 0.33 * np.abs(edge @ up).sum()


def test_features_that_are_turned_away_are_left_alone() -> None:
    turned: Height = lambda x, y: 6 * y + furrow(x, y)  # noqa: E731
    steep: Height = lambda x, y: 6 * y  # noqa: E731
    assert apart(with_features(turned, steep)[0], steep) < 0.002
    fine, faces = plate(furrow, 0.01)
    assert Features.of(fine, faces[:, ::-1], np.ones(len(fine), np.float32), fine, faces) is None


def test_hair_hats_and_hands_cover_a_face_and_glasses_do_not() -> None:
    shares = np.zeros((100, 100, len(CLASSES)), np.float32)
    shares[:50, :, CLASSES.index("hair")] = 1
    shares[50:, :, CLASSES.index("glasses")] = 1
    found = uncovered(np.ones((100, 100)), shares)
    assert found[:45].max() < 0.01
    assert found[55:].min() > 0.99
    assert 0.2 < found[49:51].mean() < 0.8
    assert (uncovered(np.full((4, 4), 0.5), None) == 0.5).all()


def test_refining_a_part_keeps_a_closed_surface_closed() -> None:
    ball: Callable[[np.ndarray], np.ndarray] = lambda points: np.linalg.norm(points, axis=1) - 0.5  # noqa: E731
    vertices, faces = extract_surface(ball, None, 32)
    chosen = vertices[:, 0] > 0.1
    finer, more = refine(vertices, faces, chosen, 0.03)
    edges, of_faces = unique_edges(more)
    assert (np.bincount(of_faces.ravel()) == 2).all()
    assert len(finer) - len(edges) + len(more) == 2
    assert signed_volume(finer, more) == pytest.approx(signed_volume(vertices, faces), rel=1e-5)
    assert (finer[: len(vertices)] == vertices).all()
    length = np.linalg.norm(finer[edges[:, 0]] - finer[edges[:, 1]], axis=1)
    assert length[(finer[edges, 0] > 0.15).all(1)].max() <= 0.03
    coarse = (finer[edges, 0] < 0).all(1)
    assert coarse.sum() == (vertices[unique_edges(faces)[0], 0] < 0).all(1).sum()


def test_what_is_refined_does_not_grow_among_ever_poorer_triangles() -> None:
    axis = np.arange(-10, 11) / 10
    across, up = (one.ravel() for one in np.meshgrid(axis, axis))
    # Slanting rows: one diagonal of what is left of a face is far longer than the other.
    vertices = np.column_stack([across + 0.3 * up, 0.5 * up, 0 * up])
    corner = (np.arange(20)[:, None] * 21 + np.arange(20)).ravel()
    faces = np.concatenate([np.stack([corner, corner + 1, corner + 22], 1), np.stack([corner, corner + 22, corner + 21], 1)])
    finer, more = refine(vertices, faces, np.hypot(across, up) < 0.35, 0.07)
    a, b, c = finer[more].transpose(1, 0, 2)
    sides = [np.linalg.norm(one - other, axis=1) for one, other in ((a, b), (b, c), (c, a))]
    aspect = np.max(sides, axis=0) ** 2 / np.abs(cross(b - a, c - a)[:, 2])
    assert aspect.max() < 10 and (aspect > 6).sum() < 20


def test_a_heads_features_are_its_lids_lips_and_nostrils() -> None:
    model = HeadModel.load()
    rest, mask, landmarks = model.closed_rest, model.features, model.mediapipe.on(model.mean)

    def at(*numbers: int) -> np.ndarray:
        return np.array([mask[np.linalg.norm(rest - landmarks[number], axis=1).argmin()] for number in numbers])

    assert at(159, 145, 386, 374, 33, 263).min() > 0.95
    assert at(0, 17, 13, 14, 61, 291, 2, 98, 327).min() > 0.95
    assert at(10, 152, 234, 454, 105, 334, 50, 280, 168).max() < 0.05


def test_a_bad_fit_lends_no_features() -> None:
    assert FaceBlend(np.ones(1), 0.8).certainty == pytest.approx(1)
    assert FaceBlend(np.ones(1), 0.0).certainty == 0


def pocketed(pocket: float) -> tuple[np.ndarray, np.ndarray]:
    """A plate that leads 12 mm behind itself above a mouth, as high as that says in crop units."""
    vertices, faces = plate(FLAT, 0.01)
    across, up = vertices[:, 0], vertices[:, 1]
    round_ = np.exp(-((np.hypot(across / 0.06, up / 0.03)) ** 4))
    return vertices + np.column_stack([0 * up, pocket * np.exp(-(((up + 0.01) / 0.02) ** 2)) * round_, -0.06 * round_]), faces


def teeth_seen() -> tuple[np.ndarray, np.ndarray]:
    """A photo (P, P, 3) and a parsing (P, P, C) with teeth in its middle."""
    shares = np.zeros((128, 128, len(CLASSES)), np.float32)
    x, y = np.meshgrid((np.arange(128) + 0.5) / 64 - 1, 1 - (np.arange(128) + 0.5) / 64)
    shares[np.hypot(x / 0.08, y / 0.04) < 1, CLASSES.index("teeth")] = 1
    return np.full((128, 128, 3), 0.5, np.float32), shares


def test_teeth_hide_the_ledge_where_the_models_own_end() -> None:
    fine, faces = plate(FLAT, 0.003)
    ledge = np.abs(fine[:, 1]) < 0.007
    surface = fine - np.outer(0.006 * ledge, [0, 0, 1]).astype(np.float32)
    features = Features.of(fine, faces, (~ledge).astype(np.float32), surface, faces)
    assert features is not None
    uneven = []
    for one in (features, features.with_teeth(*teeth_seen())):
        found = one.on(surface, faces, OPEN)[0]
        uneven.append(np.ptp(found[(np.abs(found[:, 0]) < 0.03) & (np.abs(found[:, 1]) < 0.02), 2]))
    assert uneven[1] < 0.3 * uneven[0]


def test_a_pocket_behind_parted_lips_is_drawn_out() -> None:
    surface, faces = pocketed(0.06)
    fine, fine_faces = plate(FLAT, 0.003)
    features = Features.of(fine, fine_faces, np.ones(len(fine), np.float32), surface.astype(np.float32), faces)
    assert features is not None
    folded = []
    for one in (features, features.with_teeth(*teeth_seen())):
        found, finer = one.on(surface.astype(np.float32), faces, OPEN)
        middle = found[finer].mean(1)
        folded.append((face_normals(found, finer)[np.hypot(middle[:, 0], middle[:, 1]) < 0.1, 2] < 0).mean())
    assert folded[1] < 0.1 * folded[0]

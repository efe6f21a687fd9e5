"""A head on a body: one closed surface without a step, whose head is the head's and whose body is the body's."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from likeness.core.errors import ReconstructionError
from likeness.core.geometry.mesh import unique_edges
from likeness.core.surface import join
from likeness.core.surface.collapse import collapse_short_edges
from likeness.core.surface.extract import check_manifold, extract_surface
from likeness.core.surface.join import JoinedSurface, JoinPlace, join_hand, join_head
from likeness.core.surface.smooth import smooth_surface
from likeness.core.surface.solid import ClosedSurface

DISTANCE = 3.0
CAMERA = np.array([0, 0, DISTANCE])
EYES = np.array([0.0, 0.6, 0.1])
NECK = EYES + np.array([0, -0.15, -0.1])
CENTRE, HALF = EYES + np.array([0, -0.03, -0.08]), 0.2  # of the head's crop
Distance = Callable[[np.ndarray], np.ndarray]


def ball(centre: tuple[float, float, float], radius: float, tall: float = 1.0) -> Distance:
    return lambda points: np.linalg.norm((points - centre) / [1, tall, 1], axis=1) - radius


def rod(start: tuple[float, float, float], end: tuple[float, float, float], radius: float) -> Distance:
    a, axis = np.array(start), np.array(end) - start

    def distance(points: np.ndarray) -> np.ndarray:
        along = np.clip((points - a) @ axis / (axis @ axis), 0, 1)
        return np.linalg.norm(points - a - along[:, None] * axis, axis=1) - radius

    return distance


def union(*parts: Distance) -> Distance:
    return lambda points: np.min([part(points) for part in parts], axis=0)


def surface(distance: Distance, centre: np.ndarray, half: float, cells: int, colour: float) -> ClosedSurface:
    vertices, faces = extract_surface(lambda points: distance(centre + half * points) / half, None, cells)
    vertices = smooth_surface(vertices, faces, 2)
    return ClosedSurface((centre + half * vertices).astype(np.float32), faces, np.full((len(vertices), 1), colour, np.float32))


def place() -> JoinPlace:
    return JoinPlace(CENTRE + HALF * np.array(list(product((-1, 1), repeat=3)), float), NECK, np.array([0.0, 1.0, 0.0]))


def person(neck: float, nose: float = 0.0, depth: float = 0.0, *more: Distance, head: float = 0.02) -> Distance:
    """Torso, neck and head, the neck as thick and the neck and the head as deep as said."""
    throat = rod((0, 0.3, depth), (0, 0.6, depth), neck)
    torso, skull = ball((0, 0.05, 0), 0.22, 1.7), ball((0, 0.62, head), 0.1, 1.2)
    return union(torso, throat, skull, ball((0, 0.6, 0.12), nose + 1e-3), *more)


BODY = surface(person(0.058), np.zeros(3), 0.9, 128, 0.0)
HEAD = surface(person(0.05, 0.025, 0.004), CENTRE, HALF, 64, 1.0)


@pytest.fixture(scope="module")
def joined() -> JoinedSurface:
    return join_head(BODY, HEAD, place(), DISTANCE)


def nearest(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    from scipy.spatial import cKDTree

    return cKDTree(others).query(points)[0]


def heights(joined: JoinedSurface) -> np.ndarray:
    return joined.surface.vertices[:, 1] - NECK[1]


def test_what_does_not_hang_together_with_the_body_is_left_out() -> None:
    centre = np.array([0.5, 0.3, 0.0])
    crumb = surface(ball((0.5, 0.3, 0.0), 0.03), centre, 0.05, 32, 0.0)
    pairs = zip((BODY.vertices, BODY.faces, BODY.values), (crumb.vertices, crumb.faces + len(BODY.vertices), crumb.values), strict=True)
    both = join_head(ClosedSurface(*(np.concatenate(pair) for pair in pairs)), HEAD, place(), DISTANCE).surface
    assert both.vertices[:, 0].max() < 0.4 and len(both.values) == len(both.vertices)


def test_head_and_body_become_one_closed_surface_without_handles_or_short_edges(joined: JoinedSurface) -> None:
    vertices, faces = joined.surface.vertices, joined.surface.faces
    check_manifold(vertices, faces)
    edges, _ = unique_edges(faces)
    assert len(vertices) - len(edges) + len(faces) == 2
    assert np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1).min() > 5e-5
    assert len(vertices) < 1.3 * (len(BODY.vertices) + len(HEAD.vertices))


def test_the_head_is_the_heads_and_the_body_the_bodys(joined: JoinedSurface) -> None:
    vertices, values, share = joined.surface.vertices, joined.surface.values[:, 0], joined.from_head
    there = CAMERA + joined.scale * (HEAD.vertices - CAMERA)
    assert nearest(vertices[heights(joined) > 0.09], there).max() < 2e-3
    assert nearest(vertices[heights(joined) < -0.12], BODY.vertices).max() < 5e-3
    assert share[heights(joined) > 0.09].min() == 1 and share[heights(joined) < -0.12].max() == 0
    # Colours fade from the one to the other as the shape does, and the cut leaves none out.
    assert np.abs(values - share).max() < 0.05
    assert ((share > 0.2) & (share < 0.8)).sum() > 50


def test_no_step_is_left_where_the_necks_differ(joined: JoinedSurface) -> None:
    assert slope(joined) < 0.45


def slope(joined: JoinedSurface) -> float:
    """The steepest that the neck's back gets wider or narrower in a joined surface, per metre."""
    vertices = joined.surface.vertices[(heights(joined) > -0.03) & (heights(joined) < 0.045)]
    back = vertices[(vertices[:, 2] < -0.03) & (np.abs(vertices[:, 0]) < 0.02)]
    bins = np.floor((back[:, 1] - back[:, 1].min()) / 0.008).astype(int)
    depth = np.array([back[bins == each, 2].mean() for each in np.unique(bins)])
    return float(np.abs(np.diff(depth)).max() / 0.008)


def test_without_a_band_there_would_be_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "_BAND", 0.008)
    assert slope(join_head(BODY, HEAD, place(), DISTANCE)) > 0.6


def test_the_head_moves_along_its_rays_to_the_bodys_neck(joined: JoinedSurface) -> None:
    far = 1.04
    given = replace(HEAD, vertices=CAMERA + far * (HEAD.vertices - CAMERA))
    moved = join_head(BODY, given, place().farther(far, CAMERA), DISTANCE)
    assert moved.scale * far == pytest.approx(joined.scale, abs=1e-3)  # 3 mm at 3 metres


def test_the_bodys_neck_decides_how_far_away_the_head_stands_and_not_its_own_head(joined: JoinedSurface) -> None:
    leaning = surface(person(0.058, head=-0.05), np.zeros(3), 0.9, 128, 0.0)
    assert join_head(leaning, HEAD, place(), DISTANCE).scale == pytest.approx(joined.scale, abs=2e-3)


def test_the_cut_goes_where_the_surfaces_agree(joined: JoinedSurface) -> None:
    lock = rod((0.05, 0.3, -0.1), (0.05, 0.62, -0.08), 0.025)
    with_hair = surface(person(0.05, 0.025, 0.004, lock), CENTRE, HALF, 64, 1.0)
    low_hair = surface(person(0.058, 0.0, 0.0, rod((0.05, 0.3, -0.1), (0.05, 0.44, -0.09), 0.025)), np.zeros(3), 0.9, 128, 0.0)
    same = join_head(low_hair, with_hair, place(), DISTANCE)
    lowest = lambda one: heights(one)[one.from_head > 0].min()  # noqa: E731
    assert lowest(same) < lowest(joined) - 0.015
    check_manifold(same.surface.vertices, same.surface.faces)


def test_raised_shoulders_that_the_head_knows_otherwise_stay_the_bodys() -> None:
    """Arms up, a back 10 cm farther out than the head's networks see it; the chin stays the head's."""
    chest = lambda back, wide: ball((0, 0.42, -back), wide, 0.6)  # noqa: E731
    arms = [rod((side * 0.16, 0.4, 0), (side * 0.22, 0.9, 0), 0.07) for side in (-1, 1)]
    chin = ball((0, 0.5, 0.09), 0.03)
    body = surface(person(0.058, 0.0, 0.0, chest(0.08, 0.2), *arms), np.zeros(3), 0.9, 128, 0.0)
    head = surface(person(0.05, 0.025, 0.004, chest(0.0, 0.12), chin), CENTRE, HALF, 64, 1.0)
    joined = join_head(body, head, place(), DISTANCE)
    vertices = joined.surface.vertices
    behind = (np.abs(vertices[:, 0]) < 0.17) & (vertices[:, 1] > 0.4) & (vertices[:, 1] < 0.48) & (vertices[:, 2] < -0.12)
    assert behind.sum() > 50 and nearest(vertices[behind], body.vertices).mean() < 0.006
    chins = head.vertices[(np.abs(head.vertices[:, 0]) < 0.02) & (head.vertices[:, 2] > 0.1) & (np.abs(head.vertices[:, 1] - 0.5) < 0.02)]
    assert len(chins) and nearest(CAMERA + joined.scale * (chins - CAMERA), vertices[joined.from_head > 0.5]).max() < 0.001


def test_hair_that_the_body_does_not_know_ends_without_a_cut_face() -> None:
    lock = rod((0.05, 0.3, -0.1), (0.05, 0.62, -0.08), 0.025)
    hair = surface(person(0.05, 0.025, 0.004, lock), CENTRE, HALF, 64, 1.0)
    joined = join_head(BODY, hair, place(), DISTANCE)
    vertices, faces = joined.surface.vertices.astype(float), joined.surface.faces
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a) / 2
    area = np.linalg.norm(normals, axis=1)
    behind = (a[:, 2] < -0.05) & (joined.from_head[faces].mean(1) > 0.02)
    level = behind & (normals[:, 1] < -0.99 * area)
    assert area[level].sum() < 0.1 * np.pi * 0.025**2  # of the lock's cross-section


def test_a_head_beside_the_body_is_refused() -> None:
    aside = np.array([0.8, 0, 0])
    where = place()
    with pytest.raises(ReconstructionError):
        join_head(
            BODY, replace(HEAD, vertices=HEAD.vertices + aside), JoinPlace(where.corners + aside, where.neck + aside, where.up), DISTANCE
        )


def test_a_surface_with_a_hole_is_refused() -> None:
    with pytest.raises(ReconstructionError, match="without exactly two faces"):
        join_head(replace(BODY, faces=BODY.faces[1:]), HEAD, place(), DISTANCE)


def test_short_edges_are_collapsed_and_the_surface_stays_closed() -> None:
    vertices, faces = extract_surface(lambda points: np.linalg.norm(points, axis=1) - 0.6, None, 32)
    short = 0.2 / 16
    fewer, rest, kept = collapse_short_edges(vertices, faces, short)
    check_manifold(fewer, rest)
    edges, _ = unique_edges(rest)
    assert np.linalg.norm(fewer[edges[:, 0]] - fewer[edges[:, 1]], axis=1).min() >= short
    assert np.linalg.norm(fewer - vertices[kept], axis=1).max() < 2 * short
    assert len(fewer) < len(vertices)


ARM = rod((-0.5, 0, 0), (0.0, 0, 0), 0.03)
MITTEN = ball((0.08, 0, 0), 0.05)
FINGERS = [rod((0.05, 0, 0), (0.17, 0.03 * number, 0), 0.008) for number in (-2, -1, 0, 1, 2)]
WRIST = JoinPlace(np.array(list(product((-0.1, 0.2), (-0.09, 0.09), (-0.08, 0.08)))), np.zeros(3), np.array([1.0, 0.0, 0.0]))
HAND_CENTRE, HAND_HALF = np.array([0.0, 0, 0]), 0.25
HAND = surface(union(rod((-0.09, 0, 0), (0.06, 0, 0), 0.03), *FINGERS), HAND_CENTRE, HAND_HALF, 128, 1.0)


def mittened(*more: Distance) -> ClosedSurface:
    return surface(union(ball((-0.5, 0, 0), 0.2), ARM, MITTEN, *more), np.array([-0.3, 0, 0]), 0.6, 128, 0.0)


def test_a_hand_with_fingers_takes_the_place_of_a_mitten() -> None:
    found = join_hand(mittened(), HAND, WRIST, DISTANCE)
    ahead = found.vertices[:, 0] > 0.1
    assert nearest(found.vertices[ahead], HAND.vertices).max() < 4e-3
    assert np.abs(found.vertices[found.vertices[:, 0] < -0.1]).max() < 0.8 and len(found.vertices[found.vertices[:, 0] < -0.1]) > 1000
    between = np.hypot(found.vertices[:, 0] - 0.15, found.vertices[:, 1] - 0.0375)
    assert between.min() > 2e-3


@pytest.mark.parametrize("beside", [ball((0.12, 0, -0.14), 0.08), ball((0.08, 0, -0.08), 0.1)])
def test_a_hand_that_is_not_free_stays_as_it_is(beside: Distance) -> None:
    with pytest.raises(ReconstructionError, match="not free"):
        join_hand(mittened(beside, rod((-0.5, 0, 0), (0.1, 0, -0.16), 0.04)), HAND, WRIST, DISTANCE)


def test_a_hand_that_the_body_has_lost_is_put_on() -> None:
    stump = rod((-0.5, 0, 0), (-0.05, 0, 0), 0.03)
    found = join_hand(surface(union(ball((-0.5, 0, 0), 0.2), stump), np.array([-0.3, 0, 0]), 0.6, 128, 0.0), HAND, WRIST, DISTANCE)
    assert found.vertices[:, 0].max() > 0.15


def test_a_hand_far_from_the_body_is_not_put_on() -> None:
    body = surface(ball((-1.2, 0, 0), 0.2), np.array([-1.2, 0, 0]), 0.4, 64, 0.0)
    with pytest.raises(ReconstructionError):
        join_hand(body, HAND, WRIST, DISTANCE)


def test_a_shoulder_that_the_head_has_elsewhere_at_its_crops_wall_stays_the_bodys() -> None:
    """One raised arm, where the necks and the other shoulder agree: it became a slab."""
    arm = lambda forward: rod((0.0, 0.4, forward), (-0.4, 0.46, forward), 0.05)  # noqa: E731
    body = surface(person(0.058, 0.0, 0.0, arm(0.0)), np.zeros(3), 0.9, 128, 0.0)
    head = surface(person(0.05, 0.025, 0.004, arm(0.05)), CENTRE, HALF, 64, 1.0)
    joined = join_head(body, head, place(), DISTANCE)
    vertices = joined.surface.vertices
    shoulder = (vertices[:, 0] < -0.14) & (vertices[:, 0] > -0.25)
    assert shoulder.sum() > 50 and nearest(vertices[shoulder], body.vertices).mean() < 0.0012

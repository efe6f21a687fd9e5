"""Ears of the fitted model in a field and on a surface."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from likeness.core.colour.kinds import HAIR, SKIN, hidden_kinds
from likeness.core.fields.ears import Ears
from likeness.core.fields.field import PointFunction, ReshapedField
from likeness.core.geometry.closest import ClosestSurface
from likeness.core.geometry.mesh import compact, unique_edges, vertex_normals
from likeness.core.models.head import HeadModel
from likeness.core.models.prior import PriorSurface
from likeness.core.photo.framing import HEAD
from likeness.core.surface.ears import with_ears

from .bald_bust import kinds_where, made_bust, places_of

MODEL = HeadModel.load()
NONE, ALL = np.zeros((64, 64), np.float32), np.ones((64, 64), np.float32)


@lru_cache(maxsize=1)
def fitted() -> PriorSurface:
    """The mean head in the crop frame, without a camera's perspective."""
    return PriorSurface.of(MODEL, (MODEL.closed_rest / HEAD.half).astype(np.float32), HEAD)


def own(side: int) -> np.ndarray:
    """Vertices of one ear, 0 the right and 1 the left."""
    return np.flatnonzero(MODEL.ears[side] > 0.99)


class Solid:
    """The field of the fitted head with its vertices moved; no colours are asked for."""

    def __init__(self, vertices: np.ndarray, swollen: float = 0.0) -> None:
        near = (MODEL.ears.max(0) > 0)[fitted().faces].any(1)
        self._surface, self._swollen = ClosestSurface(*compact(vertices, fitted().faces[near])[:2]), swollen

    def distance(self, points: np.ndarray) -> np.ndarray:
        """(N,) signed, near the ears alone."""
        return self._surface.query(points)[0] - self._swollen


def found(field: Solid, silhouette: PointFunction | None = None, covers: np.ndarray | None = None, hair: np.ndarray | None = NONE) -> Ears:
    """Without an outline that tells anything, if none is given."""
    inside: PointFunction = lambda points: np.full(len(points), -1.0, np.float32)  # noqa: E731
    return Ears.of(fitted(), MODEL.ears, ReshapedField(field, field.distance), silhouette or inside, covers, hair)  # pyright: ignore[reportArgumentType]


def apart(points: np.ndarray, field: Solid) -> float:
    """Mean distance, crop units."""
    return float(np.abs(field.distance(points)).mean())


def test_ears_are_the_fitted_models_with_what_is_around_them() -> None:
    right, left = MODEL.ears
    assert (MODEL.closed_rest[right == 1, 0] < 0).all() and (MODEL.closed_rest[left == 1, 0] > 0).all()
    assert 1000 < (left > 0.99).sum() < (left > 0).sum() - 100 < 2000


def test_ears_go_where_the_field_has_them() -> None:
    moved, middle = fitted().vertices.copy(), fitted().vertices[own(1)].mean(0)
    near = MODEL.ears[1][:, None]
    moved += near * ((moved - middle) * [0.1, 0.15, 0.1] + [0.005, 0.01, -0.01])
    field = Solid(moved.astype(np.float32))
    ears = found(field)
    assert apart(fitted().vertices[own(1)], field) > 0.005
    assert apart(ears.surface.vertices[own(1)], field) < 0.002
    off = np.linalg.norm(ears.surface.vertices - moved, axis=1)
    assert off[own(1)].mean() < 0.006
    far = MODEL.ears.max(0) == 0
    assert (ears.surface.vertices[far] == fitted().vertices[far]).all()


def test_what_is_around_an_ear_has_the_fields_long_bends() -> None:
    field = Solid(fitted().vertices, 0.008)
    around = np.flatnonzero((MODEL.ears[1] > 0.02) & (MODEL.ears[1] < 0.4))
    assert apart(found(field).surface.vertices[around], field) < 0.004


def test_ears_end_where_the_outline_does() -> None:
    field = Solid(fitted().vertices)
    widest = float(fitted().vertices[own(1), 0].max())
    wider: PointFunction = lambda points: np.abs(points[:, 0]) - widest - 0.015  # noqa: E731
    assert found(field).surface.vertices[own(1), 0].max() == pytest.approx(widest, abs=0.003)
    assert found(field, wider).surface.vertices[own(1), 0].max() > widest + 0.007


@pytest.mark.parametrize(("covers", "bare"), [(None, 1), (NONE, 1), (ALL, 0)])
def test_what_the_picture_shows_before_an_ear_keeps_it_away(covers: np.ndarray | None, bare: float) -> None:
    ears = found(Solid(fitted().vertices), covers=covers)
    assert (ears.share.max() == 1) == bool(bare) and ears.share.any() == bool(bare)


def test_hair_that_covers_one_ear_covers_the_other_in_doubt() -> None:
    half = np.repeat([[1.0, 0.25]], 64, axis=0).repeat(32, axis=1).astype(np.float32)
    assert not found(Solid(fitted().vertices), covers=half).share.any()
    assert found(Solid(fitted().vertices), covers=np.full((64, 64), 0.25, np.float32)).share.max() == 1
    bare = found(Solid(fitted().vertices), covers=np.where(half == 1, half, 0))
    assert bare.share[own(1)].min() > 0.9 and not bare.share[own(0)].any()


def beside(right: float, left: float) -> np.ndarray:
    return np.repeat([[right, left]], 64, axis=0).repeat(32, axis=1).astype(np.float32)


def test_an_ear_that_the_picture_shows_is_there_though_the_field_has_hair_over_it() -> None:
    assert found(Solid(fitted().vertices, 0.05), covers=NONE).share[own(1)].min() > 0.9
    assert not found(Solid(fitted().vertices, 0.05), covers=beside(0.6, 0.6)).share.any()
    both = found(Solid(fitted().vertices, 0.05), covers=beside(0.25, 0.47))
    assert both.share[own(0)].min() > 0.9 and both.share[own(1)].min() > 0.9, "the other is like it"
    assert not found(Solid(fitted().vertices, 0.05), covers=beside(0.2, 0.2), hair=beside(0.5, 0.5)).share.any(), "it hangs below them"


def test_no_ear_is_half_the_models() -> None:
    shares = [found(Solid(fitted().vertices), covers=beside(0.0, share)).share[own(1)].max() for share in np.arange(0.3, 0.9, 0.02)]
    assert sum(0.02 < share < 0.98 for share in shares) <= 1


def test_an_ear_that_is_turned_away_is_not_shown() -> None:
    turned = fitted().vertices @ np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], np.float32)
    surface = replace(fitted(), vertices=turned)
    inside: PointFunction = lambda points: np.full(len(points), -1.0, np.float32)  # noqa: E731
    hair = Solid(fitted().vertices, 0.05)
    field = ReshapedField(hair, lambda points: hair.distance(points @ np.array([[0, 0, -1], [0, 1, 0], [1, 0, 0]], np.float32)))  # pyright: ignore[reportArgumentType]
    ears = Ears.of(surface, MODEL.ears, field, inside, NONE)
    assert sorted(bool(ears.share[own(side)].any()) for side in (0, 1)) == [False, True]


def test_no_ear_is_put_where_hair_stands_off() -> None:
    assert not found(Solid(fitted().vertices, 0.05)).share.any()
    assert found(Solid(fitted().vertices, 0.01)).share.max() == 1


def test_the_field_has_their_folds_and_keeps_what_is_far() -> None:
    ears = found(Solid(fitted().vertices))
    lump = Solid(fitted().vertices, 0.015)
    field = ears.on(ReshapedField(lump, lump.distance))  # pyright: ignore[reportArgumentType]
    points = fitted().vertices[own(0)]
    assert np.abs(field.distance(points) + 0.0025).mean() < 0.001
    outwards = points + 0.08 * vertex_normals(fitted().vertices, fitted().faces)[own(0)]
    far = np.abs(ears.on(ReshapedField(Solid(fitted().vertices), lambda places: np.full(len(places), 9.0))).distance(outwards))  # pyright: ignore[reportArgumentType]
    assert (far > 8).mean() > 0.5


def test_a_surface_is_moved_onto_them_where_it_is_near_and_alike() -> None:
    ears = found(Solid(fitted().vertices))
    vertices, faces, ids = compact(fitted().vertices, fitted().faces[(MODEL.ears[1] > 0)[fitted().faces].all(1)])
    normals = vertex_normals(vertices, faces)
    inner = MODEL.ears[1][ids] > 0.99
    rough = (vertices + 0.004 * np.sin(90 * vertices[:, 1:2]) * normals).astype(np.float32)
    moved, finer = with_ears(rough, faces, ears)
    closest = ClosestSurface(fitted().vertices, fitted().faces)
    before, after = (np.abs(closest.query(points[: len(inner)][inner])[0]).mean() for points in (rough, moved))
    assert after < 0.2 * before
    edges = unique_edges(finer)[0]
    edges = edges[(edges < len(inner)).all(1) & inner[np.minimum(edges, len(inner) - 1)].all(1)]
    assert np.linalg.norm(rough[edges[:, 0]] - rough[edges[:, 1]], axis=1).max() < 0.0061
    still = (rough + 0.05 * normals).astype(np.float32)
    assert (with_ears(still, faces, ears)[0][: len(inner)] == still).mean() > 0.8
    turned = with_ears(rough, faces[:, ::-1], ears)[0][: len(inner)]
    assert np.linalg.norm(turned - rough, axis=1)[inner].mean() < 0.1 * np.linalg.norm(moved[: len(inner)] - rough, axis=1)[inner].mean()


def test_bare_ears_are_skin_where_hair_hangs_beside() -> None:
    bust = made_bust()
    seen = kinds_where(bust.points, np.abs(bust.points[:, 0]) > 0.3)
    places = places_of(bust.points)
    ear = (np.abs(bust.points[:, 0]) > 0.3) & (np.abs(bust.points[:, 1] + 0.1) < 0.1) & (np.abs(bust.points[:, 2] + 0.4) < 0.1)
    covered = hidden_kinds(seen, bust.weight, places, bust.points)[ear]
    bare = hidden_kinds(seen, bust.weight, places._replace(ears=ear.astype(np.float32)), bust.points)[ear]
    assert covered[:, HAIR].mean() > 0.5
    assert bare[:, SKIN].min() > 0.95

"""Bare skin of a head's field: the fitted model's, with the field's long bends."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from likeness.core.fields.bare import BareSkin, Covers
from likeness.core.fields.ears import Ears
from likeness.core.fields.field import Field, ReshapedField
from likeness.core.geometry.closest import ClosestSurface
from likeness.core.geometry.mesh import vertex_normals
from likeness.core.models.head import HeadModel
from likeness.core.models.prior import PriorSurface
from likeness.core.photo.framing import HEAD

MODEL = HeadModel.load()
SURFACE = PriorSurface.of(MODEL, (MODEL.closed_rest / HEAD.half).astype(np.float32), HEAD)
EARS = MODEL.ears.max(0)
NORMALS = vertex_normals(SURFACE.vertices, SURFACE.faces)
SOLID = ClosestSurface(SURFACE.vertices, SURFACE.faces)
NOTHING = np.zeros((64, 64), np.float32)
COVERED = np.ones((64, 64), np.float32)
HEAD_ALONE = (MODEL.closed_region("head") > 0.5).astype(np.float32)
NO_NECK = np.zeros(len(HEAD_ALONE), np.float32)
NO_EARS = Ears(SURFACE, NO_NECK)


class Model:
    """The fitted head's own field."""

    def prior_distance(self, points: np.ndarray) -> np.ndarray:
        """(N,) signed distance."""
        return SOLID.query(points)[0].astype(np.float32)


class _Turned(ReshapedField):
    """Another field whose points are turned (3, 3), row vectors."""

    def __init__(self, field: Field, turn: np.ndarray) -> None:
        super().__init__(field, lambda points: field.distance(points @ turn.T))
        self._turn = turn

    def prior_distance(self, points: np.ndarray, /) -> np.ndarray:
        """As Field."""
        return self.base.prior_distance(points @ self._turn.T)


def place(x: float, y: float, forward: bool = True) -> int:
    """The vertex of the head's front or back nearest to a place in the picture."""
    away = np.hypot(SURFACE.vertices[:, 0] - x, SURFACE.vertices[:, 1] - y)
    return int(np.where((NORMALS[:, 2] > 0) == forward, away, 9).argmin())


def lumpy(at: int, height: float, width: float = 0.03, bend: float = 0.0) -> Field:
    """The head's field, farther out by `bend` and by a lump of a height and width at one of its vertices; crop units."""

    def distance(points: np.ndarray) -> np.ndarray:
        lump = height * np.exp(-0.5 * (np.linalg.norm(points - SURFACE.vertices[at], axis=1) / width) ** 2)
        return Model().prior_distance(points) - bend - lump.astype(np.float32)

    return ReshapedField(Model(), distance)  # pyright: ignore[reportArgumentType]


def left(
    field: Field, at: int, worn: np.ndarray = NOTHING, beard: np.ndarray = NOTHING, ears: Ears = NO_EARS, neck: np.ndarray = NO_NECK
) -> float:
    """How far the bare skin's surface is outside the fitted model at a vertex, crop units."""
    skin = BareSkin.of(SURFACE, HEAD_ALONE, neck, EARS, ears, field, Covers(worn, NOTHING, beard))
    return float(-skin.on(field).distance(SURFACE.vertices[[at]])[0])


CHEEK, CROWN = place(0.25, -0.15), place(0.1, 0.35, forward=False)


def test_a_lump_on_a_cheek_goes_and_a_long_bend_stays() -> None:
    assert left(lumpy(CHEEK, 0.02), CHEEK) < 0.005
    assert left(lumpy(CHEEK, 0.0, bend=0.015), CHEEK) == pytest.approx(0.015, abs=0.003)


def test_one_high_lump_does_not_draw_the_skin_around_it_outwards() -> None:
    assert left(lumpy(CHEEK, 0.15, 0.05), CHEEK) < 0.008


def test_what_covers_skin_stays_the_fields() -> None:
    assert left(lumpy(CHEEK, 0.02), CHEEK, worn=COVERED) == pytest.approx(0.02, abs=0.002)


def test_a_beard_that_hugs_the_skin_has_no_lumps_and_a_long_one_stays() -> None:
    assert left(lumpy(CHEEK, 0.02), CHEEK, beard=COVERED) < 0.006
    assert left(lumpy(CHEEK, 0.1, 0.1), CHEEK, beard=COVERED) > 0.08


def test_what_nobody_sees_is_bare_where_the_field_keeps_close() -> None:
    assert left(lumpy(CROWN, 0.02), CROWN) < 0.006
    assert left(lumpy(CROWN, 0.1, 0.1), CROWN) == pytest.approx(0.1, abs=0.01)
    assert left(lumpy(CROWN, 0.02), CROWN, neck=1 - NO_NECK) == pytest.approx(0.02, abs=0.002)


def test_hair_hugs_the_head_beside_a_bare_ear() -> None:
    ears = replace(NO_EARS, share=MODEL.ears.max(0))
    away = cKDTree(SURFACE.vertices[MODEL.ears[1] > 0.99]).query(SURFACE.vertices)[0]
    beside = int(np.where((NORMALS[:, 2] > 0.4) & (away > 0.01), away, 9).argmin())
    field = lumpy(beside, 0.02, 0.02)
    assert left(field, beside, worn=COVERED) > 0.009
    assert left(field, beside, worn=COVERED, ears=ears) < 0.006


def keeps_a_lock(at: int, hair: np.ndarray, turn: np.ndarray | None = None) -> bool:
    """Whether a lock that stands a centimetre off bare skin at a vertex is left; hair: where the picture shows some; turn (3, 3): of the
    head's row vectors."""
    turn, field = np.eye(3, dtype=np.float32) if turn is None else turn, lumpy(at, 0.5, 0.03)
    turned = _Turned(field, turn)
    head = replace(SURFACE, vertices=SURFACE.vertices @ turn)
    skin = BareSkin.of(head, HEAD_ALONE, NO_NECK, EARS, Ears(head, NO_NECK), turned, Covers(NOTHING, hair, NOTHING))
    return bool(skin.on(turned).distance((SURFACE.vertices[[at]] + 0.06 * NORMALS[[at]]) @ turn)[0] < 0)


def test_locks_that_the_picture_shows_hang_before_skin_below_the_ears() -> None:
    jaw, temple = place(0.2, -0.4), place(0.25, 0.0)
    ends_above = COVERED * (np.arange(64) < 40)[:, None]  # at 0.25 below the middle
    assert keeps_a_lock(jaw, COVERED) and not keeps_a_lock(jaw, NOTHING) and not keeps_a_lock(temple, ends_above)


def test_locks_that_go_on_below_the_ears_fall_from_above() -> None:
    assert keeps_a_lock(place(0.25, -0.23), COVERED) and not keeps_a_lock(place(0.25, 0.1), COVERED)


def test_locks_hang_from_the_higher_ear_of_a_head_that_leans() -> None:
    """One that ends in the picture above the other ear's lower end."""
    angle, jaw = np.radians(30), place(0.28, -0.36)
    turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]], np.float32)
    end = (SURFACE.vertices[jaw] @ turn)[1] - 0.06
    assert end > (SURFACE.vertices[EARS > 0.5] @ turn)[:, 1].min() + 0.02
    assert keeps_a_lock(jaw, COVERED * (np.arange(64) < (1 - end) * 32)[:, None], turn)


def test_the_skin_around_an_ear_moves_with_it() -> None:
    ear = MODEL.ears[1]
    moved = replace(SURFACE, vertices=(SURFACE.vertices + ear[:, None] * [0.03, 0, 0]).astype(np.float32))
    field = lumpy(CHEEK, 0.0)
    skin = BareSkin.of(SURFACE, HEAD_ALONE, NO_NECK, EARS, Ears(moved, ear), field, Covers(NOTHING, NOTHING, NOTHING)).on(field)
    rim = moved.vertices[ear > 0.99]
    assert np.abs(skin.distance(rim)).mean() < 0.5 * np.abs(field.distance(rim)).mean()

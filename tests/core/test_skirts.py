"""Cloth that hangs around both legs is one round solid down to its hem; trousers, open coats and arms beside it stay as they are."""

import numpy as np
import pytest
import trimesh

from likeness.core.fields.skirt_outline import Wearer, skirt_outline
from likeness.core.fields.skirts import with_skirt

from .shapes import Shape

SIZE = 256
HIPS, KNEES, ANKLES, HEM = 0.0, -0.35, -0.7, -0.45
APART, LEG, ARM = 0.1, 0.07, 0.35  # half of the way between the legs, their radius, and x of an arm that hangs beside the left hip
X, Y = np.meshgrid((np.arange(SIZE) + 0.5) * 2 / SIZE - 1, 1 - (np.arange(SIZE) + 0.5) * 2 / SIZE)


def tube(x: float, low: float, high: float, radius: float) -> trimesh.Trimesh:
    mesh = trimesh.creation.cylinder(radius, segment=[[x, low, 0.0], [x, high, 0.0]], sections=24)
    return trimesh.Trimesh(*trimesh.remesh.subdivide_to_size(mesh.vertices, mesh.faces, 0.05)[:2])


def wearer(level: float = 0.0, arm: float = ARM) -> Wearer:
    trunk = tube(0.0, HIPS - 0.1, 0.5, 0.17)
    parts = [trunk, tube(-APART, ANKLES - 0.05, HIPS, LEG), tube(APART, ANKLES - 0.05, HIPS, LEG), tube(arm, -0.2, 0.4, 0.04)]
    starts = np.cumsum([0, *(len(one.vertices) for one in parts)])
    vertices = np.concatenate([one.vertices for one in parts])
    faces = np.concatenate([one.faces + start for one, start in zip(parts, starts, strict=False)])
    arms = np.arange(len(vertices)) >= starts[-2]
    legs = np.array([[[x, y, 0.0] for y in (HIPS, KNEES, ANKLES)] for x in (APART, -APART)])
    return Wearer(vertices.astype(np.float32), faces, arms, legs, np.array([level, level]))


def body(points: np.ndarray) -> np.ndarray:
    """The fitted body's own distance."""

    def part(x: float, low: float, high: float, radius: float) -> np.ndarray:
        along = np.clip(points[:, 1], low, high)
        return np.linalg.norm(points - np.stack([0 * along + x, along, 0 * along], axis=1), axis=1) - radius

    legs = np.minimum(part(-APART, ANKLES, HIPS, LEG), part(APART, ANKLES, HIPS, LEG))
    return np.minimum(np.minimum(legs, part(0, HIPS, 0.5, 0.17)), part(ARM, -0.2, 0.4, 0.04)).astype(np.float32)


def legs_seen(wide: float = LEG) -> np.ndarray:
    return (np.abs(np.abs(X) - APART) < wide) & (Y > ANKLES - 0.05) & (Y < HIPS + 0.02)


def trunk_seen() -> np.ndarray:
    return (np.abs(X) < 0.17) & (Y > HIPS - 0.05) & (Y < 0.5) | (np.abs(X - ARM) < 0.04) & (Y > -0.2) & (Y < 0.4)


def skirt_seen(flare: float = 0.3, hem: float = HEM) -> np.ndarray:
    return (np.abs(X) < 0.17 + flare * np.maximum(HIPS - Y, 0)) & (hem < Y) & (Y < 0.3)


def pictures(cloth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cloth, and the whole person."""
    return cloth.astype(np.float32), (cloth | trunk_seen() | legs_seen()).astype(np.float32)


def dressed(cloth: np.ndarray, level: float = 0.0) -> Shape:
    return with_skirt(Shape(body), *pictures(cloth), wearer(level))  # type: ignore[return-value]


def at(*points: tuple[float, float, float]) -> np.ndarray:
    return np.array(points, np.float32)


def test_a_skirt_is_one_round_solid() -> None:
    made = dressed(skirt_seen())
    z = np.linspace(-0.6, 0.6, 601)
    for y in (-0.2, -0.35):
        inside = z[made.distance(np.stack([0 * z, 0 * z + y, z], axis=1).astype(np.float32)) < 0]
        half = 0.17 + 0.3 * -y
        assert inside.max() == pytest.approx(half, abs=0.03) and inside.min() == pytest.approx(-half, abs=0.03)
    # An ellipse, no slab: at three quarters of its width it is two thirds as deep.
    assert (made.distance(at((0.21, -0.35, 0.12), (0.21, -0.35, -0.12))) < 0).all()
    assert (made.distance(at((0.21, -0.35, 0.24), (0.21, -0.35, -0.24))) > 0).all()


def test_its_hem_is_an_edge_and_legs_go_on_below_it() -> None:
    made = dressed(skirt_seen())
    assert (made.distance(at((0, HEM + 0.03, 0), (0.2, HEM + 0.03, 0), (0, HEM + 0.03, 0.2))) < 0).all()
    assert (made.distance(at((0, HEM - 0.03, 0), (0.2, HEM - 0.03, 0), (0, HEM - 0.03, 0.2))) > 0).all()
    along = np.linspace(HEM + 0.02, ANKLES, 60)
    for x in (APART, -APART):
        assert (made.distance(np.stack([0 * along + x, along, 0 * along], axis=1).astype(np.float32)) < 0).all()


def test_what_a_field_hangs_on_the_far_side_of_the_hem_is_gone() -> None:
    def draped(points: np.ndarray) -> np.ndarray:
        rag = np.linalg.norm(points - [0, HEM + 0.02, -0.25], axis=1) - 0.06
        return np.minimum(body(points), rag).astype(np.float32)

    made = with_skirt(Shape(draped), *pictures(skirt_seen()), wearer(-0.3))
    assert (made.distance(at((0, HEM + 0.02, -0.25))) > 0).all() and (draped(at((0, HEM + 0.02, -0.25))) < 0).all()


def test_the_hem_is_level_as_the_camera_sees_it() -> None:
    from_above = dressed(skirt_seen(), -0.3)
    near, far = at((0, HEM + 0.04, 0.22)), at((0, HEM + 0.04, -0.2))
    assert from_above.distance(near)[0] < 0 < from_above.distance(far)[0]


def test_a_skirt_to_the_ankles_is_one_too() -> None:
    assert skirt_outline(*pictures(skirt_seen(0.35, ANKLES + 0.02)), wearer()) is not None


@pytest.mark.parametrize("wide", [LEG, 0.085])
def test_trousers_stay_two_legs(wide: float) -> None:
    field = Shape(body)
    assert with_skirt(field, *pictures(legs_seen(wide) | trunk_seen()), wearer()) is field


def test_trousers_whose_legs_touch_down_to_the_shoes_are_none() -> None:
    cloth = (np.abs(X) < APART + LEG) & (Y > ANKLES + 0.03) & (Y < 0.3)
    shoes = legs_seen(0.04) & (Y < ANKLES + 0.03)
    assert skirt_outline(cloth.astype(np.float32), (cloth | shoes).astype(np.float32), wearer()) is None


def test_wide_trousers_whose_legs_touch_are_none() -> None:
    cloth = (np.abs(X) < 0.28) & (Y > ANKLES + 0.1) & (Y < 0.3)
    assert skirt_outline(*pictures(cloth), wearer()) is None


def test_shorts_from_the_side_are_none() -> None:
    cloth = (np.abs(X) < 0.17) & (HEM < Y) & (Y < 0.3)
    shins = (np.abs(X) < 0.09) & (Y > ANKLES) & (Y < 0)
    assert skirt_outline(cloth.astype(np.float32), (cloth | shins).astype(np.float32), wearer()) is None


def test_bare_legs_are_none() -> None:
    assert skirt_outline(*pictures(trunk_seen() & (Y > HIPS)), wearer()) is None


def test_a_short_jacket_is_none() -> None:
    assert skirt_outline(*pictures(skirt_seen(0.3, -0.1)), wearer()) is None


def test_a_coat_that_is_open_in_front_stays_open() -> None:
    closed = skirt_seen()
    opened = closed & ~((np.abs(X) < 0.03) & (Y < HEM + 0.14))
    assert skirt_outline(*pictures(closed), wearer()) is not None
    assert skirt_outline(*pictures(opened), wearer()) is None


def test_an_arm_beside_a_skirt_stays_and_makes_it_no_wider() -> None:
    made = dressed(skirt_seen() | trunk_seen())
    hand = at((ARM, -0.15, 0), (ARM, 0.0, 0.02))
    assert (made.distance(hand) < 0).all()
    assert (made.distance(at((0.29, -0.1, 0), (-0.26, -0.1, 0))) > 0).all()


def test_a_seated_person_wears_none() -> None:
    seated = wearer()
    seated.legs[:, 1, 1:] = 0.02, 0.35
    assert skirt_outline(*pictures(skirt_seen()), seated) is None

"""Levels of detail of the rigged head, and its end along the cuts."""

from collections import Counter

import numpy as np
import pytest

from likeness.core.geometry.closest import ClosestSurface
from likeness.core.models.head import HeadModel
from likeness.core.models.head_levels import LEVELS, RINGS, HeadLevel
from likeness.core.models.joints import NECK
from likeness.core.models.parametric import Parameters
from likeness.core.settings import CUTS
from likeness.core.surface.cut import below_cut
from likeness.core.topology.levels import at_level, on_cut, with_fair_border
from likeness.core.topology.rigged import RiggedHead
from likeness.core.topology.transfer import Transfer

from .model_rig import model_rig


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


@pytest.fixture(scope="module")
def rigged(model: HeadModel) -> RiggedHead:
    values = np.array([{"mouthSmileLeft": 0.7, "jawOpen": 0.3}.get(name, 0.0) for name in model.expression_names])
    turned = np.array([[0.1, 0.3, 0.05], [0.1, -0.2, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]])
    return model_rig(model, Parameters(np.random.default_rng(2).normal(0, 0.7, len(model.identity)), values, turned))


def border_of(quads: np.ndarray) -> np.ndarray:
    """Edges (E, 2) of one quad."""
    edges = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    single, uses = np.unique(edges, axis=0, return_counts=True)
    assert uses.max() == 2
    return single[uses == 1]


@pytest.mark.parametrize("name", LEVELS)
def test_levels_are_the_models_own_vertices_and_uv_alike_on_both_sides(model: HeadModel, name: str) -> None:
    level = HeadLevel.load(name)
    corners = set(zip(model.faces.ravel().tolist(), model.faces_uv.ravel().tolist(), strict=True))
    assert set(zip(level.quads.ravel().tolist(), level.quads_uv.ravel().tolist(), strict=True)) <= corners
    images = {frozenset(quad) for quad in model.mirror[level.quads].tolist()}
    assert images == {frozenset(quad) for quad in level.quads.tolist()}
    assert all(len(set(quad)) == 4 for quad in level.quads.tolist())
    skin = level.quads[model.part[level.quads[:, 0]] == 0]
    assert 0.9 * LEVELS[name] < len(skin) / 5038 < 1.2 * LEVELS[name]
    inside = Counter(skin.ravel().tolist())
    outer = set(border_of(skin).ravel().tolist())
    assert all(3 <= count <= 6 for vertex, count in inside.items() if vertex not in outer)


@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("cut", RINGS)
def test_cuts_leave_one_simple_border(model: HeadModel, name: str, cut: str) -> None:
    level = HeadLevel.load(name).inside(cut)
    edges = border_of(level.quads[model.part[level.quads[:, 0]] == 0])
    assert (np.bincount(edges.ravel())[np.unique(edges)] == 2).all()
    assert len(edges) > 15 and set(HeadLevel.load(name).path(cut).tolist()) == set(edges.ravel().tolist())


def test_settings_name_the_cuts() -> None:
    assert set(RINGS) == set(CUTS) - {"none"}


@pytest.mark.parametrize("cut", RINGS)
def test_the_border_lies_on_the_cut_and_the_skin_where_it_was(model: HeadModel, rigged: RiggedHead, cut: str) -> None:
    ended, places = on_cut(rigged, cut)
    path = HeadLevel.load("full").path(cut)
    assert np.abs(below_cut(rigged.neutral[path] - rigged.joints[NECK], cut)).max() > 0.005, "it has to slide"
    assert np.abs(below_cut(ended.neutral[path] - ended.joints[NECK], cut)).max() < 0.0005
    face = model.regions["face"] > 0.5
    assert np.array_equal(ended.neutral[face], rigged.neutral[face]) and np.array_equal(ended.keys[:, face], rigged.keys[:, face])
    skin = rigged.faces[rigged.face_part == 0]
    for values, rotations in ((rigged.key_values, rigged.rotations), (np.ones(52, np.float32) * 0.3, np.zeros((5, 3)))):
        whole = ClosestSurface(rigged.posed(values, rotations), skin)
        moved = np.flatnonzero(np.linalg.norm(ended.neutral - rigged.neutral, axis=1) > 0.001)
        assert len(moved) > 40 and np.abs(whole.query(ended.posed(values, rotations)[moved])[0]).max() < 0.001
    assert np.allclose(places(rigged.neutral), ended.neutral, atol=1e-6) and np.allclose(ended.weights.sum(1), 1, atol=1e-5)


def test_without_a_cut_nothing_slides(rigged: RiggedHead) -> None:
    assert on_cut(rigged, "none")[0] is rigged


@pytest.mark.parametrize(("name", "most"), [("full", 1e-6), ("half", 0.0009), ("quarter", 0.0018)])
def test_fewer_quads_lie_on_the_head_and_keep_its_shapes(model: HeadModel, rigged: RiggedHead, name: str, most: float) -> None:
    light = at_level(rigged, name, "neck")
    faces, corners, parts = light.polygons()
    assert (faces >= 0).all() and len(corners) == len(faces) and set(parts.tolist()) == set(range(6))
    assert light.keys.shape == (52, len(light.neutral), 3) and light.weights.shape == (len(light.neutral), 5)
    used = np.unique(HeadLevel.load(name).inside("neck").quads)
    assert np.array_equal(light.keys[3], rigged.keys[3][used]) and np.array_equal(light.weights, rigged.weights[used])
    skin = light.faces[light.face_part == 0]
    fine = np.flatnonzero((model.regions["face"] > 0.5) & (model.regions["ears"] < 0.5) & (model.part == 0))
    for values in (np.zeros(52, np.float32), rigged.key_values):
        still = np.zeros((5, 3))
        away = Transfer.between(light.posed(values, still), skin, rigged.posed(values, still)[fine]).distance
        assert np.abs(away).mean() < most


def test_a_ragged_border_becomes_a_smooth_loop_and_what_is_far_from_it_stays() -> None:
    around, rows = 24, 12
    angle, height = np.meshgrid(np.linspace(0, 2 * np.pi, around, endpoint=False), np.linspace(0, 0.3, rows), indexing="ij")
    points = np.stack([0.1 * np.cos(angle), height, 0.1 * np.sin(angle)], -1)
    points[::2, 0, 1] -= 0.02
    number = np.arange(around * rows).reshape(around, rows)
    a, b, c, d = (part[:, some].ravel() for part in (number, np.roll(number, -1, axis=0)) for some in (slice(-1), slice(1, None)))
    vertices = points.reshape(-1, 3)
    fair = with_fair_border(vertices, np.concatenate([np.stack([a, b, d], 1), np.stack([a, d, c], 1)]))
    border = fair[number[:, 0]]
    assert np.ptp(border[:, 1]) < 0.001 and np.abs(np.linalg.norm(border[:, [0, 2]], axis=1) - 0.1).max() < 0.025
    assert np.array_equal(fair[number[:, 6:]], vertices[number[:, 6:]])
    assert not np.array_equal(fair[number[:, 2]], vertices[number[:, 2]])

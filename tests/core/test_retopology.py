"""The head model's quads on a known reconstruction: a head with hair of 15 mm, as one closed surface."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from likeness.core.errors import AssetError, InputError
from likeness.core.geometry.closest import ClosestSurface
from likeness.core.geometry.mesh import vertex_normals
from likeness.core.geometry.visibility import smoothstep
from likeness.core.geometry.walk import WalkedSurface
from likeness.core.models.head import HeadModel
from likeness.core.models.head_levels import HeadLevel
from likeness.core.models.joints import NECK
from likeness.core.models.teeth import UPPER_TEETH
from likeness.core.photo.pose import Pose
from likeness.core.photo.view import Camera
from likeness.core.result import Mesh, Result, ResultView
from likeness.core.surface.cut import below_cut
from likeness.core.topology.anatomy import Anatomy
from likeness.core.topology.quads import QuadMesh, paired
from likeness.core.topology.retopology import template_mesh

HAIR = 0.015


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


@pytest.fixture(scope="module")
def result(model: HeadModel) -> Result:
    """The mean head in its upright frame; red on the left of the face, observed in front."""
    return head(model, {})


def head(model: HeadModel, expression: dict[str, float], **told: float) -> Result:
    values = np.array([expression.get(name, 0.0) for name in model.expression_names])
    rest, joints = model.rest(np.zeros(len(model.identity)), values)
    vertices = model.closed_vertices(rest, joints, np.eye(3))
    faces = model.closed_mesh.faces.astype(np.int32)
    hairy = model.closed_region("scalp")
    vertices = (vertices + HAIR * hairy[:, None] * vertex_normals(vertices, faces) - joints[NECK]).astype(np.float32)
    colours = np.stack([vertices[:, 0] > 0, hairy > 0.5, np.ones(len(vertices))], axis=1).astype(np.float32)
    surface = Mesh(vertices, faces, vertex_normals(vertices, faces), colours, (vertices[:, 2] > 0).astype(np.float32))
    view = ResultView(np.zeros((64, 64, 3), np.uint8), Camera((32, 32), 64 / 0.4), Pose(np.eye(3), joints[NECK]))
    fit = {
        "identity": [0.0] * len(model.identity),
        "expression": dict(zip(model.expression_names, values.tolist(), strict=True)),
        "rotations": np.zeros((5, 3)).tolist(),
    }
    return Result("Ada", {"surface": surface}, (view,), {"fit": fit | told})


@pytest.fixture(scope="module")
def covering(result: Result) -> QuadMesh:
    return template_mesh(result, cover=True, inner=True, progress=lambda share: None)


@pytest.fixture(scope="module")
def bald(result: Result) -> QuadMesh:
    return template_mesh(result, cover=False, inner=False, progress=lambda share: None)


@pytest.fixture(scope="module")
def used(model: HeadModel) -> np.ndarray:
    """The model's vertices that a template with eyes, teeth and tongue has; without them it has the first of these."""
    return np.unique(HeadLevel.load("full").quads)


def distance(quads: QuadMesh, result: Result) -> np.ndarray:
    return np.abs(ClosestSurface(result.surface.vertices, result.surface.faces).query(quads.vertices)[0])


def test_template_is_quads_with_its_uv_map(covering: QuadMesh, bald: QuadMesh, model: HeadModel, used: np.ndarray) -> None:
    for quads in (covering, bald):
        assert (quads.faces >= 0).all() and (quads.faces_uv >= 0).all()
    assert len(covering.vertices) == len(used) and len(bald.vertices) == (used < model.skin_count).sum()
    corners = covering.vertices[covering.faces[covering.faces[:, 3] >= 0]]
    around = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    sides = [np.cross(corners[:, (i + 1) % 4] - corners[:, i], corners[:, i - 1] - corners[:, i]) for i in range(4)]
    convex = np.min([(side * around).sum(1) for side in sides], axis=0) > 0
    assert convex.mean() > 0.95, "whole quads, not bow ties"


def test_template_is_its_own_mirror_image_with_a_simple_border(model: HeadModel) -> None:
    quads, _ = paired(model.faces[model.face_part == 0], model.faces_uv[model.face_part == 0])
    level = HeadLevel.load("full").quads
    level = level[model.part[level[:, 0]] == 0]
    edges = np.sort(np.stack([level, np.roll(level, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    assert np.array_equal(np.unique(np.sort(model.mirror[edges], axis=1), axis=0), np.unique(edges, axis=0))
    single, uses = np.unique(edges, axis=0, return_counts=True)
    border = single[uses == 1]
    assert (np.bincount(border.ravel())[np.unique(border)] == 2).all() and len(level) > 0.97 * len(quads)


def test_face_lies_on_the_reconstruction(
    covering: QuadMesh, bald: QuadMesh, result: Result, model: HeadModel, used: np.ndarray
) -> None:  # fmt: skip
    face = (model.regions["face"] * (1 - model.regions["ears"]) > 0.5)[used] & (covering.wrapped > 0.5)
    assert distance(covering, result)[face].mean() < 0.0003
    skin = face[: len(bald.vertices)] & (bald.wrapped > 0.5)
    assert distance(bald, result)[skin].mean() < 0.0003


def test_hair_is_covered_or_left_out(covering: QuadMesh, bald: QuadMesh, result: Result, model: HeadModel, used: np.ndarray) -> None:
    scalp = model.regions["scalp"][used] > 0.95
    assert np.median(distance(covering, result)[scalp]) < 0.001 and covering.wrapped[scalp].mean() > 0.9
    assert np.median(distance(bald, result)[scalp[: len(bald.vertices)]]) > 0.5 * HAIR
    assert bald.wrapped[scalp[: len(bald.vertices)]].mean() < 0.1, "nothing pulls the skin onto the hair"


@pytest.mark.parametrize(("name", "least"), [("Hair", 0.002), ("Clothes", 0.004)])
def test_skin_lies_below_what_is_worn_over_it(bald: QuadMesh, result: Result, name: str, least: float) -> None:
    """The surface of the shoulders is a centimetre lower than the model's skin, as clothes are that hide another pose of them."""
    surface = result.surface
    clothes = smoothstep(-surface.vertices[:, 1], 0.0, 0.02)
    lower = surface.vertices - (0.01 * clothes[:, None] * surface.normals).astype(np.float32)
    parts = np.zeros((3, len(clothes)), np.float32)
    parts[("Head", "Hair", "Clothes").index(name)] = clothes
    nothing = np.zeros(0, np.float32)
    anatomy = Anatomy(("Head", "Hair", "Clothes"), parts, (), nothing.reshape(0, 3))
    worn = replace(result, meshes={"surface": replace(surface, vertices=lower)}, anatomy=anatomy)
    quads = template_mesh(worn, cover=False, inner=False, progress=lambda share: None)
    covered = (bald.vertices[:, 1] < -0.03) & (bald.vertices[:, 1] > -0.06)
    depth = ClosestSurface(lower, surface.faces).query(quads.vertices[covered])[0]
    assert np.percentile(depth, 95) < -least, "it was above it"
    assert (quads.wrapped[covered] < 0.05).all(), "and is not pulled onto it"


def test_insides_are_not_held_on_the_surface(covering: QuadMesh, model: HeadModel, used: np.ndarray) -> None:
    assert (covering.wrapped[model.part[used] > 0] == 0).all()
    inside = np.concatenate(list(model.closed_mesh.cavities.values()))
    assert (covering.wrapped[np.isin(used, inside[inside < model.skin_count])] < 0.01).all()


def teeth(quads: QuadMesh, model: HeadModel, used: np.ndarray) -> np.ndarray:
    """The upper front teeth (N, 3)."""
    upper = quads.vertices[model.part[used] == UPPER_TEETH]
    return upper[upper[:, 2] > upper[:, 2].max() - 0.004]


def test_teeth_lie_behind_parted_lips_as_they_are_seen(model: HeadModel, used: np.ndarray) -> None:
    parted = head(model, {"jawOpen": 0.3, "mouthUpperUpLeft": 0.5, "mouthUpperUpRight": 0.5})
    quads = template_mesh(parted, cover=True, inner=True, progress=lambda share: None)
    front = teeth(quads, model, used)
    forward = np.broadcast_to(np.float32([0, 0, 1]), front.shape)
    gap = np.nanmedian(WalkedSurface(parted.surface.vertices, parted.surface.faces).meet(front, forward, 0.02)[0])
    assert 0 < gap < 0.0025


def test_teeth_do_not_come_out_through_the_lower_lip(model: HeadModel, used: np.ndarray) -> None:
    smiling = head(
        model, {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8, "jawOpen": 0.1, "mouthUpperUpLeft": 0.6, "mouthUpperUpRight": 0.6}
    )
    quads = template_mesh(smiling, cover=True, inner=True, progress=lambda share: None)
    upper = quads.vertices[model.part[used] == UPPER_TEETH]
    outside = quads.faces[(model.part[used][quads.faces] == 0).all(1)]
    skin = WalkedSurface(quads.vertices, np.concatenate([outside[:, :3], outside[:, [0, 2, 3]]]))
    forward = np.broadcast_to(np.float32([0, 0, 1]), upper.shape)
    along, face, shares = skin.meet(upper, forward, 0.02)
    place = np.einsum("ni,nij->nj", shares, quads.vertices[skin.faces[face]])
    covered = (np.linalg.norm((place - upper)[:, :2], axis=1) < 0.0003) & np.isfinite(along)
    assert covered.sum() > 3 and along[covered].min() > 0.0015


@pytest.mark.parametrize(("told", "lower"), [(0.002, 0.002), (1.0, 0.005), (float("nan"), 0.0), ("low", 0.0)])
def test_teeth_lie_as_low_as_the_report_says(result: Result, model: HeadModel, used: np.ndarray, told: object, lower: float) -> None:
    report = {"fit": result.report["fit"] | {"teeth_drop": told}}
    edges = [
        teeth(template_mesh(one, False, True, lambda share: None), model, used)[:, 1].min()
        for one in (result, Result(result.name, result.meshes, result.views, report))
    ]
    assert edges[0] - edges[1] == pytest.approx(lower, abs=0.0002)


def test_colours_are_carried_over(covering: QuadMesh, model: HeadModel, used: np.ndarray) -> None:
    held = covering.wrapped > 0.9
    x, z = covering.vertices[held, 0], covering.vertices[held, 2]
    clear = np.abs(x) > 0.01
    assert np.array_equal(covering.colours[held, 0][clear] > 0.5, x[clear] > 0)
    assert np.abs(covering.observed[held] - (z > 0))[np.abs(z) > 0.01].max() < 0.01
    assert covering.colours[model.regions["scalp"][used] > 0.95, 1].mean() > 0.9


@pytest.mark.parametrize(
    "fit", [None, {}, {"identity": [1]}, {"identity": [0.0] * 100, "expression": {}, "rotations": [[float("nan")] * 3] * 5}]
)
def test_results_without_a_fit_are_refused(result: Result, fit: object) -> None:
    broken = Result(result.name, result.meshes, result.views, {"fit": fit} if fit is not None else {})
    with pytest.raises(InputError, match="choose the free method"):
        template_mesh(broken, True, True, lambda share: None)


def test_halves_of_quads_find_each_other() -> None:
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [5, 6, 7][::-1], [8, 9, 10]])
    quads, quads_uv = paired(faces, faces + 100)
    assert sorted(quads[0]) == [0, 1, 2, 3] and sorted(quads[1]) == [4, 5, 6, 7] and quads[2].tolist() == [8, 9, 10, -1]
    assert np.array_equal(np.where(quads >= 0, quads + 100, -1), quads_uv)
    for quad in quads[:2].tolist():
        edges = {(quad[i - 1], quad[i]) for i in range(4)}
        assert not edges & {(0, 2), (2, 0), (5, 6), (6, 5)}, "the diagonal is gone"
    cut = faces + 100
    cut[1] += 50  # another island of the UV map
    assert paired(faces, cut)[0][0].tolist() == [0, 1, 2, -1]


@pytest.mark.parametrize(
    "change",
    [
        {"faces": np.int32([[0, 1, 2, 9]])},
        {"faces": np.int32([[0, -1, 2, 1]])},
        {"faces": np.int32([[0, 1, 2, -1]])},
        {"faces": np.zeros((0, 4), np.int32), "faces_uv": np.zeros((0, 4), np.int32)},
        {"wrapped": np.ones(3, np.float32)},
        {"uv": np.full((4, 2), np.nan, np.float32)},
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, change: dict[str, np.ndarray]) -> None:
    quad, flat = np.int32([[0, 1, 2, 3]]), np.zeros((4, 3), np.float32)
    ones = np.ones(4, np.float32)
    arrays = {"vertices": flat, "faces": quad, "uv": flat[:, :2], "faces_uv": quad, "colours": flat, "observed": ones, "wrapped": ones}
    QuadMesh(**arrays).save(tmp_path / "quads.npz")
    assert np.array_equal(QuadMesh.load(tmp_path / "quads.npz").faces, quad)
    QuadMesh(**(arrays | change)).save(tmp_path / "quads.npz")
    with pytest.raises(AssetError, match="make the retopo mesh again"):
        QuadMesh.load(tmp_path / "quads.npz")


def test_template_ends_where_the_head_was_cut(result: Result, model: HeadModel) -> None:
    cut = Result(result.name, result.meshes, result.views, result.report | {"settings": {"cut": "neck"}})
    quads = template_mesh(cut, cover=False, inner=False, progress=lambda share: None)
    edges = np.sort(np.stack([quads.faces, np.roll(quads.faces, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    single, uses = np.unique(edges, axis=0, return_counts=True)
    border = np.unique(single[uses == 1])
    assert len(border) == 42 and np.abs(below_cut(quads.vertices[border], "neck")).max() < 0.003

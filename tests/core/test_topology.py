"""The rigged head on the bundled head model: registration, neutral, keys, joints; and how its files are read."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from likeness.core.errors import AssetError
from likeness.core.geometry.closest import ClosestSurface
from likeness.core.geometry.mesh import face_normals, vertex_normals
from likeness.core.models.fit import ViewFit
from likeness.core.models.head import HeadModel
from likeness.core.models.joints import JAW, LEFT_EYE, NECK, RIGHT_EYE
from likeness.core.models.parametric import Parameters
from likeness.core.photo.view import Camera
from likeness.core.result import Result
from likeness.core.topology.blendshapes import BlendshapeTransfer
from likeness.core.topology.register import ReconstructedSurface, register
from likeness.core.topology.rig import rig_head
from likeness.core.topology.rigged import RiggedHead
from likeness.core.topology.template import Template
from likeness.core.topology.transfer import Transfer

from .model_rig import model_rig

NEUTRAL: dict[str, float] = {}
LAUGH = {"mouthSmileLeft": 0.6, "mouthSmileRight": 0.6, "jawOpen": 0.4}
POUT = {"mouthPucker": 0.6, "browInnerUp": 0.5}


@dataclass(frozen=True)
class Case:
    """A person who is not quite in the head model, a reconstructed surface of theirs, and a fit that errs a little; camera frame."""

    fit: ViewFit
    vertices: np.ndarray
    joints: np.ndarray
    rotation: np.ndarray
    surface: ReconstructedSurface
    faces: np.ndarray


def case(model: HeadModel, expression: dict[str, float], hair: float = 0) -> Case:
    rng = np.random.default_rng(7)
    identity = rng.normal(0, 0.7, len(model.identity))
    values = np.array([expression.get(name, 0.0) for name in model.expression_names])
    rotations = np.array([[0.1, 0.3, 0], [0.05, -0.1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]])
    posed = model.posed(Parameters(identity, values, rotations))
    normals = vertex_normals(posed.vertices, model.faces)
    vertices = posed.vertices.copy()
    for place, height in (([0.04, -0.045, 0.02], 0.003), ([0, -0.03, 0.045], -0.0015), ([0, 0.05, 0.03], 0.002)):
        skin = np.exp(-((model.mean - place) ** 2).sum(1) / (2 * 0.015**2)) * (model.part == 0)
        vertices += (height * skin)[:, None] * normals
    solid = model.closed_vertices(vertices, posed.joints, posed.rotation)
    solid = solid + (hair * model.closed_region("scalp"))[:, None] * vertex_normals(solid, model.closed_mesh.faces)
    fitted = Parameters(identity * (np.arange(len(identity)) < 60) + rng.normal(0, 0.25, len(identity)), values * 0.85, rotations)
    near = model.posed(fitted)
    fit = ViewFit(
        fitted.identity, fitted.expression, rotations, near.rotation, Camera((0, 0), 1.0, np.inf), 0.01,
        near.vertices, near.joints, near.closed_vertices, near.closed_normals,
    )  # fmt: skip
    surface = ReconstructedSurface(solid, vertex_normals(solid, model.closed_mesh.faces))
    return Case(fit, vertices, posed.joints, posed.rotation, surface, model.closed_mesh.faces)


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


@pytest.fixture(scope="module")
def laugh(model: HeadModel) -> tuple[Case, RiggedHead]:
    """A laughing person and the rigged head."""
    given = case(model, LAUGH)
    return given, rig_head(model, given.fit, given.surface)


def face_mean(model: HeadModel, distance: np.ndarray) -> float:
    """Millimetres, mean over the face's open skin by area."""
    template = Template.of(model)
    weight = template.face * template.mass
    return float(1000 * (distance * weight).sum() / weight.sum())


def in_photo(rigged: RiggedHead) -> np.ndarray:
    return rigged.posed(rigged.key_values, rigged.rotations)


def placed(given: Case, points: np.ndarray) -> np.ndarray:
    """Points (N, 3) of the upright frame, which is the fit's, in the camera frame."""
    return points @ given.fit.rotation.T + given.fit.joints[NECK]


def test_the_rigged_face_lies_on_the_surface(model: HeadModel, laugh: tuple) -> None:
    given, rigged = laugh
    distance = np.abs(ClosestSurface(given.surface.vertices, given.faces).query(placed(given, in_photo(rigged)))[0])
    assert face_mean(model, distance[: (model.part == 0).sum()]) < 0.3


def test_every_vertex_finds_its_own_place(model: HeadModel, laugh: tuple) -> None:
    given, rigged = laugh
    skin = model.part == 0
    error = np.linalg.norm(placed(given, in_photo(rigged)) - given.vertices, axis=1)[skin]
    before = np.linalg.norm(given.fit.vertices - given.vertices, axis=1)[skin]
    assert face_mean(model, error) < 1.0 < face_mean(model, before)


def test_no_face_turns_over(model: HeadModel, laugh: tuple) -> None:
    given, rigged = laugh
    before, after = face_normals(given.vertices, model.faces), face_normals(placed(given, in_photo(rigged)), model.faces)
    cosine = (before * after).sum(1) / np.linalg.norm(before, axis=1) / np.linalg.norm(after, axis=1)
    assert (cosine[model.face_part == 0] > 0).all()


def test_lids_and_lips_do_not_cross_themselves(model: HeadModel, laugh: tuple) -> None:
    given, rigged = laugh
    near = np.maximum(model.regions["eyes"], model.regions["lips"]) > 0.5
    faces = model.faces[near[model.faces].all(1) & (model.face_part == 0)]
    assert crossings(rigged.neutral, faces) <= crossings(model.mean, faces) + 2
    assert crossings(in_photo(rigged), faces) <= crossings(given.vertices, faces) + 2


def crossings(vertices: np.ndarray, faces: np.ndarray) -> int:
    """How often an edge goes through a triangle that it shares no vertex with (Möller & Trumbore 1997)."""
    corners = vertices[faces].astype(np.float64)
    centres, reach = corners.mean(1), np.linalg.norm(corners - corners.mean(1, keepdims=True), axis=2).max()
    pairs = cKDTree(centres).query_pairs(2 * reach, output_type="ndarray")
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    apart = (faces[pairs[:, 0]][:, :, None] != faces[pairs[:, 1]][:, None]).all((1, 2))
    pairs = pairs[apart]
    a, b, c = np.moveaxis(corners[pairs[:, 1]], 1, 0)
    found = 0
    for corner in range(3):
        start, ray = corners[pairs[:, 0], corner], corners[pairs[:, 0], (corner + 1) % 3] - corners[pairs[:, 0], corner]
        across = np.cross(ray, c - a)
        volume = (across * (b - a)).sum(1)
        safe = np.where(np.abs(volume) > 1e-18, volume, np.inf)
        u = ((start - a) * across).sum(1) / safe
        turned = np.cross(start - a, b - a)
        v, along = (ray * turned).sum(1) / safe, ((c - a) * turned).sum(1) / safe
        found += int(((u > 0) & (v > 0) & (u + v < 1) & (along > 0) & (along < 1)).sum())
    return found


def test_joints_are_the_persons(model: HeadModel, laugh: tuple) -> None:
    given, rigged = laugh
    linear, offset = rigged.transforms(rigged.rotations)
    joints = placed(given, np.einsum("jab,jb->ja", linear, rigged.joints) + offset)
    assert np.linalg.norm(joints - given.joints, axis=1)[NECK:].max() < 0.004


def test_the_size_that_the_fit_missed_is_found(model: HeadModel, laugh: tuple) -> None:
    given, rigged = laugh
    grown = rig_head(model, given.fit, ReconstructedSurface((1.05 * given.surface.vertices).astype(np.float32), given.surface.normals))
    eyes, usual = (np.linalg.norm(head.joints[LEFT_EYE] - head.joints[RIGHT_EYE]) for head in (grown, rigged))
    assert eyes / usual == pytest.approx(1.05, abs=0.012)


def test_hair_stays_off_the_scalp(model: HeadModel) -> None:
    given = case(model, NEUTRAL, hair=0.02)
    count = int((model.part == 0).sum())
    skin = register(Template.of(model), given.fit.vertices[:count], given.surface)
    region = model.regions["scalp"][:count] > 0.5
    assert np.linalg.norm(skin - given.vertices[:count], axis=1)[region].mean() < 0.006


def test_codes_hold_vertices_along_the_surface(model: HeadModel) -> None:
    given = case(model, NEUTRAL)
    template, count = Template.of(model), int((model.part == 0).sum())
    correspondence = model.correspondence[:count]
    slid = given.vertices[:count] + np.array([0.004, 0.003, 0], np.float32) @ given.rotation.T
    blind = register(template, slid, given.surface, correspondence)
    seeing = register(template, slid, replace(given.surface, correspondence=model.closed_correspondence), correspondence)
    errors = [face_mean(model, np.linalg.norm(skin - given.vertices[:count], axis=1)) for skin in (blind, seeing)]
    assert errors[1] < 0.6 * errors[0]


def test_the_neutral_does_not_depend_on_the_expression(model: HeadModel, laugh: tuple) -> None:
    given = case(model, POUT)
    pout = rig_head(model, given.fit, given.surface)
    skin = model.part == 0
    assert face_mean(model, np.linalg.norm(aligned(pout.neutral[skin], laugh[1].neutral[skin]), axis=1)) < 0.8


def aligned(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """What is left between two skins after the best rigid motion."""
    a, b = points - points.mean(0), target - target.mean(0)
    left, _, right = np.linalg.svd(b.T @ a)
    return a @ (left @ right).T - b


def test_eyeballs_stay_round_and_behind_their_lids(model: HeadModel, laugh: tuple) -> None:
    rigged = laugh[1]
    centre = rigged.joints[LEFT_EYE]
    radius = np.linalg.norm(rigged.neutral[model.part == 1] - centre, axis=1)
    assert np.ptp(radius) < 0.002
    near = np.linalg.norm(rigged.neutral[model.part == 0] - centre, axis=1)
    usual = np.linalg.norm(model.mean[model.part == 0] - model.skeleton.joints[LEFT_EYE], axis=1).min()
    assert near.min() > usual - 0.001


def test_turning_the_jaw_opens_the_mouth_as_its_key_does(laugh: tuple) -> None:
    rigged = laugh[1]
    opened = np.array([float(name == "jawOpen") for name in rigged.key_names])
    turned = np.zeros((5, 3))
    turned[JAW, 0] = rigged.corrective_angles[0]
    by_key, by_joint = rigged.posed(opened, np.zeros((5, 3))), rigged.posed(np.zeros(52), turned)
    assert np.abs(by_key - by_joint).max() < 1e-5
    assert np.abs(by_key - rigged.neutral).max() > 0.02


def test_tongue_leaves_an_open_mouth_free_above_it(laugh: tuple) -> None:
    rigged = laugh[1]
    opened = np.array([float(name == "jawOpen") for name in rigged.key_names])
    shape = rigged.posed(opened, np.zeros((5, 3)))
    upper, lower, tongue = (shape[np.unique(rigged.faces[rigged.face_part == part])] for part in (3, 4, 5))
    # Between the front teeth's edges, and not through the mouth's floor, which lies below the lower ones.
    top, bottom = (teeth[teeth[:, 2] > teeth[:, 2].max() - 0.01] for teeth in (upper, lower))
    gap = top[:, 1].min() - bottom[:, 1].max()
    assert gap > 0.015
    assert tongue[:, 1].max() < bottom[:, 1].max() + 0.7 * gap
    assert tongue[:, 1].min() > bottom[:, 1].min() - 0.015


def test_keys_on_the_mean_are_the_models(model: HeadModel) -> None:
    skin = model.part == 0
    transfer = BlendshapeTransfer(model, model.mean[skin])
    assert np.abs(transfer.offsets() - model.expression[:, skin]).max() < 1e-5
    assert transfer.faithfulness(transfer.offsets()).min() > 0.99


def test_keys_grow_with_the_head(model: HeadModel) -> None:
    skin = model.part == 0
    offsets, usual = BlendshapeTransfer(model, 1.3 * model.mean[skin]).offsets(), model.expression[:, skin]
    smile = model.expression_names.index("mouthSmileLeft")
    share = (offsets[smile] * usual[smile]).sum() / (usual[smile] ** 2).sum()
    assert 1.2 < share < 1.32


def test_the_rig_agrees_with_the_head_model(model: HeadModel) -> None:
    rng = np.random.default_rng(1)
    values = np.zeros(52)
    values[[24, 43]] = 0.5
    parameters = Parameters(rng.normal(0, 0.8, len(model.identity)), values, rng.normal(0, 0.2, (5, 3)))
    posed = model.posed(parameters)
    upright = (posed.vertices - posed.joints[NECK]) @ posed.rotation
    rigged = model_rig(model, parameters)
    assert np.abs(in_photo(rigged) - upright).max() < 1e-5


def test_values_travel_both_ways(model: HeadModel, laugh: tuple) -> None:
    given, rigged = laugh
    posed = placed(given, in_photo(rigged))
    there = Transfer.between(given.surface.vertices, given.faces, posed)
    height = there(given.surface.vertices[:, 1])
    skin = int((model.part == 0).sum())
    assert face_mean(model, np.abs(height - posed[:, 1])[:skin]) < 0.5
    back = Transfer.between(posed, rigged.faces, given.surface.vertices[::9])
    assert back(rigged.correspondence).shape == (len(given.surface.vertices[::9]), 3)


def test_a_result_keeps_its_rigged_head(model: HeadModel, bust: Result, tmp_path) -> None:
    rigged = replace(model_rig(model, model.neutral()), texture=np.zeros((8, 8, 3), np.uint8), texture_observed=np.ones((8, 8), np.uint8))
    replace(bust, rigged=rigged).save(tmp_path / "a.npz")
    back = Result.load(tmp_path / "a.npz").rigged
    assert back is not None
    for name, array in rigged.arrays().items():
        assert np.array_equal(back.arrays()[name], array), name
    bust.save(tmp_path / "b.npz")
    assert Result.load(tmp_path / "b.npz").rigged is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("faces", np.array([[0, 1, 99_999]])),
        ("faces_uv", np.array([[0, 1, -1]])),
        ("neutral", np.full((10, 3), np.nan)),
        ("keys", np.zeros((52, 4, 3))),
        ("parents", np.array([-1, 2, 1, 1, 1])),
        ("weights", np.array([["a"]])),
        ("corrective_angles", np.array([0.0])),
        ("face_part", np.array([77])),
        ("key_names", np.array(["jawOpen"] * 52)),
        ("joints", None),
    ],
)
def test_a_damaged_rigged_head_is_one_sentence(model: HeadModel, name: str, value: np.ndarray | None) -> None:
    arrays = model_rig(model, model.neutral()).arrays()
    if value is None:
        del arrays[f"rig_{name}"]
    else:
        arrays[f"rig_{name}"] = value
    with pytest.raises(AssetError, match="rigged head"):
        RiggedHead.from_arrays(arrays)


def test_what_covers_the_face_does_not_press_it(model: HeadModel) -> None:
    fitted = model.posed(Parameters(np.zeros(len(model.identity)), np.zeros(52), np.zeros((5, 3))))
    skin, template = fitted.vertices[: model.skin_count], Template.of(model)
    fringe = ((model.closed_correspondence[:, 1] > 0.6) & (model.closed_correspondence[:, 1] < 0.75)).astype(np.float32)
    lifted = fitted.closed_vertices + 0.004 * fringe[:, None] * fitted.closed_normals
    surface = ReconstructedSurface(lifted, vertex_normals(lifted, model.closed_mesh.faces))
    there = (template.face > 0.5) & (model.correspondence[: len(skin), 1] > 0.64) & (model.correspondence[: len(skin), 1] < 0.71)

    def moved(one: ReconstructedSurface) -> float:
        return float(np.linalg.norm(register(template, skin, one) - skin, axis=1)[there].mean())

    assert there.sum() > 20
    assert moved(replace(surface, covered=fringe)) < 0.5 * moved(surface)

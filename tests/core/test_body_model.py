"""The bundled body model: that it is one closed, symmetric person whose joints carry the skin and whose head is the head model's."""

from pathlib import Path

import numpy as np
import pytest

from likeness.core.errors import AssetError
from likeness.core.models.body import BODY_FILE, BODY_VERTICES, SCHEMA, BodyModel, with_head
from likeness.core.models.head import EYE_DISTANCE, HeadModel
from likeness.core.models.parametric import Parameters
from likeness.core.models.skinning import joint_transforms


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


def _parameters(body: BodyModel, **turns: tuple[float, float, float]) -> Parameters:
    rotations = np.zeros((len(body.skeleton.names), 3))
    for name, turn in turns.items():
        rotations[body.joint(name.replace("__", "-").replace("_L", ".L").replace("_R", ".R"))] = turn
    return Parameters(np.zeros(len(body.identity)), np.zeros(0), rotations)


def test_the_file_keeps_its_bounds(body: BodyModel) -> None:
    assert BODY_FILE.stat().st_size <= 8 * 2**20
    assert body.mean.shape == (BODY_VERTICES, 3)
    assert len(body.identity) >= 40
    assert 55 <= len(body.skeleton.names) <= 70
    assert {"root", "head", "jaw", "wrist.L", "finger1-3.R", "toe1-1.L"} <= set(body.skeleton.names)


def test_at_rest_it_is_the_mean_person(body: BodyModel) -> None:
    posed = body.posed(body.neutral())
    assert np.allclose(posed.vertices, body.mean - body.skeleton.joints[0], atol=1e-5)
    assert np.allclose(posed.joints, body.skeleton.joints - body.skeleton.joints[0], atol=1e-5)
    eyes = body.skeleton.joints[[body.joint("eye.L"), body.joint("eye.R")]]
    assert np.linalg.norm(eyes[0] - eyes[1]) == pytest.approx(EYE_DISTANCE, rel=1e-3)


def test_shapes_reach_from_children_to_tall_adults(body: BodyModel) -> None:
    heights = [np.ptp(body.mean + sign * 2 * body.identity[0], axis=0)[1] for sign in (-1, 1)]
    assert min(heights) < 1.55 < 2.05 < max(heights)  # with eyes 63 mm apart, as all people here


def test_weights_are_shares_of_the_joints(body: BodyModel) -> None:
    assert (body.weights >= 0).all()
    assert np.allclose(body.weights.sum(1), 1, atol=1e-5)
    assert (body.weights.max(0) > 0.2).mean() > 0.85  # nearly every joint rules some skin


def test_left_and_right_are_mirror_images(body: BodyModel) -> None:
    assert np.array_equal(body.mirror[body.mirror], np.arange(BODY_VERTICES))
    flip = np.array([-1, 1, 1])
    assert np.abs(body.mean[body.mirror] * flip - body.mean).max() < 1e-4
    assert np.abs(body.identity[:, body.mirror] * flip - body.identity).max() < 2e-3
    left, right = body.pose.mean[body.pose.names.index("upperleg01.L")], body.pose.mean[body.pose.names.index("upperleg01.R")]
    assert np.allclose(left, right * [1, -1, -1], atol=1e-5)
    landmarks = body.body_landmarks
    assert np.allclose(landmarks.offsets[11], landmarks.offsets[12] * [-1, 1, 1], atol=1e-6)


def test_the_mesh_is_closed(body: BodyModel) -> None:
    edges = np.concatenate([body.faces[:, [0, 1]], body.faces[:, [1, 2]], body.faces[:, [2, 0]]])
    forward, back = ({tuple(edge) for edge in pairs.tolist()} for pairs in (edges, edges[:, ::-1]))
    assert len(forward) == len(edges) and forward == back
    corner = body.posed(body.neutral()).closed_vertices[body.faces].astype(np.float64)
    assert 0.04 < np.einsum("fc,fc->", corner[:, 0], np.cross(corner[:, 1], corner[:, 2])) / 6 < 0.12  # cubic metres


def test_a_bent_elbow_moves_the_forearm_alone(body: BodyModel) -> None:
    bent = body.posed(_parameters(body, lowerarm01_L=(0.0, -1.2, 0.0))).vertices - body.posed(body.neutral()).vertices
    moved = np.linalg.norm(bent, axis=1)
    assert moved[body.weights[:, body.joint("wrist.L")] > 0.9].min() > 0.1
    assert moved[body.regions["lower_legs"] > 0.9].max() < 1e-5
    assert moved[body.weights[:, body.joint("wrist.R")] > 0.9].max() < 1e-5


def test_groups_turn_the_joints_they_share(body: BodyModel) -> None:
    groups = np.zeros((len(body.pose.names), 3))
    groups[body.pose.names.index("neck")] = (0, 0.6, 0)
    linear, _ = joint_transforms(body.skeleton.joints, body.skeleton.parents, body.pose.rotations(groups))
    assert np.arctan2(linear[body.joint("head"), 0, 2], linear[body.joint("head"), 2, 2]) == pytest.approx(0.6, abs=1e-3)
    assert np.allclose(linear[body.joint("spine01")], np.eye(3))
    assert np.linalg.eigvalsh(body.pose.covariance).min() > 0


def test_the_head_models_vertices_take_the_places_of_the_bodys(body: BodyModel) -> None:
    head = HeadModel.load()
    skin = head.part == 0
    known = skin & (head.hm08 >= 0)
    own = np.zeros_like(head.mean)
    own[known] = body.mean[head.hm08[known]]
    assert np.allclose(with_head(body, body.mean, head, own), body.mean, atol=1e-6)
    moved = with_head(body, body.mean, head, own + np.float32(0.01)) - body.mean
    assert np.allclose(moved[head.hm08[known & (head.regions["face"] > 0.99)]], 0.01, atol=1e-3)
    assert np.abs(moved[body.regions["hands"] > 0.5]).max() == 0
    faces = {frozenset(face) for face in head.hm08[head.faces[head.face_part == 0]].tolist() if min(face) >= 0}
    assert len(faces - {frozenset(face) for face in body.faces.tolist()}) == 0


def test_a_file_of_another_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="missing"):
        BodyModel.load(tmp_path / "body_model.npz")
    with np.load(BODY_FILE) as data:
        arrays = {name: data[name] for name in data.files if name not in ("format", "pose_mean")}
    SCHEMA.save(tmp_path / "body_model.npz", arrays)
    with pytest.raises(AssetError, match="pose_mean"):
        BodyModel.load(tmp_path / "body_model.npz")

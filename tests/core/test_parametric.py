"""A parametric model of anything with joints: a made-up body here, the head in test_head_model.py, FLAME in test_flame.py."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.spatial import ConvexHull  # pyright: ignore[reportAttributeAccessIssue]

from likeness.core.geometry.mesh import signed_volume, vertex_normals
from likeness.core.models.parametric import ClosedMesh, LandmarkSet, Parameters, ParametricModel, Skeleton

NAMES = ("root", "hip.L", "knee.L", "ankle.L", "hip.R", "knee.R", "ankle.R")
PARENTS = np.array([-1, 0, 1, 2, 0, 4, 5])
JOINTS = np.array([[0, 1, 0], [0.1, 0.95, 0], [0.1, 0.5, 0], [0.1, 0.08, 0], [-0.1, 0.95, 0], [-0.1, 0.5, 0], [-0.1, 0.08, 0]])


@pytest.fixture(scope="module")
def body() -> ParametricModel:
    """Seven small balls, one around each joint of a pair of legs; two shapes: taller, and wider. No expressions."""
    rng = np.random.default_rng(0)
    ball = rng.normal(size=(30, 3))
    ball *= 0.05 / np.linalg.norm(ball, axis=1, keepdims=True)
    faces = ConvexHull(ball).simplices.astype(np.int64)
    inward = (np.cross(ball[faces[:, 1]] - ball[faces[:, 0]], ball[faces[:, 2]] - ball[faces[:, 0]]) * ball[faces].mean(1)).sum(1) < 0
    faces[inward] = faces[inward][:, ::-1]
    mean = np.concatenate([joint + ball for joint in JOINTS]).astype(np.float32)
    faces = np.concatenate([faces + 30 * number for number in range(7)])
    owner = np.repeat(np.arange(7), 30)
    taller, wider = np.zeros((2, 7, 3), np.float32)
    taller[:, 1], wider[:, 0] = 0.1 * JOINTS[:, 1], 0.2 * JOINTS[:, 0]
    changes = np.stack([taller, wider])
    corners = faces[::40]
    even = np.full((len(corners), 3), 1 / 3, np.float32)
    return ParametricModel(
        mean=mean, identity=changes[:, owner], expression=np.zeros((0, len(mean), 3), np.float32), expression_names=(),
        skeleton=Skeleton(NAMES, PARENTS, JOINTS, changes), weights=np.eye(7, dtype=np.float32)[owner], faces=faces,
        face_part=np.zeros(len(faces), int), part=np.zeros(len(mean), int), regions={"knee": (owner == 2).astype(np.float32)},
        landmarks={"balls": LandmarkSet(corners, even, np.zeros_like(even), np.ones(len(corners)))},
        closed_mesh=ClosedMesh.over(sp.identity(len(mean), format="csr"), faces, {"ankle": np.flatnonzero(owner == 3)}),
    )  # fmt: skip


def test_sizes_are_the_models_own(body: ParametricModel) -> None:
    rest = body.neutral()
    assert rest.identity.shape == (2,) and rest.expression.shape == (0,) and rest.rotations.shape == (7, 3)
    posed = body.posed(rest)
    assert np.allclose(posed.vertices + JOINTS[0], body.mean, atol=1e-6)
    assert np.allclose(posed.joints[0], 0) and posed.joints.shape == (7, 3)
    assert body.skin_count == len(body.mean)


def test_joints_follow_the_shape_and_carry_their_limbs(body: ParametricModel) -> None:
    rotations = np.zeros((7, 3))
    rotations[1] = [-np.pi / 2, 0, 0]  # the left thigh to the front
    posed = body.posed(Parameters(np.array([1.0, 0.0]), np.zeros(0), rotations))
    hip, knee, ankle = posed.joints[1:4]
    assert np.allclose(knee - hip, [0, 0, 1.1 * 0.45], atol=1e-6) and np.allclose(ankle - knee, [0, 0, 1.1 * 0.42], atol=1e-6)
    assert np.allclose(posed.joints[4:, 0], -0.1) and np.allclose(posed.joints[5] - posed.joints[4], [0, -1.1 * 0.45, 0], atol=1e-6)
    centres = posed.vertices.reshape(7, 30, 3).mean(1) - body.mean.reshape(7, 30, 3).mean(1) + JOINTS
    assert np.allclose(centres[4:], posed.joints[4:], atol=1e-6)


def test_landmarks_regions_and_cavities_sit_on_the_mesh(body: ParametricModel) -> None:
    marks = body.landmarks["balls"]
    assert np.allclose(marks.on(body.mean), body.mean[marks.corners].mean(1), atol=1e-6)
    assert np.allclose(marks.changes(body.identity)[0], marks.on(body.identity[0]), atol=1e-6)
    posed = body.posed(body.neutral())
    assert np.allclose(posed.closed_normals, vertex_normals(posed.closed_vertices, body.closed_mesh.faces), atol=1e-6)
    assert 0 < signed_volume(posed.closed_vertices, body.closed_mesh.faces) < signed_volume(body.mean, body.faces)
    knee = body.closed_region("knee") > 0.5
    assert np.linalg.norm(body.closed_rest[knee] - (JOINTS[2] - JOINTS[0]), axis=1).max() < 0.051
    ankle = body.closed_mesh.cavity("ankle") > 0.5
    assert np.linalg.norm(body.closed_rest[ankle] - (JOINTS[3] - JOINTS[0]), axis=1).max() < 0.051
    assert np.array_equal(body.closed_mesh.patch("ankle", 2) > 0, ankle)


def test_a_model_needs_neither_a_closed_mesh_nor_marks(body: ParametricModel) -> None:
    bare = ParametricModel(
        body.mean, body.identity, body.expression, (), body.skeleton, body.weights, body.faces, body.face_part, body.part
    )
    posed = bare.posed(bare.neutral())
    assert posed.closed_vertices.shape == posed.closed_normals.shape == (0, 3) and np.isfinite(posed.vertices).all()

"""The rig's formula, mirrored poses, and arms that stay out of the body."""

import os
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.spatial.transform import Rotation

from likeness.core.models.skinning import joint_transforms
from likeness.training.humans.bodies import HM08_COUNT, Bodies
from likeness.training.humans.everyday import everyday_pose
from likeness.training.humans.part import Binding
from likeness.training.humans.poses import Poser, mirrored, pose_body, segment_distances

PACK = Path(os.environ.get("LIKENESS_ASSETS", "assets"))
BONES = np.array([[0, 0, 0], [0, 1, 0.1], [0.3, 1.5, 0], [-0.4, 1.4, 0.2]])
PARENTS = np.array([-1, 0, 1, 1])


def test_pose_follows_the_formula_of_the_rig():
    rng = np.random.default_rng(0)
    points, count = rng.normal(0, 1, (20, 3)).astype(np.float32), len(BONES)
    weights = rng.dirichlet([1] * count, HM08_COUNT).astype(np.float32)
    pose = rng.normal(0, 0.6, (count, 3))
    pose[0] = 0
    ref, share = rng.integers(0, HM08_COUNT, (20, 3)), rng.dirichlet([1, 1, 1], 20).astype(np.float32)
    found = pose_body(points, Binding(ref, share), sp.csr_matrix(weights), *joint_transforms(BONES, PARENTS, pose))
    turn, head = [np.eye(3)] * count, BONES.copy()
    for bone in range(1, count):
        parent = PARENTS[bone]
        turn[bone] = turn[parent] @ Rotation.from_rotvec(pose[bone]).as_matrix()
        head[bone] = head[parent] + turn[parent] @ (BONES[bone] - BONES[parent])
    blended = (weights[ref] * share[..., None]).sum(1)
    expected = sum(blended[:, [b]] * ((points - BONES[b]) @ turn[b].T + head[b]) for b in range(count))
    assert np.abs(found - expected).max() < 1e-5


def test_mirrored_pose_moves_mirrored_bones_alike():
    rng = np.random.default_rng(1)
    partner = np.array([0, 1, 3, 2])
    pose = rng.normal(0, 0.5, (4, 3))
    assert np.array_equal(mirrored(mirrored(pose, partner), partner), pose)
    across = np.diag([-1.0, 1, 1])
    turned = Rotation.from_rotvec(mirrored(pose, partner)).as_matrix()
    assert np.allclose(turned, across @ Rotation.from_rotvec(pose[partner]).as_matrix() @ across)


def test_segments_know_how_far_apart_they_are():
    first = np.array([[[0, 0, 0], [1, 0, 0]], [[0, 3, 0], [0, 5, 0]]], float)
    second = np.array([[[0.5, -1, 2], [0.5, 1, 2]], [[0, 0, 0], [0, 1, 0]]], float)
    assert np.allclose(segment_distances(first, second), [[2, 0], [np.sqrt(0.25 + 4 + 4), 2]])


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    if not (PACK / "bodies").exists() and not ((PACK / "makehuman").exists() and "ANNY_CACHE_DIR" in os.environ):
        pytest.skip("needs a training pack, or the asset pack and a built body model")
    return Bodies(PACK)


@pytest.mark.training
def test_drawn_poses_keep_arms_out_of_the_body_and_heads_upright(bodies):
    poser, body = Poser(PACK, bodies), bodies.sample(np.random.default_rng(0))
    poses = [poser.draw(body, np.random.default_rng(seed)) for seed in range(30)]
    assert not any(poser.arms_collide(body, pose) for pose in poses)
    assert all(poser.upright(body, pose) for pose in poses)
    assert np.array_equal(poses[3], poser.draw(body, np.random.default_rng(3)))
    assert np.ptp(np.array(poses), axis=0).max() > 0.5
    folded = np.zeros((163, 3))
    for side, sign in (("L", -1), ("R", 1)):
        folded[bodies.bone_names.index(f"upperarm01.{side}")] = [-0.3, 0, sign * 1.2]
    assert poser.arms_collide(body, folded)


@pytest.mark.training
def test_everyday_arms_hang_straight_or_are_spread_and_some_are_bent(bodies):
    poser, body = Poser(PACK, bodies), bodies.sample(np.random.default_rng(0))
    bends, heights = [], []
    for seed in range(60):
        linear, offset = joint_transforms(body.bones, poser.parents, everyday_pose(poser, body, np.random.default_rng(seed)))
        at = np.einsum("jab,jb->ja", linear, body.bones) + offset
        shoulder, elbow, wrist = (at[poser.row[f"{name}.L"]] for name in ("upperarm01", "lowerarm01", "wrist"))
        upper, lower = (elbow - shoulder, wrist - elbow)
        bends.append(np.arccos(upper @ lower / np.linalg.norm(upper) / np.linalg.norm(lower)))
        heights.append((wrist - shoulder)[1] / np.linalg.norm(wrist - shoulder))
    bends, heights = np.degrees(bends), np.degrees(np.arcsin(heights))
    assert (bends < 20).mean() > 0.25 and (bends > 60).mean() > 0.1
    assert (heights > -10).mean() > 0.04 and (heights < -65).mean() > 0.1

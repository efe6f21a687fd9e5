"""How the body model and its guess are made: MakeHuman's rig reduced to its joints, calibration, mirror images, the simulated detector."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from likeness.core.models.body import BodyModel
from likeness.core.models.parametric import Parameters
from likeness.core.models.rotation import rotation_matrix, rotation_vector
from likeness.core.models.skinning import joint_transforms, skin
from likeness.core.photo.people import LANDMARKS, BodyLandmarks
from likeness.training.body_model import simulate
from likeness.training.body_model.calibrate import CARRIERS, _offset
from likeness.training.body_model.guess import _mirrored
from likeness.training.body_model.simulate import SimulatedDetector, in_metres
from likeness.training.body_model.skeleton import GROUPS, JOINTS, Selection, mirrored_names
from likeness.training.body_model.truth import SHAPES, Truths
from likeness.training.humans.poses import elbow_turn

RIG = ["root", "spine05", "pelvis.L", "upperleg01.L", "upperleg02.L", "lowerleg01.L", "foot.L", "toe1-1.L", "toe2-1.L"]
PARENTS = np.array([-1, 0, 0, 2, 3, 4, 5, 6, 6])
ANNY = os.environ.get("ANNY_CACHE_DIR")
needs_anny = pytest.mark.skipif(ANNY is None or not any(Path(ANNY).rglob("*.safetensors")), reason="ANNY_CACHE_DIR holds no built model")


def test_bones_that_are_no_joints_follow_the_nearest_above() -> None:
    selection = Selection.of(RIG, PARENTS)
    assert selection.names == ("root", "spine05", "upperleg01.L", "lowerleg01.L", "foot.L", "toe1-1.L")
    assert selection.parents.tolist() == [-1, 0, 0, 2, 3, 4]
    owner = {name: selection.names[joint] for name, joint in zip(RIG, selection.owner, strict=True)}
    assert owner["pelvis.L"] == "root" and owner["upperleg02.L"] == "upperleg01.L" and owner["toe2-1.L"] == "toe1-1.L"


def test_turns_between_two_joints_are_kept() -> None:
    selection, pose = Selection.of(RIG, PARENTS), np.zeros((len(RIG), 3))
    pose[RIG.index("upperleg02.L")], pose[RIG.index("lowerleg01.L")] = (0.2, 0.1, 0), (0.5, 0, 0)
    local = selection.local(pose)
    expected = rotation_matrix(np.array([0.2, 0.1, 0])) @ rotation_matrix(np.array([0.5, 0, 0]))
    assert np.allclose(local[selection.names.index("lowerleg01.L")], expected)
    assert np.allclose(local[selection.names.index("upperleg01.L")], np.eye(3))


def test_groups_and_landmarks_name_joints_of_the_model() -> None:
    body = BodyModel.load()
    assert set(body.skeleton.names) == set(JOINTS)
    assert body.pose.names == tuple(GROUPS)
    assert all(abs(sum(share for _, share in parts) - 1) < 1e-9 for parts in GROUPS.values())
    assert [body.skeleton.names[joint] for joint in body.body_landmarks.joints] == list(CARRIERS)
    assert CARRIERS[11] == "upperarm01.L" and CARRIERS[24] == "upperleg01.R" and CARRIERS[32] == "toe1-1.R"


def test_a_landmarks_offset_is_found_from_pictures() -> None:
    rng, offset = np.random.default_rng(3), np.array([0.02, -0.03, 0.01])
    place = rng.normal(0, 0.3, (80, 3)) - [0, 0, 4]
    turn = rotation_matrix(rng.normal(0, 1, (80, 3)))
    camera = np.tile([500.0, 320.0, 200.0], (80, 1))
    points = place + turn @ offset
    seen = camera[:, 1:] + 500 * points[:, :2] * [1, -1] / -points[:, 2:]
    seen[:5] += 200  # what went astray does not count
    found, deviation = _offset(place, turn, seen, camera)
    assert np.allclose(found, offset, atol=2e-3)
    assert deviation < 0.01


def test_mirrored_answers_are_those_of_the_mirrored_person() -> None:
    body, rng = BodyModel.load(), np.random.default_rng(4)
    groups, root = rng.normal(0, 0.4, (len(GROUPS), 3)), rotation_matrix(rng.normal(0, 1, 3))
    rest = np.concatenate([[0.0, 1.0, 0.0], groups.ravel(), np.zeros(SHAPES), np.arange(14.0)])
    answer = np.concatenate([root[:, 0], root[:, 1], rest])[None]
    flipped = _mirrored(answer)
    assert np.allclose(_mirrored(flipped), answer)

    def vertices(row: np.ndarray) -> np.ndarray:
        turn = np.stack([row[:3], row[3:6], np.cross(row[:3], row[3:6])], axis=1)
        rotations = body.pose.rotations(row[9 : 9 + 3 * len(GROUPS)].reshape(-1, 3))
        rotations[0] = rotation_vector(turn)
        return body.posed(Parameters(np.zeros(len(body.identity)), np.zeros(0), rotations)).vertices

    assert np.allclose(vertices(flipped[0])[body.mirror] * [-1, 1, 1], vertices(answer[0]), atol=2e-3)


def test_a_simulated_detector_reads_like_the_one_it_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "_STEPS", 600)
    rng, count = np.random.default_rng(5), 300
    bend = np.tensordot(rng.normal(0, 1, (count, 2)), rng.normal(0, 0.06, (2, LANDMARKS, 3)), 1)
    marks = bend + rng.normal(0, 0.4, (1, LANDMARKS, 3))
    truths = Truths(np.zeros((count, 1)), marks, marks[..., :2] + [0.3, 0.1], np.zeros((count, 14, 2)))
    lower = np.array([0.0, -0.02])  # this detector puts everything too low
    seen, sure = (truths.flat + lower) * [1, -1], np.full(LANDMARKS, 0.9)
    readings = [BodyLandmarks(points, mark[:, 2], sure, mark) for points, mark in zip(seen, marks, strict=True)]
    detector = SimulatedDetector(readings, truths, np.arange(count) % 2)
    there = replace(truths, flat=truths.flat[:20], marks=truths.marks[:20])
    error = np.array([reading.points * [1, -1] - flat for reading, flat in zip(detector.read(there, rng), there.flat, strict=True)])
    assert np.allclose(error.mean((0, 1)), lower, atol=0.01)
    assert np.abs(error - lower).mean() < 0.03


def test_readings_in_metres_keep_their_proportions() -> None:
    points = np.random.default_rng(6).uniform(100, 300, (LANDMARKS, 2))
    reading = BodyLandmarks(points, np.zeros(LANDMARKS), np.ones(LANDMARKS), np.zeros((LANDMARKS, 3)))
    metres = in_metres(reading, 500.0, np.array([200.0, 150.0]), 4.0)
    assert np.allclose(metres.points, (points - [200, 150]) * 4 / 500)


def test_partners_are_exchanged() -> None:
    assert mirrored_names(["neck01", "foot.L", "foot.R"]).tolist() == [0, 2, 1]


@pytest.mark.slow
@needs_anny
def test_the_model_poses_people_as_the_whole_rig_does() -> None:
    from likeness.training.humans.bodies import Bodies

    bodies, body = Bodies(), BodyModel.load()
    person = bodies.sample(np.random.default_rng(1), {})
    selection = Selection.of(bodies.bone_names, bodies.bone_parents)
    pose, rng = np.zeros((len(bodies.bone_names), 3)), np.random.default_rng(2)
    for name in ("spine03", "neck01", "upperarm01.L", "lowerarm01.R", "wrist.L", "upperleg01.L", "lowerleg01.R", "foot.R"):
        pose[bodies.bone_names.index(name)] = rng.normal(0, 0.35, 3)
    rest, bones = person.vertices[: len(body.mean)], person.bones
    whole = skin(rest, bodies.bone_weights[: len(body.mean)], *joint_transforms(bones, bodies.bone_parents, pose))
    local = Rotation.from_matrix(selection.local(pose)).as_rotvec()
    ours = skin(rest, body.weights, *joint_transforms(bones[selection.bones], selection.parents, local))
    assert np.linalg.norm(whole - ours, axis=1).max() < 1e-3


def test_an_elbow_bends_as_far_as_it_is_told() -> None:
    body = BodyModel.load()
    shoulder, elbow, wrist = (body.skeleton.joints[body.joint(f"{name}.L")].astype(float) for name in ("upperarm01", "lowerarm01", "wrist"))
    for bend in (0.0, 0.2, 1.5):
        forearm = rotation_matrix(elbow_turn(shoulder, elbow, wrist, bend)) @ (wrist - elbow)
        cosine = forearm @ (elbow - shoulder) / np.linalg.norm(forearm) / np.linalg.norm(elbow - shoulder)
        assert np.arccos(min(cosine, 1.0)) == pytest.approx(bend, abs=1e-3)
        # Forwards, as at rest.
        assert bend == 0 or forearm[2] > (elbow - shoulder)[2] * np.linalg.norm(forearm) / np.linalg.norm(elbow - shoulder)

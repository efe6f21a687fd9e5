"""Avatars: closing, splitting and posing on small meshes; the pack's own where it is there."""

import os
from pathlib import Path

import numpy as np
import pytest

from likeness.core.geometry.mesh import boundary_loops, signed_volume
from likeness.training.humans.avatar_paint import REGIONS, AvatarAppearance, regions
from likeness.training.humans.avatars import HELD_OUT, Avatars, capped, in_closed_piece, outward, random_pose, split_by
from likeness.training.humans.part import MATERIALS, SurfacePoints

CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
CUBE_FACES = np.array(
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]]
)
PACK = Path(os.environ.get("LIKENESS_ASSETS", "assets"))
needs_pack = pytest.mark.skipif(not (PACK / "avatars" / "avatars.npz").exists(), reason="LIKENESS_ASSETS names no asset pack")


def test_a_fan_closes_an_open_box_to_its_full_volume() -> None:
    open_box = CUBE_FACES[:-2]
    loops = boundary_loops(open_box)
    faces, neighbours = capped(open_box, loops, len(CUBE))
    vertices = np.concatenate([CUBE, CUBE[loops[0]].mean(0, keepdims=True)])
    assert len(faces) == len(open_box) + 4
    assert len(neighbours) == 4
    assert not boundary_loops(faces)
    assert signed_volume(vertices, faces) == pytest.approx(signed_volume(CUBE, CUBE_FACES))


def test_every_piece_is_turned_outward_on_its_own() -> None:
    two = np.concatenate([CUBE, CUBE + 3])
    faces = np.concatenate([CUBE_FACES, CUBE_FACES[:, ::-1] + len(CUBE)])
    assert signed_volume(two, faces) == pytest.approx(0, abs=1e-9)
    assert signed_volume(two, outward(two, faces)) == pytest.approx(2)


def test_a_piece_with_a_hole_is_told_from_closed_ones() -> None:
    faces = np.concatenate([CUBE_FACES, CUBE_FACES[:-1] + len(CUBE)])
    closed = in_closed_piece(faces, 2 * len(CUBE))
    assert closed[: len(CUBE_FACES)].all()
    assert not closed[len(CUBE_FACES) :].any()


def test_a_seam_between_two_labels_keeps_every_corner_in_place() -> None:
    label = np.array(["body"] * 6 + ["head"] * 6)
    faces, origin, vertex_label = split_by(CUBE_FACES, label)
    assert (origin[faces] == CUBE_FACES).all()
    assert (vertex_label[faces] == label[:, None]).all()
    assert len(origin) > len(CUBE)


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(ValueError, match="training, evaluation"):
        Avatars(Path("nowhere"), "testing")


def test_a_look_paints_each_region_with_its_own_material() -> None:
    appearance = AvatarAppearance(np.random.default_rng(3), "female")
    bones = ["LEye", "REye", "LInnerEyebrow", "LOuterEyebrow", "RInnerEyebrow", "ROuterEyebrow", "LMouthCorner", "RMouthCorner"]
    joints = np.array([[3, 0, 0], [-3, 0, 0], [1, 2, 1], [5, 2, 1], [-1, 2, 1], [-5, 2, 1], [2, -6, 1], [-2, -6, 1]]) / 100
    torch = pytest.importorskip("torch")
    scores = torch.eye(len(REGIONS)) * 50
    anchor = torch.tensor([[0.0, -0.03, -0.05]]).repeat(len(REGIONS), 1)
    shade = appearance.paint(joints, bones)(SurfacePoints(torch.zeros(len(REGIONS), 2), anchor, scores))
    assert [MATERIALS[kind] for kind in shade.material] == ["skin", "hair", "cloth", "cloth", "cloth", "cloth"]
    assert ((shade.albedo > 0) & (shade.albedo <= 1)).all()


@needs_pack
def test_splits_share_no_avatar() -> None:
    training, evaluation = Avatars(PACK), Avatars(PACK, "evaluation")
    assert sorted(evaluation.names) == sorted(HELD_OUT)
    assert len(training.names) == 90
    assert not set(training.names) & set(evaluation.names)
    with pytest.raises(KeyError, match="Wood_Male_01"):
        training.load("Wood_Male_01")


@needs_pack
def test_an_avatar_is_closed_and_its_regions_lie_where_people_have_them() -> None:
    avatars = Avatars(PACK)
    avatar = avatars.load("Male_Adult_02")
    places, same = np.unique(avatar.vertices, axis=0, return_inverse=True)
    assert in_closed_piece(same.ravel()[avatar.faces], len(places)).all()
    assert np.allclose(avatar.weights.sum(1), 1, atol=1e-5)
    eyes = avatar.joints[[avatars.bones.index(name) for name in ("LEye", "REye")]]
    assert np.allclose(eyes.mean(0), 0, atol=1e-6)
    assert np.linalg.norm(eyes[0] - eyes[1]) == pytest.approx(0.063)
    winner = regions(avatar.vertices, avatar.kind, avatar.weights, avatar.joints, avatars.bones, np.random.default_rng(1)).argmax(1)
    height = {name: avatar.vertices[winner == number, 1].mean() for number, name in enumerate(REGIONS) if (winner == number).any()}
    assert height["shoe"] < height["lower"] < height["upper"] < height["hair"]


@needs_pack
def test_poses_stay_within_the_joints_and_keep_the_eyes_at_the_origin() -> None:
    avatars = Avatars(PACK, "evaluation")
    avatar = avatars.load("Male_Adult_06")
    for seed in range(20):
        pose = random_pose(np.random.default_rng(seed), avatars.bones, avatar.joints)
        assert np.abs(pose).max() < 1.6
        assert (pose[[avatars.bones.index(f"{side} Calf") for side in "LR"], 0] >= 0).all()
    figure, again = (avatars.make(np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(figure.parts[0].vertices, again.parts[0].vertices)
    assert np.allclose(figure.rotation @ figure.rotation.T, np.eye(3), atol=1e-6)

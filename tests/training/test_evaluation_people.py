"""What of overlapping pieces counts as the outside."""

import numpy as np
import torch
import trimesh

from likeness.training.evaluation.people import among_hair, seen_faces
from likeness.training.evaluation.scans import stone

from .shapes import GREEN, RED, ball, scene_of


def test_covered_pieces_are_no_truth() -> None:
    outer, inner = (trimesh.creation.icosphere(3, radius) for radius in (0.8, 0.6))
    points = np.concatenate([outer.vertices, inner.vertices])
    seen = seen_faces(points, np.concatenate([outer.faces, inner.faces + len(outer.vertices)]))
    assert np.array_equal(seen, np.arange(len(outer.faces)))


def test_of_two_pieces_that_meet_only_the_outside_is_kept() -> None:
    left, right = (trimesh.creation.icosphere(4, 0.5) for _ in range(2))
    points = np.concatenate([left.vertices - [0.3, 0, 0], right.vertices - [-0.3, 0, 0]])
    faces = np.concatenate([left.faces, right.faces + len(left.vertices)])
    kept = np.zeros(len(faces), bool)
    kept[seen_faces(points, faces)] = True
    middle = points[faces].mean(1)
    covered = np.minimum(*(np.linalg.norm(middle - [x, 0, 0], axis=1) for x in (-0.3, 0.3))) < 0.45
    assert not kept[covered].any() and kept[np.abs(middle[:, 0]) > 0.1].mean() > 0.8


def test_stone_is_brighter_towards_the_light() -> None:
    towards, away = stone(np.array([[-0.45, 0.55, 0.7], [0.45, -0.55, -0.7]]))
    assert (towards > away).all() and (towards <= 1).all()


def test_skin_that_glints_between_locks_is_no_truth() -> None:
    skin = ball(0.5, (0, 0, -0.2), RED, 5, kind="skin")
    places = [(x, y, 0.36) for x in np.linspace(-0.3, 0.3, 5) for y in np.linspace(-0.3, 0.3, 5)]
    scene = scene_of(skin, *(ball(0.06, place, GREEN, 3, kind="hair") for place in places), size=256)
    among = among_hair(scene, torch.arange(len(scene.faces))).numpy()
    centre = skin.vertices[skin.faces].mean(1)
    of_skin = among[: len(skin.faces)]
    assert of_skin[(np.abs(centre[:, :2]) < 0.1).all(1) & (centre[:, 2] > 0)].mean() > 0.9
    assert not of_skin[centre[:, 2] < 0].any() and not among[len(skin.faces) :].any()

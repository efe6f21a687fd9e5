"""Results in files: meshes and views come back as they were, and files that are none are refused in one sentence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from likeness.core.errors import AssetError
from likeness.core.photo.pose import Pose
from likeness.core.photo.view import Camera
from likeness.core.result import SURFACE, Result, ResultView


def test_a_pose_moves_and_turns_and_is_undone() -> None:
    quarter = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])  # the person's front, z, looks to the right of the picture, x
    pose = Pose(quarter, np.array([0.1, 0.2, 0.3]))
    assert pose.to_camera(np.array([[0, 0, 1.0]])) == pytest.approx(np.array([[1.1, 0.2, 0.3]]))
    assert pose.directions_to_camera(np.array([0, 0, 1.0])) == pytest.approx([1, 0, 0])
    points = np.random.default_rng(0).normal(size=(5, 3))
    assert pose.to_upright(pose.to_camera(points)) == pytest.approx(points)
    assert pose.directions_to_upright(pose.directions_to_camera(points)) == pytest.approx(points)


def test_meshes_and_views_survive_the_file(bust: Result, tmp_path: Path) -> None:
    beside = ResultView(np.zeros((20, 30, 3), np.uint8), Camera((9.0, 8.0), 50.0), Pose(np.eye(3), np.array([0.0, -0.1, 0.0])))
    bald = replace(bust.surface, colours=1 - bust.surface.colours)
    given = replace(bust, meshes={"bald": bald, SURFACE: bust.surface}, views=(*bust.views, beside), report={"warnings": ["é"]})
    given.save(tmp_path / "r.npz")
    back = Result.load(tmp_path / "r.npz")
    assert (back.name, back.report, back.rigged) == (given.name, given.report, None)
    assert list(back.meshes) == list(given.meshes)
    for name, mesh in given.meshes.items():
        for field, values in vars(mesh).items():
            assert np.array_equal(getattr(back.meshes[name], field), values)
    for view, expected in zip(back.views, given.views, strict=True):
        assert view.camera == expected.camera and np.array_equal(view.photo, expected.photo)
        assert np.array_equal(view.pose.rotation, expected.pose.rotation)
        assert np.array_equal(view.pose.translation, expected.pose.translation)


@pytest.mark.parametrize(
    "change",
    [
        {"format": np.array(1)},
        {"text": np.array("{")},
        {"mesh_names": np.array(["bald"])},
        {"mesh_names": np.array([SURFACE, SURFACE])},
        {"mesh_names": np.array([SURFACE, "bald"])},  # whose arrays are missing
        {"views": np.array(0)},
        {"views": np.array(2)},
        {"mesh_0_faces": np.array([[0, 1, 10**6]])},
        {"mesh_0_vertices": np.full((3, 3), np.nan)},
        {"view_0_photo": np.zeros((4, 4), np.uint8)},
        {"view_0_rotation": np.full((3, 3), np.nan)},
    ],
    ids=str,
)
def test_files_that_are_no_results_are_refused(bust: Result, tmp_path: Path, change: dict[str, np.ndarray]) -> None:
    bust.save(tmp_path / "r.npz")
    with np.load(tmp_path / "r.npz") as data:
        arrays = dict(data)
    np.savez(tmp_path / "r.npz", **(arrays | change))
    with pytest.raises(AssetError, match=r"r\.npz is not a Likeness result"):
        Result.load(tmp_path / "r.npz")

"""Statues as cases: a ball in place of a scan, seen from both sides."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import trimesh

from likeness.training.evaluation import figures


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A closed ball with a nose in front, dark in its hollows, and the same with a hole."""
    folder = tmp_path / "scans_dev"
    folder.mkdir()
    ball = trimesh.creation.icosphere(3, 0.5)
    vertices, faces = np.array(ball.vertices, np.float32), np.array(ball.faces, np.int32)
    vertices[vertices[:, 2] > 0.48, 2] += 0.2
    uv = np.stack([vertices[:, 0] + 0.5, vertices[:, 1] + 0.5], axis=1)
    for name, kept, watertight in (("whole", faces, True), ("open", faces[10:], False)):
        arrays = {"vertices": vertices + np.float32([0, 0.5, 0]), "faces": kept, "uv": uv, "faces_uv": kept}
        np.savez(folder / f"{name}.npz", **arrays, watertight=watertight, ao_map=f"{name}.png")
        cv2.imwrite(str(folder / f"{name}.png"), np.full((8, 8), 200, np.uint8))
    monkeypatch.setattr(figures, "STATUES", ("whole", "open"))
    return tmp_path


def test_statues_are_seen_from_both_sides_where_they_are(assets: Path) -> None:
    cases = {case.name: case for case in figures.statue_cases(assets)}
    assert set(cases) == {"whole_front", "whole_back", "open_front", "open_back"}
    front, back = cases["whole_front"], cases["whole_back"]
    for case in (front, back):
        assert case.subject == "body" and not case.metric and case.camera is not None and case.truth is not None and case.mask is not None
        pixels = np.floor(case.camera.project(case.truth.vertices)).astype(int)
        around = cv2.dilate(case.mask, np.ones((3, 3), np.uint8))  # vertices on the outline are in no pixel
        assert (around[pixels[:, 1].clip(0, 1023), pixels[:, 0].clip(0, 1023)] > 0.4).mean() > 0.99
        assert 0.3 < case.mask.mean() < 0.6
        assert case.truth.cells is not None and not case.truth.partial
    assert front.truth is not None and front.truth.vertices[:, 2].max() > 0.65
    assert back.truth is not None and back.truth.vertices[:, 2].min() < -0.65
    other = cases["open_front"].truth
    assert other is not None and other.partial and other.cells is None

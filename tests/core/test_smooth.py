"""Smoothing against a rough ball."""

import numpy as np
import pytest
import trimesh

from likeness.core.geometry.mesh import signed_volume
from likeness.core.settings import Settings
from likeness.core.surface import smooth as module
from likeness.core.surface.smooth import smooth_surface, smoothing_rounds

BALL = trimesh.creation.icosphere(5, 0.5)
FACES = np.asarray(BALL.faces)
ROUGH = (BALL.vertices * (1 + np.random.default_rng(0).normal(0, 0.01, (len(BALL.vertices), 1)))).astype(np.float32)


def roughness(vertices: np.ndarray) -> float:
    return float(np.std(np.linalg.norm(vertices, axis=1)))


def test_roughness_goes_and_volume_stays() -> None:
    smooth = smooth_surface(ROUGH, FACES, 15)
    assert roughness(smooth) < 0.45 * roughness(ROUGH)
    assert abs(signed_volume(smooth, FACES) / signed_volume(ROUGH, FACES) - 1) < 0.01


def test_broad_shape_stays() -> None:
    bumpy = (BALL.vertices * (1 + 0.05 * BALL.vertices[:, :1] / 0.5)).astype(np.float32)
    assert np.abs(smooth_surface(bumpy, FACES, 15) - bumpy).max() < 0.002


@pytest.mark.parametrize("quality", ["draft", "standard", "high"])
def test_every_quality_is_smoothed_enough(quality: str) -> None:
    rounds = smoothing_rounds(Settings(quality=quality).resolution)
    assert roughness(smooth_surface(ROUGH, FACES, rounds)) < 0.65 * roughness(ROUGH)


def test_parts_of_a_mesh_are_smoothed_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = smooth_surface(ROUGH, FACES, 3)
    monkeypatch.setattr(module, "_AT_ONCE", 1000)
    assert np.array_equal(smooth_surface(ROUGH, FACES, 3), whole)


def test_finer_meshes_are_smoothed_over_as_many_millimetres_up_to_a_limit() -> None:
    assert smoothing_rounds(256) == 2 * smoothing_rounds(128)
    assert smoothing_rounds(4096) <= 12

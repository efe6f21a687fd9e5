"""What the networks see of a fit: maps over the crop and features in space."""

import numpy as np
import pytest
import torch
import trimesh

from likeness.core.models.prior import PriorSurface, PriorVolume
from likeness.core.photo.framing import HEAD


@pytest.fixture(scope="module")
def sphere() -> PriorSurface:
    mesh = trimesh.creation.icosphere(4, 0.5)
    vertices = np.asarray(mesh.vertices, np.float32)
    return PriorSurface(vertices, np.asarray(mesh.faces), vertices * 2, HEAD)


def test_maps_show_the_front(sphere: PriorSurface) -> None:
    maps = sphere.maps(64)
    assert maps.shape == (8, 64, 64)
    normal, depth, mask = maps[:3, 32, 32], maps[6, 32, 32], maps[7]
    assert torch.allclose(normal, torch.tensor([0.0, 0, 1]), atol=0.06)
    assert depth == pytest.approx(0.5 - HEAD.eye_depth, abs=0.01)
    assert mask.mean() == pytest.approx(np.pi * 0.25 / 4, rel=0.03)
    assert maps[:, 0, 0].abs().sum() == 0


def test_picture_rows_grow_downwards(sphere: PriorSurface) -> None:
    maps = sphere.maps(64)
    assert maps[1, 20, 32] > 0.3  # above the centre the normal points up
    assert maps[0, 32, 44] > 0.3  # right of it, to the right


def test_point_features_are_exact(sphere: PriorSurface) -> None:
    points = np.random.default_rng(0).uniform(-0.9, 0.9, (500, 3)).astype(np.float32)
    features = sphere.point_features()(points)
    radius = np.linalg.norm(points, axis=1)
    assert features[:, 0] == pytest.approx(radius - 0.5, abs=2e-3)
    direction = points / radius[:, None]
    far = radius > 0.1
    assert (features[far, 4:] * direction[far]).sum(1).min() > 0.99


def test_a_volumes_distances_keep_no_other_volume(sphere: PriorSurface) -> None:
    """A view of the whole kept that too: 0.06 GB of every head."""
    distance = PriorVolume(sphere, sphere.vertices[:, :1])._distance
    assert distance.untyped_storage().nbytes() == distance.nelement() * distance.element_size()


def test_volume_agrees_with_exact_features(sphere: PriorSurface) -> None:
    rng = np.random.default_rng(1)
    direction = rng.normal(size=(2000, 3))
    points = (direction / np.linalg.norm(direction, axis=1, keepdims=True) * rng.uniform(0.45, 0.55, (2000, 1))).astype(np.float32)
    volume = PriorVolume(sphere, sphere.vertices[:, :1])
    values = volume(torch.from_numpy(points)).numpy()
    exact = sphere.point_features(sphere.vertices[:, :1])(points)
    assert values.shape == (2000, 8)
    assert np.abs(values[:, 0] - exact[:, 0]).max() < 2e-3
    assert np.abs(values[:, 1:4] - exact[:, 1:4]).mean() < 0.01
    assert np.abs(values[:, 7] - exact[:, 7]).mean() < 0.01

"""Labels of synthetic shapes against analytic truth, and what makes stored samples usable."""

import numpy as np
import pytest
import torch
import trimesh

from likeness.core.geometry.raster import Fragments, LayeredDepth, fragments
from likeness.training.dataset import mirrored
from likeness.training.render.buffers import SUPERSAMPLED
from likeness.training.render.labels import SurfaceSamples, inside, signed_distance
from likeness.training.render.lighting import irradiance, random_light


def layered(*meshes: trimesh.Trimesh) -> LayeredDepth:
    pieces = [fragments(torch.tensor(m.vertices, dtype=torch.float32), torch.tensor(m.faces), SUPERSAMPLED) for m in meshes]
    names = ("pixel", "depth", "face", "barycentric", "sign")
    return LayeredDepth(Fragments(*(torch.cat([getattr(p, n) for p in pieces]) for n in names), size=SUPERSAMPLED))


def samples_of(mesh: trimesh.Trimesh, count: int = 60_000) -> SurfaceSamples:
    points, faces = trimesh.sample.sample_surface(mesh, count, seed=0)
    normals = mesh.face_normals[faces].astype(np.float32)
    return SurfaceSamples(points.astype(np.float32), normals, np.zeros((count, 3)), np.ones(count, bool))


def test_signed_distance_of_a_sphere_is_exact_to_a_fraction_of_a_millimetre() -> None:
    mesh = trimesh.creation.icosphere(6, 0.6)
    rng = np.random.default_rng(0)
    points = rng.uniform(-0.9, 0.9, (5000, 3)).astype(np.float32)
    truth = np.linalg.norm(points, axis=1) - 0.6
    found = signed_distance(samples_of(mesh), layered(mesh), points)
    near = np.abs(truth) < 0.1
    assert np.abs(found - truth)[near].max() < 0.004  # crop units: 0.8 mm
    assert np.abs(found - truth)[near].mean() < 0.0008
    assert ((found < 0) == (truth < 0))[np.abs(truth) > 0.004].all()


def test_overlapping_parts_count_as_one_solid() -> None:
    left, right = trimesh.creation.icosphere(4, 0.4), trimesh.creation.icosphere(4, 0.4)
    left.apply_translation([-0.2, 0, 0])
    right.apply_translation([0.2, 0, 0])
    depth = layered(left, right)
    points = np.array([[0, 0, 0], [0, 0, 0.3], [-0.5, 0, 0], [0, 0.5, 0], [0, 0, -0.5]], np.float32)
    assert inside(depth, points).tolist() == [True, True, True, False, False]


def test_mirroring_twice_gives_the_sample_back() -> None:
    rng = np.random.default_rng(0)
    sample = {
        "photo": rng.random((8, 8, 4)), "normal": rng.random((8, 8, 3)), "mask": rng.random((8, 8)), "maps": rng.random((8, 8, 8)),
        "points": rng.random((5, 3)), "prior": rng.random((5, 7)), "distance": rng.random(5),
        "surface": rng.random((4, 3)), "surface_prior": rng.random((4, 7)), "surface_normal": rng.random((4, 3)),
    }  # fmt: skip
    once = mirrored(sample)
    twice = mirrored(once)
    for name, values in sample.items():
        assert np.array_equal(twice[name], values), name
    assert not np.array_equal(once["points"], sample["points"])
    assert np.array_equal(once["distance"], sample["distance"])


@pytest.mark.parametrize("seed", range(3))
def test_light_comes_from_its_direction(seed: int) -> None:
    rng = np.random.default_rng(seed)
    key = np.array([0.0, 0.0, 1.0])
    light = random_light(rng, key)
    towards, away = np.array([[0.0, 0, 1]]), np.array([[0.0, 0, -1]])
    ones = np.ones(1)
    lit = irradiance(light, towards, ones, ones)
    assert (lit > 0).all()
    assert (irradiance(light, towards, ones, np.zeros(1)) < lit).all()
    assert np.isfinite(irradiance(light, away, ones, ones)).all()

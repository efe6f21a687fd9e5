"""Labels of synthetic shapes against analytic truth and winding numbers."""

import numpy as np
import torch

from likeness.training.render.labels import inside, query_points, signed_distance, surface_samples
from likeness.training.render.scene import Scene

from .shapes import GREEN, RED, ball, scene_of


def winding_numbers(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Of triangles (F, 3, 3) about points (N, 3), by solid angles (van Oosterom & Strackee 1983)."""
    a, b, c = np.moveaxis(corners.astype(np.float64)[None] - points[:, None, None], 2, 0)
    la, lb, lc = (np.linalg.norm(side, axis=-1) for side in (a, b, c))
    dot = lambda p, q: (p * q).sum(-1)  # noqa: E731
    below = la * lb * lc + dot(a, b) * lc + dot(b, c) * la + dot(c, a) * lb
    return np.arctan2(dot(a, np.cross(b, c)), below).sum(1) / (2 * np.pi)


def test_signed_distance_of_a_sphere_is_exact_to_a_fraction_of_a_millimetre() -> None:
    scene = scene_of(ball(0.6, (0, 0, 0), RED, 6), size=512)
    rng = np.random.default_rng(0)
    points = torch.from_numpy(rng.uniform(-0.9, 0.9, (5000, 3)).astype(np.float32))
    truth = points.norm(dim=1) - 0.6
    found, _ = signed_distance(scene, surface_samples(scene, rng), points)
    near = truth.abs() < 0.1
    assert (found - truth)[near].abs().max() < 0.004  # crop units: 0.8 mm
    assert (found - truth)[near].abs().mean() < 0.0008
    assert ((found < 0) == (truth < 0))[truth.abs() > 0.004].all()


def test_overlapping_parts_count_as_one_solid() -> None:
    scene = scene_of(ball(0.4, (-0.2, 0, 0), RED), ball(0.4, (0.2, 0, 0), GREEN))
    points = torch.tensor([[0, 0, 0], [0, 0, 0.3], [-0.5, 0, 0], [0, 0.5, 0], [0, 0, -0.5]])
    assert inside(scene, points).tolist() == [True, True, True, False, False]


def test_labels_agree_with_the_winding_number_of_every_part() -> None:
    balls = [ball(0.35, (-0.3, 0.1, 0), RED, 3), ball(0.3, (0.1, -0.2, 0.2), GREEN, 3), ball(0.2, (0.3, 0.3, -0.2), RED, 3)]
    scene = scene_of(*balls, size=512)
    rng = np.random.default_rng(1)
    # At pixel centres, where layered depth is exact.
    cells = rng.integers(0, 512, (1000, 2))
    points = np.column_stack([(cells + 0.5) / 256 - 1, rng.uniform(-0.9, 0.9, 1000)]).astype(np.float32)
    truth = np.any([winding_numbers(part.vertices[part.faces], points) > 0.5 for part in balls], axis=0)
    assert (inside(scene, torch.from_numpy(points)).numpy() == truth).mean() > 0.9995


def test_surface_samples_lie_on_the_outside_of_the_union_only() -> None:
    scene = scene_of(ball(0.4, (-0.2, 0, 0), RED, 5), ball(0.4, (0.2, 0, 0), GREEN, 5), size=256)
    found = surface_samples(scene, np.random.default_rng(0), 4000)
    to_left = (found.position - torch.tensor([-0.2, 0, 0])).norm(dim=1)
    to_right = (found.position - torch.tensor([0.2, 0, 0])).norm(dim=1)
    assert torch.minimum(to_left, to_right).min() > 0.39
    on_left = (to_left - 0.4).abs() < (to_right - 0.4).abs()
    assert torch.equal(scene.part[found.face] == 0, on_left)
    albedo = scene.shade(found.face, found.barycentric).albedo
    assert albedo[on_left].mean(0).argmax() == 0 and albedo[~on_left].mean(0).argmax() == 1


def two_balls(gap: float, kind: str) -> Scene:
    return scene_of(ball(0.4, (-0.4 - gap / 2, 0, 0), RED, 5, kind=kind), ball(0.4, (0.4 + gap / 2, 0, 0), GREEN, 5, kind=kind), size=256)


def test_air_between_locks_of_hair_is_labelled_as_hair() -> None:
    scene = two_balls(0.05, "hair")
    surface = surface_samples(scene, np.random.default_rng(0), 20_000)
    points = torch.tensor([[0, 0, 0], [0, 0.08, 0], [0, 0.5, 0], [0, 0, 0.9], [-0.42, 0, 0], [-0.42, 0.45, 0]])
    distance, _ = signed_distance(scene, surface, points)
    assert (distance < 0).tolist() == [True, True, False, False, True, False]
    bridge = surface.position[:, 0].abs() < 0.02
    assert bridge.sum() > 50
    radius = surface.position[bridge, 1:].norm(dim=1)
    assert radius.min() > 0.1 and radius.max() < 0.3  # a neck round the place where the balls nearly touch
    outward = (surface.normal[bridge, 1:] * surface.position[bridge, 1:]).sum(1)
    assert (outward > 0.8 * radius).float().mean() > 0.9


def test_wide_gaps_and_gaps_in_cloth_stay_air() -> None:
    middle = torch.zeros(1, 3)
    assert not inside(two_balls(0.2, "hair"), middle)[0]
    assert not inside(two_balls(0.05, "cloth"), middle)[0]


def test_hair_without_gaps_keeps_its_surface() -> None:
    scene = scene_of(ball(0.6, (0, 0, 0), RED, 6, kind="hair"), size=512)
    points = torch.from_numpy(np.random.default_rng(0).uniform(-0.9, 0.9, (5000, 3)).astype(np.float32))
    truth = points.norm(dim=1) - 0.6
    found, _ = signed_distance(scene, surface_samples(scene, np.random.default_rng(0)), points)
    assert (found - truth)[truth.abs() < 0.1].abs().max() < 0.006


def test_the_same_random_numbers_give_the_same_points() -> None:
    scene = scene_of(ball(0.5, (0, 0, 0), RED))
    draw = lambda: query_points(surface_samples(scene, np.random.default_rng(3), 500), np.zeros((4, 3)), 100, np.random.default_rng(4))  # noqa: E731
    assert torch.equal(draw(), draw())

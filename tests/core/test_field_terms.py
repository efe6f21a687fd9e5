"""What CropField makes of a network's answer: each term brings a wrong one nearer to the truth, and without the term it stays wrong."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import trimesh

from likeness.core.fields.crop import CropField
from likeness.core.models.head import HeadModel
from likeness.core.models.prior import FaceBlend, PriorSurface, PriorVolume, protect_mask
from likeness.core.networks.field import Shape
from likeness.core.photo.framing import HEAD

RADIUS = 0.5  # of the fitted model, a ball
OUTLINE = 0.6  # radius of the person's outline in the picture


class Says:
    """A crop whose network answers with a function of the distance from the middle."""

    batch = 1000

    def __init__(self, answer: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self._answer = answer

    def shape(self, points: torch.Tensor, prior: torch.Tensor) -> Shape:
        return Shape(self._answer(points.norm(dim=1)))


@pytest.fixture(scope="module")
def volumes() -> dict[float, PriorVolume]:
    """Of the fitted ball, by the weight of the face on all of it."""
    mesh = trimesh.creation.icosphere(4, RADIUS)
    vertices = np.asarray(mesh.vertices, np.float32)
    surface = PriorSurface(vertices, np.asarray(mesh.faces), vertices, HEAD)
    levels, PriorVolume.LEVELS = PriorVolume.LEVELS, ((64, np.inf),)
    try:
        return {weight: PriorVolume(surface, np.full((len(vertices), 1), weight, np.float32)) for weight in (0.0, 1.0, 2.0)}
    finally:
        PriorVolume.LEVELS = levels


@pytest.fixture
def field(volumes: dict[float, PriorVolume]) -> Callable[..., CropField]:
    """field(learned radius, weight of the face, strength of the blend)."""
    axis = (np.arange(256) + 0.5) / 128 - 1
    outside = (np.hypot(*np.meshgrid(axis, axis)) - OUTLINE).astype(np.float32)

    def make(learned: float, weight: float = 0.0, strength: float = 0.0) -> CropField:
        return CropField(Says(lambda radius: radius - learned), volumes[weight], strength, outside)  # type: ignore[arg-type]

    return make


def ahead(radius: float) -> np.ndarray:
    """Points in front, this far from the middle."""
    angle = np.linspace(-0.3, 0.3, 20)
    return (radius * np.stack([np.sin(angle), 0 * angle, np.cos(angle)], axis=1)).astype(np.float32)


def beside(radius: float) -> np.ndarray:
    """The same at the outline."""
    return ahead(radius)[:, [2, 1, 0]]


def strength(residual: float) -> float:
    return FaceBlend.of(HeadModel.load(), SimpleNamespace(residual=residual)).strength  # type: ignore[arg-type]


def test_a_good_fits_face_takes_most_of_the_networks_error_away(field) -> None:
    error = 0.008
    assert np.abs(field(RADIUS + error, 1.0, strength(0.01)).distance(ahead(RADIUS))).max() < 0.4 * error
    assert np.abs(field(RADIUS + error, 0.0, strength(0.01)).distance(ahead(RADIUS))).min() > 0.9 * error


def test_a_bad_fits_face_has_no_say(field) -> None:
    assert np.allclose(field(RADIUS + 0.008, 1.0, strength(0.05)).distance(ahead(RADIUS)), -0.008, atol=1e-4)


def test_hair_in_front_of_the_face_is_not_pressed_into_it(field) -> None:
    fringe = 0.05  # 10 mm
    assert field(RADIUS + fringe, 1.0, 0.8).distance(ahead(RADIUS + fringe - 0.01)).max() < -0.005


def test_between_the_lips_only_the_model_counts_however_far_the_network_is_off(field) -> None:
    assert np.abs(field(RADIUS + 0.05, 2.0, 0.0).distance(ahead(RADIUS))).max() < 0.005


def test_a_shape_that_ends_just_inside_the_outline_is_not_swollen_there(field) -> None:
    """Cut to the outline again, it would have a flat band all around; `stretched` widens it instead."""
    short = OUTLINE - 0.01
    assert field(short).distance(beside(short + 0.005)).min() > 0.004


def test_nothing_stands_out_of_the_outline(field) -> None:
    assert field(OUTLINE + 0.1).distance(beside(OUTLINE + 0.05)).min() > 0.015


def test_ears_and_the_trusted_face_are_protected_and_the_back_of_the_head_is_not() -> None:
    model = HeadModel.load()
    blend = FaceBlend.of(model, SimpleNamespace(residual=0.01))  # type: ignore[arg-type]
    protected, ears = protect_mask(model, blend), model.closed_region("ears")
    assert protected[ears > 0.9].min() > 0.9 and blend.trust[ears > 0.9].max() < 0.1
    assert protected[blend.trust > 0.9].min() > 0.9
    assert protected[model.closed_rest[:, 2] < -0.12].max() < 0.1
    assert blend.trust[model.closed_rest[:, 1] > 0.06].max() == 0  # a fringe may hang above the brows

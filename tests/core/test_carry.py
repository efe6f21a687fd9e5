"""Points of one photo's crop found in another photo's, by heads whose poses are known."""

import numpy as np
import pytest

from likeness.core.models.carry import Carrier, FittedView
from likeness.core.models.head import HeadModel
from likeness.core.models.joints import GLOBAL
from likeness.core.models.parametric import Parameters
from likeness.core.models.prior import PriorSurface
from likeness.core.photo.framing import HEAD
from likeness.core.photo.view import Camera

MILLIMETRE = 0.001 / HEAD.half


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


def fitted(model: HeadModel, yaw: float, smile: float = 0.0, distance: float = 1.2) -> tuple[FittedView, np.ndarray]:
    """A head before a camera, and its rotation (3, 3)."""
    expression = np.zeros(len(model.expression))
    expression[[model.expression_names.index(name) for name in ("mouthSmileLeft", "mouthSmileRight", "jawOpen")]] = smile
    rotations = model.neutral().rotations
    rotations[GLOBAL] = [0.1, yaw, 0]
    posed = model.posed(Parameters(np.zeros(len(model.identity)), expression, rotations))
    camera = Camera((250.0, 240.0), 1000.0, distance)
    surface = PriorSurface.of(model, HEAD.to_crop(posed.closed_vertices, camera).astype(np.float32), HEAD)
    return FittedView(posed.closed_vertices, surface, camera), posed.rotation


def test_the_fitted_surface_lands_on_the_other_photo_s(model):
    (front, _), (side, _) = fitted(model, 0.0), fitted(model, 1.0, smile=0.5, distance=0.8)
    head = np.abs(front.surface.vertices).max(1) < 0.95
    apart = np.linalg.norm(Carrier.between(front, side)(front.surface.vertices) - side.surface.vertices, axis=1)
    # Within the mouth, which one photo shows open, parts that move apart lie in one cell of the lattice.
    mouth = np.linalg.norm(front.vertices - front.vertices[model.closed_region("lips") > 0.5].mean(0), axis=1) < 0.03
    assert np.median(apart[head]) < 0.2 * MILLIMETRE and np.percentile(apart[head & ~mouth], 99) < 4 * MILLIMETRE
    assert apart[head].max() < 12 * MILLIMETRE


def test_what_stands_off_the_head_turns_with_it(model):
    (front, first), (side, second) = fitted(model, 0.0), fitted(model, 1.0)
    behind = np.array([[0.0, 0.05, -0.24], [0.03, 0.12, -0.2], [-0.11, 0.0, -0.1]])  # head frame: hair
    points = [HEAD.to_crop(behind @ rotation.T, view.camera) for view, rotation in ((front, first), (side, second))]
    apart = np.linalg.norm(Carrier.between(front, side)(points[0].astype(np.float32)) - points[1], axis=1)
    assert apart.max() < 4 * MILLIMETRE


def test_the_way_back_ends_where_it_began(model):
    (front, _), (side, _) = fitted(model, 0.0), fitted(model, -0.9, smile=0.6)
    carry = Carrier.between(front, side)
    points = np.random.default_rng(0).uniform(-0.6, 0.6, (500, 3)).astype(np.float32)
    apart = np.linalg.norm(carry.inverse()(carry(points)) - points, axis=1)
    # Behind the head the nearest part of it changes from one point to the next, and the map with it.
    assert np.percentile(apart, 95) < 0.5 * MILLIMETRE and apart.max() < 6 * MILLIMETRE


def test_a_head_that_only_turns_is_carried_exactly(model):
    front, _ = fitted(model, 0.0)
    angle, camera = 1.0, Camera((250.0, 240.0), 1000.0, 0.8)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    turned = front.vertices @ turn.T
    places = HEAD.to_crop(turned, camera).astype(np.float32)
    carry = Carrier.rigid(front, FittedView(turned, PriorSurface.of(model, places, HEAD), camera), turn)
    points = front.surface.vertices
    near = np.abs(points).max(1) < 0.95
    assert np.linalg.norm(carry(points) - places, axis=1)[near].max() < 0.2 * MILLIMETRE

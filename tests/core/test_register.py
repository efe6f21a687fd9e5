"""Heads of a model, drawn from two sides: the turn and the camera of the second picture are found again."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from likeness.core.fields.crop import signed_distance_to_outline
from likeness.core.geometry.mesh import vertex_normals
from likeness.core.geometry.raster import interpolate, rasterize
from likeness.core.geometry.visibility import smoothstep
from likeness.core.models.fit import ViewFit
from likeness.core.models.head import HeadModel
from likeness.core.models.joints import GLOBAL
from likeness.core.models.parametric import Parameters
from likeness.core.models.photo_flow import PhotoFit, matches
from likeness.core.models.register import HeadSurface, Outline, RelativePose, registered
from likeness.core.models.rotation import rotation_matrix, rotation_vector
from likeness.core.photo.crop import crop_picture
from likeness.core.photo.framing import HEAD
from likeness.core.photo.view import Camera

SIZE = 512
CAMERA = Camera((SIZE / 2, 0.45 * SIZE), 1200.0, 1.2)
WRONG = np.radians([1.5, 4.0, -2.0])


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


def fitted(model: HeadModel, turn: np.ndarray, camera: Camera = CAMERA) -> ViewFit:
    """The mean head, turned by a rotation vector (3,)."""
    rotations = model.neutral().rotations
    rotations[GLOBAL] = turn
    posed = model.posed(Parameters(np.zeros(len(model.identity)), np.zeros(len(model.expression)), rotations))
    return ViewFit(
        np.zeros(len(model.identity)), np.zeros(len(model.expression)), rotations, posed.rotation, camera, 0.01,
        posed.vertices, posed.joints, posed.closed_vertices, posed.closed_normals,
    )  # fmt: skip


def drawn(model: HeadModel, fit: ViewFit, plain: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """A photo (SIZE, SIZE, 3) uint8 of it, painted all over or plain, and its mask (SIZE, SIZE) float32."""
    flat = fit.camera.project(fit.closed_vertices) * (2 / SIZE) - 1
    points = np.column_stack([flat * [1, -1], fit.closed_vertices[:, 2:]]).astype(np.float32)
    faces = torch.from_numpy(np.asarray(model.closed_mesh.faces, np.int64))
    raster = rasterize(torch.from_numpy(points), faces, SIZE)
    rest = model.closed_rest * 1000
    paint = np.stack([np.sin(rest @ wave) for wave in ([0.5, 0.4, 0.2], [-0.3, 0.5, 0.4], [0.2, -0.6, 0.5])], axis=1)
    colours = 0.5 + (0 if plain else 0.15) * paint
    picture = interpolate(raster, faces, torch.from_numpy(colours.astype(np.float32))).numpy()
    mask = raster.mask.numpy()
    return np.round(np.where(mask[..., None], picture, 0.8) * 255).astype(np.uint8), mask.astype(np.float32)


def pair(model: HeadModel, wrong: np.ndarray, plain: bool = False) -> tuple[PhotoFit, PhotoFit, ViewFit, np.ndarray]:
    """A photo from the front, another of a head turned by 30 degrees with a fit that is off by a rotation vector (3,), the true fit, and
    the outline over the wrong fit's crop."""
    front, side = fitted(model, np.array([0.05, 0.0, 0.0])), fitted(model, np.array([0.0, 0.52, 0.0]))
    off = fitted(model, rotation_vector(rotation_matrix(wrong) @ rotation_matrix(side.rotations[GLOBAL])))
    picture, mask = drawn(model, side, plain)
    outside = signed_distance_to_outline(crop_picture(mask, HEAD.crop_box(off.camera), 256))
    return PhotoFit(drawn(model, front, plain)[0], front), PhotoFit(picture, off), side, outside


def head_of(model: HeadModel, main: PhotoFit) -> HeadSurface:
    vertices = main.fit.closed_vertices
    return HeadSurface(vertices, model.closed_mesh.faces, vertices[:, 1] > -0.1, np.zeros(len(vertices), bool))


def degrees(fit: ViewFit, truth: ViewFit) -> float:
    return float(np.degrees(np.linalg.norm(rotation_vector(fit.rotation @ truth.rotation.T))))


def test_flow_finds_places_again_that_the_fit_has_wrong(model):
    main, other, truth, _ = pair(model, WRONG)
    found = matches(model, main, other)
    assert found is not None and len(found.points) > 500
    head = found.points @ other.fit.rotation @ truth.rotation.T
    before, after = (np.linalg.norm(CAMERA.project(points) - found.pixels, axis=1) for points in (found.points, head))
    assert np.median(before) > 1.5 and np.median(after) < 0.5 and np.percentile(after, 90) < 1.5


def test_flow_that_does_not_come_back_matches_nothing(model):
    main, other, _, _ = pair(model, WRONG)
    noise = np.random.default_rng(0).integers(0, 255, other.image.shape, np.uint8)
    right, chance = matches(model, main, other), matches(model, main, replace(other, image=noise))
    assert right is not None and (chance is None or len(chance.points) < 0.4 * len(right.points))


def test_what_the_main_photo_hides_is_not_matched(model):
    main, other, *_ = pair(model, np.zeros(3))
    away = PhotoFit(main.image, fitted(model, np.array([0.0, -1.2, 0.0])))
    assert matches(model, away, PhotoFit(other.image, fitted(model, np.array([0.0, 1.2, 0.0])))) is None


def test_a_wrong_turn_is_mended(model):
    main, other, truth, outside = pair(model, WRONG)
    fit = registered(model, main, other, outside, head_of(model, main))
    assert degrees(other.fit, truth) > 4.5 and degrees(fit, truth) < 1.2
    apart = np.linalg.norm(fit.camera.project(fit.closed_vertices) - CAMERA.project(truth.closed_vertices), axis=1)
    assert np.median(apart) < 3
    # The head's joints and its parameters turn with it.
    assert fit.joints == pytest.approx(other.fit.joints @ (fit.rotation @ other.fit.rotation.T).T)
    posed = fitted(model, fit.rotations[GLOBAL])
    assert np.abs(posed.vertices - fit.vertices).max() < 1e-4


def test_the_outline_alone_tells_scale_and_shift(model):
    """Of pictures without texture."""
    main, other, truth, _ = pair(model, np.zeros(3), plain=True)
    camera = Camera((CAMERA.centre[0] + 8, CAMERA.centre[1] - 6), CAMERA.scale * 1.03, CAMERA.distance)
    off = replace(other.fit, camera=camera)
    outside = signed_distance_to_outline(crop_picture(drawn(model, truth)[1], HEAD.crop_box(camera), 256))
    fit = registered(model, main, PhotoFit(other.image, off), outside, head_of(model, main))
    assert abs(fit.camera.scale / CAMERA.scale - 1) < 0.02
    assert np.linalg.norm(np.subtract(fit.camera.centre, CAMERA.centre)) < 5


def test_what_is_known_to_be_a_guess_moves_fits_by_less(model):
    """The back of the head, 40 mm too deep, in six profiles: one fit alone may end nearer to either by chance."""
    front = fitted(model, np.zeros(3))
    facing = vertex_normals(front.closed_vertices, model.closed_mesh.faces)[:, 2]
    vertices = front.closed_vertices.copy()
    vertices[:, 2] -= 0.04 * smoothstep(-facing, 0.3, 0.8)
    main = PhotoFit(drawn(model, front, plain=True)[0], front)

    def apart(yaw: float, guessed: np.ndarray) -> float:
        side = fitted(model, np.array([0.0, yaw, 0.0]))
        picture, mask = drawn(model, side, plain=True)
        outside = signed_distance_to_outline(crop_picture(mask, HEAD.crop_box(side.camera), 256))
        head = HeadSurface(vertices, model.closed_mesh.faces, vertices[:, 1] > -0.1, guessed)
        fit = registered(model, main, PhotoFit(picture, side), outside, head)
        return float(np.linalg.norm(fit.camera.project(fit.vertices) - CAMERA.project(side.vertices), axis=1).mean())

    pairs = [(apart(yaw, facing < -0.3), apart(yaw, np.zeros(len(facing), bool))) for yaw in (1.4, 1.5, 1.57, 1.65, -1.5, -1.57)]
    known, unknown = np.mean(pairs, axis=0)
    assert known < 0.9 * unknown


def test_an_outline_is_where_it_is(model):
    """Within a third of a pixel of what is drawn, on average: errors would be taken for another scale."""
    front = fitted(model, np.zeros(3))
    outside = signed_distance_to_outline(crop_picture(drawn(model, front)[1], HEAD.crop_box(CAMERA), 256))
    head = head_of(model, PhotoFit(np.zeros((1, 1, 3), np.uint8), front))
    _, errors, _ = Outline(outside, HEAD.crop_box(CAMERA), head).rows(RelativePose(np.eye(3), CAMERA))
    assert abs(errors.mean()) < 0.4


def test_a_right_fit_stays(model):
    main, other, truth, outside = pair(model, np.zeros(3))
    fit = registered(model, main, other, outside, head_of(model, main))
    assert degrees(fit, truth) < 0.5 and abs(fit.camera.scale / CAMERA.scale - 1) < 0.01


def test_a_stranger_s_picture_moves_a_fit_by_little(model):
    main, other, truth, outside = pair(model, np.zeros(3))
    noise = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, other.image.shape, np.uint8), (0, 0), 3)
    fit = registered(model, main, replace(other, image=noise), outside - 0.03, head_of(model, main))
    assert degrees(fit, truth) < 3.5

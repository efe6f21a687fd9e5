"""The fit against heads whose parameters are known, and on one real photo."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from likeness.core.errors import ReconstructionError
from likeness.core.geometry.mesh import vertex_normals
from likeness.core.geometry.raster import rasterize
from likeness.core.models.fit import PersonFitter, fit, fit_head
from likeness.core.models.guess import HeadGuess
from likeness.core.models.head import HeadModel
from likeness.core.models.joints import GLOBAL, LEFT_EYE, NECK, RIGHT_EYE
from likeness.core.models.observation import Observation
from likeness.core.models.parametric import Parameters, Posed
from likeness.core.models.rotation import rotation_matrix, rotation_vector
from likeness.core.photo.landmarks import LIDS, LIPS, MEDIAPIPE
from likeness.core.photo.view import Camera

SIZE = 512


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


def photograph(model: HeadModel, yaw: float, noise: float = 0.0, focal: bool = False) -> tuple[Observation, Posed, Camera]:
    """A view of a random head made by the model itself: its landmarks as the detector would put them, and no matte."""
    rng = np.random.default_rng(3)
    expression = np.zeros(52)
    expression[model.expression_names.index("jawOpen")] = 0.4
    rotations = np.zeros((5, 3))
    rotations[0] = rotation_vector(rotation_matrix(np.array([0, 0, 0.1])) @ rotation_matrix(np.array([0.1, yaw, 0])))
    posed = model.posed(Parameters(np.clip(rng.normal(0, 0.8, len(model.identity)), -2, 2), expression, rotations))
    camera = Camera((260.0, 200.0), 1200.0, 0.8 if focal else 1.5)
    points = model.mediapipe.on(posed.vertices) + model.mediapipe.bias @ posed.rotation.T
    points = points + rng.normal(0, noise, points.shape)
    landmarks = np.concatenate([camera.project(points), points[:, 2:] * camera.scale], axis=1)
    view = Observation({MEDIAPIPE: landmarks}, None, 0.8 * 1200.0 if focal else None, "synthetic")
    return view, posed, camera


def angle(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.degrees(np.linalg.norm(rotation_vector(first.T @ second))))


@pytest.mark.parametrize("yaw", [0.0, 0.35, -0.7])
def test_pose_camera_and_shape_of_a_known_head_come_back(model, yaw):
    view, truth, camera = photograph(model, yaw, noise=0.0015)
    fit = fit_head(model, view)
    face = model.regions["face"] > 0.5
    error = np.linalg.norm(fit.vertices - truth.vertices, axis=1)[face].mean()
    assert angle(fit.rotation, truth.rotation) < 5
    assert fit.camera.scale == pytest.approx(camera.scale, rel=0.05)
    assert np.allclose(fit.camera.centre, camera.centre, atol=6)
    assert error < 0.004
    mean = np.linalg.norm(model.mean @ truth.rotation.T - truth.vertices, axis=1)[face].mean()
    assert error < mean
    assert 0.2 < fit.expression[model.expression_names.index("jawOpen")] < 0.7


def test_a_known_focal_length_gives_the_distance(model):
    view, _, _ = photograph(model, 0.2, focal=True)
    assert fit_head(model, view).camera.distance == pytest.approx(0.8, rel=0.05)
    assert fit_head(model, replace(view, focal=None)).camera.distance == pytest.approx(1.5)


def test_fit_is_in_the_camera_frame_within_bounds_and_repeatable(model):
    view, _, _ = photograph(model, 0.3, noise=0.003)
    fit = fit_head(model, view)
    assert np.allclose(fit.joints[[LEFT_EYE, RIGHT_EYE]].mean(0), 0, atol=1e-6)
    assert fit.expression.min() >= 0 and fit.expression.max() <= 1 and np.abs(fit.identity).max() <= 3
    assert fit.closed_vertices.shape == fit.closed_normals.shape == (len(model.closed_correspondence), 3)
    posed = model.posed(Parameters(fit.identity, fit.expression, fit.rotations))
    apart = np.linalg.norm(posed.vertices - fit.vertices, axis=1)
    assert apart.max() < 0.006 and np.median(apart) < 1e-6, "lips and lids alone leave the model"
    again = fit_head(model, view)
    assert np.array_equal(again.vertices, fit.vertices) and again.camera == fit.camera


def test_the_matte_pulls_a_head_that_sticks_out_inside(model):
    view, truth, camera = photograph(model, 0.0, noise=0.002)
    columns = np.mgrid[:SIZE, :SIZE][1] + 0.5
    slim = np.abs(columns - camera.centre[0]) < 0.066 * camera.scale
    free, held = fit_head(model, view), fit_head(model, replace(view, matte=slim.astype(np.float32)))

    def width(fit) -> float:
        ears = model.regions["ears"] > 0.5
        skull = (model.weights[:, 0] < 0.3) & ~ears
        return float(np.ptp(fit.vertices[skull, 0]))

    assert width(held) < width(free) - 0.001
    assert angle(held.rotation, truth.rotation) < 6


def test_the_matte_beside_the_neck_tells_how_the_shoulders_lie(model):
    rotations = np.zeros((5, 3))
    rotations[GLOBAL], rotations[NECK] = [0, 0, 0.25], [0, 0, -0.25]  # the head upright on leaning shoulders
    truth = model.posed(replace(model.neutral(), rotations=rotations))
    camera = Camera((256.0, 200.0), 1000.0, 1.5)
    points = model.mediapipe.on(truth.vertices) + model.mediapipe.bias @ truth.rotation.T
    landmarks = np.concatenate([camera.project(points), points[:, 2:] * camera.scale], axis=1)
    pixels = camera.project(truth.closed_vertices) / (SIZE / 2) * [1, -1] + [-1, 1]
    picture = torch.from_numpy(np.column_stack([pixels, truth.closed_vertices[:, 2]]).astype(np.float32))
    matte = rasterize(picture, torch.from_numpy(model.closed_mesh.faces), SIZE).mask.numpy().astype(np.float32)
    view = Observation({MEDIAPIPE: landmarks}, np.ones_like(matte), None, "synthetic")
    shoulders = model.weights[:, 0] > 0.9

    def error(fit) -> float:
        return float(np.linalg.norm(fit.vertices - truth.vertices, axis=1)[shoulders].mean())

    assert error(fit_head(model, replace(view, matte=matte))) < 0.7 * error(fit_head(model, view))


def test_landmarks_on_the_far_side_of_the_face_have_little_say(model):
    view, truth, _ = photograph(model, 0.9)
    facing = model.mediapipe.on(vertex_normals(truth.vertices, model.faces))[:, 2]
    order = np.argsort(facing)
    count = int((facing < -0.1).sum())
    assert count > 60

    def change(moved: np.ndarray) -> float:
        landmarks = view.landmarks[MEDIAPIPE].copy()
        landmarks[moved, :2] += [6, 4]
        return float(
            np.abs(fit_head(model, replace(view, landmarks={MEDIAPIPE: landmarks})).identity - fit_head(model, view).identity).mean()
        )

    assert change(order[:count]) < 0.6 * change(order[-count:])


def test_landmarks_that_are_no_face_are_refused(model):
    view, _, _ = photograph(model, 0.0)
    with pytest.raises(ReconstructionError, match="synthetic"):
        fit_head(model, replace(view, landmarks={MEDIAPIPE: np.zeros((468, 3))}))


def test_landmarks_of_a_real_photo_are_met(model):
    data = pytest.importorskip("skimage.data")
    faces = pytest.importorskip("likeness.core.photo.faces")
    image = data.astronaut()
    landmarks = faces.MediaPipeDetector().detect(image)[0].mesh
    view = Observation({MEDIAPIPE: landmarks}, name="astronaut")
    fit = fit_head(model, view)
    assert fit.residual < 0.015
    points = model.mediapipe.on(fit.vertices) + model.mediapipe.bias @ fit.rotation.T
    distance = np.linalg.norm(fit.camera.project(points) - landmarks[:, :2], axis=1)
    eyes = np.linalg.norm(np.diff(fit.camera.project(fit.joints[[LEFT_EYE, RIGHT_EYE]]), axis=0))
    assert np.median(distance) < 0.015 * eyes
    assert fit.expression[model.expression_names.index("mouthSmileLeft")] > 0.2
    assert angle(fit.rotation, np.eye(3)) < 15


def known(model: HeadModel, rotation: np.ndarray, error: float = 0.0, deviation: float = 0.2) -> HeadGuess:
    """A guess of the head in `photograph`, whose rotation is as told."""
    rng = np.random.default_rng(3)
    identity = np.clip(rng.normal(0, 0.8, len(model.identity)), -2, 2)[:80]
    expression = np.zeros(52)
    expression[model.expression_names.index("jawOpen")] = 0.4
    return HeadGuess(identity + error, np.full(80, deviation), expression + error, rotation)


def shape_error(model: HeadModel, view: Observation, truth: Posed, start: HeadGuess | None) -> float:
    face = model.regions["face"] > 0.5
    return float(np.linalg.norm(fit_head(model, view, start).vertices - truth.vertices, axis=1)[face].mean())


@pytest.mark.parametrize("yaw", [0.0, -0.8])
def test_a_good_guess_makes_the_fit_better(model, yaw):
    view, truth, _ = photograph(model, yaw, noise=0.0015)
    assert shape_error(model, view, truth, known(model, truth.rotation)) < 0.8 * shape_error(model, view, truth, None)


def test_an_unsure_guess_does_no_harm(model):
    view, truth, _ = photograph(model, 0.3, noise=0.0015)
    unsure = HeadGuess(np.zeros(80), np.ones(80), np.zeros(52), truth.rotation)
    assert shape_error(model, view, truth, unsure) < 1.05 * shape_error(model, view, truth, None)


def test_a_guessed_turn_mends_a_tilt_of_the_landmarks(model):
    view, truth, _ = photograph(model, 0.3, noise=0.0015)
    landmarks = view.landmarks[MEDIAPIPE]
    middle, tilt = landmarks.mean(0), rotation_matrix(np.array([0.09, 0, 0]))
    tilted = replace(view, landmarks={MEDIAPIPE: middle + (landmarks - middle) @ tilt.T})
    unsure = HeadGuess(np.zeros(80), np.ones(80), np.zeros(52), truth.rotation)
    with_guess, without = fit_head(model, tilted, unsure), fit_head(model, tilted)
    assert angle(with_guess.rotation, truth.rotation) < 0.95 * angle(without.rotation, truth.rotation)
    assert with_guess.residual < 1.1 * without.residual


@pytest.mark.parametrize("error", [1.5, -40.0, np.nan, np.inf])
def test_a_bad_guess_never_raises_and_landmarks_still_hold(model, error):
    view, truth, _ = photograph(model, 0.3, noise=0.0015)
    for deviation in (1e-9, 0.2, 1.0):
        fit = fit_head(model, view, known(model, truth.rotation @ rotation_matrix(np.array([0.0, error, 0.0])), error, deviation))
        assert np.isfinite(fit.vertices).all()
        assert angle(fit.rotation, truth.rotation) < 20


def of_person(model: HeadModel, yaws: tuple[float, ...], noise: float, seed: int = 0) -> tuple[np.ndarray, list[Observation]]:
    """One person (K,) in several photos, each with a pose, a smile and landmark errors of its own, half as large at lips and lids."""
    rng = np.random.default_rng(seed)
    identity = np.clip(rng.normal(0, 1.0, len(model.identity)), -2.5, 2.5)
    seen = []
    for number, yaw in enumerate(yaws):
        expression = np.zeros(len(model.expression))
        expression[[model.expression_names.index(f"mouthSmile{side}") for side in ("Left", "Right")]] = 0.3 * number
        rotations = model.neutral().rotations
        rotations[0] = [0.05 * number, yaw, 0]
        posed, camera = model.posed(Parameters(identity, expression, rotations)), Camera((250.0, 240.0), 1000.0 + 90 * number, 1.5)
        points = model.mediapipe.on(posed.vertices) + model.mediapipe.bias @ posed.rotation.T
        errors = rng.normal(0, noise, points.shape)
        errors[[*LIPS, *LIDS]] /= 2
        points = points + errors
        landmarks = np.concatenate([camera.project(points), points[:, 2:] * camera.scale], axis=1)
        seen.append(Observation({MEDIAPIPE: landmarks}, name=f"photo {number}"))
    return identity, seen


def neutral_error(model: HeadModel, identity: np.ndarray, truth: np.ndarray) -> float:
    face = model.regions["face"] > 0.5
    return float(np.linalg.norm(np.tensordot(identity - truth, model.identity[:, face], 1), axis=1).mean())


def test_several_photos_tell_the_person_better_than_each_of_them(model):
    errors = []
    for seed in range(3):
        truth, seen = of_person(model, (0.0, 0.35, -0.3), 0.004, seed)
        sets = ([seen[0]], [seen[1]], [seen[2]], seen[:2], seen)
        errors.append([neutral_error(model, fit(model, chosen).identity, truth) for chosen in sets])
    *alone, two, three = np.mean(errors, axis=0)
    assert two < 0.95 * np.mean(alone[:2]) and three < 0.92 * np.mean(alone)


def test_each_photo_keeps_its_own_pose_camera_and_expression(model):
    _, seen = of_person(model, (0.0, 0.35), 0.001)
    found = fit(model, seen)
    assert all(np.array_equal(view.identity, found.identity) for view in found.views)
    smile = model.expression_names.index("mouthSmileLeft")
    front, side = found.views
    assert side.expression[smile] - front.expression[smile] > 0.15
    assert angle(side.rotation, rotation_matrix(np.array([0.05, 0.35, 0]))) < 4 and angle(front.rotation, np.eye(3)) < 4
    assert side.camera.scale / front.camera.scale == pytest.approx(1.09, rel=0.02)


def test_the_same_photo_twice_is_fitted_alike_with_its_matte(model):
    view, _, _ = photograph(model, 0.3)
    columns = np.arange(SIZE)
    matte = np.broadcast_to((np.abs(columns - 250) < 90).astype(np.float32), (SIZE, SIZE))
    once, (first, second) = fit_head(model, replace(view, matte=matte)), fit(model, [replace(view, matte=matte)] * 2).views
    assert np.abs(first.vertices - second.vertices).max() < 1e-6 and first.camera.scale == pytest.approx(second.camera.scale)
    assert first.residual <= once.residual + 1e-4 and np.abs(first.vertices - once.vertices).mean() < 0.002
    mixed = fit(model, [replace(view, matte=matte), view])
    assert all(np.isfinite(found.vertices).all() for found in mixed.views)


def test_the_order_of_the_photos_changes_little(model):
    _, seen = of_person(model, (0.0, 0.35), 0.001)
    forth, back = fit(model, seen), fit(model, seen[::-1])
    assert neutral_error(model, forth.identity, back.identity) < 1e-4
    assert np.abs(forth.views[0].vertices - back.views[1].vertices).max() < 1e-3


def test_a_known_person_in_a_photo_keeps_pose_and_expression(model):
    truth, seen = of_person(model, (0.2, 0.35), 0.001)
    found = PersonFitter(model, truth).fit(seen[1])
    assert angle(found.rotation, rotation_matrix(np.array([0.05, 0.35, 0]))) < 2
    assert found.expression[model.expression_names.index("mouthSmileLeft")] == pytest.approx(0.3, abs=0.15)

"""The body fit on bodies of the model itself, whose truth is known: exact landmarks as a detector would report them, and drawn mattes."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from likeness.core.errors import Cancelled, ReconstructionError
from likeness.core.geometry.raster import rasterize
from likeness.core.models import body_view
from likeness.core.models.articulation import Articulation
from likeness.core.models.body import BodyModel
from likeness.core.models.body_fit import BodyFitter, BodyViewFit, combined
from likeness.core.models.body_guess import BodyGuess, GuessNetwork, features, straight_ahead
from likeness.core.models.observation import BodyObservation
from likeness.core.models.parametric import Parameters
from likeness.core.models.rotation import rotation_matrix, smallest_turn
from likeness.core.photo.people import LANDMARKS, PARTNER, BodyLandmarks
from likeness.core.photo.view import Camera

SIZE = 400


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


@pytest.fixture(scope="module")
def network() -> GuessNetwork:
    return GuessNetwork.load()


@pytest.fixture(scope="module")
def fitter(body: BodyModel, network: GuessNetwork) -> BodyFitter:
    return BodyFitter(body, network)


@dataclass
class Truth:
    """A known person before a camera, and what a perfect detector says."""

    vertices: np.ndarray
    joints: np.ndarray
    camera: Camera
    seen: BodyObservation


def person(
    body: BodyModel,
    yaw: float = 0.3,
    shape: tuple[float, ...] = (0.5, -0.5, 0.5),
    beside: float = 0.0,
    distance: float = 4.0,
    **groups: tuple[float, float, float],
) -> Truth:
    """A person standing easily; beside: metres that the root stands beside the camera's axis."""
    frame = Articulation(body, 24)
    pose, coefficients = body.pose.mean.astype(np.float64), np.zeros(24)
    coefficients[: len(shape)] = shape
    for name in ("upperleg01", "lowerleg01"):  # the usual pose bends knees a little, as some people sit
        for side in "LR":
            pose[body.pose.names.index(f"{name}.{side}")] = 0
    for name, turn in groups.items():
        pose[body.pose.names.index(name.replace("_L", ".L").replace("_R", ".R"))] = turn
    root = rotation_matrix(np.array([0, yaw, 0]))
    marks = frame.on_joints(body.body_landmarks.joints, body.body_landmarks.offsets).at(coefficients, pose, root)
    vertices = frame.on_vertices(np.arange(len(body.mean))).at(coefficients, pose, root)
    joints = frame.on_joints(np.arange(len(body.skeleton.names)), np.zeros((len(body.skeleton.names), 3))).at(coefficients, pose, root)
    scale = 0.19 * SIZE
    camera = Camera((SIZE / 2, SIZE / 2), scale, distance)
    marks, vertices, joints = (points + np.array([beside, 0, 0]) for points in (marks, vertices, joints))
    hips = marks[23:25].mean(0)
    reading = BodyLandmarks(camera.project(marks), (marks - hips)[:, 2] * scale, np.full(LANDMARKS, 0.99), (marks - hips) * 0.9)
    flat = camera.project(vertices) * 2 / SIZE - 1
    picture = np.column_stack([flat[:, 0], -flat[:, 1], vertices[:, 2]]).astype(np.float32)
    matte = rasterize(torch.from_numpy(picture), torch.from_numpy(body.faces), SIZE).mask.numpy().astype(np.float32)
    return Truth(vertices, joints, camera, BodyObservation([reading], np.full(2, SIZE / 2), matte, scale * distance))


def apart(fit: BodyViewFit, truth: Truth) -> float:
    """Mean distance of the joints about their middle, metres."""
    first, second = fit.joints - fit.joints.mean(0), truth.joints - truth.joints.mean(0)
    return float(np.linalg.norm(first - second, axis=1).mean())


def test_points_on_joints_move_as_their_derivative_says(body: BodyModel) -> None:
    frame, rng = Articulation(body, 6), np.random.default_rng(1)
    points = frame.on_vertices(rng.integers(0, len(body.mean), 40))
    shape, groups, root = rng.normal(0, 0.5, 6), rng.normal(0, 0.4, (len(body.pose.names), 3)), rotation_matrix(rng.normal(0, 1, 3))
    here, moves = points.moves(shape, groups, root)
    assert np.allclose(here, points.at(shape, groups, root))
    step = 1e-6 * rng.normal(0, 1, moves.shape[2])
    turned = groups + step[6:-3].reshape(-1, 3)
    there = points.at(shape + step[:6], turned, rotation_matrix(step[-3:]) @ root)
    assert np.allclose((there - here) * 1e6, moves @ step * 1e6, atol=1e-4)


def test_stiff_joints_follow_those_that_turn(body: BodyModel) -> None:
    frame, groups = Articulation(body, 3), np.zeros((len(body.pose.names), 3))
    groups[body.pose.names.index("lowerarm01.L")] = (0.3, -0.9, 0.2)
    rotations = body.pose.rotations(groups)
    posed = body.posed(Parameters(np.zeros(len(body.identity)), np.zeros(0), rotations))
    ids = np.arange(0, len(body.mean), 50)
    assert np.allclose(frame.on_vertices(ids).at(np.zeros(3), groups, np.eye(3)), posed.vertices[ids], atol=1e-5)


def test_the_energys_slope_is_its_linearisations(body: BodyModel, fitter: BodyFitter) -> None:
    truth = person(body, lowerarm01_L=(0.0, -0.8, 0.0))
    energy = fitter._energy(replace(truth.seen, focal=None), 1.0)
    state = energy.start()
    right = energy.linearised(state).right
    slope = np.zeros(energy.size)
    for place in range(energy.size):
        step = np.zeros(energy.size)
        step[place] = 1e-5
        slope[place] = (energy.energy(energy.moved(state, step)) - energy.energy(energy.moved(state, -step))) / 2e-5
    # The scale also turns the frame with the root straight ahead, a little.
    assert np.abs(-2 * right - slope)[:-3].max() < 1e-5 * np.abs(slope).max()
    assert np.abs(-2 * right - slope).max() < 0.05 * np.abs(slope).max()


def test_a_known_body_is_found_again(body: BodyModel, fitter: BodyFitter) -> None:
    truth = person(body, lowerarm01_L=(0.0, -0.6, 0.0))
    fit = fitter.fit([truth.seen]).views[0]
    assert apart(fit, truth) < 0.05
    error = np.linalg.norm(fit.camera.project(fit.joints) - truth.camera.project(truth.joints), axis=1)
    assert error.mean() / truth.camera.scale < 0.03
    assert fit.camera.scale * fit.camera.distance == pytest.approx(truth.camera.scale * 4, rel=0.01)
    assert fit.camera.centre == truth.camera.centre and abs(fit.joints[0, 2]) < 1e-6
    identity = np.r_[0.5, -0.5, 0.5, np.zeros(len(body.identity) - 3)]
    assert fit.height == pytest.approx(np.ptp(body.rest(identity, np.zeros(0))[0][:, 1]), rel=0.05)
    assert fit.height == pytest.approx(np.ptp(body.rest(fit.parameters.identity, np.zeros(0))[0][:, 1]))
    assert fit.up[1] > 0.97


def test_the_result_can_be_stood_up(body: BodyModel, fitter: BodyFitter) -> None:
    fit = fitter.fit([person(body, yaw=1.2).seen]).views[0]
    assert np.allclose(fit.upright @ fit.up, [0, 1, 0])
    assert np.allclose(fit.upright @ fit.upright.T, np.eye(3))
    front = fit.upright @ fit.rotation[:, 2]
    assert front[0] == pytest.approx(0, abs=1e-6) and front[2] > 0.9
    assert np.allclose(smallest_turn(np.array([0, 0, 2.0]), np.array([0, 0, -1.0])) @ [0, 0, 1], [0, 0, -1])


def test_the_result_is_the_same_every_time(body: BodyModel, fitter: BodyFitter) -> None:
    truth = person(body)
    first, second = (fitter.fit([truth.seen]).views[0] for _ in range(2))
    assert np.array_equal(first.vertices, second.vertices)


@pytest.mark.parametrize(("name", "off"), [("_POINT_TRUST", 0.02), ("_READ_ALIKE", 0.005)], ids=["guessed points count", "landmarks count"])
def test_landmarks_and_guessed_points_draw_the_body(
    body: BodyModel, fitter: BodyFitter, monkeypatch: pytest.MonkeyPatch, name: str, off: float
) -> None:
    truth = person(body, upperarm01_L=(0.2, 0.3, 0.9), upperarm01_R=(-0.4, 0.2, 0.6))

    def pictured() -> float:
        fit = fitter.fit([replace(truth.seen, matte=None)]).views[0]
        return float(np.linalg.norm(fit.camera.project(fit.joints) - truth.camera.project(truth.joints), axis=1).mean())

    whole = pictured()
    monkeypatch.setattr(body_view, name, off)
    assert pictured() > whole * 1.03


def _changed(network: GuessNetwork, change: Callable[[BodyGuess], BodyGuess]) -> GuessNetwork:
    class Changed(GuessNetwork):
        def __call__(self, readings):
            return change(super().__call__(readings))

    return Changed(network.arrays)


def test_guessed_depths_move_joints_along_the_view(body: BodyModel, network: GuessNetwork) -> None:
    truth = person(body, yaw=0.0)
    wrist = body.joint("wrist.L")

    def depth(shift: float) -> float:
        further = lambda guess: replace(guess, depth=guess.depth + shift * (np.arange(len(guess.depth)) == 4))  # noqa: E731
        fit = BodyFitter(body, _changed(network, further)).fit([truth.seen]).views[0]
        return float(fit.joints[wrist, 2])

    assert depth(0.15) - depth(-0.15) > 0.02


def test_feet_stand_on_one_ground(body: BodyModel, network: GuessNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = person(body, yaw=0.0)
    feet = [[body.joint(f"{name}.{side}") for name in ("foot", "toe1-1")] for side in "LR"]

    def uneven(guess: BodyGuess) -> BodyGuess:
        tilted = guess.up + np.array([0.15, 0.0, 0.0])
        return replace(guess, up=tilted / np.linalg.norm(tilted))

    def height() -> float:
        fit = BodyFitter(body, _changed(network, uneven)).fit([truth.seen]).views[0]
        return abs(float((fit.joints[feet[0]].mean(0) - fit.joints[feet[1]].mean(0)) @ fit.up))

    whole = height()
    monkeypatch.setattr(body_view, "_GROUND_TRUST", 30 * body_view._GROUND_TRUST)
    assert height() < 0.7 * whole


def test_the_outline_keeps_the_body_inside_the_matte(body: BodyModel, fitter: BodyFitter) -> None:
    truth = person(body, shape=(0.0, -2.0, 1.5, -1.0))
    assert truth.seen.matte is not None
    person_there = truth.seen.matte > 0.5

    def outside(seen: BodyObservation) -> float:
        fit = fitter.fit([seen]).views[0]
        flat = fit.camera.project(fit.vertices) * 2 / SIZE - 1
        picture = np.column_stack([flat[:, 0], -flat[:, 1], fit.vertices[:, 2]]).astype(np.float32)
        mask = rasterize(torch.from_numpy(picture), torch.from_numpy(body.faces), SIZE).mask.numpy()
        return float((mask & ~person_there).sum() / mask.sum())

    assert outside(truth.seen) < min(0.03, 0.6 * outside(replace(truth.seen, matte=None)))


def test_a_person_beside_the_pictures_middle_is_the_same_person(body: BodyModel, fitter: BodyFitter) -> None:
    middle, beside = (person(body, yaw=yaw, beside=far) for yaw, far in ((0.0, 0.0), (-np.arctan2(0.7, 4.0), 0.7)))
    first, second = (fitter.fit([truth.seen]).views[0] for truth in (middle, beside))
    ray = straight_ahead(second.joints[0] - [0, 0, second.camera.distance])
    # Both turn their front to the camera; in the axes of the second one's camera its root is turned by the ray's angle.
    assert np.allclose(ray @ second.rotation, first.rotation, atol=0.06)
    wrong = fitter.fit([replace(beside.seen, principal=beside.seen.principal + np.array([0.7 * beside.camera.scale, 0]))]).views[0]
    assert apart(second, beside) < apart(wrong, beside)


def test_photos_of_one_person_share_shape_and_pose(body: BodyModel, fitter: BodyFitter) -> None:
    front, side = person(body, yaw=0.0), person(body, yaw=1.3)
    fit = fitter.fit([front.seen, side.seen])
    first, second = fit.views
    assert np.array_equal(first.parameters.identity, second.parameters.identity)
    assert np.allclose(first.parameters.rotations[1:], second.parameters.rotations[1:])
    turn = second.rotation @ first.rotation.T
    assert np.arccos((np.trace(turn) - 1) / 2) == pytest.approx(1.3, abs=0.2)


def test_without_a_reading_the_user_is_told(fitter: BodyFitter) -> None:
    with pytest.raises(ReconstructionError, match=r"No body was found in beach\.jpg"):
        fitter.fit([BodyObservation([], np.zeros(2), name="beach.jpg")])


def test_a_fit_can_be_stopped(body: BodyModel, fitter: BodyFitter) -> None:
    with pytest.raises(Cancelled):
        fitter.fit([person(body).seen], lambda: True)


def test_features_do_not_depend_on_place_or_size(body: BodyModel) -> None:
    reading = person(body).seen.readings[0]
    assert np.allclose(features(reading), features(reading.placed(1.7, np.array([30.0, -12.0]))))


def test_a_reading_that_went_astray_is_outvoted(body: BodyModel) -> None:
    reading = person(body).seen.readings[0]
    astray = replace(reading, points=reading.points + 80)
    assert np.allclose(combined([reading, astray, reading]).points, reading.points)


def test_a_mirrored_reading_is_the_mirrored_person(body: BodyModel) -> None:
    reading = person(body).seen.readings[0]
    twice = reading.mirrored(SIZE).mirrored(SIZE)
    assert np.allclose(twice.points, reading.points) and np.allclose(twice.world, reading.world)
    assert np.array_equal(PARTNER[PARTNER], np.arange(LANDMARKS))
    assert np.allclose(reading.mirrored(SIZE).points[11], [SIZE - reading.points[12, 0], reading.points[12, 1]])

"""Fingers posed to known hands of the body model itself, and where hands are looked for."""

from dataclasses import replace

import numpy as np
import pytest

from likeness.core.models import hands as hands_module
from likeness.core.models.body import BodyModel
from likeness.core.models.body_fit import BodyViewFit
from likeness.core.models.hands import HandProblem, pose_hands
from likeness.core.models.parametric import Parameters
from likeness.core.photo.hands import HandLandmarks, hand_box, without_double
from likeness.core.photo.people import LANDMARKS, BodyLandmarks
from likeness.core.photo.view import Camera


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


def posed(body: BodyModel, rotations: np.ndarray) -> BodyViewFit:
    """A person before the camera's axis, 3 m away."""
    parameters = Parameters(np.zeros(len(body.identity)), np.zeros(0), rotations)
    there = body.posed(parameters)
    return BodyViewFit(
        parameters, np.eye(3), Camera((200.0, 200.0), 150.0, 3.0), there.vertices, there.joints, np.array([0, 1.0, 0]), 1.8, 0.0
    )


def closed(body: BodyModel, side: str, amount: float) -> np.ndarray:
    """Rotations of a person who closes a hand by so many radians a joint, and nods its wrist."""
    rotations = body.neutral().rotations
    problem = HandProblem(
        body, posed(body, rotations), side, HandLandmarks(np.zeros((21, 2)), np.random.default_rng(0).normal(0, 1, (21, 3)))
    )
    turns = problem.start()
    turns[5:, 0] = amount
    turns[1] = (0.2, -0.1, 0.15)
    rotations[problem.joints] = problem.rotations(turns)
    return rotations


def hand_of(body: BodyModel, fit: BodyViewFit, side: str) -> HandLandmarks:
    """What a perfect detector says of a posed hand: places of joints, and of the fingers' tips."""
    places = [fit.joints[body.joint(f"wrist.{side}")]]
    vertices, rest = body.rest(fit.parameters.identity, np.zeros(0))
    for finger in range(1, 6):
        bones = [body.joint(f"finger{finger}-{bone}.{side}") for bone in (1, 2, 3)]
        own = np.flatnonzero(body.weights[:, bones[2]] > 0.5)
        tip = own[((vertices[own] - rest[bones[2]]) @ (rest[bones[2]] - rest[bones[1]])).argmax()]
        places += [*fit.joints[bones], fit.vertices[tip]]
    world = np.array(places, np.float64)
    # Seen from the camera, which looks at it askance, it lies straight ahead.
    ahead = hands_module.straight_ahead(world[0] - [0, 0, fit.camera.distance])
    return HandLandmarks(fit.camera.project(world), (world - world.mean(0)) @ ahead.T)


@pytest.mark.parametrize("side", ["L", "R"])
def test_fingers_close_as_the_landmarks_say(body: BodyModel, side: str) -> None:
    truth = posed(body, closed(body, side, 0.9))
    open_hand = posed(body, body.neutral().rotations)
    fit = pose_hands(body, open_hand, {side: hand_of(body, truth, side)})
    fingers = [body.joint(f"finger{finger}-3.{side}") for finger in range(2, 6)]
    before, after = (np.linalg.norm(each.joints[fingers] - truth.joints[fingers], axis=1).mean() for each in (open_hand, fit))
    assert before > 0.03 and after < 0.25 * before
    others = body.weights[:, hands_module.HandProblem(body, open_hand, side, hand_of(body, truth, side)).joints].sum(1) < 1e-6
    assert others.sum() > 9000 and np.allclose(fit.vertices[others], open_hand.vertices[others], atol=1e-6)


def test_a_hand_that_was_not_seen_keeps_its_pose(body: BodyModel) -> None:
    fit = posed(body, closed(body, "L", 0.5))
    again = pose_hands(body, fit, {})
    assert np.allclose(again.vertices, fit.vertices, atol=1e-6)


def test_the_other_hand_is_not_taken_for_this_one(body: BodyModel) -> None:
    truth = posed(body, closed(body, "L", 0.9))
    left = hand_of(body, truth, "L")
    wrong = replace(left, world=left.world * [-1, 1, 1])
    fit = pose_hands(body, truth, {"L": wrong})
    assert np.allclose(fit.vertices, truth.vertices, atol=1e-6)


def test_a_forearm_gives_way_to_bring_the_hand_to_its_place(body: BodyModel, monkeypatch: pytest.MonkeyPatch) -> None:
    rotations = closed(body, "L", 0.3)
    rotations[body.joint("lowerarm01.L")] = (0.0, 0.1, 0.1)
    truth, fit = posed(body, rotations), posed(body, closed(body, "L", 0.3))
    hand, wrist = hand_of(body, truth, "L"), body.joint("wrist.L")

    def beside() -> float:
        after = pose_hands(body, fit, {"L": hand})
        return float(np.linalg.norm((after.camera.project(after.joints) - truth.camera.project(truth.joints))[wrist]))

    before = float(np.linalg.norm((fit.camera.project(fit.joints) - truth.camera.project(truth.joints))[wrist]))
    assert before > 3 and beside() < 0.5 * before
    monkeypatch.setattr(hands_module, "_PLACE_TRUST", 0.0)
    assert beside() > 0.5 * before


def test_fingers_do_not_bend_backwards(body: BodyModel) -> None:
    bent = closed(body, "R", -1.2)
    fit = pose_hands(body, posed(body, body.neutral().rotations), {"R": hand_of(body, posed(body, bent), "R")})
    joints = [body.joint(f"finger3-{bone}.R") for bone in (1, 2, 3)]
    assert np.linalg.norm(fit.parameters.rotations[joints], axis=1).max() < 0.75


def test_the_energys_slope_is_its_linearisations(body: BodyModel) -> None:
    truth = posed(body, closed(body, "L", 0.4))
    problem = HandProblem(body, posed(body, body.neutral().rotations), "L", hand_of(body, truth, "L"))
    turns = np.random.default_rng(2).normal(0, 0.1, (17, 3)).clip(problem._low, problem._high)
    free = (problem._high - problem._low).ravel() > 0.1
    slope = np.zeros(51)
    for place in np.flatnonzero(free):
        step = np.zeros(51)
        step[place] = 1e-5
        ends = (problem.energy(turns + sign * step.reshape(17, 3)) for sign in (1, -1))
        slope[place] = next(ends) - next(ends)
    right = problem.linearised(turns).right
    assert np.allclose(-2 * right[free], slope[free] / 2e-5, atol=1e-3 * np.abs(right).max())


def _standing() -> BodyLandmarks:
    points = np.zeros((LANDMARKS, 2))
    points[[11, 12]], points[[23, 24]] = [[240, 100], [160, 100]], [[220, 220], [180, 220]]
    points[[15, 17, 19]], points[[16, 18, 20]] = [[260, 230], [265, 250], [255, 252]], [[140, 230], [135, 250], [145, 252]]
    return BodyLandmarks(points, np.zeros(LANDMARKS), np.ones(LANDMARKS), np.zeros((LANDMARKS, 3)))


def test_hands_are_looked_for_about_the_wrists() -> None:
    left, top, side = hand_box(_standing(), "L")
    assert left < 255 < 265 < left + side and top < 230 < 252 < top + side
    assert 60 < side < 90
    assert hand_box(_standing(), "R")[0] < 140 < left


def test_one_hand_does_not_count_for_both_sides() -> None:
    hand = HandLandmarks(np.random.default_rng(0).uniform(0, 50, (21, 2)), np.zeros((21, 3)))
    beside = replace(hand, points=hand.points + 2)
    assert list(without_double({"L": (0.3, hand), "R": (0.1, beside)})) == ["R"]
    assert list(without_double({"L": (0.3, hand), "R": (0.1, replace(hand, points=hand.points + 90))})) == ["L", "R"]

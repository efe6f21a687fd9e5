"""A body's head: found in the body's photo, seen by a camera turned towards it, and put back where the photo shows it."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import skimage.data

from likeness.core.bodies import BodyReconstructor
from likeness.core.body_head import LEAST_FACE, BodyHead, head_of_body
from likeness.core.errors import ReconstructionError
from likeness.core.models.body import BodyModel
from likeness.core.models.fit import fit_head
from likeness.core.models.head import EYE_DISTANCE, HeadModel
from likeness.core.models.joints import LEFT_EYE, NECK, RIGHT_EYE
from likeness.core.models.observation import Observation
from likeness.core.photo.faces import MediaPipeDetector
from likeness.core.photo.figure import BodyView
from likeness.core.photo.intake import Intake
from likeness.core.photo.pose import Pose
from likeness.core.photo.view import Camera, View
from likeness.core.result import SURFACE, Mesh, Result, ResultView
from likeness.core.surface.join import JoinPlace
from likeness.core.surface.solid import ClosedSurface

MODEL = HeadModel.load()


@pytest.fixture(scope="module")
def intake() -> Intake:
    return Intake(MediaPipeDetector())


def fitted(view: View) -> Result:
    """A stand-in for the reconstruction of heads: the fitted head itself."""
    fit = fit_head(MODEL, Observation.of(view))
    ones = np.ones_like(fit.vertices)
    pose = Pose(fit.rotation, fit.joints[NECK])
    mesh = Mesh(pose.to_upright(fit.vertices), MODEL.faces, ones, ones, ones[:, 0])
    return Result(view.name, {SURFACE: mesh}, (ResultView(view.image, fit.camera, pose),), {"warnings": []})


@pytest.fixture(scope="module")
def astronaut(intake: Intake) -> tuple[BodyView, Camera, np.ndarray, np.ndarray]:
    """A photo with a face far from its middle, the body's camera, the point between the eyes in its frame, and the face's landmarks."""
    picture = skimage.data.astronaut()
    photo = np.full((900, 1100, 3), 128, np.uint8)
    photo[:512, :512] = picture
    landmarks = intake.view(picture, "astronaut").mesh
    camera = Camera((550.0, 450.0), 600.0, 2.0)
    pixel = landmarks[[33, 263], :2].mean(0)
    depth = 0.15
    eyes = np.array([(pixel[0] - 550) / 600 * (2 - depth) / 2, -(pixel[1] - 450) / 600 * (2 - depth) / 2, depth])
    return BodyView(photo, np.ones(photo.shape[:2], np.float32), (), None, "astronaut"), camera, eyes, landmarks


@pytest.fixture(scope="module")
def made(intake: Intake, astronaut: tuple[BodyView, Camera, np.ndarray, np.ndarray]) -> BodyHead:
    view, camera, eyes, _ = astronaut
    head = head_of_body(intake, fitted, view, camera, eyes)
    assert head is not None
    return head


def test_the_head_lies_over_the_photos_face(made: BodyHead, astronaut: tuple[BodyView, Camera, np.ndarray, np.ndarray]) -> None:
    _, camera, _, landmarks = astronaut
    shown = camera.project(MODEL.mediapipe.on(made.surface.vertices))
    apart = np.linalg.norm(shown - landmarks[:, :2], axis=1)
    assert np.median(apart) < 0.06 * np.linalg.norm(landmarks[33, :2] - landmarks[263, :2])


def test_the_head_keeps_its_size_and_its_place_among_its_own_joints(made: BodyHead) -> None:
    vertices, place = made.surface.vertices, made.place
    eyes = [vertices[MODEL.part == part].mean(0) for part in (1, 2)]
    assert np.linalg.norm(eyes[0] - eyes[1]) == pytest.approx(EYE_DISTANCE, rel=0.05)
    joints = MODEL.skeleton.joints
    below = (joints[LEFT_EYE] + joints[RIGHT_EYE])[1] / 2 - joints[NECK][1]
    assert place.height(np.mean(eyes, axis=0)[None])[0] == pytest.approx(below, abs=0.03)
    sides = np.linalg.norm(np.diff(place.corners.reshape(2, 2, 2, 3), axis=2), axis=-1)
    assert sides == pytest.approx(0.4, rel=0.2)  # the crop's cube, perspective taken out


def test_a_face_that_is_too_small_or_elsewhere_makes_no_head(
    intake: Intake, astronaut: tuple[BodyView, Camera, np.ndarray, np.ndarray]
) -> None:
    view, camera, eyes, _ = astronaut
    assert head_of_body(intake, fitted, view, camera, np.array([0.5, -0.4, 0.1])) is None
    step = int(np.ceil(intake.view(skimage.data.astronaut(), "face").mesh[:, 1].ptp() / LEAST_FACE)) + 1
    small = replace(view, image=np.ascontiguousarray(view.image[::step, ::step]))
    camera = Camera((550 / step, 450 / step), 600 / step, 2.0)
    assert head_of_body(intake, fitted, small, camera, eyes) is None


def test_a_body_keeps_its_own_head_where_none_can_be_made_and_says_so() -> None:
    bodies, surface = BodyReconstructor(), ClosedSurface(np.zeros((3, 3)), np.array([[0, 1, 2]]), np.zeros((3, 4)))
    fit = SimpleNamespace(camera=Camera((0.0, 0.0), 1.0, 3.0), joints=BodyModel.load().skeleton.joints)
    prepared: Any = SimpleNamespace(fit=fit, view=None)

    def refuses(*_: object) -> BodyHead:
        raise ReconstructionError("The landmarks form no face.")

    own, rig, notes = bodies._with_head(surface, prepared, lambda *_: None, 1.0)
    assert own is surface and rig is None and f"{LEAST_FACE} pixels" in notes[0]
    own, rig, notes = bodies._with_head(surface, prepared, refuses, 1.0)
    assert own is surface and "form no face" in notes[0]
    place = JoinPlace(np.zeros((8, 3)), np.zeros(3), np.array([0.0, 1.0, 0.0]))
    own, rig, notes = bodies._with_head(surface, prepared, lambda *_: BodyHead(surface, place, ()), 1.0)
    assert own is surface and len(notes) == 1  # what is no closed surface cannot be joined

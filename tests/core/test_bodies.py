"""From a photo of a whole person to a body: two small drawn figures, one seen from the front and one from behind."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from likeness.core.bodies import BodyReconstructor
from likeness.core.body_head import BodyHead, PlacedRig
from likeness.core.body_quality import BODY_CHECKS, measure_body_fit
from likeness.core.errors import NoFaceError
from likeness.core.models.body import BodyModel
from likeness.core.models.head import HeadModel
from likeness.core.models.parametric import Parameters
from likeness.core.models.rotation import rotation_matrix
from likeness.core.photo.faces import MediaPipeDetector
from likeness.core.photo.figure import BodyView
from likeness.core.photo.intake import Intake
from likeness.core.photo.parsing import CLASSES, Parsing
from likeness.core.photo.pose import Pose
from likeness.core.photo.view import Camera
from likeness.core.progress import RECONSTRUCTION, Clock
from likeness.core.quality import judge
from likeness.core.result import HAIR, Mesh, Result
from likeness.core.settings import Settings
from likeness.core.surface.extract import check_manifold, extract_surface
from likeness.core.surface.join import JoinPlace
from likeness.core.surface.solid import ClosedSurface

from .model_rig import model_rig

FIGURES = Path(__file__).parent / "figures"


@pytest.fixture(scope="module")
def intake() -> Intake:
    return Intake(MediaPipeDetector())


@pytest.fixture(scope="module")
def bodies() -> BodyReconstructor:
    return BodyReconstructor()


@pytest.fixture(scope="module")
def front(intake: Intake) -> BodyView:
    view = intake.load_subject(FIGURES / "front.jpg")
    assert isinstance(view, BodyView)
    return view


@pytest.fixture(scope="module")
def result(bodies: BodyReconstructor, front: BodyView) -> Result:
    return bodies.run(front, Settings(quality="draft"), Clock(RECONSTRUCTION))


def test_one_person_is_found_with_an_outline(front: BodyView) -> None:
    assert front.people == 1 and front.beside == 0 and len(front.readings) == 4
    left, top, right, bottom = front.box
    assert 20 < top < 60 and 460 < bottom < 500 and 150 < left < 240 and 330 < right < 420


def test_a_back_is_a_body_seen_from_behind(intake: Intake, bodies: BodyReconstructor) -> None:
    view = intake.load_subject(FIGURES / "back.jpg")
    assert isinstance(view, BodyView)
    prepared = bodies.prepare(view)
    assert prepared.measures["turned"] > 130 and prepared.fit.rotation[2, 2] < 0
    assert "seen from behind" in " ".join(judge(prepared.measures, "back", BODY_CHECKS)[1])


def test_a_head_too_small_to_be_made_is_refused_with_what_to_do(intake: Intake) -> None:
    with pytest.raises(NoFaceError, match="only 40 pixels high, 48 are needed; choose the subject body"):
        intake.load_subject(FIGURES / "front.jpg", "head")


def test_the_body_is_one_closed_manifold_within_the_outline(result: Result) -> None:
    check_manifold(result.surface.vertices, result.surface.faces)
    assert result.report["silhouette_iou"] > 0.9


def test_a_hand_before_the_hip_hangs_free(result: Result) -> None:
    corners = result.surface.vertices[result.surface.faces]
    assert np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max() < 0.04  # no triangle spans the air between them


def test_the_body_stands_upright_on_the_ground_and_faces_ahead(result: Result) -> None:
    vertices, rig = result.surface.vertices, result.body
    assert rig is not None
    assert vertices[:, 1].min() == pytest.approx(0, abs=1e-4)
    place = dict(zip(rig.joint_names, rig.joints, strict=True))
    feet = (place["foot.L"] + place["foot.R"]) / 2
    assert np.abs(feet[[0, 2]]).max() < 1e-4
    assert abs(place["head"][0]) < 0.15 and abs(place["head"][2]) < 0.2 and place["upperleg01.L"][0] > place["upperleg01.R"][0]
    toes = (place["toe1-1.L"] + place["toe1-1.R"]) / 2
    assert toes[2] - feet[2] > 0.08


def test_the_height_is_the_settings(bodies: BodyReconstructor, front: BodyView, result: Result) -> None:
    child = bodies.run(front, Settings(quality="draft", height=1.0), Clock(RECONSTRUCTION))
    for low_or_high in (np.min, np.max):
        assert low_or_high(child.surface.vertices, 0) * 1.7 == pytest.approx(low_or_high(result.surface.vertices, 0), abs=1e-3)
    assert child.report["mesh"]["shortest_edge"] >= 0.2, "millimetres, of a child too"
    assert 1.6 < np.ptp(result.surface.vertices[:, 1]) < 1.85  # shoes and hair are more, a bent knee is less
    assert result.report["height"] == 1.7 and any("1.70 m" in note for note in result.report["notes"])


def test_the_camera_sees_the_body_over_the_photo(front: BodyView, result: Result) -> None:
    view = result.views[0]
    pixels = view.camera.project(view.pose.to_camera(result.surface.vertices))
    left, top, right, bottom = front.box
    low, high = pixels.min(0), pixels.max(0)
    assert np.abs([low[0] - left, low[1] - top, high[0] - right, high[1] - bottom]).max() < 8
    inside = view.framing.to_crop(view.pose.to_camera(result.surface.vertices), view.camera)
    assert np.abs(inside[:, :2]).max() < 1


def test_seen_colours_are_the_photos_and_the_back_of_the_head_has_no_face(front: BodyView, result: Result) -> None:
    view, surface = result.views[0], result.surface
    seen = surface.observed > 0.95
    assert 0.15 < seen.mean() < 0.6
    pixels = np.floor(view.camera.project(view.pose.to_camera(surface.vertices[seen]))).astype(int)
    photo = front.image[np.clip(pixels[:, 1], 0, 511), np.clip(pixels[:, 0], 0, 511)] / 255
    assert np.abs(surface.colours[seen] - photo).mean() < 0.06
    head = surface.vertices[:, 1] > 1.55
    behind = head & (surface.normals[:, 2] < -0.7)
    assert surface.colours[behind].mean() < 0.35  # black hair


def test_a_head_made_by_itself_takes_the_place_of_the_bodys_own(bodies: BodyReconstructor, front: BodyView, result: Result) -> None:
    def ball(view: BodyView, camera: Camera, eyes: np.ndarray) -> BodyHead:
        """A ball on a neck in a colour that is not in the photo, seen."""
        middle, neck = eyes - [0, 0.03, 0.08], eyes - [0, 0.15, 0.1]
        distance = lambda points: np.minimum(  # noqa: E731
            np.linalg.norm(points - middle, axis=1) - 0.1,
            np.maximum(np.hypot(points[:, 0] - neck[0], points[:, 2] - neck[2]) - 0.055, points[:, 1] - middle[1]),
        )
        vertices, faces = extract_surface(lambda points: distance(middle + 0.2 * points) / 0.2, None, 64)
        corners = middle + 0.2 * np.array(list(product((-1.0, 1.0), repeat=3)))
        surface = ClosedSurface(middle + 0.2 * vertices, faces, np.tile([0.0, 1.0, 0.0, 1.0], (len(vertices), 1)))
        return BodyHead(surface, JoinPlace(corners, neck, np.array([0.0, 1.0, 0.0])), ("The ball is green.",))

    model = HeadModel.load()
    face = model_rig(model, Parameters(np.zeros(len(model.identity)), np.zeros(len(model.expression)), np.zeros((5, 3))))
    poses: list[tuple[Camera, Pose]] = []

    def rigged_ball(view: BodyView, camera: Camera, eyes: np.ndarray) -> BodyHead:
        made = ball(view, camera, eyes)
        poses.append((camera, Pose(rotation_matrix(np.array([0.1, 0.2, 0.0])), made.place.neck)))
        some = face.neutral[:9]
        hair = Mesh(some, np.arange(9, dtype=np.int32).reshape(3, 3), some, some, np.ones(9, np.float32))
        return replace(made, rig=PlacedRig(face, poses[-1][1], {"rig": {"vertices": 3}}, hair))

    joined = bodies.run(front, Settings(quality="draft"), Clock(RECONSTRUCTION), rigged_ball)
    surface, rig = joined.surface, joined.body
    assert rig is not None
    check_manifold(surface.vertices, surface.faces)
    top = surface.vertices[:, 1].max()
    assert abs(top - result.surface.vertices[:, 1].max()) < 0.12
    green = np.abs(surface.colours - [0, 1, 0]).max(1) < 0.01
    assert green[surface.vertices[:, 1] > top - 0.1].all() and surface.observed[green].min() > 0.95
    assert not green[surface.vertices[:, 1] < top - 0.5].any()
    assert "The ball is green." in joined.report["notes"]
    # The rigged head stands where the photo shows it, and is as large as the surface that was joined.
    assert joined.rigged is not None and rig.head_place is not None and joined.report["rig"] == {"vertices": 3}
    view, (camera, pose) = joined.views[0], poses[0]
    placed = joined.rigged.neutral @ rig.head_place[:3, :3].T + rig.head_place[:3, 3]
    shown = view.camera.project(view.pose.to_camera(placed)), camera.project(pose.to_camera(face.neutral))
    assert np.abs(shown[0] - shown[1]).max() < 0.05
    assert joined.meshes[HAIR].vertices == pytest.approx(joined.rigged.neutral[:9], abs=1e-6)  # the hair grew with the head
    ball_size = np.ptp(surface.vertices[green & (surface.vertices[:, 1] > top - 0.1), 0])
    assert np.ptp(joined.rigged.neutral[:, 0]) / np.ptp(face.neutral[:, 0]) == pytest.approx(ball_size / 0.2, rel=0.03)
    strongest = np.array(rig.joint_names)[np.take_along_axis(rig.bound_joints, rig.bound_weights.argmax(1)[:, None], 1)[green, 0]]
    assert set(strongest) <= {"head", "jaw", "neck01", "neck02", "neck03", "eye.L", "eye.R"}


def test_every_vertex_follows_joints_near_it(result: Result) -> None:
    rig, vertices = result.body, result.surface.vertices
    assert rig is not None
    assert rig.bound_weights.sum(1) == pytest.approx(np.ones(len(vertices)), abs=1e-5)
    strongest = rig.joints[rig.bound_joints[:, 0]]
    assert np.percentile(np.linalg.norm(vertices - strongest, axis=1), 99) < 0.5
    foot = rig.weights_of(rig.joint_names.index("foot.L")) > 0.5
    assert foot.any() and (vertices[foot, 0] > -0.2).all() and vertices[foot, 1].max() < 0.3


def test_the_rest_turns_bring_the_body_into_the_models_own_pose(bodies: BodyReconstructor, front: BodyView, result: Result) -> None:
    rig = result.body
    assert rig is not None
    body = BodyModel.load()
    rest = body.skeleton.of(np.array(result.report["fit"]["identity"]))
    turns = rotation_matrix(rig.rest_turns.astype(np.float64))
    whole, places = [], []
    for joint, parent in enumerate(rig.parents):
        whole.append(turns[joint] if parent < 0 else whole[parent] @ turns[joint])
        places.append(np.zeros(3) if parent < 0 else places[parent] + whole[parent] @ (rig.joints[joint] - rig.joints[parent]))
    expected = (rest - rest[0]) * 1.7 / np.ptp(body.rest(np.array(result.report["fit"]["identity"]), np.zeros(0))[0][:, 1])
    assert np.abs(np.array(places) - expected).max() < 0.01


def test_a_body_survives_the_file(result: Result, tmp_path: Path) -> None:
    result.save(tmp_path / "r.npz")
    back = Result.load(tmp_path / "r.npz")
    assert back.body is not None and result.body is not None
    for name, values in vars(result.body).items():
        assert np.array_equal(getattr(back.body, name), values), name
    assert back.views[0].framing == result.views[0].framing


def test_loose_clothes_are_told_and_hair_is_none(front: BodyView, bodies: BodyReconstructor) -> None:
    prepared = bodies.prepare(front)
    assert prepared.measures["loose"] < 0.01 and not [one for one in judge(prepared.measures, "f", BODY_CHECKS)[1] if "Clothes" in one]
    left, _, right, bottom = (int(value) for value in front.box)
    matte = front.matte.copy()
    matte[bottom - 200 : bottom - 40, left - 60 : right + 60] = 1  # a wide skirt
    wide = replace(front, matte=matte)
    measures = measure_body_fit(BodyModel.load(), wide, prepared.fit, prepared.surface)
    assert measures["loose"] > 0.1 and [one for one in judge(measures, "f", BODY_CHECKS)[1] if "Clothes" in one]
    shares = np.zeros((64, 64, len(CLASSES)), np.float32)
    shares[..., CLASSES.index("hair")] = 1
    hair = replace(wide, parsing=Parsing(shares, (0, 0, max(front.image.shape[:2]))))
    assert measure_body_fit(BodyModel.load(), hair, prepared.fit, prepared.surface)["loose"] == 0


def test_what_nobody_sees_is_called_a_guess(result: Result) -> None:
    assert any(f"{1 - result.report['observed_share']:.0%} of the surface, is a guess" in note for note in result.report["notes"])

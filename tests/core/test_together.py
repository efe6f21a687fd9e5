"""Which photos show one person, and what is said of the others."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from likeness.core.errors import InputError, NoFaceError, ReconstructionError
from likeness.core.models.fit import fit_head
from likeness.core.models.head import HeadModel
from likeness.core.models.observation import Observation
from likeness.core.models.rotation import rotation_matrix
from likeness.core.models.together import STRANGER, fit_together, strangers, unlikeness
from likeness.core.photo.faceless import HeadPicture
from likeness.core.photo.landmarks import MEDIAPIPE
from likeness.core.photo.parsing import Parsing
from likeness.core.photo.pose import Pose
from likeness.core.photo.view import Camera, View
from likeness.core.progress import Clock
from likeness.core.result import Mesh, Result, ResultView
from likeness.core.settings import Settings
from likeness.core.together import Photos, role

from .test_fit import neutral_error, of_person


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return HeadModel.load()


def together(model: HeadModel, seen: list[Observation]):
    return fit_together(model, seen, [None] * len(seen))


def test_photos_of_one_person_are_all_used(model):
    truth, seen = of_person(model, (0.0, 0.35, -0.3), 0.002)
    found = together(model, seen)
    assert found.used == (0, 1, 2) and not found.left_out
    assert neutral_error(model, found.fit.identity, truth) < 0.003


def test_another_person_among_them_is_named_and_changes_nothing(model):
    _, seen = of_person(model, (0.0, 0.35, -0.3), 0.001, seed=0)
    _, others = of_person(model, (0.0, 0.2), 0.001, seed=6)
    stranger = replace(others[1], name="uncle.jpg")
    found = together(model, [*seen[:2], stranger, seen[2]])
    assert found.used == (0, 1, 3)
    assert found.left_out == {2: "uncle.jpg was left out: it seems to show another person than the other photos."}
    assert np.array_equal(found.fit.identity, together(model, seen).fit.identity)


def test_of_two_people_the_first_photo_s_stays(model):
    _, seen = of_person(model, (0.0,), 0.001, seed=0)
    _, others = of_person(model, (0.0,), 0.001, seed=6)
    assert together(model, [seen[0], others[0]]).used == (0,) and together(model, [others[0], seen[0]]).used == (0,)


def test_turned_faces_that_are_alike_do_not_outvote_the_front(model):
    """Fits of two sides share the errors that landmarks have there."""
    _, seen = of_person(model, (0.0, 1.0), 0.001, seed=0)
    front, turned = (fit_head(model, one) for one in seen)
    sides = [replace(turned, identity=front.identity + error) for error in (0.4, 0.5)]
    assert strangers(model, {0: sides[0], 1: sides[1], 2: front}) == [0, 1]
    assert strangers(model, {0: sides[0], 1: sides[1]}) == []


def test_of_a_face_that_is_unlike_the_others_the_fit_is_kept(model, monkeypatch):
    _, seen = of_person(model, (0.0, 0.3), 0.001, seed=0)
    _, others = of_person(model, (0.8,), 0.001, seed=6)
    assert together(model, [*seen, others[0]]).used == (0, 1, 2)  # landmarks of turned faces tell little of who it is
    monkeypatch.setattr("likeness.core.models.together._STRANGER_TURNED", 0.2)
    found = together(model, [*seen, others[0]])
    assert found.used == (0, 1) and set(found.unlike) == set(found.left_out) == {2} and found.unlike[2].rotation[2, 2] < 0.77


def test_landmarks_of_no_face_are_left_out(model):
    _, seen = of_person(model, (0.0, 0.3), 0.001)
    noise = np.random.default_rng(0).uniform(0, 500, (468, 3))
    found = together(model, [Observation({MEDIAPIPE: noise}, name="cloud"), *seen])
    assert found.used == (1, 2) and found.left_out == {0: "cloud was left out: the landmarks found in it do not form a face."}
    with pytest.raises(ReconstructionError, match="choose another photo"):
        together(model, [Observation({MEDIAPIPE: noise}, name="cloud")])


def test_unlikeness_tells_people_apart_from_photos():
    one, other = np.zeros(80), np.full(80, 0.5)
    assert unlikeness(one, one) == 0 and unlikeness(one, other) == pytest.approx(0.5) and unlikeness(one, other) > STRANGER


def test_the_role_is_the_side_that_is_shown():
    assert [role(degrees) for degrees in (5, -20, 60, -90, 170, -179)] == ["front", "front", "right", "left", "back", "back"]


class StubIntake:
    """Reads photos by their names."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int]] = []

    def load_subject(self, path: Path, subject: str, person: int) -> View:
        self.asked.append((path.name, subject, person))
        if path.name == "wall.jpg":
            raise NoFaceError("No face was found in wall.jpg; use a photo that shows the face.")
        return View(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.float32), {}, None, path.stem)


def load(*names: str, settings: Settings | None = None) -> tuple[Photos, StubIntake]:
    intake = StubIntake()
    paths = [Path("folder") / name for name in names]
    return Photos.load(intake.load_subject, paths, settings or Settings(subject_index=1), Clock(["photo"])), intake  # type: ignore[arg-type]


def test_the_first_usable_photo_is_the_main_one_and_says_what_the_others_are():
    photos, intake = load("wall.jpg", "a.jpg", "b.jpg")
    assert photos.main.name == "a" and list(photos.seen) == [1, 2]
    assert intake.asked == [("wall.jpg", "auto", 1), ("a.jpg", "auto", 1), ("b.jpg", "head", -1)]
    assert photos.left_out[0].startswith("wall.jpg was left out: No face was found")


def test_photos_of_which_none_can_be_used_are_the_first_one_s_error():
    with pytest.raises(InputError, match="No face was found in wall"):
        load("wall.jpg")


def side(name: str) -> HeadPicture:
    shares = np.zeros((8, 8, 12), np.float32)
    return HeadPicture(
        np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.float32), Parsing(shares, (0, 0, 8)), shares[..., 0] == 0, name, None
    )


def faceless(path: Path) -> HeadPicture:
    if path.name != "wall.jpg":
        raise NoFaceError(f"No head was found in {path.name}.")
    return side(path.stem)


def test_a_head_without_a_face_waits_for_the_main_one_s():
    paths = [Path("wall.jpg"), Path("a.jpg"), Path("b.jpg")]
    photos = Photos.load(StubIntake().load_subject, paths, Settings(), Clock(["photo"]), faceless)  # type: ignore[arg-type]
    assert list(photos.seen) == [1, 2] and list(photos.sides) == [0] and not photos.left_out
    first, *_ = photos.told({"warnings": []}, result_of(2.0, 40.0, -88.0, source=[0, 0, 2, 1, -1, -1, 1, 0]))["photos"]
    assert first == {"photo": "wall.jpg", "used": True, "role": "left", "turn": -88.0, "added": 0.125}
    photos.leave_out_side(0)
    report = photos.told({"warnings": []}, result_of(2.0, 40.0, source=[0, 0, 0, 1, -1, -1, 1, 0]))
    assert report["warnings"] == [photos.left_out[0]] and "its outline is not that of the head in the other photos" in photos.left_out[0]


def test_a_lone_photo_without_a_face_stays_an_error():
    with pytest.raises(InputError, match="No face was found in wall"):
        Photos.load(StubIntake().load_subject, [Path("wall.jpg")], Settings(), Clock(["photo"]), faceless)  # type: ignore[arg-type]


def posed(degrees: float) -> ResultView:
    rotation = rotation_matrix(np.array([0, np.radians(degrees), 0]))
    return ResultView(np.zeros((8, 8, 3), np.uint8), Camera((4.0, 4.0), 10.0, 1.0), Pose(rotation, np.zeros(3)))


def result_of(*turns: float, source: list[int] | None) -> Result:
    ones = np.ones((8, 3), np.float32)
    observed = np.array([1, 1, 1, 1, 0, 0, 0, 0], np.float32)
    mesh = Mesh(ones, np.zeros((1, 3), np.int32), ones, ones, observed, None if source is None else np.array(source))
    return Result("a", {"surface": mesh}, tuple(map(posed, turns)))


def test_the_report_tells_of_every_photo_in_the_order_given():
    photos, _ = load("a.jpg", "wall.jpg", "b.jpg")
    report = photos.told({"warnings": ["Dark."]}, result_of(2.0, -75.26, source=[0, 0, 0, 1, -1, -1, 1, 0]))
    first, wall, last = report["photos"]
    assert first == {"photo": "a.jpg", "used": True, "role": "front", "turn": 2.0, "added": 0.5}
    assert wall == {"photo": "wall.jpg", "used": False, "reason": photos.left_out[1]}
    assert last == {"photo": "b.jpg", "used": True, "role": "left", "turn": -75.3, "added": 0.25}
    assert report["warnings"] == ["Dark.", photos.left_out[1]]


def test_one_photo_s_report_stays_and_a_body_names_the_photos_that_it_has_no_use_for():
    photos, _ = load("a.jpg")
    assert photos.told({"warnings": []}, result_of(0.0, source=None)) == {"warnings": []}
    photos, _ = load("a.jpg", "b.jpg")
    photos.keep_main()
    first, other = photos.told({"warnings": []}, result_of(0.0, source=None))["photos"]
    assert first["added"] == 0.5 and not other["used"] and "a body is made from one photo" in other["reason"]

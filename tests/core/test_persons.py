"""Who is in a photo, and whether the head or the body is made: by an intake whose detectors find what they are told."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from likeness.core.errors import NoFaceError, NoSubjectError
from likeness.core.photo.faces import Face, FaceDetector
from likeness.core.photo.figure import BodyView, figure_square, matte_box, segment_figure
from likeness.core.photo.intake import Intake
from likeness.core.photo.landmarks import MEDIAPIPE
from likeness.core.photo.people import BodyLandmarks
from likeness.core.photo.persons import Person, paired
from likeness.core.photo.view import View

WIDTH, HEIGHT = 600, 800


def body(column: float, top: float = 100, torso: float = 150, seen: float = 0.99) -> BodyLandmarks:
    """Somebody who stands straight, facing the camera, with the head's middle at a place in the photo."""
    across = {0: 0, 11: 0.35, 12: -0.35, 13: 0.45, 14: -0.45, 15: 0.5, 16: -0.5, 23: 0.2, 24: -0.2, 25: 0.2, 26: -0.2, 27: 0.2, 28: -0.2}
    down = {0: 0, 11: 0.45, 12: 0.45, 13: 1.0, 14: 1.0, 15: 1.5, 16: 1.5, 23: 1.45, 24: 1.45, 25: 2.25, 26: 2.25, 27: 3.1, 28: 3.1}
    points = np.zeros((33, 2))
    for index in range(33):
        near = (
            index if index in across else 0 if index < 11 else 15 if index in (17, 19, 21) else 16 if index < 23 else 27 + (index % 2 == 0)
        )
        points[index] = column + torso * across[near], top + torso * down[near]
    world = np.column_stack([(points - points[[23, 24]].mean(0)) * [1, -1] / torso * 0.5, np.zeros(33)])
    return BodyLandmarks(points, np.zeros(33), np.full(33, seen), world)


def face(column: float, row: float = 100, size: float = 60) -> Face:
    angles = np.linspace(0, 2 * np.pi, 468)
    mesh = np.column_stack([column + 0.4 * size * np.cos(angles), row + 0.5 * size * np.sin(angles), np.zeros(468)]).astype(np.float32)
    mesh[33, :2], mesh[263, :2] = (column - 0.3 * size, row), (column + 0.3 * size, row)
    return Face({MEDIAPIPE: mesh}, 0.9)


@dataclass
class Faces(FaceDetector):
    found: list[Face]

    def detect(self, image: np.ndarray) -> list[Face]:
        return self.found


class _NoHands:
    def hands(self, image: np.ndarray, body: BodyLandmarks) -> dict[str, Any]:
        return {}


@dataclass
class Persons:
    """In place of PersonDetector; counts how often it was asked."""

    bodies: list[BodyLandmarks]
    asked: int = 0
    reader: Any = field(init=False)
    hands: Any = field(init=False)

    def __post_init__(self) -> None:
        self.reader = self
        self.hands = _NoHands()

    def people(self, image: np.ndarray, faces: list[Face]) -> list[Person]:
        self.asked += 1
        return paired(faces, self.bodies)

    def readings(self, image: np.ndarray, box: tuple[float, ...]) -> list[BodyLandmarks]:
        return self.bodies


class Everything:
    """A segmenter that takes all for the person."""

    size = 64
    outline_stays = False

    def __call__(self, picture: np.ndarray, guide: np.ndarray | None = None) -> np.ndarray:
        shares = np.zeros((*picture.shape[:2], 12), np.float32)
        shares[..., 7] = 1
        return shares


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "p.png"
    Image.fromarray(np.random.default_rng(0).integers(80, 170, (HEIGHT, WIDTH, 3), np.uint8)).save(path)
    return path


def intake(faces: list[Face], bodies: list[BodyLandmarks]) -> Intake:
    persons: Any = Persons(bodies)
    return Intake(Faces(faces), Everything(), persons, Everything())


def test_a_photo_that_shows_hips_and_knees_becomes_a_body_and_says_so(photo: Path) -> None:
    view = intake([face(300)], [body(300)]).load_subject(photo)
    assert isinstance(view, BodyView) and view.people == 1
    assert "so the body was made" in view.notes[0]


def test_a_back_is_a_body_without_a_face(photo: Path) -> None:
    assert isinstance(intake([], [body(300)]).load_subject(photo), BodyView)


def test_a_head_on_request_is_made_of_the_same_photo_and_the_body_is_told(photo: Path) -> None:
    view = intake([face(300)], [body(300)]).load_subject(photo, "head")
    assert isinstance(view, View) and "of whom only the head was made" in view.notes[0]


@pytest.mark.parametrize("knees", [{"visibility": 0.5}, {"below": True}, {"ahead": True}])
def test_a_body_whose_knees_are_not_seen_becomes_a_head_and_says_so(photo: Path, knees: dict[str, Any]) -> None:
    one = body(300)
    points, visibility = one.points.copy(), one.visibility.copy()
    if "below" in knees:
        points[25:] += [0, 500]
    if "ahead" in knees:  # thighs that point to the camera, as of somebody who sits
        points[25:27] = points[23:25] + np.array([0, 40])
    visibility[25:27] = knees.get("visibility", 0.99)
    view = intake([face(300)], [replace(one, points=points, visibility=visibility)]).load_subject(photo)
    assert isinstance(view, View) and "knees" in view.notes[0]


def test_portraits_do_not_wait_for_a_body_detector(photo: Path) -> None:
    prepared = intake([face(300, 300, 300)], [])
    view = prepared.load_subject(photo)
    persons: Any = prepared.persons
    assert isinstance(view, View) and view.notes == () and persons.asked == 0


def test_people_are_counted_from_the_left_with_and_without_faces(photo: Path) -> None:
    faces, bodies = [face(450), face(150)], [body(450, torso=120), body(300, torso=110), body(150)]
    people = paired(faces, bodies)
    assert [round(person.column) for person in people] == [150, 300, 450]
    assert [person.face is not None for person in people] == [True, False, True]
    view = intake(faces, bodies).load_subject(photo, person=1)
    assert isinstance(view, BodyView) and view.people == 3
    with pytest.raises(NoSubjectError, match=r"^p.png shows 3 people, so there is no subject 3; choose one from 0 to 2.$"):
        intake(faces, bodies).load_subject(photo, person=3)


def test_the_largest_person_is_taken_unless_told_otherwise(photo: Path) -> None:
    bodies = [body(150, torso=100), body(450)]
    view = intake([face(150, size=40), face(450, size=90)], bodies).load_subject(photo)
    assert isinstance(view, BodyView) and view.readings == (bodies[1],)


@pytest.mark.parametrize("subject", ["auto", "body"])
def test_a_photo_of_nobody_is_refused(photo: Path, subject: str) -> None:
    with pytest.raises(NoSubjectError, match=r"^Nobody was found in p.png; use a photo"):
        intake([], []).load_subject(photo, subject)


def test_a_body_without_face_or_knees_is_refused(photo: Path) -> None:
    with pytest.raises(NoFaceError, match="neither a face nor the hips and knees"):
        intake([], [body(300, seen=0.4)]).load_subject(photo)


def test_a_tiny_body_is_refused(photo: Path) -> None:
    with pytest.raises(NoFaceError, match="too small"):
        intake([], [body(300, torso=30)]).load_subject(photo)


def test_readings_of_somebody_else_are_left_out(photo: Path) -> None:
    bodies = [body(150), body(450, torso=120)]
    view = intake([], bodies).load_subject(photo, person=0)
    assert isinstance(view, BodyView) and view.readings == (bodies[0],) and view.beside == 1


def test_a_cut_out_is_the_matte_of_a_body(tmp_path: Path) -> None:
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    alpha[60:600, 180:420] = 255
    picture = np.dstack([np.full((HEIGHT, WIDTH, 3), 120, np.uint8), alpha])
    Image.fromarray(picture).save(tmp_path / "c.png")
    view = intake([], [body(300)]).load_subject(tmp_path / "c.png")
    assert isinstance(view, BodyView) and matte_box(view.matte) == (180, 60, 420, 600)


def test_the_square_holds_the_whole_person_with_hair_and_toes() -> None:
    left, top, side = figure_square(body(300))
    low, high = body(300).points.min(0), body(300).points.max(0)
    assert left < low[0] - 20 and top < low[1] - 60 and left + side > high[0] + 20 and top + side > high[1] + 20
    assert side < 1.5 * (high - low).max()


def test_a_rough_matte_keeps_arms_and_leaves_out_the_neighbour() -> None:
    from likeness.core.photo.matte import SelfieSegmenter

    class Blind(SelfieSegmenter):
        """Sees people's trunks only, all of them."""

        def __init__(self) -> None:
            pass

        def __call__(self, picture: np.ndarray) -> np.ndarray:
            return (picture[..., 0] > 150).astype(np.float32)

    image = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    mine, other = body(180), body(430)
    for one in (mine, other):
        left, right = one.points[12, 0], one.points[11, 0]
        image[160:320, int(left) : int(right)] = 200
    matte, parsing = segment_figure(image, mine, Blind(), [other])
    assert parsing is None
    row, column = mine.points[13].astype(int)[::-1]
    assert matte[row, column] > 0.5 and matte[240, 180] > 0.9 and matte[240, 430] < 0.1

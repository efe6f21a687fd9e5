"""Faces in ordinary, turned, crowded and empty pictures, and what intake makes of them."""

import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

from likeness.core.errors import NoFaceError
from likeness.core.photo import faces
from likeness.core.photo.faces import LEFT_EYE_CORNER, RIGHT_EYE_CORNER, Face, FaceDetector, MediaPipeDetector
from likeness.core.photo.intake import Intake
from likeness.core.photo.landmarks import MEDIAPIPE
from likeness.core.photo.search import Candidate

NOSE = 1


@pytest.fixture(scope="module")
def detector():
    return MediaPipeDetector()


@pytest.fixture(scope="module")
def astronaut():
    return skimage.data.astronaut()


@pytest.fixture(scope="module")
def face(detector, astronaut):
    (found,) = detector.detect(astronaut)
    return found


def test_mediapipe_is_loaded_without_matplotlib_which_others_then_find_whole():
    lines = [
        "import sys; from likeness.core.photo.mediapipe_parts import mediapipe_solutions",
        "with mediapipe_solutions() as solutions: assert solutions.face_mesh.FaceMesh",
        "assert not [name for name in sys.modules if name.startswith('matplotlib')]",
        "from matplotlib import pyplot; assert pyplot.plot",
    ]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)


def eye_distance(face):
    return np.linalg.norm(face.mesh[RIGHT_EYE_CORNER, :2] - face.mesh[LEFT_EYE_CORNER, :2])


def error(face, reference):
    """Mean distance as a share of the eye distance."""
    return np.linalg.norm(face.mesh - reference.mesh, axis=1).mean() / eye_distance(reference)


def spin(image, degrees):
    """Picture turned counter-clockwise on a larger canvas, and the map of points (N, 2) on to it."""
    side = 768
    warp = cv2.getRotationMatrix2D((image.shape[1] / 2, image.shape[0] / 2), degrees, 1)
    warp[:, 2] += (side - 512) / 2
    pixels = warp.copy()
    pixels[:, 2] += pixels[:, :2] @ [0.5, 0.5] - 0.5
    return cv2.warpAffine(image, pixels, (side, side), borderValue=(128, 128, 128)), lambda p: p @ warp[:, :2].T + warp[:, 2]


def test_astronaut_has_one_face_where_it_is(face):
    assert face.mesh.shape == (468, 3) and face.mesh.dtype == np.float32
    assert face.score > 0.8 and face.roll == 0
    assert 55 < eye_distance(face) < 68
    assert np.allclose(face.mesh[NOSE, :2], [224, 131], atol=4)
    left, top, right, bottom = face.box
    assert 170 < left < right < 280 and 60 < top < bottom < 185
    assert face.size == bottom - top


def test_depth_grows_towards_the_viewer(face):
    ears = face.mesh[[234, 454], 2].mean()
    assert face.mesh[NOSE, 2] - ears > 0.4 * eye_distance(face)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_give_the_same_landmarks(detector, astronaut, face, turns):
    turned = np.ascontiguousarray(np.rot90(astronaut, turns))
    (found,) = detector.detect(turned)
    assert found.roll == (4 - turns) % 4
    assert error(found.turned(found.roll, turned.shape), face) < 0.02
    assert error(found, face.turned(turns, astronaut.shape)) < 0.02


@pytest.mark.parametrize("degrees", range(-165, 180, 30))
def test_any_tilt_gives_the_same_landmarks(detector, astronaut, face, degrees):
    turned, to_turned = spin(astronaut, degrees)
    (found,) = detector.detect(turned)
    expected = np.column_stack([to_turned(face.mesh[:, :2]), face.mesh[:, 2]])
    assert error(found, Face({MEDIAPIPE: expected}, 1)) < 0.03
    assert found.tilt == pytest.approx(np.angle(np.exp(1j * (face.tilt - np.radians(degrees)))), abs=0.03)


def test_landmarks_scale_with_the_photo(detector, astronaut, face):
    large = cv2.resize(astronaut, (3000, 3000), interpolation=cv2.INTER_CUBIC)
    (found,) = detector.detect(large)
    assert error(Face({MEDIAPIPE: found.mesh * (512 / 3000)}, 1), face) < 0.02


def test_a_face_that_fills_the_frame_is_found(detector, astronaut, face):
    (found,) = detector.detect(np.ascontiguousarray(astronaut[60:180, 165:285]))
    assert error(Face({MEDIAPIPE: found.mesh + np.float32([165, 60, 0])}, 1), face) < 0.03


def test_two_people_come_sorted_from_left_to_right(detector, astronaut, face):
    small = cv2.resize(astronaut, (384, 384), interpolation=cv2.INTER_AREA)
    pair = np.zeros((512, 896, 3), np.uint8)
    pair[:384, :384], pair[:, 384:] = small, astronaut
    first, second = detector.detect(pair)
    assert first.mesh[NOSE, 0] < 384 < second.mesh[NOSE, 0]
    assert eye_distance(first) == pytest.approx(0.75 * eye_distance(face), rel=0.05)


@pytest.mark.parametrize("turns", range(4))
def test_a_scarf_over_the_mouth_does_not_turn_the_face_over(detector, astronaut, face, turns):
    left, top, right, bottom = (int(value) for value in face.box)
    scarf = astronaut.copy()
    scarf[(top + bottom) // 2 : bottom, left:right] = [40, 40, 60]
    column, row, half = (left + right) // 2, (top + bottom) // 2, int(0.6 * face.size)
    close = scarf[row - half : row + half, column - half : column + half]
    (found,) = detector.detect(np.ascontiguousarray(np.rot90(close, turns)))
    assert found.roll == (4 - turns) % 4


@pytest.mark.parametrize("upside_down", [(np.pi,), (np.pi, 0.0), (0.0, np.pi)])
def test_a_face_that_is_also_or_only_seen_upside_down_is_found_upright(detector, astronaut, face, monkeypatch, upside_down):
    places = [Candidate(1.0, face.mesh[:, :2].mean(0), face.size, tilt) for tilt in upside_down]
    monkeypatch.setattr(faces, "search_passes", lambda image, detections: [(places, 0.0)])
    (found,) = detector.detect(astronaut)
    assert found.roll == 0 and error(found, face) < 0.02


def test_a_noisy_photo_still_shows_its_face(detector, astronaut, face):
    large = cv2.resize(np.ascontiguousarray(astronaut[:256, 96:352]), (1024, 1024), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).normal(0, 50, large.shape)
    (found,) = detector.detect(np.clip(large + noise, 0, 255).astype(np.uint8))
    assert error(found, moved(face, 4, (-4 * 96, 0))) < 0.1


def scenery(width, height):
    """A picture of smooth noise, coarse and fine."""
    rng, picture = np.random.default_rng(0), np.full((height, width, 3), 120, np.float32)
    for grain, strength in {16: 8, 64: 20, 512: 35}.items():
        noise = rng.normal(0, strength, (height // grain + 2, width // grain + 2, 3)).astype(np.float32)
        picture += cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(picture, 0, 255).astype(np.uint8)


def paste(picture, portrait, left, top):
    picture[top : top + portrait.shape[0], left : left + portrait.shape[1]] = portrait


def shrunk(astronaut, face, pixels):
    """The astronaut with a face of so many pixels, and its landmarks."""
    scale = pixels / face.size
    return cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), face.mesh * scale


def test_a_face_of_96_pixels_is_found_in_24_megapixels_even_upside_down(detector, astronaut, face):
    small, landmarks = shrunk(astronaut, face, 96)
    picture = scenery(6000, 4000)
    corner = 6000 - small.shape[1], 1700
    paste(picture, small, *corner)
    picture = np.ascontiguousarray(np.rot90(picture, 2))
    (found,) = detector.detect(picture)
    assert found.roll == 2
    assert error(found.turned(2, picture.shape), moved(Face({MEDIAPIPE: landmarks}, 1), shift=corner)) < 0.05


def test_of_a_crowd_in_a_large_picture_everyone_is_counted_once_from_left_to_right(detector, astronaut, face):
    bust, shape = np.ascontiguousarray(astronaut[:300, 80:380]), moved(face, shift=(-80, 0))
    picture, places = scenery(4000, 2250), []
    for number, pixels in enumerate([90, 150, 110, 130, 95, 170, 100, 120]):
        small, landmarks = shrunk(bust, shape, pixels)
        corner = 20 + 480 * number, 100 + 1500 * (number % 2)
        paste(picture, small, *corner)
        places.append(moved(Face({MEDIAPIPE: landmarks}, 1), shift=corner))
    found = detector.detect(picture)
    assert len(found) == len(places)
    assert all(error(one, place) < 0.05 for one, place in zip(found, places, strict=True))
    view = Intake(detector).view(picture, "crowd.jpg", subject=2)
    assert error(Face({MEDIAPIPE: view.mesh}, 1), places[2]) < 0.05


def test_a_closer_look_is_left_out_on_demand_and_where_the_faces_are_large(detector, astronaut, monkeypatch):
    count = 0

    def counted(graph, picture):
        nonlocal count
        count += graph is detector._far
        return detections(graph, picture)

    detections = faces._detections
    monkeypatch.setattr(faces, "_detections", counted)
    detector.detect(cv2.resize(astronaut, (1000, 1000)))
    assert count == 4  # the quarter turns
    assert detector.detect(scenery(1200, 900), closer=False) == [] and count == 4 + 8  # twice, with and without room around
    assert detector.detect(scenery(1200, 900)) == [] and count > 4 + 8 + 8


@pytest.mark.parametrize("name", ["coffee", "cat", "rocket"])
def test_pictures_without_people_have_no_face(detector, name):
    assert detector.detect(np.ascontiguousarray(getattr(skimage.data, name)()[..., :3])) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 65535), (65535, 1), (40, 33000), (300, 300)])
def test_odd_and_empty_pictures_are_no_trouble(detector, shape):
    assert detector.detect(np.zeros((*shape, 3), np.uint8)) == []
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    assert detector.detect(noise) == []


class Fixed(FaceDetector):
    """A detector that finds what it is told."""

    def __init__(self, *faces):
        self.faces = list(faces)

    def detect(self, image):
        return self.faces


def moved(face, scale=1.0, shift=(0, 0)):
    return Face({MEDIAPIPE: (face.mesh * scale + np.float32([*shift, 0])).astype(np.float32)}, face.score)


def test_largest_face_is_taken_unless_the_user_says_which(astronaut, face):
    small = moved(face, 0.8)
    for index, expected in ((-1, face), (0, small), (1, face)):
        view = Intake(Fixed(small, face)).view(astronaut, "pair.jpg", subject=index)
        assert np.array_equal(view.mesh, expected.mesh)


def test_what_makes_a_photo_unusable_is_said_in_one_sentence(astronaut, detector, face, tmp_path):
    cv2.imwrite(str(tmp_path / "cup.png"), skimage.data.coffee())
    with pytest.raises(NoFaceError, match=r"^No face was found in cup.png; use .*\.$"):
        Intake(detector).load(tmp_path / "cup.png")
    with pytest.raises(NoFaceError, match=r"^who.jpg shows 1 face, so there is no subject 3; choose 0\.$"):
        Intake(Fixed(face)).view(astronaut, "who.jpg", subject=3)
    with pytest.raises(NoFaceError, match=r"^who.jpg shows 2 faces, so there is no subject 2; choose one from 0 to 1\.$"):
        Intake(Fixed(face, face)).view(astronaut, "who.jpg", subject=2)


def test_transparency_that_hides_the_face_is_named(astronaut, tmp_path):
    alpha = np.full(astronaut.shape[:2], 255, np.uint8)
    alpha[: len(alpha) // 4] = 0
    Image.fromarray(np.dstack([astronaut, alpha])).save(tmp_path / "a.png")
    with pytest.raises(NoFaceError, match=r"a\.png, of which 25% is transparent"):
        Intake(Fixed()).load(tmp_path / "a.png")


def test_a_tiny_face_is_refused_and_a_small_one_mentioned(astronaut, detector):
    def shrunk(size):
        return cv2.resize(astronaut, None, fx=size / 107, fy=size / 107, interpolation=cv2.INTER_AREA)

    with pytest.raises(NoFaceError, match=r"^The face in far.jpg is only \d\d pixels high; use a photo"):
        Intake(detector).view(shrunk(40), "far.jpg")
    pair = np.concatenate([shrunk(40), shrunk(40)], axis=1)
    with pytest.raises(NoFaceError, match=r"^The largest face in pair.jpg is only \d\d pixels high; use a photo"):
        Intake(detector).view(pair, "pair.jpg")
    assert "is small" in Intake(detector).view(shrunk(70), "far.jpg").warnings[0]
    assert Intake(detector).view(shrunk(110), "far.jpg").warnings == ()


def test_doubtful_photos_are_used_with_a_warning(astronaut, face):
    def warnings(image, found=face):
        return " ".join(Intake(Fixed(found)).view(image, "a.jpg").warnings)

    assert "under-exposed" in warnings((astronaut * 0.15).astype(np.uint8))
    assert "over-exposed" in warnings(np.clip(astronaut * 2.2, 0, 255).astype(np.uint8))
    assert warnings(astronaut) == ""


def test_landmarks_wander_where_something_covers_the_face(astronaut, face, detector):
    covered = astronaut.copy()
    left, top, right, bottom = (int(value) for value in face.box)
    covered[(top + bottom) // 2 : bottom, left:right] = (150, 190, 215)
    assert detector.scatter(astronaut, face) < 0.008
    assert detector.scatter(covered, detector.detect(covered)[0]) > 0.013


def test_a_sideways_photo_is_turned_upright(astronaut, detector, face):
    view = Intake(detector).view(np.ascontiguousarray(np.rot90(astronaut)), "side.jpg", focal_35mm=50)
    assert view.roll == 3
    assert np.array_equal(view.image, astronaut)
    assert view.matte.shape == astronaut.shape[:2]
    assert error(Face({MEDIAPIPE: view.mesh}, 1), face) < 0.02
    assert view.focal == pytest.approx(50 / 36 * 512)


def test_intake_of_a_12_megapixel_photo_is_quick(astronaut, detector):
    large = cv2.resize(astronaut, (3464, 3464), interpolation=cv2.INTER_LINEAR)
    Intake(detector).view(astronaut, "warm.jpg")
    start = time.process_time()
    view = Intake(detector).view(large, "large.jpg")
    assert time.process_time() - start < 6  # processor time on all cores; about 1 s of the clock
    assert view.image.shape == large.shape and view.warnings == ()

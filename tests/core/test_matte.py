"""Who is in the matte and who is not, on the astronaut's photo and on her cut-out in front of other backgrounds."""

import cv2
import numpy as np
import pytest
import skimage.data
import torch

from likeness.core.networks.parsing import NetworkParser
from likeness.core.networks.weights import load_parsing
from likeness.core.photo.faces import Face, MediaPipeDetector
from likeness.core.photo.intake import Intake
from likeness.core.photo.landmarks import MEDIAPIPE
from likeness.core.photo.matte import head_region, segment
from likeness.core.photo.parsing import CLASSES

# (column, row): crown, hair on both sides, fringe, ears, teeth, chin, throat, collar ring near, left, right and far, both shoulders
PERSON = [(225, 25), (170, 70), (272, 75), (220, 62), (179, 118), (270, 122), (222, 154), (222, 172), (225, 190)]
PERSON += [(230, 230), (129, 190), (285, 215), (150, 158), (85, 230), (325, 260)]
# above the head, beside the hair, under the ears, between jaw and collar, the flag, the shuttle, its tank
BACKGROUND = [
    (130, 20),
    (300, 20),
    (143, 90),
    (310, 100),
    (160, 140),
    (290, 150),
    (110, 150),
    (20, 100),
    (50, 150),
    (20, 30),
    (375, 150),
    (400, 60),
]


@pytest.fixture(scope="module")
def photo():
    return skimage.data.astronaut()


@pytest.fixture(scope="module")
def detector():
    return MediaPipeDetector()


@pytest.fixture(scope="module")
def face(photo, detector):
    (found,) = detector.detect(photo)
    return found


@pytest.fixture(scope="module")
def parser():
    network = load_parsing()
    assert network is not None
    return NetworkParser(network, torch.device("cpu"), torch.no_grad)


@pytest.fixture(scope="module")
def intake(detector, parser):
    return Intake(detector, parser)


@pytest.fixture(scope="module")
def matte(photo, face, parser):
    return segment(photo, face, parser)[0]


def overlap(a, b):
    return ((a > 0.5) & (b > 0.5)).sum() / ((a > 0.5) | (b > 0.5)).sum()


def test_the_person_is_in_and_flag_and_shuttle_are_out(matte, photo):
    assert matte.shape == photo.shape[:2] and matte.dtype == np.float32
    assert matte.min() >= 0 and matte.max() <= 1
    assert [point for point in PERSON if matte[point[1], point[0]] < 0.95] == []
    assert [point for point in BACKGROUND if matte[point[1], point[0]] > 0.05] == []


def test_it_is_one_piece_without_holes(matte):
    solid = (matte > 0.5).astype(np.uint8)
    _, _, statistics, _ = cv2.connectedComponentsWithStats(solid)
    assert np.sort(statistics[1:, cv2.CC_STAT_AREA])[:-1].sum() < 0.001 * solid.sum()
    _, gaps = cv2.connectedComponents(1 - solid, connectivity=4)
    assert gaps.max() == 1


def test_its_edge_is_soft_but_thin(matte):
    soft = (matte > 0.02) & (matte < 0.98)
    outline = cv2.morphologyEx((matte > 0.5).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    assert 0.3 * outline.sum() < soft.sum() < 3 * outline.sum()


def test_it_is_the_same_each_time_and_empty_outside_its_region(matte, photo, face, parser):
    assert np.array_equal(segment(photo, face, parser)[0], matte)
    left, top, side = head_region(face)
    assert matte[top + side :].max() == 0 and matte[:, left + side :].max() == 0


@pytest.mark.parametrize("name", ["coffee", "cat", "hubble_deep_field", "rocket", "white", "black"])
def test_it_survives_another_background(matte, photo, face, parser, name):
    plain = {"white": 255, "black": 0}
    if name in plain:
        background = np.full_like(photo, plain[name])
    else:
        background = cv2.resize(np.ascontiguousarray(getattr(skimage.data, name)()[..., :3]), (512, 512), interpolation=cv2.INTER_AREA)
    pasted = (photo * matte[..., None] + background * (1 - matte[..., None])).astype(np.uint8)
    crop = np.s_[:270, 90:360]
    assert overlap(segment(pasted, face, parser)[0][crop], matte[crop]) > 0.97


@pytest.mark.parametrize("scale", [0.5, 4.0])
def test_it_does_not_depend_on_the_photos_resolution(matte, photo, face, parser, scale):
    size = round(512 * scale)
    resized = cv2.resize(photo, (size, size), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    other = segment(resized, Face({MEDIAPIPE: face.mesh * np.float32(scale)}, 1), parser)[0]
    assert overlap(cv2.resize(other, (512, 512), interpolation=cv2.INTER_AREA), matte) > 0.98


def test_other_people_are_left_out(photo, matte, intake):
    pair = np.concatenate([photo[:, 120:360], photo[:, 100:]], axis=1)
    first, second = (intake.view(pair, "pair.jpg", subject=index).matte for index in (0, 1))
    assert first[60:260, 280:].max() < 0.05 and second[60:260, :230].max() < 0.05
    assert overlap(first[:260, :240], matte[:260, 120:360]) > 0.97
    assert overlap(second[:260, 240:500], matte[:260, 100:360]) > 0.97
    assert np.minimum(first, second).max() < 0.6


def test_transparency_that_cuts_the_person_out_is_the_matte(photo, matte, intake):
    drawn = (matte > 0.5).astype(np.float32)
    drawn[:40] = 0
    assert np.array_equal(intake.view(photo, "a.png", alpha=drawn).matte, drawn)


def test_transparency_that_only_rounds_corners_is_not(photo, matte, intake):
    rounded = np.ones(photo.shape[:2], np.float32)
    rounded[:30, :30] = 0
    assert np.array_equal(intake.view(photo, "a.png", alpha=rounded).matte, matte * rounded)


def test_transparency_that_hides_the_face_is_ignored_with_a_warning(photo, matte, intake):
    view = intake.view(photo, "a.png", alpha=np.zeros(photo.shape[:2], np.float32))
    assert np.array_equal(view.matte, matte)
    assert view.warnings == ("The transparency of a.png hides the face and was ignored.",)


def test_a_face_at_the_photos_edge_is_no_trouble(photo, face, matte, parser):
    cut = np.ascontiguousarray(photo[60:200, 200:])
    shifted = Face({MEDIAPIPE: face.mesh - np.float32([200, 60, 0])}, 1)
    head = np.s_[:110, :100]
    assert overlap(segment(cut, shifted, parser)[0][head], matte[60:200, 200:300][head]) > 0.97


class Told:
    """A parser that has been told the shares: hair in a column around the middle, the rest background, and things put before it."""

    size = 384
    outline_stays = False

    def __init__(self, coverage: float = 1.0) -> None:
        self.shares = np.zeros((384, 384, len(CLASSES)), np.float32)
        self.shares[..., 0] = 1
        self.put("clothes", np.s_[100:, 110:274], coverage)

    def put(self, name: str, where: tuple[slice, slice], share: float = 1.0) -> None:
        self.shares[where] = 0
        self.shares[where][..., [0, CLASSES.index(name)]] = 1 - share, share

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        return self.shares


@pytest.fixture
def grey(face):
    """A plain picture, and a function from the parser's pixels to its own."""
    left, top, side = head_region(face)
    picture = np.full((side + max(top, 0), side + max(left, 0), 3), 128, np.uint8)
    moved = Face({MEDIAPIPE: face.mesh - np.float32([left, top, 0])}, 1)
    return picture, moved, lambda row, column: (round(row * side / 384), round(column * side / 384))


def test_things_beside_the_face_are_left_out_and_on_the_chest_kept(grey):
    picture, face, at = grey
    parser = Told()
    parser.put("object", np.s_[150:200, 262:330])
    parser.put("object", np.s_[340:384, 262:330])
    matte, parsing = segment(picture, face, parser)
    assert matte[at(175, 300)] < 0.05 and matte[at(365, 300)] > 0.95
    assert parsing is not None and parsing.share("object")[365, 300] > 0.95


def test_doubt_is_no_transparency_inside_a_person(grey):
    picture, face, at = grey
    matte, _ = segment(picture, face, Told(0.7))
    assert matte[at(300, 190)] == 1 and matte[at(300, 60)] == 0


def test_what_is_only_half_taken_for_hair_is_left_out_but_for_its_edge(grey):
    """A dark pipe beside dark hair, from column 274 on. Cloth may be as doubtful as it likes, and so may what hangs on the chest."""
    picture, face, at = grey
    parser = Told()
    parser.put("hair", np.s_[100:160, 274:300], 0.75)
    parser.put("clothes", np.s_[160:220, 274:300], 0.75)
    parser.put("hair", np.s_[270:330, 274:300], 0.75)
    matte, _ = segment(picture, face, parser)
    assert matte[at(130, 290)] < 0.05 and matte[at(190, 290)] > 0.9 and matte[at(300, 290)] > 0.9
    parser.put("hair", np.s_[100:160, 274:277], 0.75)
    parser.put("background", np.s_[100:160, 277:300])
    matte, _ = segment(picture, face, parser)
    assert matte[at(130, 275)] > 0.5


def test_a_brim_that_is_half_taken_for_hair_stays(grey):
    """As a hat with a doubtful middle, and where it is doubtful up to its edge but not hair alone."""
    picture, face, at = grey
    parser = Told()
    parser.put("hat", np.s_[90:215, 274:374])
    parser.put("hair", np.s_[105:200, 280:360], 0.7)
    matte, _ = segment(picture, face, parser)
    assert matte[at(150, 320)] > 0.9
    parser.put("hair", np.s_[90:215, 274:374], 0.7)
    parser.shares[90:215, 274:374] += (
        np.eye(len(CLASSES), dtype=np.float32)[CLASSES.index("hat")] * 0.15
        - 0.15 * (np.eye(len(CLASSES), dtype=np.float32)[CLASSES.index("hair")])
    )
    matte, _ = segment(picture, face, parser)
    assert matte[at(150, 320)] > 0.9


def test_the_parser_sees_the_head_in_the_middle_and_no_more_than_the_photo_shows(photo, face):
    seen = []

    class Eye(Told):
        def __call__(self, picture: np.ndarray) -> np.ndarray:
            seen.append(picture)
            return self.shares

    left, top, side = head_region(face)
    middle = np.array([left, top]) + side / 2
    near = 110
    low = (middle - near).astype(int)
    part = np.ascontiguousarray(photo[low[1] : low[1] + 2 * near, low[0] : low[0] + 2 * near])
    _, parsing = segment(part, Face({MEDIAPIPE: face.mesh - np.float32([*low, 0])}, 1), Eye())
    assert parsing is not None and abs(parsing.square[2] - 2 * near) <= 4
    _, parsing = segment(np.ascontiguousarray(photo[:, 200:]), Face({MEDIAPIPE: face.mesh - np.float32([200, 0, 0])}, 1), Eye())
    assert parsing is not None
    assert np.abs(np.array(parsing.square[:2]) + parsing.square[2] / 2 - (middle - [200, 0])).max() <= 2
    assert all(picture.shape == (384, 384, 3) for picture in seen)


def test_a_shirt_that_the_parser_takes_for_skin_is_clothes(grey):
    picture, face, at = grey
    parser = Told()
    parser.put("skin", np.s_[100:, 110:274])
    picture[:] = [180, 130, 110]
    picture[at(330, 0)[0] :] = [235, 235, 240]
    _, parsing = segment(picture, face, parser)
    assert parsing is not None and parsing.share("clothes")[350, 190] > 0.9 and parsing.share("skin")[250, 190] > 0.9


def test_a_forehead_that_the_parser_takes_for_hair_is_skin(grey):
    """Between the face and hair with strands; the face's mesh ends a little below."""
    picture, face, at = grey
    parser = Told()
    parser.put("skin", np.s_[170:300, 132:252])
    parser.put("hair", np.s_[60:170, 132:252])
    picture[at(140, 0)[0] : at(300, 0)[0]] = [180, 130, 110]
    strands = np.random.default_rng(0).integers(20, 60, (1, picture.shape[1], 1), np.uint8)
    picture[: at(140, 0)[0]] = strands
    _, parsing = segment(picture, face, parser)
    assert parsing is not None and parsing.share("skin")[158, 192] > 0.9 and parsing.share("hair")[100, 192] > 0.9

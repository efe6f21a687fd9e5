"""The matte of a whole figure: the stick figure that says who is meant, second looks, and the bundled network on a real photo."""

from collections.abc import Mapping

import numpy as np
import pytest
import skimage.data
import torch

from likeness.core.errors import AssetError
from likeness.core.networks.parsing import FIGURE_SIZE, STRIDE, NetworkFigureParser, ParsingNetwork
from likeness.core.networks.weights import body_parsing_from, load_body_parsing, load_parsing
from likeness.core.photo.figure_matte import parsed_figure, pose_guide, seen_points
from likeness.core.photo.parsing import CLASSES
from likeness.core.photo.people import LANDMARKS, BodyLandmarks

SKIN, CLOTHES, OBJECT = (CLASSES.index(name) for name in ("skin", "clothes", "object"))
# (column, row) in the astronaut's photo
ASTRONAUT = {0: (222, 115), 11: (325, 230), 12: (130, 215), 13: (360, 380), 14: (75, 400), 23: (300, 500), 24: (150, 500)}


def points_of(known: Mapping[int, tuple[float, float]], shift: float = 0.0) -> np.ndarray:
    points = np.full((LANDMARKS, 2), np.nan)
    for row, place in known.items():
        points[row] = place[0] + shift, place[1]
    return points


def standing(column: float, top: float, tall: float) -> np.ndarray:
    """A person upright, arms down: nose, shoulders, elbows, wrists, hips, knees, ankles, toes."""
    rows = {0: 0.05, 11: 0.18, 13: 0.35, 15: 0.5, 23: 0.5, 25: 0.75, 27: 0.95, 31: 1.0}
    aside = {0: 0.0, 11: 0.1, 13: 0.14, 15: 0.15, 23: 0.06, 25: 0.06, 27: 0.06, 31: 0.08}
    known = {row: (column + tall * aside[row], top + tall * down) for row, down in rows.items()}
    return points_of(known | {row + 1: (column - tall * aside[row], top + tall * down) for row, down in rows.items() if row})


class Painted:
    """Tells classes by colour: red skin, green clothes, blue an object; keeps what it was shown."""

    size = 128

    def __init__(self) -> None:
        self.pictures: list[np.ndarray] = []
        self.guides: list[np.ndarray] = []

    def __call__(self, picture: np.ndarray, guide: np.ndarray) -> np.ndarray:
        self.pictures.append(picture)
        self.guides.append(guide)
        shares = np.zeros((*picture.shape[:2], len(CLASSES)), np.float32)
        shares[..., [SKIN, CLOTHES, OBJECT]] = picture / np.float32(255)
        shares[..., 0] = 1 - shares.sum(-1)
        return shares


def photo(*boxes: tuple[int, int, int, int, int], size: int = 400) -> np.ndarray:
    """A black picture with rectangles (left, top, right, bottom, channel)."""
    image = np.zeros((size, size, 3), np.uint8)
    for left, top, right, bottom, channel in boxes:
        image[top:bottom, left:right] = np.eye(3, dtype=np.uint8)[channel] * 255
    return image


def test_the_guide_shows_the_subject_before_others():
    subject, other = standing(40, 10, 100), standing(60, 10, 100)
    guide = pose_guide(128, subject, [other])
    assert guide.dtype == np.float32 and set(np.unique(guide)) == {-1, 0, 1}
    assert guide[16, 40] == 1 and guide[60, 44] == 1 and guide[85, 66] == -1 and guide[5, 120] == 0
    assert np.array_equal(guide == 1, pose_guide(128, subject) == 1)


def test_points_that_are_not_seen_are_not_drawn():
    points, legless = standing(64, 10, 100), standing(64, 10, 100)
    legless[25:] = np.nan
    assert pose_guide(128, points)[80:, :].any() and not pose_guide(128, legless)[80:, :].any()
    assert not pose_guide(128, None).any() and not pose_guide(128, np.full((LANDMARKS, 2), np.nan)).any()
    visibility = np.ones(LANDMARKS)
    visibility[25:] = 0.1
    seen = seen_points(BodyLandmarks(points, np.zeros(LANDMARKS), visibility, np.zeros((LANDMARKS, 3))))
    assert np.isnan(seen[25:]).all() and np.array_equal(seen[:25], points[:25], equal_nan=True)


def test_the_matte_is_the_person_without_things_in_front():
    image = photo((150, 60, 250, 340, 1), (180, 150, 230, 250, 2))
    matte, parsing = parsed_figure(image, (0, 0, 400), Painted())
    assert matte.shape == (400, 400) and matte[100, 200] > 0.99 and matte[300, 160] > 0.99
    assert matte[200, 205] < 0.01 and matte[200, 60] == 0 and matte[350, 200] == 0
    assert np.allclose(parsing.shares.sum(-1), 1, atol=1e-4)
    assert parsing.crop((150, 60, 100), 50)[..., CLOTHES].mean() > 0.8


def test_the_wall_between_the_legs_is_no_skin():
    dressed = photo((165, 60, 235, 340, 1), (194, 220, 206, 320, 0))
    matte = parsed_figure(dressed, (0, 0, 400), Painted(), standing(200, 50, 300))[0]
    assert matte[240:300, 198:202].max() < 0.1 and matte[240:300, 175:180].min() > 0.9 and matte[180, 200] > 0.99


def test_all_pieces_on_the_stick_figure_are_kept_and_no_others():
    cut_in_two, stranger = ((170, 40, 230, 180, 1), (170, 190, 230, 360, 1)), (300, 40, 360, 360, 1)
    subject, parser = standing(200, 50, 300), Painted()
    matte = parsed_figure(photo(*cut_in_two, stranger), (0, 0, 400), parser, subject, [standing(330, 50, 300)])[0]
    assert np.array_equal(parser.guides[0], pose_guide(128, subject * 128 / 400, [standing(330, 50, 300) * 128 / 400]))
    assert matte[100, 200] > 0.99 and matte[300, 200] > 0.99 and matte[200, 330] < 0.01
    alone = parsed_figure(photo(*cut_in_two, stranger), (0, 0, 400), Painted())[0]
    assert alone[200, 330] > 0.99 and alone[100, 200] < 0.01


@pytest.mark.parametrize("square", [(110, 120, 200), (-700, -700, 1800)])
def test_a_square_that_cuts_the_person_or_is_too_wide_is_mended(square: tuple[int, int, int]):
    parser = Painted()
    matte, parsing = parsed_figure(photo((160, 60, 240, 340, 1)), square, parser, standing(200, 70, 260))
    left, top, side = parsing.square
    assert len(parser.pictures) == 2 and side < 2 * 280
    assert left < 160 and top < 60 + 15 and left + side > 240 and top + side > 340 - 15
    assert matte[200, 200] > 0.99


def test_a_photo_that_ends_within_the_person_is_looked_at_once():
    parser = Painted()
    matte, _ = parsed_figure(photo((160, 100, 240, 400, 1)), (40, 90, 320), parser, standing(200, 110, 330))
    assert len(parser.pictures) == 1 and matte[399, 200] > 0.99


def test_a_guided_network_shares_the_heads_backbone_and_cannot_do_without():
    heads, figures = load_parsing(), load_body_parsing()
    assert heads is not None and figures is not None
    alone = load_body_parsing(heads)
    assert alone is not None and alone.backbone is heads.backbone
    with pytest.raises(AssetError, match=r"needs parsing\.safetensors"):
        body_parsing_from(b"", "body_parsing.safetensors")


def test_a_mirrored_figure_has_the_mirrored_classes():
    torch.manual_seed(0)
    ask = NetworkFigureParser(ParsingNetwork(guided=True), torch.device("cpu"), torch.no_grad)
    picture = np.random.default_rng(0).integers(0, 256, (2 * STRIDE, 2 * STRIDE, 3), np.uint8)
    guide = pose_guide(2 * STRIDE, standing(20, 5, 50))
    shares = ask(picture, guide)
    mirrored = ask(np.ascontiguousarray(picture[:, ::-1]), np.ascontiguousarray(guide[:, ::-1]))
    assert shares.shape == (2 * STRIDE, 2 * STRIDE, len(CLASSES)) and np.allclose(mirrored, shares[:, ::-1], atol=1e-4)
    assert not np.allclose(ask(picture, 0 * guide), shares, atol=1e-3)


@pytest.mark.parametrize("chosen", [0, 1])
def test_of_two_people_the_chosen_one_is_cut_out(chosen: int):
    astronaut = skimage.data.astronaut()[:, :390]
    # The right one stands a little before the left.
    image = np.concatenate([astronaut[:, :350], np.ascontiguousarray(astronaut)], axis=1)
    people = [points_of(ASTRONAUT), points_of(ASTRONAUT, 350)]
    network = load_body_parsing()
    assert network is not None and FIGURE_SIZE % STRIDE == 0
    parser = NetworkFigureParser(network, torch.device("cpu"), torch.no_grad)
    matte, parsing = parsed_figure(image, (350 * chosen - 60, -40, 560), parser, people[chosen], [people[1 - chosen]])
    sure = [(222, 115), (222, 60), (200, 300), (270, 260), (130, 300)]
    assert all(matte[row, column + 350 * chosen] > 0.9 for column, row in sure)
    assert all(matte[row, column + 350 * (1 - chosen)] < 0.1 for column, row in sure)
    assert all(matte[row, column] < 0.1 for column, row in [(20, 100), (300, 30), (360, 60), (480, 30)])
    face = parsing.crop((190 + 350 * chosen, 95, 60), 30)
    assert face[..., [SKIN, CLASSES.index("eyes"), CLASSES.index("teeth"), CLASSES.index("lips")]].sum(-1).mean() > 0.8

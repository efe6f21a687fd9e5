"""The parsing network, what it says of a real photo, and the classes that travel with a view."""

import numpy as np
import pytest
import skimage.data
import torch

from likeness.core.networks.parsing import STRIDE, NetworkParser, ParsingNetwork
from likeness.core.networks.weights import load_parsing
from likeness.core.photo.faces import MediaPipeDetector
from likeness.core.photo.intake import Intake
from likeness.core.photo.parsing import CLASSES, Parsing

# (column, row) in the astronaut's photo
POINTS = {
    "skin": [(195, 130), (248, 130), (222, 120), (222, 172), (222, 182)],
    "hair": [(225, 30), (180, 60), (272, 75), (165, 105), (222, 70)],
    "clothes": [(100, 260), (320, 270), (225, 295)],
    "eyes": [(203, 102), (247, 104)],
    "teeth": [(222, 147)],
    "background": [(130, 20), (300, 20), (110, 150), (20, 100), (375, 150), (143, 90)],
}


@pytest.fixture(scope="module")
def parser():
    network = load_parsing()
    assert network is not None
    return NetworkParser(network, torch.device("cpu"), torch.no_grad)


@pytest.fixture(scope="module")
def view(parser):
    return Intake(MediaPipeDetector(), parser).view(skimage.data.astronaut(), "astronaut")


def test_the_network_answers_at_the_pictures_own_size_and_learns_all_but_its_backbone():
    network = ParsingNetwork().eval()
    assert network(torch.rand(2, 3, 2 * STRIDE, 3 * STRIDE)).shape == (2, len(CLASSES), 2 * STRIDE, 3 * STRIDE)
    learned = {name.split(".")[0] for name, value in network.named_parameters() if value.requires_grad}
    assert learned == {"enter", "context", "top", "lateral", "merge", "output"}


def test_a_mirrored_picture_has_the_mirrored_classes():
    torch.manual_seed(0)
    ask = NetworkParser(ParsingNetwork(), torch.device("cpu"), torch.no_grad)
    picture = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    shares = ask(picture)
    assert shares.shape == (128, 128, len(CLASSES)) and np.allclose(shares.sum(-1), 1, atol=1e-5)
    assert np.allclose(ask(np.ascontiguousarray(picture[:, ::-1])), shares[:, ::-1], atol=1e-4)


def test_a_real_photos_skin_hair_and_clothes_are_told_apart(view):
    assert view.parsing is not None
    left, top, side = view.parsing.square
    wrong = []
    for name, points in POINTS.items():
        for column, row in points:
            place = ((np.array([row - top, column - left]) + 0.5) * len(view.parsing.shares) / side).astype(int)
            found = CLASSES[int(view.parsing.shares[place[0], place[1]].argmax())]
            if found != name:
                wrong.append((name, found, column, row))
    assert wrong == []


def test_the_matte_is_what_is_not_background(view):
    assert view.parsing is not None
    left, top, side = view.parsing.square
    person = 1 - view.parsing.crop((0, 0, 512), 512)[..., 0]
    assert np.abs(person - view.matte)[max(top, 0) : top + side, max(left, 0) : left + side].mean() < 0.01


def test_classes_can_be_had_over_any_square_of_the_photo():
    shares = np.zeros((64, 64, len(CLASSES)), np.float32)
    shares[..., 0] = 1
    shares[16:32, 8:24] = np.eye(len(CLASSES), dtype=np.float32)[CLASSES.index("hair")]
    parsing = Parsing(shares, (100, 50, 128))
    # Half a pixel of the parsing is a pixel of the photo.
    assert np.allclose(parsing.crop((100, 50, 128), 64), shares, atol=1e-6)
    part = parsing.crop((100 + 16, 50 + 32, 32), 16)
    assert part[..., CLASSES.index("hair")].min() > 0.99
    beside = parsing.crop((0, 50, 90), 45)
    assert beside[..., 0].min() == 1
    assert np.array_equal(parsing.share("hair", "skin"), shares[..., 1] + shares[..., 2])


def test_without_a_parser_there_is_a_matte_but_no_parsing():
    view = Intake(MediaPipeDetector()).view(skimage.data.astronaut(), "astronaut")
    assert view.parsing is None and view.matte[120, 222] == 1 and view.matte[20, 130] < 0.05

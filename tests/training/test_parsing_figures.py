"""Training pictures of whole figures from stored bodies: what is subject, other people, shoes and guide."""

from pathlib import Path

import numpy as np
import pytest
import torch

from likeness.core.networks.parsing import ParsingNetwork
from likeness.core.photo.parsing import CLASSES
from likeness.training.data.dataset import Shards
from likeness.training.parsing.figures import BONES, EYES, FIELDS, Figures, Placement
from likeness.training.parsing.photographs import Photographs
from likeness.training.parsing.train import begin_with

from .test_parsing import person

CLOTHES, SKIN, SHOES = (CLASSES.index(name) for name in ("clothes", "skin", "shoes"))
SOURCE, SIZE = 192, 96
NAMES = [*sorted(set(BONES.values())), *EYES]


def body() -> dict[str, np.ndarray]:
    """An upright slab of cloth with a head of skin, 1.7 m tall, in a picture of 2 m; its naked body is as wide."""
    picture = np.zeros((SOURCE, SOURCE), np.uint8)
    label = picture.copy()
    label[15:178, 80:112], label[15:36, 80:112] = CLOTHES, SKIN
    coverage = (label > 0).astype(np.uint8) * 255
    normal = np.zeros((SOURCE, SOURCE, 3), np.int8)
    normal[label > 0] = [0, 0, 127]
    heights = np.linspace(0.85, -0.85, 200, dtype=np.float32)
    naked = np.concatenate([np.stack([np.full(200, x), heights, np.zeros(200)], 1) for x in (-0.12, -0.02, 0.02, 0.12)]).astype(np.float16)
    height = {
        "upperarm": 0.5,
        "lowerarm": 0.25,
        "wrist": 0.0,
        "finger": -0.1,
        "upperleg": 0.0,
        "lowerleg": -0.4,
        "foot": -0.75,
        "toe": -0.82,
        "eye": 0.75,
    }
    joints = np.array([
        [0.1 if name.endswith("L") else -0.1, next(y for start, y in height.items() if name.startswith(start)), 0] for name in NAMES
    ], np.float32)  # fmt: skip
    one = {
        "albedo": np.repeat(np.where(label == SKIN, 200, 90).astype(np.uint8)[..., None], 3, 2), "normal": normal, "coverage": coverage,
        "ambient": coverage, "material": np.where(label == SKIN, 0, 2).astype(np.uint8), "parsing": label, "shadows": coverage[None],
        "keys": np.array([[0, 0, 1]], np.float32), "camera": np.array([0, 0, 1, 1e-6], np.float32), "joints": joints, "naked": naked,
    }  # fmt: skip
    return {name: values[None] for name, values in one.items()} | {"rest": naked}


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    folder: Path = tmp_path_factory.mktemp("bodies") / "shard_00000"
    folder.mkdir()
    for name, values in body().items():
        np.save(folder / f"{name}.npy", np.stack([values, values]))
    (folder / "done").touch()
    portraits = Photographs([person("a")], [person("b")], np.ones((1, 8, 16, 3)), np.array([True]))
    return Figures(Shards(folder.parent, FIELDS), portraits, NAMES)


def test_a_picture_depends_on_seed_and_number_alone_and_stays_in_range(figures: Figures) -> None:
    for number in range(16):
        picture, coverage, weight, label = sample = figures(3, number, SIZE)
        assert all(np.array_equal(one, other) for one, other in zip(sample, figures(3, number, SIZE), strict=True))
        assert picture.shape == (SIZE, SIZE, 4) and picture.dtype == np.float32
        assert picture[..., :3].min() >= 0 and picture[..., :3].max() <= 1 and set(np.unique(picture[..., 3])) <= {-1, 0, 1}
        assert coverage.min() >= 0 and coverage.max() <= 1 and weight.min() >= 0 and weight.max() <= 1
        assert coverage[(label > 0) & (label < len(CLASSES))].min(initial=1) > 0


def test_the_guide_lies_on_the_subject_and_the_coverage_is_the_subjects_alone(figures: Figures) -> None:
    on, beside = [], []
    for number in range(40):
        picture, coverage, weight, label = figures(5, number, SIZE, "drawn")
        guide, told = picture[..., 3], (weight > 0.5) & (label != CLASSES.index("object"))
        if (guide > 0).any() and (guide < 0).any():
            on.append(coverage[(guide > 0) & told])
            beside.append(coverage[(guide < 0) & told])
    assert len(on) > 5 and np.concatenate(on).mean() > 0.7 and np.concatenate(beside).mean() < 0.2


def test_shoes_are_what_is_cloth_at_the_feet_and_a_turn_keeps_them_there(figures: Figures) -> None:
    for flip, turn in ((False, 0.0), (True, 0.3)):
        one = figures.person(0, Placement(np.zeros(2), 1.0, turn, flip), SIZE, np.random.default_rng(0))
        assert (one.layers.label == SHOES).any() and (one.layers.label == CLOTHES).any()
        places = np.argwhere(one.layers.label == SHOES)[:, ::-1] + 0.5
        toes = one.points[[31, 32]]
        assert np.linalg.norm(places[:, None] - toes, axis=-1).min(1).max() < 0.12 * SIZE
        nose = np.round(one.points[0] - 0.5).astype(int)
        assert one.layers.label[nose[1], nose[0]] == SKIN


def test_a_guided_network_begins_as_the_heads_network_whatever_the_guide_says() -> None:
    torch.manual_seed(0)
    heads, figures = ParsingNetwork().eval(), ParsingNetwork(guided=True)
    weights = {name: values.clone() for name, values in heads.state_dict().items()}
    for name in ("output.weight", "output.bias"):
        weights[name] = weights[name][:-4]  # one class less
    begin_with(figures, weights)
    picture = torch.rand(1, 3, 64, 64)
    answers = [figures.eval()(torch.cat([picture, guide], 1)) for guide in (torch.zeros(1, 1, 64, 64), torch.rand(1, 1, 64, 64))]
    assert torch.equal(*answers)
    assert torch.allclose(answers[0][:, :-1], heads(picture)[:, :-1], atol=1e-5)
    assert torch.allclose(answers[0][:, -1] + 2, answers[0][:, CLOTHES], atol=1e-5)

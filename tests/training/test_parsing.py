"""What the parsing network is taught: labels, teachers, things in front, losses."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from likeness.core.networks.parsing import ParsingNetwork
from likeness.core.photo.parsing import CLASSES
from likeness.training.parsing.backbone import published
from likeness.training.parsing.backdrops import flags
from likeness.training.parsing.drawn import turned_sky
from likeness.training.parsing.losses import parsing_loss
from likeness.training.parsing.occluders import occlude
from likeness.training.parsing.photographs import Photographs
from likeness.training.parsing.real import UNKNOWN, agreement, filled, weak_labels
from likeness.training.parsing.selftrain import guessed
from likeness.training.parsing.train import Trainer, batch_of
from likeness.training.render.buffers import Buffers

SKIN, HAIR, OBJECT = (CLASSES.index(name) for name in ("skin", "hair", "object"))
SIZE = 96


def disc(size: int = SIZE, radius: float = 0.6) -> np.ndarray:
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    return np.hypot(axis[None], axis[:, None]) < radius


def person(name: str) -> dict[str, np.ndarray]:
    """A disc with a light half of skin and a dark half of hair, as stored."""
    covered = disc()
    label = np.where(covered, SKIN, 0).astype(np.uint8)
    label[: SIZE // 2][covered[: SIZE // 2]] = HAIR
    colour = np.where((label == HAIR)[..., None], 40, 200).astype(np.uint8).repeat(3, 2)
    coverage = covered.astype(np.uint8) * 255
    both = {f"{key}{row}": value for key, value in (("picture", colour), ("label", label), ("coverage", coverage)) for row in (0, 1)}
    scene = np.full((SIZE, SIZE, 3), 120, np.uint8)
    weight = np.full((SIZE, SIZE), 255, np.uint8)
    return both | {"picture": colour, "person": colour, "label": label, "coverage": coverage, "weight": weight, "scene": scene}


@pytest.fixture(scope="module")
def photographs():
    return Photographs([person("a")], [person("b")], np.ones((1, 8, 16, 3)), np.array([True]))


def test_a_sample_depends_on_seed_and_number_alone(photographs):
    first, again, other = photographs(1, 4, 64), photographs(1, 4, 64), photographs(1, 5, 64)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("kind", ["drawn", "real", "composed"])
def test_pictures_stay_in_range_and_labels_in_the_person(photographs, kind):
    for number in range(12):
        picture, coverage, weight, label = photographs(2, number, 64, kind)
        assert picture.shape == (64, 64, 3) and picture.dtype == np.float32
        for values in (picture, coverage, weight):
            assert values.min() >= 0 and values.max() <= 1
        assert coverage[(label > 0) & (label < len(CLASSES))].min() > 0


def loss(logits: torch.Tensor, coverage: float, label: int) -> float:
    batch = {
        "covered": torch.full((1, 8, 8), coverage),
        "weight": torch.ones(1, 8, 8),
        "label": torch.full((1, 8, 8), label, dtype=torch.int64),
    }
    return float(parsing_loss(logits, batch, 0)[0])


def test_where_only_the_coverage_is_known_any_class_will_do():
    def sure(index: int) -> torch.Tensor:
        logits = torch.zeros(1, len(CLASSES), 8, 8)
        logits[:, index] = 20
        return logits

    assert loss(sure(SKIN), 1, UNKNOWN) < 1e-3 and loss(sure(HAIR), 1, UNKNOWN) < 1e-3
    assert loss(sure(0), 1, UNKNOWN) > 5
    assert loss(sure(SKIN), 1, SKIN) < 1e-3 < 5 < loss(sure(HAIR), 1, SKIN)


def test_it_learns_and_goes_on_from_its_checkpoint(photographs, tmp_path):
    torch.manual_seed(0)
    batch = batch_of([photographs(3, number, 64) for number in range(4)])
    trainer = Trainer(ParsingNetwork(), tmp_path, minutes=1)
    losses = [trainer.train_step(batch)["entropy"] for _ in range(25)]
    assert np.mean(losses[-4:]) < 0.85 * losses[0]
    trainer.seconds = 30
    trainer.save()
    again = Trainer(ParsingNetwork(), tmp_path, minutes=1)
    assert (again.step, again.share) == (25, 0.5)
    for mine, other in zip(trainer.network.state_dict().values(), again.network.state_dict().values(), strict=True):
        assert torch.equal(mine, other)


def test_only_the_published_backbone_is_read(tmp_path):
    (tmp_path / "other.pth").write_bytes(b"something else")
    with pytest.raises(ValueError, match="not the published"):
        published(tmp_path / "other.pth")


def test_teachers_that_differ_at_an_edge_agree_and_over_an_area_do_not():
    mine = disc().astype(np.float32)
    shifted = np.roll(mine, 1, axis=1)
    assert agreement(mine, shifted).min() == 1
    more = mine.copy()
    more[10:30, 5:30] = 1
    assert agreement(mine, more)[20, 10] == 0 and agreement(mine, more)[60, 80] == 1


def test_a_filled_photo_keeps_its_background_and_loses_its_person():
    image = np.full((SIZE, SIZE, 3), 90, np.uint8)
    image[disc()] = 250
    result = filled(image, disc().astype(np.float32))
    assert np.abs(result.astype(int) - 90).max() <= 2


def test_landmarks_tell_only_what_is_sure():
    rng = np.random.default_rng(0)
    points = np.stack([rng.uniform(60, 130, 468), rng.uniform(60, 130, 468)], 1)
    label = weak_labels(points, np.zeros((192, 192), np.float32), set())
    assert np.all(label == UNKNOWN)


def test_a_network_names_only_what_nobody_told_and_the_words_allow():
    shares = np.zeros((4, 4, len(CLASSES)), np.float32)
    shares[:2, :, HAIR], shares[2:, :, CLASSES.index("hat")] = 1, 1
    told, covered = np.full((4, 4), UNKNOWN, np.uint8), np.ones((4, 4))
    told[0, 0], covered[0, 1] = SKIN, 0.5
    label = guessed(shares, told, covered, {"short"})
    assert label[0, 0] == SKIN and label[0, 1] == UNKNOWN and np.all(label[1] == HAIR) and np.all(label[2:] == UNKNOWN)
    assert np.all(guessed(shares, told, covered, {"bald"})[1] == UNKNOWN)
    assert np.all(guessed(shares, told, covered, {"hat"})[2:] == CLASSES.index("hat"))


def test_a_thing_in_front_covers_and_is_named():
    size = 128
    flat, three = torch.zeros(size, size), torch.zeros(size, size, 3)
    values = {field.name: three if field.name in ("albedo", "normal", "back_normal", "barycentric") else flat for field in fields(Buffers)}
    values["material"] = values["face"] = torch.zeros(size, size, dtype=torch.int64)
    empty = Buffers(**values)
    classes = torch.zeros(size, size, dtype=torch.int64)
    for seed in range(12):
        shown, named = occlude(empty, classes, np.full(3, 0.4), np.zeros(2), 3.0, np.random.default_rng(seed))
        there = named == OBJECT
        assert torch.all(shown.coverage[there] == 1) and torch.all(shown.normal[there].norm(dim=-1) > 0.9)
        assert torch.equal(named[~there], classes[~there])


def test_flags_hang_in_stripes_of_few_colours_and_folds():
    for seed in range(6):
        flag = flags(np.random.default_rng(seed), 96)
        assert flag.shape == (96, 96, 3) and flag.dtype == np.float32 and 0 <= flag.min() < flag.max() <= 1
        hues = flag / np.maximum(flag.sum(-1, keepdims=True), 1e-6)  # folds change a colour's level alone
        lit = flag.min(-1) > 0.02
        kept = lit & (flag.max(-1) < 0.99)
        assert len(np.unique(hues[kept].round(1), axis=0)) <= 12
        assert flag.sum(-1).std() > 0.02


def test_a_sky_turns_about_the_vertical():
    sky = np.zeros((9, 3))
    sky[0], sky[3] = 1, 0.5  # brighter towards +x
    light = lambda matrix, normal: float(np.r_[normal, 1] @ matrix[0] @ np.r_[normal, 1])  # noqa: E731
    still, turned = turned_sky(sky, 0.0), turned_sky(sky, np.pi / 2)
    assert light(still, [1, 0, 0]) > light(still, [-1, 0, 0])
    assert np.isclose(light(turned, [0, 0, 1]), light(still, [1, 0, 0])) or np.isclose(light(turned, [0, 0, -1]), light(still, [1, 0, 0]))
    assert np.isclose(still[:, 3, 3].mean(), 1)

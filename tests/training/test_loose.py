"""Loose clothes, and the stored samples of bodies that wear them."""

import os
from pathlib import Path

import numpy as np
import pytest

from likeness.core.geometry.mesh import signed_volume
from likeness.core.models.head import HeadModel
from likeness.core.photo.parsing import CLASSES
from likeness.training.data.dataset import Shards
from likeness.training.humans.assets import Assets
from likeness.training.humans.bodies import Bodies
from likeness.training.humans.loose import capped
from likeness.training.humans.part import Binding, PlainPaint

from .tubes import open_edges, tube

PACK = Path(os.environ.get("LIKENESS_ASSETS", "assets"))
GREY = PlainPaint((0.5, 0.5, 0.5), "cloth")


def test_a_capped_tube_is_a_solid_whose_caps_follow_their_rims():
    vertices, faces = tube()
    binding = Binding(np.repeat(np.arange(len(vertices))[:, None], 3, axis=1), np.tile(np.float32([1, 0, 0]), (len(vertices), 1)))
    part = capped("cloth", vertices, faces, binding, GREY)
    assert open_edges(faces) == 24
    assert open_edges(part.faces) == 0
    assert signed_volume(part.vertices, part.faces) == pytest.approx(6.0, rel=0.01)  # a prism of twelve sides
    assert part.binding is not None
    middles = part.binding.spread(vertices)[-2:]
    assert sorted(middles[:, 1].tolist()) == pytest.approx([0, 2])
    assert np.abs(middles[:, [0, 2]]).max() < 0.2


@pytest.fixture(scope="module")
def figures():
    _need_pack()
    from likeness.training.humans.figure import Figures

    return Figures(Assets(PACK), HeadModel.load(), Bodies(PACK))


@pytest.fixture(scope="module")
def sampler():
    _need_pack()
    from likeness.training.bodies.sample import BodySampler

    return BodySampler(PACK, size=256, views=2, loose=1.0)


def _need_pack() -> None:
    if not (PACK / "bodies").exists() and not ((PACK / "makehuman").exists() and "ANNY_CACHE_DIR" in os.environ):
        pytest.skip("needs a training pack, or the asset pack and a built body model")


@pytest.mark.training
def test_loose_clothes_are_closed_stand_off_the_body_and_hang_below_the_waist(figures):
    wide = []
    for seed in range(6):
        figure = figures.make(np.random.default_rng(seed), loose=True, everyday=True)
        cloth = [part for part in figure.parts if part.kind == "cloth"]
        for part in cloth:
            assert open_edges(part.faces) == 0
            assert signed_volume(part.vertices, part.faces) > 0
        rest = np.concatenate([part.rest.vertices for part in cloth])
        knees = figure.body.bones[:, 1].min() * 0.66
        assert rest[:, 1].min() < knees
        legs = figure.body.vertices[:13380]
        legs = legs[legs[:, 1] < knees * 0.9]
        low = rest[rest[:, 1] < knees * 0.9]
        wide.append(np.ptp(low[:, 0]) - np.ptp(legs[(np.abs(legs[:, 0]) < 0.25)][:, 0]))
    assert np.median(wide) > 0.05


@pytest.mark.training
def test_a_stored_body_sample_reads_back_and_agrees_with_its_picture(sampler, tmp_path):
    from likeness.training.bodies.shards import write_body_shard

    write_body_shard(sampler, tmp_path / "shard_00000", range(2))
    shards = Shards(tmp_path, ("points", "distance", "coverage", "parsing", "naked", "camera", "class"))
    sample = sampler.sample(1)
    stored = shards[1]
    assert len(shards) == 2
    assert all((stored[name] == sample[name]).all() for name in stored)
    for view in range(2):
        points, distance, matte = stored["points"][view].astype(float), stored["distance"][view].astype(float), stored["coverage"][view]
        column = ((points[:, 0] + 1) * 128).astype(int).clip(0, 255)
        row = ((1 - points[:, 1]) * 128).astype(int).clip(0, 255)
        off = np.ones(len(points), bool)
        for down in (-2, 0, 2):
            for right in (-2, 0, 2):
                off &= matte[(row + down).clip(0, 255), (column + right).clip(0, 255)] == 0
        assert off.sum() > 300
        assert (distance[off] > 0).mean() > 0.998
        assert 0.05 < (distance < 0).mean() < 0.7
        assert np.abs(distance).max() < 0.1501
        assert ((stored["parsing"][view] > 0) == (matte > 127)).mean() > 0.99
        assert stored["class"][view].max() < len(CLASSES)
        naked = stored["naked"][view].astype(float)
        x, y, scale, nearness = stored["camera"][view]
        flat = naked[:, :2] / (1 - naked[:, 2:] * nearness) * scale
        seen = matte[((y - flat[:, 1] + 1) * 128).astype(int).clip(0, 255), ((x + flat[:, 0] + 1) * 128).astype(int).clip(0, 255)]
        assert (seen > 0).mean() > 0.9

"""Training and evaluation people are drawn from different seeds and share no asset or style."""

import json
from pathlib import Path

import numpy as np
import pytest

from likeness.training.data.samples import SEEDS
from likeness.training.humans.accessories import FRAMES, draw_frame
from likeness.training.humans.assets import HELD_OUT, Assets
from likeness.training.humans.beards import BEARDS, draw_beard
from likeness.training.humans.hair_styles import STYLES, draw_cut
from likeness.training.humans.hats import HATS, draw_hat

HAIR = ("short01", "short02", "short03", "braid01")


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """An asset pack of names only."""
    folder = tmp_path / "makehuman"
    (folder / "textures").mkdir(parents=True)
    np.savez(folder / "proxies.npz", names=np.array(HAIR), category=np.array(["hair"] * 4), texture=np.array(["a.webp"] * 4))
    skins = [{"name": "young_lightskinned_male"}, {"name": "young_lightskinned_male3"}]
    (folder / "textures.json").write_text(json.dumps({"skins": skins}))
    for name in ("eye_brown.webp", "eye_grey.webp"):
        (folder / "textures" / name).touch()
    return tmp_path


def test_seeds_differ() -> None:
    assert len(set(SEEDS.values())) == len(SEEDS)


def test_pieces_skins_and_irises_belong_to_one_split_each(pack: Path) -> None:
    training, evaluation = Assets(pack, "training"), Assets(pack, "evaluation")
    assert training.names("hair") == ["short01", "short02"] and evaluation.names("hair") == ["short03", "braid01"]
    assert [skin["name"] for skin in training.skins] == ["young_lightskinned_male"]
    assert [skin["name"] for skin in evaluation.skins] == ["young_lightskinned_male3"]
    assert training.irises == ["eye_brown.webp"] and evaluation.irises == ["eye_grey.webp"]
    assert not HELD_OUT & set(training.names("hair"))


def test_styles_are_drawn_from_their_own_split() -> None:
    rng = np.random.default_rng(0)
    for split in ("training", "evaluation"):
        cuts = {draw_cut(rng, gender, 0.6, split)[0] for gender in (0.1, 0.9) for _ in range(60)}
        assert cuts <= {name for name, style in STYLES.items() if style.split == split} and len(cuts) > 2
        assert {draw_hat(rng, split) for _ in range(40)} <= {kind for kind, owner in HATS.items() if owner == split}
    for table, draw in ((FRAMES, draw_frame), (BEARDS, draw_beard)):
        assert {style.split for style in table.values()} == {"training", "evaluation"}
        assert draw(np.random.default_rng(1), "training") != draw(np.random.default_rng(1), "evaluation")

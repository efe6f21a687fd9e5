"""Hair, beards and brows on the mean head: closed, out of the skull, repeatable, cheap enough to draw."""

import numpy as np
import pytest
import torch

from likeness.core.geometry.raster import LayeredDepth, fragments
from likeness.training.humans.beards import BEARDS, draw_beard, grow_beard, grow_brows
from likeness.training.humans.hair import TRIANGLES, grow_hair
from likeness.training.humans.hair_styles import STYLES, Cut, draw_cut
from likeness.training.humans.noise import Noise
from likeness.training.humans.part import RestPart

from .people_parts import PAINT, bald_head, check_piece


def grown(name: str, seed: int = 0, gender: float = 0.5) -> list[RestPart]:
    rng = np.random.default_rng(seed)
    name, cut = draw_cut(rng, gender, 0.5, name=name)
    return grow_hair(bald_head(), rng, Noise(rng), PAINT, name, cut)


@pytest.mark.parametrize("name", STYLES)
def test_every_style_is_closed_within_budget_and_out_of_face_and_skull(name: str) -> None:
    head, parts = bald_head(), grown(name)
    for part in parts:
        check_piece(part)
        assert part.kind == "hair" and part.solid
        assert part.values is not None and part.values.min() >= -1 and part.values.max() <= 1
    assert sum(len(part.faces) for part in parts) <= TRIANGLES
    locks = parts[-1].vertices
    free = locks[parts[-1].values[:, 0] > 0.2]  # type: ignore[index]
    height, _ = head.skin(free)
    near = np.abs(free[:, 0]) < 0.2
    assert np.quantile(height[near], 0.01) > -0.006
    f = head.frame
    eyes = (np.abs(np.abs(free[:, 0]) - 0.0315) < 0.012) & (np.abs(free[:, 1]) < 0.008) & (free[:, 2] > f.ear_z + 0.03)
    assert eyes.mean() < 0.004


@pytest.mark.parametrize("name", ["cropped", "afro", "bob", "ponytail"])
def test_hair_covers_the_crown_and_leaves_the_face_free(name: str) -> None:
    head, f, parts = bald_head(), bald_head().frame, grown(name)
    vertices = torch.tensor(np.concatenate([part.vertices for part in parts])) / 0.3
    starts = np.cumsum([0] + [len(part.vertices) for part in parts[:-1]])
    faces = torch.tensor(np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=True)]))
    size = 256
    depth = LayeredDepth(fragments(vertices, faces, size))

    def winding(points: np.ndarray) -> np.ndarray:
        column = ((points[:, 0] / 0.3 + 1) * size / 2).astype(int)
        row = ((1 - points[:, 1] / 0.3) * size / 2).astype(int)
        return depth.winding(torch.tensor(row * size + column), torch.tensor(points[:, 2] / 0.3)).numpy()

    crown = head.vertices[(head.vertices[:, 1] > f.top - 0.05) & (head.vertices[:, 2] < f.centre[2])]
    assert (winding(crown) >= 1).mean() > 0.97
    face = head.vertices[(head.region["face"] > 0.9) & (head.vertices[:, 1] < 0) & (np.abs(head.vertices[:, 0]) < 0.04)]
    assert (winding(face + np.array([0, 0, 0.01])) == 0).mean() > 0.98
    assert winding(np.array([[0.25, 0.2, 0.0], [-0.25, -0.2, 0.0], [0, 0.28, 0]])).tolist() == [0, 0, 0]


def test_a_seed_gives_the_same_hair_and_another_seed_another() -> None:
    first, again, other = grown("tousled", 3), grown("tousled", 3), grown("tousled", 4)
    assert all(np.array_equal(a.vertices, b.vertices) and np.array_equal(a.faces, b.faces) for a, b in zip(first, again, strict=True))
    assert first[-1].vertices.shape != other[-1].vertices.shape or not np.array_equal(first[-1].vertices, other[-1].vertices)


def test_locks_turn_with_the_skull_and_long_ones_end_on_the_trunk() -> None:
    head = bald_head()
    locks = grown("middle_long")[-1]
    on_trunk = np.isin(locks.binding.ref[:, 1], head.trunk) * locks.binding.weight[:, 1]
    high = locks.vertices[:, 1] > head.frame.chin
    assert on_trunk[high].max() == 0
    assert on_trunk[locks.vertices[:, 1] < head.frame.chin - 0.1].min(initial=1) > 0.3


def test_masked_hair_grows_only_where_allowed() -> None:
    head = bald_head()
    rng = np.random.default_rng(0)
    allowed = (head.vertices[:, 1] < head.frame.ear_top).astype(np.float32)
    parts = grow_hair(head, rng, Noise(rng), PAINT, "cropped", Cut(lift=0.1), allowed)
    assert parts and max(part.vertices[:, 1].max() for part in parts) < head.frame.ear_top + 0.03
    assert grow_hair(head, rng, Noise(rng), PAINT, "cropped", Cut(), 0 * allowed) == []


def test_splits_share_no_style_and_men_recede_more_than_women() -> None:
    rng = np.random.default_rng(0)
    drawn = {split: {draw_cut(rng, 0.5, 0.5, split)[0] for _ in range(300)} for split in ("training", "evaluation")}
    assert not drawn["training"] & drawn["evaluation"]
    assert drawn["training"] | drawn["evaluation"] == set(STYLES)
    recession = {gender: np.mean([draw_cut(rng, gender, 0.9, name="cropped")[1].recession for _ in range(50)]) for gender in (0.0, 1.0)}
    assert recession[1.0] > recession[0.0] + 0.05


@pytest.mark.parametrize("name", BEARDS)
def test_beards_are_closed_and_leave_lips_and_eyes_free(name: str) -> None:
    head, rng = bald_head(), np.random.default_rng(0)
    parts = grow_beard(head, rng, Noise(rng), PAINT, draw_beard(rng, name=name))
    assert len(parts) == 2
    for part in parts:
        check_piece(part)
        assert part.kind == "beard"
        assert part.vertices[:, 1].max() < head.frame.ear_top + 0.01
        # The ends of a handlebar may curl up to the tip of the nose, no farther.
        assert part.vertices[part.vertices[:, 2] > head.frame.ear_z + 0.05, 1].max() < head.frame.nose[1] + 0.004
    lips = head.vertices[head.region["lips"] > 0.9]
    before_lips = (np.abs(parts[0].vertices[:, 0]) < 0.015) & (np.abs(parts[0].vertices[:, 1] - lips[:, 1].mean()) < 0.004)
    assert not (before_lips & (parts[0].vertices[:, 2] > lips[:, 2].min())).any()


def test_brows_lie_on_the_brows() -> None:
    head, rng = bald_head(), np.random.default_rng(0)
    (brows,) = grow_brows(head, rng, PAINT)
    check_piece(brows)
    height, _ = head.skin(brows.vertices)
    assert np.abs(height).max() < 0.006
    assert abs(brows.vertices[:, 1].mean() - head.frame.brow) < 0.006

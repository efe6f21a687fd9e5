"""Glasses, earrings and hats on the mean head: closed, in place, out of the face."""

import numpy as np
import pytest

from likeness.training.humans.accessories import FRAMES, draw_frame, make_earrings, make_glasses
from likeness.training.humans.hair import grow_hair
from likeness.training.humans.hair_styles import Cut
from likeness.training.humans.hats import HATS, draw_hat, flattened, make_hat
from likeness.training.humans.noise import Noise

from .people_parts import PAINT, bald_head, check_piece


@pytest.mark.parametrize("name", FRAMES)
def test_glasses_are_closed_clear_the_eyes_and_reach_the_ears(name: str) -> None:
    head, rng = bald_head(), np.random.default_rng(1)
    frame, *lenses = make_glasses(head, rng, draw_frame(rng, name=name), PAINT)
    for part in (frame, *lenses):
        check_piece(part)
    assert frame.solid and [lens.kind for lens in lenses] == ["lens", "lens"] and not any(lens.solid for lens in lenses)
    for lens in lenses:
        height, _ = head.skin(lens.vertices)
        assert height.min() > -0.0005
        assert lens.vertices[:, 2].max() < 0.045  # near the eyes, whose front lies at about 0.013
    for side in (1, -1):
        reach = frame.vertices[frame.vertices[:, 0] * side > 0.05]
        assert reach[:, 2].min() < head.frame.ear_z
        assert np.abs(reach[:, 1] - head.frame.ear_top).min() < 0.004
    assert len(np.unique(frame.binding.ref)) == 1  # stiff


def test_earrings_hang_at_the_lobes() -> None:
    head = bald_head()
    for seed in range(4):
        parts = make_earrings(head, np.random.default_rng(seed), PAINT)
        assert len(parts) == 2
        for part in parts:
            check_piece(part)
            assert np.linalg.norm(part.vertices - head.vertices[head.region["ears"] > 0.5].reshape(-1, 1, 3), axis=2).min() < 0.003


@pytest.mark.parametrize("kind", HATS)
def test_hats_are_closed_sit_on_the_head_and_free_the_face(kind: str) -> None:
    head, f = bald_head(), bald_head().frame
    for seed in range(3):
        rng = np.random.default_rng(seed)
        hat = make_hat(head, rng, Noise(rng), kind, PAINT)
        for part in hat.parts:
            check_piece(part)
            assert len(np.unique(part.binding.ref[:, 0])) == 1
        vertices = np.concatenate([part.vertices for part in hat.parts])
        if kind != "headband":
            assert vertices[:, 1].max() > f.top
        eyes = (np.abs(vertices[:, 0]) < 0.045) & (np.abs(vertices[:, 1]) < 0.006) & (vertices[:, 2] > f.ear_z + 0.05)
        assert not eyes.any()
        assert hat.allowed.shape == (len(head.vertices),)


@pytest.mark.parametrize("kind", ["hijab", "hood", "scarf", "turban"])
def test_cloth_over_the_head_covers_hair_and_leaves_the_face(kind: str) -> None:
    head, f = bald_head(), bald_head().frame
    for seed in range(3):
        rng = np.random.default_rng(seed)
        hat = make_hat(head, rng, Noise(rng), kind, PAINT)
        vertices = np.concatenate([part.vertices for part in hat.parts])
        face = (
            (np.abs(vertices[:, 0]) < 0.03)
            & (vertices[:, 1] < f.brow)
            & (vertices[:, 1] > f.chin + 0.02)
            & (vertices[:, 2] > f.ear_z + 0.05)
        )
        assert not face.any()
        above = head.vertices[:, 1] > f.ear_top + 0.8 * (f.top - f.ear_top)
        assert hat.allowed[above].max() < 0.01
        assert (vertices[:, 1].min() < f.chin - 0.04) == (kind != "turban")


def test_hair_under_a_cap_stays_under_it() -> None:
    head, rng = bald_head(), np.random.default_rng(0)
    noise = Noise(rng)
    hat = make_hat(head, rng, noise, "cap", PAINT)
    hair = grow_hair(head, rng, noise, PAINT, "afro", flattened(Cut(top=0.08, volume=0.06, lift=3)), hat.allowed)
    top = head.frame.brow + 0.6 * (head.frame.top - head.frame.brow)
    assert hair and max(part.vertices[:, 1].max() for part in hair) < top


def test_hats_of_the_splits_differ() -> None:
    rng = np.random.default_rng(0)
    drawn = {split: {draw_hat(rng, split) for _ in range(60)} for split in ("training", "evaluation")}
    assert not drawn["training"] & drawn["evaluation"] and drawn["training"] | drawn["evaluation"] == set(HATS)

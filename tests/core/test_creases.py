"""Dark lines of skin become furrows: not the edges of shadows, not spots, and not what the surface's own shading explains."""

import numpy as np
import pytest

from likeness.core.surface.creases import SkinLines, without_furrows

SIZE, HALF = 256, 0.1
PIXEL = 2 * HALF / SIZE  # 0.8 mm
X, Y = np.meshgrid(*[(np.arange(SIZE) + 0.5) * PIXEL - HALF] * 2)  # metres, y down
FAR = (np.abs(Y) > 0.03) & (np.abs(X) < 0.08) & (np.abs(Y) < 0.08)


def heights(
    light: np.ndarray, expected: np.ndarray | float = 0.0, facing: float = 1.0, share: float = 1.0, finest: float = 1e-3
) -> np.ndarray:
    """Millimetres of furrows of a logarithm of light (SIZE, SIZE), where a surface with another one is expected."""
    lines = SkinLines(light.astype(np.float32), np.full((SIZE, SIZE), share, np.float32), HALF, finest)
    pictures = np.broadcast_to(np.float32(expected), (SIZE, SIZE)), np.full((SIZE, SIZE), facing, np.float32)
    return lines.heights(*map(np.ascontiguousarray, pictures)) * HALF * 1000


def line(depth: float = 0.2, width: float = 1.2e-3) -> np.ndarray:
    """A logarithm of light with a dark line across the picture."""
    return -depth * np.exp(-0.5 * (Y / width) ** 2)


def middle(found: np.ndarray) -> float:
    return float(found[SIZE // 2 - 1 : SIZE // 2 + 1, 40:-40].mean())


def test_wrinkles_and_folds_become_furrows() -> None:
    wrinkle, fold = heights(line(0.2)), heights(line(0.4, 2e-3))
    assert -0.8 < middle(wrinkle) < -0.2
    assert -2.0 < middle(fold) < 1.5 * middle(wrinkle)
    assert np.abs(fold[FAR]).max() < 0.01
    beside = (np.abs(Y) > 7e-3) & (np.abs(Y) < 0.012) & (np.abs(X) < 0.05)
    assert 0.045 < fold[beside].max() < 0.4, "skin bulges beside a fold, or it is a cut"
    assert fold[beside & (np.abs(Y) > 0.011)].mean() > 0.028, "as cheeks do, over a centimetre"
    slanting = -0.2 * np.exp(-0.5 * ((0.8 * X + 0.6 * Y) / 1.2e-3) ** 2)
    assert heights(slanting)[SIZE // 2, SIZE // 2] == pytest.approx(middle(wrinkle), rel=0.4)


def test_the_edge_of_a_shadow_is_no_furrow() -> None:
    shadow = np.where(Y + 0.3 * X > 0, -0.8, 0.0)
    assert np.abs(heights(shadow)).max() < 0.12 * np.abs(heights(line(0.8))).max()


def test_spots_are_no_furrows() -> None:
    spot = -0.3 * np.exp(-0.5 * (np.hypot(X, Y) / 1.2e-3) ** 2)
    assert np.abs(heights(spot)).max() < 0.35 * np.abs(heights(line(0.3))).max()
    freckles = np.random.default_rng(0).normal(0, 0.06, (SIZE, SIZE))
    assert np.abs(heights(freckles)).max() < 0.25


def test_a_valley_of_light_between_two_lit_cheeks_is_no_fold() -> None:
    assert np.abs(heights(line(0.4, 4e-3))).max() < 0.25 * np.abs(heights(line(0.4, 2e-3))).max()


def test_what_the_surfaces_own_shading_explains_is_none() -> None:
    assert np.abs(heights(line(), line())).max() < 0.01
    assert np.abs(heights(np.zeros((SIZE, SIZE)), -line())).max() < 0.01, "a ridge that is not in the light"


def test_faint_lines_of_young_skin_are_none() -> None:
    assert np.abs(heights(line(0.02))).max() < 0.02
    assert np.abs(heights(line(0.1, 4e-3))).max() < 0.06


def test_nothing_is_furrowed_that_turns_away_or_is_no_skin_or_finer_than_the_mesh() -> None:
    assert np.abs(heights(line(), facing=0.5)).max() == 0
    assert np.abs(heights(line(), share=0.2)).max() == 0
    assert np.abs(heights(line(), finest=4e-3)).max() == 0


def test_the_noses_sides_have_no_furrows() -> None:
    tip, wing, side, fold, brow, lip, cheek = without_furrows(
        np.array([[[0, -0.2], [0.09, -0.2], [-0.075, -0.1], [0.16, -0.25], [0, 0.06], [0, -0.31], [0.25, -0.2]]], np.float32),
        np.zeros((1, 7)),
        1e-3,
    )[0]
    assert min(tip, wing, side) > 0.95
    assert max(fold, brow, lip, cheek) < 0.05


def test_rims_of_glasses_are_no_furrows() -> None:
    across, up = np.meshgrid(np.linspace(-0.5, 0.5, 101), np.linspace(0.5, -0.5, 101))  # 2 mm each
    places = np.stack([across, up], axis=-1).astype(np.float32)
    rims = np.where((np.abs(up - 0.05) < 0.025) & (np.abs(across) < 0.3), 0.3, 0)
    bare, worn = (without_furrows(places, share, 2e-3) for share in (0 * rims, rims))
    lens, cheek, forehead = ((np.abs(across) - 0.18, up + 0.1), (np.abs(across) - 0.2, up + 0.25), (across, up - 0.25))
    at = [np.hypot(*away) < 0.03 for away in (lens, cheek, forehead)]
    assert worn[at[0]].min() > 0.95 and bare[at[0]].max() < 0.05
    assert max(worn[at[1]].max(), worn[at[2]].max()) < 0.05

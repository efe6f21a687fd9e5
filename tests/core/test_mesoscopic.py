"""Fine relief from the photo: what is dark is deep, strands run on, shading bends skin, and what is no shading leaves no mark."""

from dataclasses import replace

import numpy as np
import pytest

from likeness.core.photo.parsing import CLASSES
from likeness.core.surface.creases import SkinLines
from likeness.core.surface.extract import extract_surface
from likeness.core.surface.mesoscopic import FineDetail
from likeness.core.surface.shading import ShadedSkin

SIZE, HALF = 256, 0.1
PIXEL = 2 * HALF / SIZE  # 0.8 mm
SKIN = (0.8, 0.6, 0.5)
X, Y = np.meshgrid(*[(np.arange(SIZE) + 0.5) * PIXEL - HALF] * 2)  # metres, y down


def flat(colour: tuple[float, float, float] = SKIN) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.float32), (SIZE, SIZE, 3)).copy()


def parsed(name: str = "skin", other: str = "skin", where: np.ndarray | None = None) -> np.ndarray:
    """Shares of one class, and of another one where the mask says."""
    shares = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    there = np.zeros((SIZE, SIZE), bool) if where is None else where
    shares[~there, CLASSES.index(name)] = 1
    shares[there, CLASSES.index(other)] = 1
    return shares


def heights(photo: np.ndarray, parsing: np.ndarray, cells: int = 512, photo_pixel: float = 0.1e-3, strength: float = 1.0) -> np.ndarray:
    """Millimetres."""
    matte = np.ones((SIZE, SIZE), np.float32)
    return FineDetail.of(photo, matte, parsing, HALF, cells, photo_pixel, strength).heights * HALF * 1000


def line(depth: float = 0.5) -> np.ndarray:
    """A picture's factor with a dark line 2 mm wide across it."""
    return (1 - depth * np.exp(-((Y / 1e-3) ** 2)))[..., None]


MIDDLE, FAR = np.abs(Y) < PIXEL, (np.abs(Y) > 0.03) & (np.abs(Y) < 0.05)


def test_a_dark_line_of_skin_becomes_a_furrow() -> None:
    found = heights(flat() * line(), parsed())
    assert -1.0 < found[MIDDLE].mean() < -0.15
    assert np.abs(found[FAR]).max() < 0.02
    assert np.allclose(heights(flat() * line(), parsed(), strength=0.5), found / 2, atol=1e-5)


def test_folds_of_hats_are_deep() -> None:
    found = heights(flat() * line(), parsed("hat"))[MIDDLE].mean()
    assert -1.0 < found < -0.2


def test_a_light_line_rises_less_than_a_dark_one_sinks() -> None:
    sunk, raised = (np.abs(heights(flat() * factor, parsed())[MIDDLE].mean()) for factor in (line(0.4), 1 / line(0.4)))
    assert 0.2 * sunk < raised < 0.8 * sunk


def test_freckles_are_no_relief() -> None:
    red = np.array([0, 1, 1], np.float32)
    found = heights(flat() * (1 - red * (1 - line(0.3))), parsed())
    assert np.abs(found).max() < 0.02


def test_grain_is_no_relief() -> None:
    grain = np.random.default_rng(0).normal(1, 0.01, (SIZE, SIZE, 1)).astype(np.float32)
    assert np.abs(heights(flat() * grain, parsed())).max() < 0.02


@pytest.mark.parametrize("name", ["eyes", "glasses", "object"])
def test_eyes_glasses_and_hands_leave_no_mark(name: str) -> None:
    there = np.abs(Y) < 4e-3
    dark = np.where(there[..., None], 0.1, 1) * flat()
    found = heights(dark.astype(np.float32), parsed("skin", name, there))
    assert np.abs(found[np.abs(Y) < 5e-3]).max() < 0.03


@pytest.mark.parametrize("name", ["eyes", "glasses", "object"])
def test_their_shadow_beside_them_leaves_hardly_a_mark(name: str) -> None:
    there, shadow = np.abs(Y) < 4e-3, np.exp(-(((np.abs(Y) - 4.4e-3) / 0.8e-3) ** 2))
    photo = (flat() * (1 - 0.6 * shadow[..., None])).astype(np.float32)
    beside = (np.abs(Y) > 4e-3) & (np.abs(Y) < 4.8e-3)
    assert np.abs(heights(photo, parsed("skin", name, there))[beside]).max() < 0.4 * np.abs(heights(photo, parsed())[beside]).max()


def test_dark_hair_beside_it_does_not_lift_skin() -> None:
    hair = Y < 0
    photo = np.where(hair[..., None], 0.05, 1) * flat()
    found = heights(photo.astype(np.float32), parsed("skin", "hair", hair))
    assert np.abs(found[(Y > 5e-3) & (Y < 0.02)]).max() < 0.05
    assert 1.0 < found[(Y < -5e-3) & (Y > -0.02)].mean() < 2.0


def edge(name: str, eyes: bool = False) -> np.ndarray:
    """Heights (SIZE,) down a picture whose lower half is hair of some kind, which is lighter and shades the skin at its edge."""
    hair, shade = Y > 0, np.exp(-(((np.abs(Y) - 1e-3) / 1e-3) ** 2))
    photo = np.where(hair[..., None], 0.15 + 0.1 * shade[..., None], 1 - 0.4 * shade[..., None]) * flat()
    parsing = parsed("skin", name, hair)
    if eyes:
        parsing[-1] = np.eye(len(CLASSES))[CLASSES.index("eyes")]
    return heights(photo.astype(np.float32), parsing)[:, SIZE // 2]


@pytest.mark.parametrize(("name", "highest", "steepest"), [("hair", 2.2, 1.1), ("beard", 1.95, 0.55)])
def test_neither_a_groove_nor_a_rim_stands_at_the_edge_of_hair(name: str, highest: float, steepest: float) -> None:
    """steepest: millimetres a pixel."""
    found = edge(name)
    assert found.min() > -0.05 and found[np.abs(Y[:, 0]) < 8e-3].max() < highest and np.diff(found).max() < steepest


def test_beside_brows_skin_keeps_its_lines() -> None:
    beside = (Y[:, 0] < -0.2e-3) & (Y[:, 0] > -4e-3)
    assert edge("beard", eyes=True)[beside].max() < edge("beard")[beside].max() - 0.08


def test_brows_and_lips_stand_out() -> None:
    for name, low, high in (("beard", 1.3, 2.0), ("lips", 0.15, 0.5)):
        there = np.abs(Y) < 6e-3
        found = heights(flat(), parsed("skin", name, there))
        assert low < found[np.abs(Y) < 2e-3].mean() < high
        assert np.abs(found[FAR]).max() < 0.05


def test_strands_run_on() -> None:
    noise = np.random.default_rng(0).normal(0, 0.15, (SIZE, SIZE, 1)).astype(np.float32)
    strands = 0.3 * np.exp(0.4 * np.sin(X / 1.5e-3)[..., None] + noise)
    found = heights(np.repeat(strands, 3, 2).astype(np.float32), parsed("hair"))[40:-40, 40:-40]
    along, across = (np.abs(np.diff(found, axis=axis)).mean() for axis in (0, 1))
    assert across > 0.1 and along < 0.12 * across


def strands(contrast: float) -> np.ndarray:
    return np.repeat(0.2 * np.exp(contrast * np.sin(X / 1.5e-3))[..., None], 3, 2).astype(np.float32)


def test_black_hair_has_locks_as_well() -> None:
    bright, dull = (heights(strands(contrast), parsed("hair"))[40:-40, 40:-40].std() for contrast in (0.3, 0.12))
    assert 0.5 * bright < dull < 1.1 * bright
    assert heights(strands(0.002), parsed("hair"))[40:-40, 40:-40].std() < 0.1 * bright, "grain stays grain"


def test_grey_beards_have_hairs_as_well() -> None:
    bright, dull = (heights(strands(contrast), parsed("beard"))[40:-40, 40:-40].std() for contrast in (0.25, 0.1))
    assert 0.5 * bright < dull < 1.1 * bright


def test_strands_are_longer_than_spots_on_them() -> None:
    spotted = strands(0.4) * np.exp(0.4 * np.sin(Y / 3e-3))[..., None]
    found = heights(spotted.astype(np.float32), parsed("hair"))[40:-40, 40:-40]
    along, across = found.mean(1).std(), found.mean(0).std()
    assert along < 0.5 * across


def test_nothing_is_finer_than_the_mesh_or_the_photo() -> None:
    fine, coarse, blurred = (
        np.abs(heights(flat() * line(), parsed(), cells, photo_pixel)[MIDDLE].mean())
        for cells, photo_pixel in ((256, 0.1e-3), (16, 0.1e-3), (256, 6.4e-3))
    )
    assert coarse < 0.3 * fine and blurred < 0.3 * fine


def test_a_forehead_that_is_half_taken_for_hair_stays_skin() -> None:
    hair, doubt = Y < -0.03, (Y > -0.03) & (Y < 0.03)
    photo = np.where(hair[..., None], 0.1, 1) * flat() * line(0.2)
    shares = parsed("skin", "hair", hair)
    shares[doubt] = 0
    shares[doubt, CLASSES.index("hair")], shares[doubt, CLASSES.index("skin")] = 0.8, 0.2
    found = heights(photo.astype(np.float32), shares)
    assert np.abs(found[(np.abs(Y) > 0.01) & (np.abs(Y) < 0.02)]).max() < 0.1
    assert -0.5 < found[MIDDLE].mean() < -0.05


@pytest.fixture(scope="module")
def ball() -> tuple[np.ndarray, np.ndarray]:
    return extract_surface(lambda points: np.linalg.norm(points, axis=1) - 0.6, None, 64)


NO_LINES = SkinLines(*np.zeros((2, 128, 128), np.float32), HALF, 1e-3)


def raised(height: float = 0.01, hair: float = 0.0) -> FineDetail:
    pictures = np.full((128, 128), height, np.float32), *np.zeros((2, 64, 64), np.float32), np.full((64, 64), hair, np.float32)
    return FineDetail(*pictures, NO_LINES, 1.0)


def test_the_front_moves_along_its_normals_and_the_rest_stays(ball: tuple[np.ndarray, np.ndarray]) -> None:
    vertices, faces = ball
    normals = vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
    step = raised().on(vertices, faces) - vertices
    front, back = normals[:, 2] > 0.6, normals[:, 2] < 0.05
    assert np.abs(step[front] - 0.01 * normals[front]).max() < 1e-3
    assert np.abs(step[back]).max() == 0
    edge = np.abs(normals[:, 2] - 0.2) < 0.05
    assert np.linalg.norm(step[edge], axis=1).max() < 0.004


def test_strands_of_hair_are_not_drawn_out_in_depth(ball: tuple[np.ndarray, np.ndarray]) -> None:
    vertices, faces = ball
    front, steep = vertices[:, 2] > 0.75 * 0.6, np.abs(vertices[:, 2] / 0.6 - 0.4) < 0.05
    of_hair, other = (np.linalg.norm(raised(hair=hair).on(vertices, faces) - vertices, axis=1) for hair in (1.0, 0.0))
    assert np.abs(of_hair[front] - 0.01).max() < 1e-3
    assert of_hair[steep].mean() < 0.2 * other[steep].mean()


def test_shading_is_part_of_the_detail() -> None:
    depth, _, light = bumps()
    vertices, faces = extract_surface(lambda points: np.linalg.norm(points, axis=1) - 0.6, None, 128)
    skin = np.isfinite(depth).astype(np.float32)
    moved = FineDetail(np.zeros((128, 128), np.float32), light, skin, np.zeros_like(skin), NO_LINES, 1.0).on(vertices, faces)
    assert 0.0005 < np.abs(moved - vertices).max() < 0.006


def test_lines_of_skin_are_part_of_the_detail() -> None:
    depth, _, _ = bumps()
    vertices, faces = extract_surface(lambda points: np.linalg.norm(points, axis=1) - 0.6, None, 128)
    photo = np.repeat((np.where(np.isfinite(depth), 0.6, 0)[..., None] * np.ones(3)), 2, axis=0).repeat(2, axis=1).astype(np.float32)
    marked = (photo * line()).astype(np.float32)
    plain = np.ones((32, 32), np.float32)

    def furrow(picture: np.ndarray, strength: float = 1.0, plain: np.ndarray | None = None) -> float:
        detail = FineDetail.of(picture, np.ones((SIZE, SIZE), np.float32), parsed(), HALF, 256, 0.4e-3, strength, plain)
        detail = replace(detail, heights=np.zeros_like(detail.heights))
        there = (np.abs(vertices[:, 1]) < 0.01) & (np.abs(vertices[:, 0]) < 0.2) & (vertices[:, 2] > 0)
        return float((np.linalg.norm(detail.on(vertices, faces), axis=1) - 0.6)[there].min())

    assert furrow(marked) < furrow(photo) - 0.003
    assert furrow(marked, 0.5) > 0.6 * furrow(marked)
    assert furrow(marked, plain=plain) > 0.3 * furrow(marked)


def bumps() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A ball's depth, bumps of 0.6 mm and 3 cm on it, and the light of both with the bumps, from the upper left."""
    axis = (np.arange(128) + 0.5) / 64 - 1
    x, y = np.meshgrid(axis, -axis)
    depth = np.where(np.hypot(x, y) < 0.55, np.sqrt(np.maximum(0.36 - x**2 - y**2, 0)), -np.inf)
    bump = 0.003 * np.sin(2 * np.pi * x / 0.15) * np.sin(2 * np.pi * y / 0.15)
    down, right = np.gradient(np.where(np.isfinite(depth), depth, 0) + bump, 2 / 128)
    normals = np.stack([-right, down, np.ones_like(right)]) / np.sqrt(1 + right**2 + down**2)
    return depth, bump, (0.3 + np.tensordot([-0.15, 0.2, 0.2], normals, 1)).clip(0.05).astype(np.float32)


def bent(light: np.ndarray, skin: np.ndarray, depth: np.ndarray) -> np.ndarray:
    shaded = ShadedSkin.of(light, skin, depth)
    assert shaded is not None
    return shaded.heights()


def test_shading_bends_skin() -> None:
    depth, bump, light = bumps()
    skin = np.isfinite(depth).astype(np.float32)
    found = bent(light, skin, depth)
    inner = depth > 0.4
    # One light tells one direction of slopes; what is found agrees with the truth, and is no larger.
    assert np.corrcoef(found[inner], bump[inner])[0, 1] > 0.5
    assert 0.2 * bump[inner].std() < found[inner].std() < bump[inner].std()


def test_neither_paint_nor_what_is_no_skin_bends_it() -> None:
    depth, _, light = bumps()
    inner = depth > 0.4
    assert ShadedSkin.of(light, np.zeros_like(light), depth) is None
    plain = np.where(np.isfinite(depth), 0.4, 0).astype(np.float32)
    spot = np.where(np.hypot(*np.mgrid[-64:64, -64:64]) < 8, 0.02, 1).astype(np.float32)
    found = bent(plain * spot, np.isfinite(depth).astype(np.float32), depth)
    assert np.abs(found[inner]).max() < 0.01


def test_what_bends_skin_runs_out_beside_it() -> None:
    depth, _, light = bumps()
    skin = (np.isfinite(depth) & (np.arange(128) < 61)).astype(np.float32)
    found = bent(light, skin, depth)
    assert np.abs(found[:, 60]).max() > 0.2 * np.abs(found[:, 58]).max()
    assert np.abs(found[:, 80:]).max() < 0.1 * np.abs(found).max()

"""Garments told apart by colour, the steps in which they end, and their folds, on a flat egg whose photo shows a suit."""

import cv2
import numpy as np
import pytest

from likeness.core.geometry.mesh import vertex_normals
from likeness.core.geometry.visibility import sample_picture
from likeness.core.photo.parsing import CLASSES
from likeness.core.surface.clothing import Clothing, _folds
from likeness.core.surface.extract import extract_surface
from likeness.core.surface.garments import BARE, seen_garments

SIZE, HALF, CELLS = 512, 0.2, 128
PIXEL = 2 * HALF / SIZE  # 0.8 mm
ROUND = 0.16  # metres: radius of the outline
X, Y = np.meshgrid(*[(np.arange(SIZE) + 0.5) * PIXEL - HALF] * 2)
Y = -Y  # metres, up
SKIN, WHITE, NAVY, RED = (0.8, 0.6, 0.5), (0.9, 0.9, 0.9), (0.1, 0.12, 0.25), (0.7, 0.1, 0.1)
INSIDE = np.hypot(X, Y) < ROUND
NECK = (np.abs(X) < 0.05) & (Y > 0.05)
SHIRT = (np.abs(X) < 0.05) & (Y <= 0.05)
TIE = (np.abs(X) < 0.016) & (Y < 0.03)
JACKET = INSIDE & (np.abs(X) >= 0.05)


def photo() -> np.ndarray:
    picture = np.full((SIZE, SIZE, 3), 0.5, np.float32)
    for where, colour in ((NECK, SKIN), (SHIRT, WHITE), (TIE, RED), (JACKET, NAVY)):
        picture[where] = colour
    return picture


def parsed(skin: np.ndarray = NECK, hair: np.ndarray | None = None) -> np.ndarray:
    shares = np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    kind = np.where(INSIDE, CLASSES.index("clothes"), 0)
    kind[INSIDE & skin] = CLASSES.index("skin")
    if hair is not None:
        kind[INSIDE & hair] = CLASSES.index("hair")
    np.put_along_axis(shares, kind[..., None], 1.0, axis=2)
    return shares


def garments(picture: np.ndarray, parsing: np.ndarray | None = None) -> np.ndarray:
    return seen_garments(picture, INSIDE.astype(np.float32), parsed() if parsing is None else parsing, PIXEL)


def clothing(picture: np.ndarray, parsing: np.ndarray | None = None, matte: np.ndarray = INSIDE, strength: float = 1.0) -> Clothing:
    parsing = parsed() if parsing is None else parsing
    return Clothing.of(picture, matte.astype(np.float32), parsing, HALF, CELLS, PIXEL, strength)


def at(picture: np.ndarray, x: float, y: float) -> float:
    """The picture's value at a place in metres."""
    return picture[round((HALF - y) / PIXEL), round((x + HALF) / PIXEL)]


@pytest.fixture(scope="module")
def egg() -> tuple[np.ndarray, np.ndarray]:
    """Flat to the front, with a dent 6 mm deep and 3 cm wide in the jacket, and one in the neck."""

    def distance(points: np.ndarray) -> np.ndarray:
        shape = points / [ROUND / HALF, ROUND / HALF, 0.4]
        dent = sum(np.exp(-((points[:, 0] * HALF - x) ** 2 + (points[:, 1] * HALF - y) ** 2) / 0.01**2) for x, y in ((0.09, 0), (0, 0.1)))
        return (np.linalg.norm(shape, axis=1) - 1) * 0.4 + 0.03 * dent * (points[:, 2] > 0)

    return extract_surface(distance, None, CELLS)


def formed(egg: tuple[np.ndarray, np.ndarray], of: Clothing, elsewhere: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """The egg's vertices (V, 3) with the form of clothes, and metres (V,) that they have moved outwards."""
    vertices, faces = egg
    cloth = sample_picture(parsed()[..., CLASSES.index("clothes")], vertices)
    moved = of.on(vertices, faces, cloth, np.full(len(vertices), elsewhere / HALF, np.float32))
    return moved, ((moved - vertices) * vertex_normals(vertices, faces)).sum(1) * HALF


def near(vertices: np.ndarray, x: float, y: float, front: bool = True, within: float = 6e-3) -> np.ndarray:
    side = vertices[:, 2] > 0 if front else vertices[:, 2] < 0
    return side & (np.hypot(vertices[:, 0] * HALF - x, vertices[:, 1] * HALF - y) < within)


def test_a_jacket_lies_over_a_tie_and_a_tie_over_a_shirt() -> None:
    found = garments(photo())
    assert [at(found, *place) for place in ((0, 0.1), (0.035, -0.02), (0, -0.05), (0.1, 0))] == [BARE, BARE + 1, BARE + 2, BARE + 3]
    assert at(found, 0.19, 0) == 0


def test_light_and_shade_are_one_garment() -> None:
    lit = photo() * np.where(JACKET, 1 + 1.2 * np.clip((X - 0.06) / 0.08, 0, 1), 1)[..., None].astype(np.float32)
    found = garments(lit)
    assert at(found, 0.07, -0.05) == at(found, 0.14, -0.02) == found.max() == BARE + 3


@pytest.mark.parametrize("check", [X // 0.025 + Y // 0.025, Y // 0.03])
def test_checks_and_broad_stripes_are_one_garment(check: np.ndarray) -> None:
    checked = photo()
    checked[INSIDE & ~NECK] = NAVY
    checked[INSIDE & ~NECK & (check % 2 == 0)] = RED
    assert garments(checked).max() == BARE + 1


def test_many_colours_are_one_garment() -> None:
    many = photo()
    for low, colour in ((-0.16, NAVY), (-0.1, RED), (-0.04, WHITE), (0.04, (0.1, 0.5, 0.2)), (0.1, (0.8, 0.7, 0.1))):
        many[INSIDE & ~NECK & (low < X)] = colour
    assert garments(many).max() == BARE + 1


def test_a_stray_spot_on_the_neck_is_no_cloth() -> None:
    spot = np.hypot(X, Y - 0.11) < 6e-3
    assert at(garments(photo(), parsed(NECK & ~spot)), 0, 0.11) == 0
    assert clothing(photo(), parsed(NECK & ~spot), strength=0).heights[spot].max() < 1e-3


@pytest.mark.parametrize(("inner", "outer", "rise"), [((0.047, -0.05), (0.053, -0.05), 5e-3), ((0.0, 0.053), (0.0, 0.047), 4e-3)])
def test_garments_end_in_a_step_that_is_made_up_for(inner: tuple, outer: tuple, rise: float) -> None:
    heights = clothing(photo(), strength=0).heights * HALF
    assert 0.75 * rise < at(heights, *outer) - at(heights, *inner) < 1.3 * rise
    assert abs(at(heights, 0.12, -0.02)) < 0.5e-3
    assert heights.min() > -0.1e-3, "what is covered has no groove"


def test_beads_along_a_collar_are_no_teeth() -> None:
    beads = (np.abs(X) < 0.05 + 2.5e-3 * np.sin(2 * np.pi * Y / 8e-3)) & (Y > 0.05)
    heights = clothing(photo(), parsed(beads), strength=0).heights * HALF
    row = slice(round((HALF - 0.11) / PIXEL), round((HALF - 0.07) / PIXEL))
    assert np.ptp(heights[row, round((0.051 + HALF) / PIXEL)]) < 2.2e-3


def test_what_hangs_before_cloth_ends_no_garment(egg) -> None:
    """A chin stands 4 cm before the jumper below it."""
    vertices, faces = egg
    jumper = parsed(Y > 0.03)
    of = clothing(np.where((Y > 0.03)[..., None], SKIN, NAVY).astype(np.float32), jumper, strength=0)
    hung = vertices.copy()
    hung[:, 2] += 0.2 * (vertices[:, 1] * HALF > 0.032) * (vertices[:, 2] > 0)
    below = near(vertices, 0, 0.026, within=4e-3)
    plain, before = (of.on(one, faces, np.zeros(len(one)), np.zeros(len(one)))[below, 2] - one[below, 2] for one in (vertices, hung))
    assert plain.mean() * HALF > 1.5e-3 > 0.5e-3 > np.abs(before).max() * HALF


def test_hair_covers_steps() -> None:
    hair = Y < 0
    assert at(clothing(photo(), parsed(hair=hair)).shown, 0.05, -0.03) < 0.05 < 0.9 < at(clothing(photo()).shown, 0.05, -0.03)


def test_the_mesh_is_fine_at_steps_alone(egg) -> None:
    vertices, faces = clothing(photo()).prepared(*egg)
    edges = np.linalg.norm(vertices[faces] - vertices[np.roll(faces, 1, axis=1)], axis=2).max(1) * HALF
    middle = vertices[faces].mean(1)
    assert edges[near(middle, 0.05, -0.03, within=2e-3)].max() < 2e-3 < edges[near(middle, 0.1, -0.03)].mean()
    assert edges[near(middle, 0.05, -0.03, front=False)].mean() > 2e-3


def test_cloth_has_no_dents_and_skin_keeps_them(egg) -> None:
    plain = clothing(np.where(INSIDE[..., None], np.array(NAVY, np.float32), np.float32(0.5)), strength=0)
    vertices, moved = formed(egg, plain)
    assert moved[near(egg[0], 0.09, 0, within=3e-3)].mean() > 2e-3
    assert abs(moved[near(egg[0], 0, 0.1, within=3e-3)].mean()) < 0.5e-3
    rim = (np.hypot(*egg[0][:, :2].T) * HALF > ROUND - 1.5e-3) & (egg[0][:, 1] * HALF > -0.1)
    assert np.abs(vertices - egg[0])[rim, :2].max() * HALF < 1.5e-3


def test_seen_cloth_is_even_before_it_is_coloured(egg) -> None:
    plain = clothing(np.where(INSIDE[..., None], np.array(NAVY, np.float32), np.float32(0.5)))
    count = len(egg[0])
    moved = (plain.prepared(*egg)[0][:count] - egg[0])[:, 2] * HALF
    assert moved[near(egg[0], 0.09, 0, within=3e-3)].mean() > 2e-3
    assert np.abs(moved[egg[0][:, 2] < -0.1]).max() < 1e-4


def test_what_the_photo_does_not_show_has_the_edges_that_are_given(egg) -> None:
    moved = formed(egg, clothing(photo(), strength=0), 2e-3)[1]
    assert moved[near(egg[0], 0.1, -0.05, front=False)].mean() == pytest.approx(2e-3, abs=0.5e-3)
    assert abs(moved[near(egg[0], 0.1, -0.08)].mean()) < 0.8e-3
    cut = clothing(photo(), matte=INSIDE & (Y > -0.06), strength=0)
    assert formed(egg, cut, 2e-3)[1][near(egg[0], 0, -0.12)].mean() == pytest.approx(2e-3, abs=0.7e-3)


def test_seams_and_folds_are_furrows() -> None:
    seam = np.abs(Y + 0.02 - 0.5 * X) < 1.2e-3
    dark = photo() * np.where(seam & JACKET, 0.4, 1)[..., None].astype(np.float32)
    change = (clothing(dark).heights - clothing(photo()).heights)[seam & (X > 0.07) & (X < 0.13)].mean() * HALF
    assert -2e-3 < change < -0.3e-3
    assert np.allclose(clothing(dark, strength=0).heights, clothing(photo(), strength=0).heights, atol=2e-3)


def test_folds_end_before_the_edge_of_a_garment() -> None:
    dark = photo() * np.where(np.abs(Y + 0.02) < 1.2e-3, np.where(JACKET, 0.4, 1), 1)[..., None].astype(np.float32)
    change = (clothing(dark).heights - clothing(photo()).heights) * HALF
    assert abs(at(change, 0.0525, -0.02)) < 0.2e-3 and at(change, 0.08, -0.02) < -0.4e-3


def test_a_pattern_of_hues_has_no_folds() -> None:
    striped = photo()
    striped[JACKET & (Y % 8e-3 < 3e-3)] = (0.7, 0.15, 0.15)
    inner = (X > 0.07) & (X < 0.13) & (np.abs(Y) < 0.05)
    assert np.ptp(clothing(striped).heights[inner]) * HALF < 0.5e-3


def test_where_no_clothes_are_seen_hidden_ones_have_edges(egg) -> None:
    moved = formed(egg, clothing(photo(), parsed(INSIDE)), 2e-3)[1]
    assert moved[near(egg[0], 0, 0)].mean() == pytest.approx(2e-3, abs=0.2e-3)


def test_folds_are_told_by_a_garment_and_little_beside_it() -> None:
    grey = cv2.GaussianBlur(np.random.default_rng(0).random((200, 200)), (0, 0), 3)
    photo = np.repeat(np.clip(0.5 + 4 * (grey - 0.5), 0, 1)[..., None], 3, axis=2).astype(np.float32)
    own = np.zeros((200, 200), bool)
    own[60:130, 70:150] = True
    everywhere = own.copy()
    everywhere[[0, 0, -1, -1], [0, -1, 0, -1]] = True  # too little to tell anything, but all of the picture lies between
    one, other = (_folds(photo, mask, 0.8e-3, 1e-3)[60:130, 70:150] for mask in (own, everywhere))
    assert np.abs(one).max() > 2e-4
    assert np.abs(one - other).max() < 1e-6

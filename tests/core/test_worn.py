"""Cloth spans hollows and ends in a step; folds are told by shading, and prints are not."""

import numpy as np
import pytest

from likeness.core.geometry.visibility import sample_picture
from likeness.core.photo.parsing import CLASSES
from likeness.core.surface.extract import extract_surface
from likeness.core.surface.folds import Folds
from likeness.core.surface.worn import Layers, dressed, worn_layers

SIZE, HALF, CELLS = 512, 1.0, 128
PIXEL = 2 * HALF / SIZE  # 3.9 mm
RADIUS, TALL = 0.15, 0.8
X, Y = np.meshgrid(*[(np.arange(SIZE) + 0.5) * PIXEL - HALF] * 2)
Y = -Y  # up
WHITE, BLUE, SKIN, SHOE = (0.8, 0.8, 0.8), (0.2, 0.25, 0.4), (0.8, 0.6, 0.5), (0.3, 0.1, 0.1)
MATTE = ((np.abs(X) < RADIUS) & (np.abs(Y) < TALL)).astype(np.float32)
DENTS = ((0.35, 0.0), (0.7, 0.0), (-0.2, 0.0))  # on the shirt, on bare skin, on the trousers
ALL_FREE = 1.0


def photo_and_parsing() -> tuple[np.ndarray, np.ndarray]:
    """A column: bare above 0.55, a shirt down to 0, trousers, and shoes below -0.6."""
    photo, parsing = np.zeros((SIZE, SIZE, 3), np.float32), np.zeros((SIZE, SIZE, len(CLASSES)), np.float32)
    parts = (("skin", SKIN, 0.55, 1.0), ("clothes", WHITE, 0.0, 0.55), ("clothes", BLUE, -0.6, 0.0), ("shoes", SHOE, -1.0, -0.6))
    for name, colour, low, high in parts:
        there = (low <= Y) & (high > Y)
        photo[there] = colour
        parsing[there & (MATTE > 0), CLASSES.index(name)] = 1
    parsing[MATTE == 0, 0] = 1
    return photo, parsing


def layers(photo: np.ndarray, parsing: np.ndarray) -> Layers:
    found = worn_layers(photo, MATTE, parsing, HALF)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def column() -> tuple[np.ndarray, np.ndarray]:
    """With dents 1.5 cm deep in front."""

    def distance(points: np.ndarray) -> np.ndarray:
        along = np.clip(points[:, 1], -TALL + RADIUS, TALL - RADIUS)
        away = np.linalg.norm(points - np.stack([0 * along, along, 0 * along], axis=1), axis=1) - RADIUS
        dent = sum(np.exp(-(((points[:, 1] - y) ** 2 + (points[:, 0] - x) ** 2) / 0.03**2)) for y, x in DENTS)
        return away + 0.015 * dent * (points[:, 2] > 0)

    return extract_surface(distance, None, CELLS)


@pytest.fixture(scope="module")
def clothed(column: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return dressed(*column, sample_picture(layers(*photo_and_parsing()).shares, column[0]), np.full(len(column[0]), ALL_FREE), HALF)


def radius(vertices: np.ndarray, of: np.ndarray, low: float, high: float, behind: bool = False) -> float:
    """Mean metres from the column's axis of the vertices between two heights of a surface `of`, near the middle in front or behind."""
    there = (of[:, 1] > low) & (of[:, 1] < high) & (np.abs(of[:, 0]) < 0.06) & ((of[:, 2] < 0) == behind)
    return float(np.linalg.norm(vertices[there][:, [0, 2]], axis=1).mean())


def test_garments_are_told_from_the_top_down_then_shoes_then_what_is_bare() -> None:
    shares = layers(*photo_and_parsing()).shares
    assert shares.shape == (SIZE, SIZE, 4)
    rows = [int((HALF - y) / PIXEL) for y in (0.3, -0.3, -0.7, 0.65)]
    assert (shares[rows, SIZE // 2].argmax(1) == np.arange(4)).all() and np.allclose(shares.sum(-1), 1, atol=1e-5)


def test_a_print_is_no_garment_and_letters_of_skin_colour_are_not_bare() -> None:
    photo, parsing = photo_and_parsing()
    letter = (np.abs(np.abs(Y - 0.3) - 0.07) < 0.012) & (np.abs(X) < 0.12)
    patch = (np.abs(Y - 0.3) < 0.03) & (np.abs(X) < 0.03)
    photo[letter], photo[patch] = SHOE, SKIN
    parsing[patch], parsing[patch, CLASSES.index("skin")] = 0, 1
    shares = layers(photo, parsing).shares
    assert shares.shape[-1] == 4 and (shares[(letter | patch) & (MATTE > 0)].argmax(1) == 0).all()


def test_the_light_on_a_garment_makes_no_second_one() -> None:
    photo, parsing = photo_and_parsing()
    assert layers((photo * (1 - 0.3 * (X > 0))[..., None]).astype(np.float32), parsing).shares.shape[-1] == 4


def test_nothing_is_worn_without_cloth() -> None:
    photo, parsing = photo_and_parsing()
    parsing[..., CLASSES.index("skin")], parsing[..., [CLASSES.index(name) for name in ("clothes", "shoes")]] = 1, 0
    assert worn_layers(photo, MATTE, parsing, HALF) is None


def test_cloth_spans_what_bare_skin_keeps(column: tuple[np.ndarray, np.ndarray], clothed: np.ndarray) -> None:
    vertices, _ = column

    def depth(at: np.ndarray, y: float) -> float:
        near = (np.hypot(vertices[:, 0], vertices[:, 1] - y) < 0.02) & (vertices[:, 2] > 0)
        return RADIUS - float(at[near, 2].mean())

    for y in (DENTS[0][0], DENTS[2][0]):
        assert depth(clothed, y) < 0.5 * depth(vertices, y)
    assert depth(clothed, DENTS[1][0]) > 0.9 * depth(vertices, DENTS[1][0])


@pytest.mark.parametrize("behind", [False, True])
def test_garments_end_in_a_step(column: tuple[np.ndarray, np.ndarray], clothed: np.ndarray, behind: bool) -> None:
    for hem, above in ((0.55, -1), (0.0, 1)):  # the shirt lies over skin, and over trousers
        step = radius(clothed, column[0], hem, hem + 0.03, behind) - radius(clothed, column[0], hem - 0.03, hem, behind)
        assert step * above > 1.5e-3
    assert abs(radius(clothed, column[0], 0.15, 0.2, behind) - radius(column[0], column[0], 0.15, 0.2, behind)) < 1.5e-3


def test_what_is_not_free_stays(column: tuple[np.ndarray, np.ndarray]) -> None:
    shares = sample_picture(layers(*photo_and_parsing()).shares, column[0])
    assert np.abs(dressed(*column, shares, np.zeros(len(column[0])), HALF) - column[0]).max() < 1e-3


def folds(photo: np.ndarray, strength: float = 1.0) -> Folds:
    parsing = photo_and_parsing()[1]
    return Folds.of(photo, MATTE, parsing, layers(photo, parsing), HALF, 512, 1e-3, strength)


FOLD = (1 - 0.3 * np.exp(-(((Y - 0.3) / 0.015) ** 2)))[..., None].astype(np.float32)
ON_FOLD, MIDDLE = np.abs(Y - 0.3) < 0.004, np.abs(X) < 0.08


def test_a_dark_fold_is_deep_in_front_and_less_behind() -> None:
    found = folds(photo_and_parsing()[0] * FOLD)
    front, back = (picture[ON_FOLD & MIDDLE].mean() * HALF for picture in (found.heights, found.behind))
    assert -12e-3 < front < -2e-3 and front < back < 0.1 * front
    assert np.abs(found.heights[(np.abs(Y - 0.1) < 0.05) & MIDDLE]).max() < 5e-4
    assert np.allclose(folds(photo_and_parsing()[0] * FOLD, 0.5).heights, found.heights / 2, atol=1e-6)


def test_stripes_of_another_colour_are_no_folds() -> None:
    photo = photo_and_parsing()[0]
    striped = photo.copy()
    striped[(np.sin(Y * 2 * np.pi / 0.06) > 0) & (Y > 0) & (Y < 0.55)] = BLUE
    cloth = (np.abs(Y - 0.3) < 0.15) & MIDDLE
    assert np.abs(folds(striped).heights[cloth]).mean() < 0.25 * np.abs(folds(photo * FOLD).heights[ON_FOLD & MIDDLE]).mean()


def test_a_print_in_front_is_not_behind() -> None:
    photo = photo_and_parsing()[0]
    photo[(np.abs(Y - 0.3) < 0.03) & (np.abs(X) < 0.05)] = BLUE
    shaded = (photo * (1 + 0.2 * np.sin(X / 0.01))[..., None]).clip(0, 1).astype(np.float32)
    found = folds(shaded)
    near = (np.abs(np.abs(Y - 0.3) - 0.03) < 0.01) & (np.abs(X) < 0.05)
    assert np.abs(found.behind[near]).mean() < 0.3 * np.abs(found.behind[(np.abs(Y - 0.12) < 0.05) & MIDDLE]).mean()


def test_folds_move_what_is_seen_and_what_is_behind(column: tuple[np.ndarray, np.ndarray]) -> None:
    vertices, faces = column
    moved = folds(photo_and_parsing()[0] * FOLD).on(vertices, faces, np.ones(len(vertices)))
    step = np.linalg.norm(moved[:, [0, 2]], axis=1) - np.linalg.norm(vertices[:, [0, 2]], axis=1)
    near = (np.abs(vertices[:, 1] - 0.3) < 0.01) & (np.abs(vertices[:, 0]) < 0.06)
    assert step[near & (vertices[:, 2] > 0)].mean() < -1e-3
    assert -8e-3 < step[near & (vertices[:, 2] < 0)].mean() < -3e-4
    assert np.abs(step[np.abs(vertices[:, 0]) > RADIUS * 0.999]).max(initial=0) < 1e-3

"""Beards that the photo shows as far as half of the cheeks, on rings of places around a head."""

import numpy as np
import pytest

from likeness.core.colour.beard import beard_grows, bearded, cropped, sideburns
from likeness.core.colour.voxel_means import VoxelMeans

ANGLE, HEIGHT = (
    values.ravel() for values in np.meshgrid(np.radians(np.linspace(-150, 150, 151)), np.arange(-0.66, 0.3, 0.02), indexing="ij")
)
POINTS = np.column_stack([0.38 * np.sin(ANGLE), HEIGHT, -0.3 + 0.45 * np.cos(ANGLE)]).astype(np.float32)
SEEN = np.abs(ANGLE) < np.radians(50)
GROWS = beard_grows(POINTS)


def hidden_beard(beard: np.ndarray, seen: np.ndarray = SEEN, haired: float = 1.0) -> np.ndarray:
    """Shares (K,) of beard at POINTS, of which the photo shows some; some of those (K,) bool are beard, the others skin. haired: share of
    hair above."""
    cells = VoxelMeans.of(POINTS, 0.03)
    found = bearded(
        cells,
        cells.mean(beard.astype(float), seen),
        cells.mean(seen.astype(float)),
        cells.mean(POINTS),
        cells.mean(haired * (HEIGHT > 0.05)),
    )
    return found[cells.cell]


def test_a_beard_goes_on_to_the_ear_and_not_behind_it() -> None:
    found = hidden_beard(GROWS > 0.5)
    assert ((GROWS > 0.95) & ~SEEN).sum() > 50
    assert found[(GROWS > 0.95) & ~SEEN].mean() > 0.95
    assert found[POINTS[:, 2] < -0.39].max() == 0 and found[HEIGHT > 0.13].max() == 0


def test_a_shaved_face_gets_none() -> None:
    assert hidden_beard(np.zeros(len(POINTS), bool)).max() == 0


@pytest.mark.parametrize("wide", [0.12, 0.2])
def test_a_beard_of_the_chin_alone_goes_on_nowhere(wide: float) -> None:
    assert hidden_beard((np.abs(POINTS[:, 0]) < wide) & (HEIGHT < -0.3))[~SEEN].max() < 0.1


def test_beside_a_goatee_both_cheeks_are_as_the_one_that_a_turned_head_shows() -> None:
    turned = (np.radians(-20) < ANGLE) & (np.radians(110) > ANGLE)
    goatee = (np.radians(25) > ANGLE) & (np.radians(-60) < ANGLE) & (HEIGHT < -0.3)
    assert hidden_beard(goatee, turned)[POINTS[:, 2] < -0.1].max() < 0.1
    assert hidden_beard(GROWS > 0.5, turned)[(GROWS > 0.95) & ~turned].mean() > 0.95


def test_a_beard_of_the_jaw_goes_up_before_the_ear_though_cheeks_are_shaved() -> None:
    found = hidden_beard((GROWS > 0.5) & (HEIGHT < -0.36))
    sideburn = (GROWS > 0.9) & (HEIGHT > -0.25) & (POINTS[:, 2] < -0.2)
    assert sideburn.sum() > 10 and found[sideburn].mean() > 0.9


def test_a_beard_ends_below_a_bald_temple() -> None:
    sideburn = (GROWS > 0.9) & (HEIGHT > -0.02) & ~SEEN
    bald, haired = (hidden_beard(GROWS > 0.5, haired=one)[sideburn].mean() for one in (0.0, 1.0))
    assert bald < 0.2 and haired > 0.8


@pytest.mark.parametrize(
    ("place", "grown"),
    [
        ((0.0, -0.55, 0.2), True),
        ((0.3, -0.4, -0.2), True),
        ((0.35, -0.1, -0.28), True),
        ((0.36, 0.03, -0.28), True),  # where it meets the hair
        ((0.25, -0.1, 0.0), False),
        ((0.4, -0.2, -0.45), False),
        ((0.1, -0.85, -0.1), False),
    ],
)
def test_beards_grow_on_chin_jaw_and_before_the_ears(place: tuple[float, float, float], grown: bool) -> None:
    assert (beard_grows(np.array([place]))[0] > 0.5) == grown


def test_sideburns_end_at_the_middle_of_the_ear_and_bald_temples_have_none() -> None:
    temples = (HEIGHT > 0.08).astype(float)
    found = sideburns(temples, POINTS)
    before = (POINTS[:, 2] > -0.32) & (POINTS[:, 2] < -0.28)
    assert found[before & (HEIGHT > 0.04) & (HEIGHT < 0.2)].min() > 0.8
    assert found[HEIGHT < -0.12].max() == 0 and found[POINTS[:, 2] > -0.08].max() == 0
    assert sideburns(0 * temples, POINTS).max() == 0


def test_hair_that_stands_off_is_not_cropped() -> None:
    hair = np.ones(20)
    assert cropped(np.full(20, 0.02), hair) == 1 and cropped(np.full(20, 0.08), hair) == 0
    assert cropped(np.full(20, 0.02), 0 * hair) == 0

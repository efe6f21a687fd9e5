"""Teeth between parted lips: an arch behind their rim, with the photo's gaps."""

import numpy as np

from likeness.core.surface.teeth import with_teeth

SIZE = 256
PIXEL = 0.6 / SIZE  # crop units
X, UP = np.meshgrid(*[(np.arange(SIZE) + 0.5) * PIXEL - 0.3] * 2)
UP = -UP
OPEN = np.hypot(X / 0.12, UP / 0.04) < 1
LIPS = (np.hypot(X / 0.17, UP / 0.1) < 1) & ~OPEN
BENT = 0.5 - 2 * X**2  # lips around a row of teeth
LEDGE = np.where(OPEN, BENT - 0.06 * (UP > 0), BENT)
INNER = np.hypot(X / 0.1, UP / 0.028) < 1


def depth(light: np.ndarray | float = 0.0, teeth: np.ndarray = OPEN) -> np.ndarray:
    shares = (part.astype(np.float32) for part in (teeth, LIPS))
    return with_teeth(LEDGE.astype(np.float32), *shares, np.broadcast_to(np.float32(light), X.shape), PIXEL)


def test_teeth_stand_on_an_arch_behind_the_lips() -> None:
    behind = BENT - depth()
    assert 0.005 < behind[INNER].min() < behind[INNER].max() < 0.009
    assert (depth()[~OPEN] == LEDGE[~OPEN].astype(np.float32)).all()


def test_gaps_and_slits_are_deep() -> None:
    gap = -0.4 * np.exp(-0.5 * (X / 0.004) ** 2)
    step = (depth(gap) - depth())[INNER & (np.abs(X) < 0.002)]
    assert -0.008 < step.min() < step.max() < -0.002, "no deeper than 1.6 mm, or teeth are slots"
    light = (depth(-gap) - depth())[INNER & (np.abs(X) < 0.002)]
    assert 0.2 * -step.min() < light.max() < 0.6 * -step.min(), "what shines does not stand out as far"
    rest = (depth(gap) - depth())[INNER & (np.abs(X) > 0.03)]
    assert np.abs(rest).max() < 0.003


def test_lips_that_show_no_teeth_stay() -> None:
    assert (depth(teeth=np.zeros_like(OPEN)) == LEDGE.astype(np.float32)).all()

"""How hidden skin differs from a cheek's on the bundled head model."""

import numpy as np

from likeness.core.models.head import HeadModel
from likeness.core.models.skin_colours import skin_colours


def of_ears():
    """Change of ears' vertices (N, 3), and which of them are on the left."""
    model = HeadModel.load()
    ears = model.closed_region("ears") > 0.9
    return skin_colours()[ears].astype(float), model.closed_rest[ears, 0] > 0


def test_the_rims_of_ears_are_lit_and_their_hollows_dark():
    darkest, lightest = np.percentile(of_ears()[0].mean(1), [5, 95])
    assert darkest < -0.65 and lightest > 0.1


def test_ears_are_redder_than_cheeks_and_alike_on_both_sides():
    change, left = of_ears()
    assert (change[:, 0] - change[:, 1]).mean() > 0.02
    assert np.abs(change[left].mean(0) - change[~left].mean(0)).max() < 0.01

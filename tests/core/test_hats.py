"""Hidden parts of hats: a step where they end, and the pattern of what is seen of them."""

import numpy as np

from likeness.core.colour.hats import hats_rise

from .bald_bust import TOP, behind
from .test_hidden_colours import bust, filled, painted, seen  # noqa: F401

EDGE = 0.12


def test_hats_end_in_a_step_where_nobody_sees_it(bust) -> None:  # noqa: F811
    height = bust.vertices[:, 1]
    hat = (bust.cells.centre[:, 1] > EDGE).astype(np.float32)
    rise = hats_rise(bust.cells, hat, bust.vertices, np.zeros(len(hat)))
    assert rise[(height > EDGE + 0.03) & (height < EDGE + 0.06)].min() > 0.005
    assert rise[(height > EDGE - 0.09) & (height < EDGE - 0.05)].max() < -0.004
    assert np.abs(rise[height < -0.7]).max() < 1e-3
    assert np.abs(hats_rise(bust.cells, hat, bust.vertices, np.ones(len(hat)))).max() < 1e-6


def test_a_pattern_goes_round_the_hat(bust, seen) -> None:  # noqa: F811
    crown = (seen.places[..., 1] > EDGE) & (seen.matte > 0)
    stripes = painted(seen, crown, "hat", 0.5)
    stripes.photo[crown] = np.where(np.sin(seen.places[..., 0] * 150) > 0, 0.75, 0.25)[crown][:, None]
    back = behind(bust.vertices, EDGE + 0.1, TOP)
    heights = np.zeros(seen.matte.shape, np.float32)
    found = filled(bust, stripes, heights=heights)
    assert found.colours[back].mean(1).std() > 0.05
    edges = found.edges[(bust.vertices[:, 2] < -0.6) & (np.abs(bust.vertices[:, 1] - EDGE) < 0.15)]
    assert edges.max() > 0.005 and edges.min() < -0.005

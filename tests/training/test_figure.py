"""Whole people, from the asset pack and the generator's body model."""

import os
from pathlib import Path

import numpy as np
import pytest

from likeness.core.geometry.mesh import signed_volume
from likeness.core.models.head import HeadModel
from likeness.training.humans.assets import Assets
from likeness.training.humans.bodies import Bodies

PACK = Path(os.environ.get("LIKENESS_ASSETS", "assets"))
pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def figures():
    if not (PACK / "bodies").exists() and not ((PACK / "makehuman").exists() and "ANNY_CACHE_DIR" in os.environ):
        pytest.skip("needs a training pack, or the asset pack and a built body model")
    from likeness.training.humans.figure import Figures

    return Figures(Assets(PACK), HeadModel.load(), Bodies(PACK))


def test_figures_are_closed_people_with_their_head_where_the_head_model_says(figures):
    for seed in range(3):
        figure = figures.make(np.random.default_rng(seed))
        for part in figure.parts:
            directed = np.concatenate([part.faces[:, [0, 1]], part.faces[:, [1, 2]], part.faces[:, [2, 0]]])
            _, inverse = np.unique(np.sort(directed, axis=1), axis=0, return_inverse=True)
            balance = np.bincount(inverse.ravel(), np.where(directed[:, 0] < directed[:, 1], 1, -1))
            assert not part.solid or not balance.any(), part.kind
            assert not part.solid or signed_volume(part.vertices, part.faces) > 0, part.kind
        eyes = [figure.head[figures.model.part == side].mean(0) for side in (1, 2)]
        assert np.abs(np.mean(eyes, axis=0)).max() < 0.004
        # The left eye lies to the picture's right of the right one as the head's rotation says.
        assert (figure.rotation.T @ (eyes[0] - eyes[1]))[0] > 0.05
        body = next(part for part in figure.parts if part.kind == "body")
        assert np.ptp(body.vertices[:, 1]) > 0.8


def test_figures_repeat_with_their_seed(figures):
    first, again = (figures.make(np.random.default_rng(7)) for _ in range(2))
    assert first.yaw == again.yaw
    assert all(np.array_equal(a.vertices, b.vertices) for a, b in zip(first.parts, again.parts, strict=True))

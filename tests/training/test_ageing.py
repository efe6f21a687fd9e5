"""What readers saw of folds is complete, and the regression on features finds what is in them, whatever the light."""

import csv

import numpy as np

from likeness.core.networks.ageing import SIZE
from likeness.training.ageing.build import LABELS, VARIANTS, regressed, varied


def test_every_face_has_folds_between_smooth_and_deep() -> None:
    rows = list(csv.DictReader(LABELS.open()))
    assert len({row["name"] for row in rows}) == 180
    assert all(0 <= float(row["folds"]) <= 3 for row in rows)


def test_the_regression_finds_a_feature_that_tells_folds() -> None:
    rng = np.random.default_rng(0)
    folds = rng.uniform(0, 3, 400)
    features = rng.normal(0, 0.1, (400, 1 + VARIANTS, 5))
    features[..., 2] += 4 * folds[:, None]
    mean, weights, offset = regressed(features, folds)
    read = offset + (features[:, 0] - mean) @ weights
    assert np.corrcoef(read, folds)[0, 1] > 0.98
    assert np.abs(np.delete(weights, 2) * 0.1).max() < 0.1 * abs(weights[2] * features[..., 2].std())


def test_a_face_varies_and_its_inside_goes_with_it() -> None:
    rng = np.random.default_rng(0)
    picture = rng.uniform(0.2, 0.8, (SIZE, SIZE, 3)).astype(np.float32)
    face = np.zeros((SIZE, SIZE), np.float32)
    face[:, : SIZE // 4] = 1
    looks = [varied(picture, face, rng) for _ in range(8)]
    assert all(look.shape == picture.shape and look.min() >= 0 and look.max() <= 1 for look, _ in looks)
    assert {bool(inside[0, 0]) for _, inside in looks} == {True, False}
    assert np.std([look.mean() for look, _ in looks]) > 0.02

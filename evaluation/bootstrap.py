"""Intervals of means over few subjects by resampling them (Efron 1979, percentile method)."""

import numpy as np

_RESAMPLES = 2000


def mean_interval(values: np.ndarray, level: float = 0.95, seed: int = 0) -> tuple[float, float, float]:
    """Mean of values (N,) and the bounds of its interval; values that are no numbers do not count. All NaN when none is left."""
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return float("nan"), float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    means = values[rng.integers(0, len(values), (_RESAMPLES, len(values)))].mean(1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(values.mean()), float(low), float(high)

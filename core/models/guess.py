"""A head guessed from the picture before the fit, which the fit begins with and leans on."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class HeadGuess:
    """Means and standard deviations of what landmarks alone tell badly.

    identity, identity_deviation (C,): the model's first C components, in its population's standard deviations.
    expression (E,): the model's. rotation (3, 3): head axes to camera axes.
    """

    identity: np.ndarray
    identity_deviation: np.ndarray
    expression: np.ndarray
    rotation: np.ndarray

    @property
    def usable(self) -> bool:
        """Whether every number is one, and every deviation positive."""
        numbers = np.concatenate([self.identity, self.identity_deviation, self.expression, self.rotation.ravel()])
        return bool(np.isfinite(numbers).all() and self.identity_deviation.min() > 0)

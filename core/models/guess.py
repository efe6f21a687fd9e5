"""A head guessed from the picture before the fit, which the fit begins with and leans on."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class HeadGuess:
    """Means and standard deviations of what landmarks alone tell badly.

    identity, identity_deviation (C,): the model's first C components, in its population's standard deviations.
    expression, expression_deviation (52,). distance: of the camera in metres, for photos that do not tell their focal length.
    """

    identity: np.ndarray
    identity_deviation: np.ndarray
    expression: np.ndarray
    expression_deviation: np.ndarray
    distance: float

    @property
    def usable(self) -> bool:
        """Whether every number is one, and every deviation positive."""
        deviations = np.concatenate([self.identity_deviation, self.expression_deviation])
        return bool(
            np.isfinite(np.concatenate([self.identity, self.expression, deviations, [self.distance]])).all() and deviations.min() > 0
        )

"""Simulated body fits: the true naked body with the errors of a fit to a photo, so that training sees test-time priors."""

import numpy as np
import scipy.sparse as sp

from ...core.models.body import BodyModel
from ...core.models.skinning import joint_transforms, skin

_TURNS = {
    "root": (0.07, 0.09, 0.015), "spine": (0.035, 0.035, 0.015), "neck": (0.05, 0.05, 0.03), "head": (0.05, 0.05, 0.03),
    "clavicle": (0.05, 0.05, 0.03), "upperarm": (0.14, 0.14, 0.05), "lowerarm": (0.16, 0.16, 0.06), "wrist": (0.25, 0.25, 0.15),
    "finger": (0.15, 0.15, 0.1), "upperleg": (0.11, 0.11, 0.025), "lowerleg": (0.13, 0.13, 0.03), "foot": (0.2, 0.2, 0.08),
}  # fmt: skip
"""Standard deviations, radians, of a joint's turn about the camera's axes. Turns about x and y, which a photo hardly shows, err most."""
_EFFORT = (0.25, 0.85)  # of a whole fit
_SCALE, _DEPTH, _SHIFT = 0.02, 0.06, 0.008  # of the size, of depths, and of the place in the picture, metres
_GIRTH, _WAVES, _WAVE = 0.008, 6, 0.004  # metres that all skin stands off, and of its waves
_WAVE_LENGTH = (0.2, 0.6)  # metres


class SimulatedFits:
    """Draws fits of bodies whose true vertices are known."""

    def __init__(self, body: BodyModel) -> None:
        self._body = body
        self._trunk = body.regions["torso"] / body.regions["torso"].sum()
        self._weights = body.weights.astype(np.float32)
        self._turns = np.array(
            [next((turn for part, turn in _TURNS.items() if name.startswith(part)), (0, 0, 0)) for name in body.skeleton.names]
        )
        # A joint lies in the middle of the skin that follows it and its parent alike.
        border = self._weights * self._weights[:, np.maximum(body.skeleton.parents, 0)]
        self._border = sp.csr_matrix((border / np.maximum(border.sum(0), 1e-9)).T)

    def __call__(self, naked: np.ndarray, normals: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Vertices (V, 3) of a fit to true ones (V, 3), about the root joint, with unit normals (V, 3); camera axes, metres. The trunks lie
        equally deep: a photo does not tell how far away a person is."""
        girth = rng.normal(0, _GIRTH) + self._waves(naked, rng)
        joints = self._border @ naked
        joints[0] = 0
        linear, offset = joint_transforms(joints, self._body.skeleton.parents, rng.normal(0, self._turns) * rng.uniform(*_EFFORT))
        vertices = skin(naked + normals * girth[:, None], self._weights, linear, offset)
        scale = np.full(3, 1 + rng.normal(0, _SCALE)) * [1, 1, 1 + rng.normal(0, _DEPTH)]
        vertices = vertices * scale + [*rng.normal(0, _SHIFT, 2), 0]
        vertices[:, 2] -= self._trunk @ (vertices - naked)[:, 2]
        return vertices.astype(np.float32)

    def _waves(self, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        direction = rng.normal(0, 1, (3, _WAVES))
        direction *= 2 * np.pi / rng.uniform(*_WAVE_LENGTH, _WAVES) / np.linalg.norm(direction, axis=0)
        return np.cos(points @ direction + rng.uniform(0, 2 * np.pi, _WAVES)) @ rng.normal(0, _WAVE, _WAVES)

"""A person of the bundled head model without what Blender's Python lacks: plain arrays for RiggedHead.of_model. Loaded by path."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np


class Model:
    """The part of HeadModel that of_model asks for."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
        for name, array in arrays.items():
            setattr(self, name, array.astype(np.float32) if array.dtype.kind == "f" else array)
        self.expression_names = tuple(arrays["expression_names"].tolist())

    def rest(self, identity: np.ndarray, expression: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.mean + np.tensordot(identity, self.identity, 1), self.joints + np.tensordot(identity, self.joint_identity, 1)


def parameters(seed: int = 0) -> SimpleNamespace:
    """Somebody who is nobody's mean, smiles a little, and turns head, jaw and eyes."""
    rng = np.random.default_rng(seed)
    rotations = np.float32([[0.1, 0.3, 0], [0.2, 0.3, 0.1], [0.2, 0, 0.02], [0.1, 0.2, 0], [0.1, 0.2, 0]])
    return SimpleNamespace(
        identity=rng.normal(0, 0.7, 128).astype(np.float32), expression=rng.uniform(0, 0.3, 52).astype(np.float32), rotations=rotations
    )


def extras(count: int) -> dict:
    """Fields that of_model leaves empty: one corrective of the jaw, a texture of noise."""
    rng = np.random.default_rng(1)
    return {
        "correctives": rng.normal(0, 1e-3, (1, count, 3)).astype(np.float32),
        "corrective_angles": np.float32([0.4]),
        "texture": rng.integers(0, 256, (64, 64, 3), np.uint8),
        "texture_observed": rng.integers(0, 256, (64, 64), np.uint8),
    }

"""A person of the bundled head model without what Blender's Python lacks: plain arrays. Loaded by path."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np


class Model:
    """The part of HeadModel that `rigged` asks for."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
        for name, array in arrays.items():
            setattr(self, name, array.astype(np.float32) if array.dtype.kind == "f" else array)
        self.correspondence = self.code
        self.skeleton = SimpleNamespace(parents=arrays["parents"])
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


def rigged(module: Any, model: Any, parameters: Any) -> Any:
    """A head model with a fit's parameters as a RiggedHead, without a surface and its details: the model's own shapes are the keys.

    module: core.topology.rigged, under whichever package name the test runs."""
    vertices, joints = model.rest(parameters.identity, np.zeros(len(model.expression)))
    origin = joints[module.NECK]
    moved = joints - origin
    moved[module.GLOBAL] = 0
    count, shapes = len(vertices), len(model.expression)
    return module.RiggedHead(
        neutral=(vertices - origin).astype(np.float32),
        faces=model.faces.astype(np.int32),
        face_part=model.face_part.astype(np.int32),
        uv=model.uv,
        faces_uv=model.faces_uv.astype(np.int32),
        correspondence=model.correspondence,
        joints=moved.astype(np.float32),
        parents=model.skeleton.parents.astype(np.int32),
        weights=model.weights,
        keys=model.expression,
        key_names=model.expression_names,
        key_quality=np.ones(shapes, np.float32),
        key_notes=("",) * shapes,
        key_values=np.asarray(parameters.expression, np.float32),
        rotations=module.upright_rotations(parameters.rotations),
        correctives=np.zeros((0, count, 3), np.float32),
        corrective_angles=np.zeros(0, np.float32),
    )


def extras(count: int) -> dict:
    """Fields that `rigged` leaves empty: one corrective of the jaw, a texture of noise."""
    rng = np.random.default_rng(1)
    return {
        "correctives": rng.normal(0, 1e-3, (1, count, 3)).astype(np.float32),
        "corrective_angles": np.float32([0.4]),
        "texture": rng.integers(0, 256, (64, 64, 3), np.uint8),
        "texture_observed": rng.integers(0, 256, (64, 64), np.uint8),
    }

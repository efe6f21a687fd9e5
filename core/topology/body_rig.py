"""The joints of a body and how its reconstructed surface moves with them; numpy only, as Blender's process reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..arrays import REAL, TEXT, WHOLE, Array, Schema

INFLUENCES = 4
"""Joints that move one vertex at most: what glTF and game engines take."""
_SCHEMA = Schema(
    {
        "joint_names": Array(TEXT, ("J",)),
        "parents": Array(WHOLE, ("J",)),
        "joints": Array(REAL, ("J", 3)),
        "rest_turns": Array(REAL, ("J", 3)),
        "bound_joints": Array(WHOLE, ("V", INFLUENCES), below="J"),
        "bound_weights": Array(REAL, ("V", INFLUENCES), low=0, high=1.001),
        "group_names": Array(TEXT, ("G",)),
        "groups": Array(REAL, ("G", "V"), low=0, high=1),
        "head_place": Array(REAL, (4, 4), optional=True),
    },
    prefix="body_",
    most=100_000_000,
)


@dataclass(frozen=True)
class BodyRig:
    """The skeleton of a reconstructed body in the upright frame, in the photo's pose, which is its rest.

    joint_names (J,): MakeHuman's; parents (J,): each before its children, -1 for the first; joints (J, 3) metres. rest_turns (J, 3):
    rotation vectors in the upright frame's axes, each relative to its parent, that bring the body from the photo's pose into the model's
    own, with arms held off. bound_joints, bound_weights (V, INFLUENCES): the joints that move each vertex of the surface and their shares,
    which sum to 1. group_names (G,), groups (G, V) in [0, 1]: parts of the surface. head_place (4, 4): rigid, from the upright frame of the
    result's rigged head to the body's; None where there is no such head.
    """

    joint_names: tuple[str, ...]
    parents: np.ndarray
    joints: np.ndarray
    rest_turns: np.ndarray
    bound_joints: np.ndarray
    bound_weights: np.ndarray
    group_names: tuple[str, ...]
    groups: np.ndarray
    head_place: np.ndarray | None = None

    def arrays(self) -> dict[str, Any]:
        """As they lie in a result's file."""
        return _SCHEMA.pack(vars(self))

    @classmethod
    def from_arrays(cls, data: Mapping[str, np.ndarray]) -> Self | None:
        """None where a file has none. Raises ArrayError."""
        return cls(**_SCHEMA.check(data)) if _SCHEMA.prefix + "joint_names" in data else None

    def weights_of(self, joint: int) -> np.ndarray:
        """Share (V,) of a joint in the motion of each vertex."""
        return np.where(self.bound_joints == joint, self.bound_weights, 0).sum(1)

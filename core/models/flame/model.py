"""The FLAME model: shapes, pose correctives, skinning (Li et al. 2017, "Learning a model of facial shape and expression ...")."""

from dataclasses import dataclass, field

import numpy as np

from ..rotation import rotation_matrix
from ..skinning import joint_transforms, skin
from .reader import EXPRESSIONS, JOINTS, SHAPES, FlameFile


@dataclass(frozen=True)
class FlameParameters:
    """shape (300,) and expression (100,) in standard deviations; pose (5, 3) rotation vectors of global, neck, jaw, left and right eye,
    each relative to its parent, the global one about its own joint; translation (3,) metres, after posing."""

    shape: np.ndarray = field(default_factory=lambda: np.zeros(SHAPES))
    expression: np.ndarray = field(default_factory=lambda: np.zeros(EXPRESSIONS))
    pose: np.ndarray = field(default_factory=lambda: np.zeros((JOINTS, 3)))
    translation: np.ndarray = field(default_factory=lambda: np.zeros(3))


class FlameModel:
    """A FLAME file's model in FLAME's own frame: metres, y up, facing +z, x to the person's left."""

    def __init__(self, file: FlameFile) -> None:
        self.file = file

    def rest(self, parameters: FlameParameters, offsets: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Shaped vertices (V, 3) and joints (5, 3), unposed; offsets (V, 3) are added to the vertices without moving the joints."""
        file = self.file
        vertices = file.template.astype(np.float64)
        for values, shapes in ((parameters.shape, file.shapes), (parameters.expression, file.expressions)):
            if np.any(values):
                vertices += np.tensordot(np.asarray(values, np.float32), shapes, 1)
        return vertices if offsets is None else vertices + offsets, file.joint_regressor @ vertices

    def pose_offsets(self, pose: np.ndarray) -> np.ndarray:
        """The correctives (V, 3) of a pose (5, 3), before skinning."""
        feature = (rotation_matrix(np.asarray(pose)[1:]) - np.eye(3)).ravel()
        return np.tensordot(feature, self.file.pose_shapes, 1)

    def posed(self, parameters: FlameParameters, offsets: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Posed vertices (V, 3) and joints (5, 3), float64."""
        vertices, joints = self.rest(parameters, offsets)
        root = joints[0]
        linear, shift = joint_transforms(joints - root, self.file.parents, parameters.pose)
        unposed = vertices + self.pose_offsets(parameters.pose) - root
        place = root + parameters.translation
        moved = np.einsum("jab,jb->ja", linear, joints - root) + shift
        return skin(unposed, self.file.weights.astype(np.float64), linear, shift) + place, moved + place

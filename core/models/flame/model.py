"""The FLAME model: shapes, pose correctives, skinning (Li et al. 2017, "Learning a model of facial shape and expression ...")."""

from dataclasses import dataclass, field

import numpy as np

from ..joints import JOINT_NAMES, LEFT_EYE, RIGHT_EYE
from ..parametric import ParametricModel, Skeleton
from ..rotation import rotation_matrix
from ..skinning import skin
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
    """A FLAME file's model in FLAME's own frame: metres, y up, facing +z, x to the person's left.

    shapes: all of it but the pose correctives, as a parametric model; part 0 is skin, 1 and 2 are the left and the right eyeball, which
    hang on their own joints.
    """

    def __init__(self, file: FlameFile) -> None:
        mean, joints = file.template.astype(np.float64), file.joint_regressor
        part = np.where(file.weights[:, LEFT_EYE] > 0.5, 1, np.where(file.weights[:, RIGHT_EYE] > 0.5, 2, 0))
        self.shapes = ParametricModel(
            mean=mean,
            identity=file.shapes,
            expression=file.expressions,
            expression_names=tuple(map(str, range(len(file.expressions)))),
            skeleton=Skeleton(JOINT_NAMES, file.parents, joints @ mean, joints @ file.shapes, joints @ file.expressions),
            weights=file.weights,
            faces=file.faces,
            face_part=part[file.faces[:, 0]],
            part=part,
        )
        self._pose_shapes = file.pose_shapes

    def pose_offsets(self, pose: np.ndarray) -> np.ndarray:
        """The correctives (V, 3) of a pose (5, 3), before skinning."""
        feature = (rotation_matrix(np.asarray(pose)[1:]) - np.eye(3)).ravel()
        return np.tensordot(feature, self._pose_shapes, 1)

    def posed(self, parameters: FlameParameters, offsets: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Posed vertices (V, 3) and joints (5, 3), float64; offsets (V, 3) are added to the rest vertices without moving the joints."""
        vertices, joints = self.shapes.rest(parameters.shape, parameters.expression)
        root = joints[0]
        linear, shift = self.shapes.skeleton.transforms(joints - root, parameters.pose)
        unposed = vertices + self.pose_offsets(parameters.pose) - root
        unposed = unposed if offsets is None else unposed + offsets
        place = root + parameters.translation
        moved = np.einsum("jab,jb->ja", linear, joints - root) + shift
        return skin(unposed, self.shapes.weights.astype(np.float64), linear, shift) + place, moved + place

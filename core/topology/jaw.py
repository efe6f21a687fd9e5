"""The jaw's corrective shape: turning the jaw's joint opens the mouth as the jawOpen key does, with its slide and its soft cheeks."""

import numpy as np

from ..models.head import HeadModel
from ..models.joints import JAW
from ..models.skinning import blended, joint_transforms

_LOWER_TEETH = 4
_USUAL_ANGLE = 0.4  # radians, for a model without lower teeth


def jaw_corrective(model: HeadModel, neutral: np.ndarray, joints: np.ndarray, opened: np.ndarray) -> tuple[np.ndarray, float]:
    """What to add to neutral (V, 3) before skinning, (V, 3), and the jaw's angle about x in radians at which all of it is added.

    joints (J, 3); opened (V, 3): the offsets of the person's jawOpen key. With the angle and the offsets the skin is neutral + opened.
    """
    angle = _opening(model)
    rotations = np.zeros((len(joints), 3))
    rotations[JAW, 0] = angle
    turn, shift = blended(model.weights, *joint_transforms(joints, model.skeleton.parents, rotations))
    before = np.linalg.solve(turn.astype(np.float64), (neutral + opened - shift)[..., None])[..., 0]
    return before - neutral, angle


def _opening(model: HeadModel) -> float:
    """The angle about x through the jaw's joint that comes nearest to what jawOpen does to the lower teeth."""
    teeth = model.part == _LOWER_TEETH
    if not teeth.any():
        return _USUAL_ANGLE
    before = (model.mean[teeth] - model.skeleton.joints[JAW])[:, 1:]
    after = before + model.expression[model.expression_names.index("jawOpen")][teeth, 1:]
    before, after = before - before.mean(0), after - after.mean(0)
    return float(np.arctan2((before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]).sum(), (before * after).sum()))

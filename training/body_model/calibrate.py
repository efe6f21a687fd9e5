"""Where the pose detector puts its landmarks on known figures: places that hang on joints."""

import numpy as np

from ...core.models.body import JointLandmarks
from ...core.models.skinning import joint_transforms
from ...core.photo.people import LANDMARKS, PARTNER
from .records import Records
from .skeleton import GROUPS, Selection, mirrored_names

_ARM = {11: "upperarm01", 13: "lowerarm01", 15: "wrist", 17: "finger5-1", 19: "finger2-1", 21: "finger1-2"}
_LEG = {23: "upperleg01", 25: "lowerleg01", 27: "foot", 29: "foot", 31: "toe1-1"}
CARRIERS = ("head",) * 11 + tuple(
    f"{(_ARM | _LEG)[place - place % 2 - 1 if place % 2 == 0 else place]}.{'LR'[1 - place % 2]}" for place in range(11, LANDMARKS)
)
"""(33,) the joint that each landmark hangs on."""
_VISIBLE = 0.5
_ROUNDS, _ROBUST, _RIDGE, _LEAST = 12, 0.03, 0.03, 0.004


def calibrate(records: Records, rig_parents: np.ndarray, selection: Selection) -> JointLandmarks:
    """The offsets that explain the detector's points best, symmetric, by reweighted least squares, and what is left of the errors."""
    bones = selection.bones[[selection.names.index(name) for name in CARRIERS]]
    place, turn, seen, weight, camera = [], [], [], [], []
    for view in range(len(records)):
        pose, rest = records["pose"][view], records["bones"][view].astype(np.float64)
        linear, _ = joint_transforms(rest, rig_parents, pose)
        view_turn = records["turn"][view].astype(np.float64)
        for reading in records.readings(view):
            place.append(records["joints"][view][bones] @ view_turn.T + records["place"][view])
            turn.append(view_turn @ linear[bones])
            seen.append(reading.points)
            weight.append(reading.visibility > _VISIBLE)
            camera.append(np.r_[records["focal"][view], records["principal"][view]])
    place, turn, seen, weight, camera = (np.array(column) for column in (place, turn, seen, weight, camera))
    offsets, deviation = np.zeros((LANDMARKS, 3)), np.zeros(LANDMARKS)
    for landmark in range(LANDMARKS):
        use = weight[:, landmark]
        offsets[landmark], deviation[landmark] = _offset(place[use, landmark], turn[use, landmark], seen[use, landmark], camera[use])
    offsets = (offsets + offsets[PARTNER] * [-1, 1, 1]) / 2
    deviation = (deviation + deviation[PARTNER]) / 2
    return JointLandmarks(np.array([selection.names.index(name) for name in CARRIERS]), offsets, deviation)


def _offset(place: np.ndarray, turn: np.ndarray, seen: np.ndarray, camera: np.ndarray) -> tuple[np.ndarray, float]:
    """Offset (3,) from joints (N, 3) with axes (N, 3, 3), camera frame, to points seen at pixels (N, 2), and their scatter in metres."""
    offset, error = np.zeros(3), np.zeros(len(place))
    for _ in range(_ROUNDS):
        points = place + turn @ offset
        scale = camera[:, 0] / -points[:, 2]
        flat = points[:, :2] * scale[:, None]
        derivative = np.zeros((len(points), 2, 3))
        derivative[:, 0, 0], derivative[:, 1, 1] = scale, -scale
        derivative[:, :, 2] = flat * [1, -1] / -points[:, 2:]
        left = (seen - camera[:, 1:] - flat * [1, -1]) / scale[:, None]
        error = np.linalg.norm(left, axis=1)
        root = 1 / np.sqrt(1 + (error / _ROBUST) ** 2)
        rows = (derivative @ turn / scale[:, None, None] * root[:, None, None]).reshape(-1, 3)
        matrix = rows.T @ rows + _RIDGE * np.eye(3)
        offset = offset + np.linalg.solve(matrix, rows.T @ (left * root[:, None]).ravel() - _RIDGE * offset)
    return offset, float(np.median(error) / 1.18 + _LEAST)


def usual_poses(records: Records, selection: Selection, widen: float = 1.2, least: float = 0.06) -> tuple[np.ndarray, np.ndarray]:
    """Mean (G, 3) and covariance (3 G, 3 G) of the groups' rotation vectors over the records' poses and their mirror images, a little wider
    than they are: people do more than figures."""
    _, first = np.unique(records["figure"] * 10 + records["pose_number"], return_index=True)
    poses = np.stack([selection.groups(records["pose"][view]) for view in first])
    poses = np.concatenate([poses, poses[:, mirrored_names(list(GROUPS))] * [1, -1, -1]])
    flat = poses.reshape(len(poses), -1)
    return poses.mean(0), np.cov(flat.T) * widen + np.eye(flat.shape[1]) * least**2

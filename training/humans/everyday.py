"""Poses that people take on photos: standing easy, walking, arms spread or crossed, hands in pockets, holding a phone, sitting, kneeling.

Standing and walking people let their arms hang nearly straight; MakeHuman's rig rests with bent elbows.
"""

import numpy as np
from scipy.spatial.transform import Rotation

from .bodies import Body
from .poses import Poser, elbow_turn

_KINDS = ("easy", "walking", "spread", "crossed", "pockets", "phone", "sitting", "kneeling")
_SHARES = (0.3, 0.16, 0.17, 0.1, 0.08, 0.08, 0.08, 0.03)
_SITTING = 6  # the first kind that narrow clothes do not allow
_BEND, _BENDS = {"easy": 0.22, "walking": 0.35, "spread": 0.1}, 0.15  # radians that elbows are bent, and by how much this varies
_HEIGHTS, _OFTEN = (-62, -42, 0, 55), (0.2, 0.3, 0.3, 0.2)  # degrees of spread arms against level: hanging, A-pose, T-pose, raised
_COLLAR = 0.3  # of an arm's way up, that its collar bone goes
_LIFTS = 8  # times that arms are lifted by four degrees, at most
_NARROW = 0.6  # strides of cuts that allow neither sitting nor kneeling
# Directions in the rest axes, left side: upper arm, lower arm.
_ARMS = {
    "crossed": ((0.22, -0.88, 0.36), (-0.88, 0.14, 0.42)),
    "pockets": ((0.38, -0.9, -0.18), (-0.05, -0.95, 0.3)),
    "phone": ((0.2, -0.9, 0.3), (-0.32, 0.5, 0.8)),
}


def everyday_pose(poser: Poser, body: Body, rng: np.random.Generator, stride: float = 1.0) -> np.ndarray:
    """A pose (163, 3) as `Poser.draw` gives, of a random everyday kind; stride: share of a free leg's motion that clothes allow."""
    shares = np.array(_SHARES)
    if stride < _NARROW:
        shares[_SITTING:] = 0
    kind = str(rng.choice(_KINDS, p=shares / shares.sum()))
    pose = poser.around(body, np.zeros((len(poser.parents), 3)), 0.4, rng)
    lowered = np.radians(rng.uniform(8, 36) if kind == "easy" else rng.uniform(-8, 28))
    for side, sign in (("L", 1), ("R", -1)):
        pose[poser.row[f"upperarm01.{side}"], 2] += -sign * lowered
    if kind == "easy":
        _lean(poser, pose, rng, stride)
    elif kind == "walking":
        _walk(poser, pose, rng, stride)
    elif kind == "spread":
        _lean(poser, pose, rng, stride)
        _spread(poser, body, pose, rng)
    elif kind in ("sitting", "kneeling"):
        _bend(poser, pose, rng, kind == "kneeling")
    if kind in _BEND:
        _straighten(poser, body, pose, _BEND[kind], rng)
    if kind in _ARMS:
        _lean(poser, pose, rng, 0.6 * stride)
        one = rng.random() < {"crossed": 0.0, "pockets": 0.35, "phone": 0.6}[kind]
        sides = [str(rng.choice(["L", "R"]))] if one else ["L", "R"]
        for side in sides:
            _reach(poser, body, pose, side, *(np.array(direction) + rng.normal(0, 0.05, 3) for direction in _ARMS[kind]))
        if kind == "phone":
            pose[poser.row["head"], 0] += np.radians(rng.uniform(0, 18))
    return pose


def _lean(poser: Poser, pose: np.ndarray, rng: np.random.Generator, stride: float) -> None:
    """Weight on one leg, the other a little bent and aside."""
    side = str(rng.choice(["L", "R"]))
    sign = 1 if side == "L" else -1
    pose[poser.row[f"upperleg01.{side}"]] += stride * np.radians([rng.uniform(-16, 4), 0, sign * rng.uniform(0, 9)])
    pose[poser.row[f"lowerleg01.{side}"], 0] += stride * np.radians(rng.uniform(0, 22))


def _walk(poser: Poser, pose: np.ndarray, rng: np.random.Generator, stride: float) -> None:
    swing = np.radians(rng.uniform(14, 30)) * rng.choice([-1, 1]) * stride
    for side, sign in (("L", 1), ("R", -1)):
        pose[poser.row[f"upperleg01.{side}"], 0] = -sign * swing
        pose[poser.row[f"lowerleg01.{side}"], 0] = np.radians(rng.uniform(3, 10)) + max(0.0, sign * swing) * 0.9
        arm = Rotation.from_rotvec([sign * swing * 0.9, 0, 0]) * Rotation.from_rotvec([0, 0, -sign * np.radians(30)])
        pose[poser.row[f"upperarm01.{side}"]] = arm.as_rotvec()


def _bend(poser: Poser, pose: np.ndarray, rng: np.random.Generator, kneeling: bool) -> None:
    hip, knee = (rng.uniform(5, 25), rng.uniform(95, 125)) if kneeling else (rng.uniform(75, 95), rng.uniform(70, 95))
    upright = str(rng.choice(["L", "R", "none"])) if kneeling else "none"  # one foot may stay on the ground
    for side, sign in (("L", 1), ("R", -1)):
        bend = (85, 85) if side == upright else (hip, knee)
        pose[poser.row[f"upperleg01.{side}"]] = np.radians([-bend[0], 0, sign * rng.uniform(0, 8)])
        pose[poser.row[f"lowerleg01.{side}"]] = np.radians([bend[1], 0, 0])


def _spread(poser: Poser, body: Body, pose: np.ndarray, rng: np.random.Generator) -> None:
    """Upper arms away from the sides, both alike but for a few degrees, now and then each for itself."""
    both = float(rng.choice(_HEIGHTS, p=_OFTEN)) + rng.normal(0, 9)
    for side, sign in (("L", 1), ("R", -1)):
        height = np.radians(both + rng.normal(0, 4) if rng.random() < 0.85 else rng.uniform(-70, 75))
        shoulder, elbow = (body.bones[poser.row[f"{name}.{side}"]] for name in ("upperarm01", "lowerarm01"))
        collar = Rotation.from_rotvec([0, 0, sign * max(0.0, _COLLAR * (height + 0.5))])
        half = collar.as_rotvec() / 2
        pose[poser.row[f"clavicle.{side}"]] = pose[poser.row[f"shoulder01.{side}"]] = half
        direction = np.array([sign * np.cos(height), np.sin(height), rng.normal(0.02, 0.12)])
        pose[poser.row[f"upperarm01.{side}"]] = _aim(elbow - shoulder, collar.inv().apply(direction)).as_rotvec()


def _straighten(poser: Poser, body: Body, pose: np.ndarray, bend: float, rng: np.random.Generator) -> None:
    """Nearly straight elbows and any turn of the palm, with the arms lifted where they would come into the body."""
    for side in "LR":
        shoulder, elbow, wrist = (body.bones[poser.row[f"{name}.{side}"]] for name in ("upperarm01", "lowerarm01", "wrist"))
        forearm = (wrist - elbow) / np.linalg.norm(wrist - elbow)
        straight = Rotation.from_rotvec(elbow_turn(shoulder, elbow, wrist, max(0.0, rng.normal(bend, _BENDS))))
        pose[poser.row[f"lowerarm01.{side}"]] = (straight * Rotation.from_rotvec(rng.normal(0, 0.4) * forearm)).as_rotvec()
        for name in ("upperarm02", "lowerarm02"):
            pose[poser.row[f"{name}.{side}"]] = 0
    for _ in range(_LIFTS):
        if not poser.arms_collide(body, pose):
            return
        for side, sign in (("L", 1), ("R", -1)):
            row = poser.row[f"upperarm01.{side}"]
            pose[row] = (Rotation.from_rotvec([0, 0, sign * np.radians(4)]) * Rotation.from_rotvec(pose[row])).as_rotvec()


def _reach(poser: Poser, body: Body, pose: np.ndarray, side: str, upper: np.ndarray, lower: np.ndarray) -> None:
    """Points an arm along two directions of the left side."""
    mirror = np.array([1 if side == "L" else -1, 1, 1])
    shoulder, elbow, wrist = (body.bones[poser.row[f"{name}.{side}"]] for name in ("upperarm01", "lowerarm01", "wrist"))
    if side == "R":
        lower = lower + np.array([0, -0.06, -0.1])  # crossed arms lie one over the other
    first = _aim(elbow - shoulder, upper * mirror)
    second = _aim(first.apply(wrist - elbow), lower * mirror)
    pose[poser.row[f"upperarm01.{side}"]] = first.as_rotvec()
    pose[poser.row[f"lowerarm01.{side}"]] = (first.inv() * second * first).as_rotvec()
    for name in ("upperarm02", "lowerarm02"):
        pose[poser.row[f"{name}.{side}"]] = 0


def _aim(start: np.ndarray, end: np.ndarray) -> Rotation:
    """The smallest rotation between two directions."""
    start, end = start / np.linalg.norm(start), end / np.linalg.norm(end)
    axis = np.cross(start, end)
    sine = np.linalg.norm(axis)
    return Rotation.from_rotvec(axis / max(sine, 1e-9) * np.arctan2(sine, start @ end))

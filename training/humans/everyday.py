"""Poses that people take on photos: standing easy, walking, arms crossed, hands in pockets, holding a phone, sitting, kneeling."""

import numpy as np
from scipy.spatial.transform import Rotation

from .bodies import Body
from .poses import Poser

_KINDS = ("easy", "walking", "crossed", "pockets", "phone", "sitting", "kneeling")
_SHARES = (0.36, 0.2, 0.12, 0.1, 0.1, 0.08, 0.04)
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
        shares[5:] = 0
    kind = str(rng.choice(_KINDS, p=shares / shares.sum()))
    pose = poser.around(body, np.zeros((len(poser.parents), 3)), 0.4, rng)
    lift = np.radians(rng.uniform(-8, 28))
    for side, sign in (("L", 1), ("R", -1)):
        pose[poser.row[f"upperarm01.{side}"], 2] += -sign * lift
    if kind == "easy":
        _lean(poser, pose, rng, stride)
    elif kind == "walking":
        _walk(poser, pose, rng, stride)
    elif kind in ("sitting", "kneeling"):
        _bend(poser, pose, rng, kind == "kneeling")
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

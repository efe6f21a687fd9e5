"""Poses of whole people in the ways that photos show them, on MakeHuman's rig."""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ...core.models.rotation import smallest_turn
from ...core.models.skinning import joint_transforms
from ..humans.bodies import Bodies, Body
from ..humans.poses import Poser, elbow_turn, mirrored

SHARES = {"drawn": 0.3, "hanging": 0.18, "walking": 0.14, "crossed": 0.12, "sitting": 0.1, "raised": 0.16}
"""Kind of pose -> how often it is drawn."""
_LIFTED = 0.05  # metres: a foot that is so much higher bears a third of the other's weight
_WOBBLE = 0.04  # radians off balance


class PhotoPoses:
    """Draws poses (163, 3), one rotation vector a bone, and names their kind."""

    def __init__(self, pack: Path, bodies: Bodies) -> None:
        self._poser = Poser(pack, bodies)
        names, self.parents = bodies.bone_names, bodies.bone_parents
        self._row = {name: row for row, name in enumerate(names)}
        swapped = [name[:-1] + {"L": "R", "R": "L"}[name[-1]] if name.endswith((".L", ".R")) else name for name in names]
        self._mirror = np.array([self._row[name] for name in swapped])

    def draw(self, body: Body, rng: np.random.Generator) -> tuple[str, np.ndarray]:
        """A kind of SHARES and a pose, or its mirror image: left and right are alike in all of them together."""
        kind = str(rng.choice(list(SHARES), p=list(SHARES.values())))
        pose = self._poser.draw(body, rng, stride=0.9)
        kinds = {"hanging": self._hanging, "walking": self._walking, "crossed": self._crossed, "sitting": self._sitting}
        kinds["raised"] = self._raised
        if kind != "drawn":
            pose = kinds[kind](body, pose, rng)
        if kind != "sitting":
            pose[0] = (self._balance(body, pose, rng) * Rotation.from_rotvec(pose[0])).as_rotvec()
        return kind, mirrored(pose, self._mirror) if rng.random() < 0.5 else pose

    def _balance(self, body: Body, pose: np.ndarray, rng: np.random.Generator) -> Rotation:
        """The turn of the whole that brings the trunk nearly above the feet, the lower one before all."""
        linear, offset = joint_transforms(body.bones, self.parents, pose)
        at = np.einsum("jab,jb->ja", linear, body.bones) + offset
        place = lambda *names: np.array([at[self._row[f"{name}.{side}"]] for side in "LR" for name in names])  # noqa: E731
        feet = place("foot", "toe1-1").reshape(2, 2, 3).mean(1)
        share = np.exp(-feet[:, 1] / _LIFTED)
        up = place("upperleg01", "upperarm01").mean(0) - share @ feet / share.sum()
        return Rotation.from_rotvec(rng.normal(0, _WOBBLE, 3) * [1, 0, 1]) * _turning(up, np.array([0.0, 1.0, 0.0]))

    def _hanging(self, body: Body, pose: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Arms at the sides, legs nearly straight; trunk and head as drawn."""
        pose = pose.copy()
        for side, sign in (("L", 1.0), ("R", -1.0)):
            self._arm(pose, side, Rotation.from_rotvec([rng.normal(0, 0.15), 0, -sign * np.radians(rng.uniform(8, 42))]))
            self._elbow(body, pose, side, abs(rng.normal(0.25, 0.2)))
            pose[self._row[f"upperleg01.{side}"]] = [rng.normal(0, 0.06), rng.normal(0, 0.1), sign * rng.normal(0.02, 0.06)]
            pose[self._row[f"lowerleg01.{side}"]] = [abs(rng.normal(0, 0.06)), 0, 0]
            pose[self._row[f"foot.{side}"]] = rng.normal(0, 0.06, 3)
            for name in ("upperleg02", "lowerleg02"):
                pose[self._row[f"{name}.{side}"]] = 0
        return pose

    def _walking(self, body: Body, pose: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A stride; the arms swing against the legs."""
        pose = self._hanging(body, pose, rng)
        swing = np.radians(rng.uniform(10, 34))
        for side, sign in (("L", 1.0), ("R", -1.0)):
            pose[self._row[f"upperleg01.{side}"], 0] = -sign * swing + rng.normal(0, 0.05)
            bend = np.radians(rng.uniform(2, 12)) + (swing * rng.uniform(0.5, 1.6) if sign < 0 else 0)
            pose[self._row[f"lowerleg01.{side}"], 0] = bend
            pose[self._row[f"foot.{side}"], 0] = rng.normal(0.1 if sign < 0 else -0.1, 0.12)
            arm = Rotation.from_rotvec([sign * swing * rng.uniform(0.4, 1.1), 0, 0])
            self._arm(pose, side, arm * Rotation.from_rotvec([0, 0, -sign * np.radians(rng.uniform(22, 42))]))
            self._elbow(body, pose, side, abs(rng.normal(0.35, 0.2)))
        return pose

    def _raised(self, body: Body, pose: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Nearly straight arms away from the sides: as for a model's rest pose, level, or up; now and then each for itself."""
        pose = self._hanging(body, pose, rng)
        both = np.radians(rng.choice([-42, 0, 62], p=[0.3, 0.45, 0.25]) + rng.normal(0, 10))
        for side, sign in (("L", 1.0), ("R", -1.0)):
            height = both + np.radians(rng.normal(0, 4)) if rng.random() < 0.85 else np.radians(rng.uniform(-70, 80))
            shoulder, elbow = (body.bones[self._row[f"{name}.{side}"]] for name in ("upperarm01", "lowerarm01"))
            collar = Rotation.from_rotvec([0, 0, sign * max(0.0, 0.3 * (height + 0.5))])
            aim = np.array([sign * np.cos(height), np.sin(height), rng.normal(0.02, 0.12)])
            self._arm(pose, side, _turning(collar.apply(elbow - shoulder), aim))
            pose[self._row[f"clavicle.{side}"]] = pose[self._row[f"shoulder01.{side}"]] = collar.as_rotvec() / 2
            self._elbow(body, pose, side, abs(rng.normal(0.1, 0.12)))
            # The palm may look anywhere.
            row = self._row[f"lowerarm01.{side}"]
            forearm = body.bones[self._row[f"wrist.{side}"]] - elbow
            twist = Rotation.from_rotvec(rng.normal(0, 0.6) * forearm / np.linalg.norm(forearm))
            pose[row] = (Rotation.from_rotvec(pose[row]) * twist).as_rotvec()
        return pose

    def _crossed(self, body: Body, pose: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Hands in front of the body, from the hips (in pockets) over crossed arms to the chin (with a telephone), each arm by itself."""
        pose = self._hanging(body, pose, rng)
        height = rng.uniform(-0.75, 0.95)
        for side, sign in (("L", 1.0), ("R", -1.0)):
            if rng.random() < 0.2:  # the other hand alone
                continue
            shoulder, elbow, wrist = (body.bones[self._row[f"{name}.{side}"]] for name in ("upperarm01", "lowerarm01", "wrist"))
            upper = _turning(elbow - shoulder, np.array([sign * rng.uniform(0.05, 0.5), -0.9, rng.uniform(-0.25, 0.45)]))
            own = height + rng.normal(0, 0.15)
            across = np.array([-sign * rng.uniform(0.1, 0.9), own, rng.uniform(0.25, 0.6)])
            lower = _turning(upper.apply(wrist - elbow), across)
            self._arm(pose, side, upper)
            pose[self._row[f"lowerarm01.{side}"]] = (upper.inv() * lower * upper).as_rotvec()
        return pose

    def _sitting(self, body: Body, pose: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """On a chair or, with one knee or both drawn up, on the ground."""
        arms = pose
        pose = self._crossed(body, pose, rng)
        if rng.random() < 0.5:
            upper = [row for name, row in self._row.items() if name.startswith(("upperarm", "lowerarm"))]
            pose[upper] = arms[upper]
        usual_hip, usual_knee, usual_spread = rng.normal(82, 13), np.clip(rng.normal(82, 16), 5, 135), rng.normal(9, 7)
        for side, sign in (("L", 1.0), ("R", -1.0)):
            flexed, spread = np.radians(usual_hip + rng.normal(0, 7)), np.radians(usual_spread + rng.normal(0, 4))
            hip = Rotation.from_rotvec([-flexed, 0, 0]) * Rotation.from_rotvec([0, sign * rng.normal(0, 0.15), sign * spread])
            pose[self._row[f"upperleg01.{side}"]] = hip.as_rotvec()
            pose[self._row[f"lowerleg01.{side}"]] = [np.radians(np.clip(usual_knee + rng.normal(0, 9), 0, 140)), 0, 0]
            pose[self._row[f"foot.{side}"]] = rng.normal(0, 0.12, 3)
        pose[self._row["spine05"], 0] += rng.normal(0.12, 0.12)
        return pose

    def _arm(self, pose: np.ndarray, side: str, upper: Rotation) -> None:
        pose[self._row[f"upperarm01.{side}"]] = upper.as_rotvec()
        for name in ("upperarm02", "lowerarm02"):
            pose[self._row[f"{name}.{side}"]] = 0
        pose[self._row[f"lowerarm01.{side}"]] *= 0.5

    def _elbow(self, body: Body, pose: np.ndarray, side: str, bend: float) -> None:
        shoulder, elbow, wrist = (body.bones[self._row[f"{name}.{side}"]] for name in ("upperarm01", "lowerarm01", "wrist"))
        pose[self._row[f"lowerarm01.{side}"]] = elbow_turn(shoulder, elbow, wrist, bend)


def _turning(first: np.ndarray, second: np.ndarray) -> Rotation:
    """The smallest rotation that brings one direction (3,) to another."""
    return Rotation.from_matrix(smallest_turn(first, second))

"""Random body poses on MakeHuman's default rig, and skinning of whatever hangs on hm08.

A pose is one rotation vector a bone, (163, 3), in the axes of the rest body: x to the person's left, y up, z forward. The poses of the
asset pack (CC0) are BVH stills; its README gives the formula of the rig.
"""

from pathlib import Path

import numpy as np
import scipy.sparse as sp
from scipy.spatial.transform import Rotation

from ...core.models.rotation import rotation_vector, smallest_turn
from ...core.models.skinning import joint_transforms, skin
from .bodies import HM08_COUNT, Bodies, Body
from .part import Binding

_TRIES = 12
_FACE = ("jaw", "special", "oris", "tongue", "levator", "eye", "orbicularis", "temporalis", "oculi", "risorius")
_NECK = {"neck01": 0.2, "neck02": 0.25, "neck03": 0.25, "head": 0.3}  # shares of the head's turn
# Standard deviations in degrees around x, y and z of the rest axes.
_SPREAD = {
    "spine05": (2, 2, 2), "spine04": (3, 3, 2.5), "spine03": (3, 4, 2.5), "spine02": (2, 3, 2), "spine01": (2, 2, 2),
    "clavicle": (2, 3, 3), "shoulder01": (3, 3, 4), "upperarm01": (12, 12, 13), "upperarm02": (4, 4, 4), "lowerarm01": (4, 4, 4),
    "wrist": (8, 8, 8), "upperleg01": (9, 5, 4), "foot": (5, 4, 3),
}  # fmt: skip
# Segments of the trunk and legs that hands and lower arms stay out of: bones at the two ends, radius in metres for an adult.
_SOLIDS = (
    ("upperleg01.L", "spine02", 0.095), ("upperleg01.R", "spine02", 0.095), ("spine03", "spine01", 0.105), ("spine02", "clavicle.L", 0.095),
    ("spine02", "clavicle.R", 0.095), ("upperleg01.L", "lowerleg01.L", 0.07), ("upperleg01.R", "lowerleg01.R", 0.07),
    ("neck02", "head", 0.085),
)  # fmt: skip
_LIMBS = (("lowerarm01", "wrist", 0.03), ("wrist", "finger3-3", 0.012))


class Poser:
    """Draws poses for one rig."""

    def __init__(self, pack: Path, bodies: Bodies) -> None:
        """pack: folder of the asset pack; raises FileNotFoundError without its makehuman/poses.npz."""
        self._names, self.parents = bodies.bone_names, bodies.bone_parents
        self.row = {name: row for row, name in enumerate(self._names)}
        with np.load(pack / "makehuman" / "poses.npz", allow_pickle=False) as data:
            order = [list(data["bones"]).index(name) for name in self._names]
            real_last = np.roll(data["pose_quat"][:, order], -1, axis=-1)
            self._stills = Rotation.from_quat(real_last.reshape(-1, 4)).as_rotvec().reshape(*real_last.shape[:2], 3)
        self._stills[:, [name.startswith(_FACE) for name in self._names]] = 0
        # Upright figures, whatever the still does: where they face is the camera's matter.
        self._stills[:, 0] = np.clip(self._stills[:, 0] * [1, 0, 1], -0.3, 0.3)
        bare = [name.removesuffix(".L").removesuffix(".R") for name in self._names]
        self._spread = np.radians([_SPREAD.get(name, (0, 0, 0)) for name in bare])
        self._legs = [row for row, name in enumerate(bare) if name.startswith(("upperleg", "lowerleg"))]
        swapped = [name[:-1] + {"L": "R", "R": "L"}[name[-1]] if name.endswith((".L", ".R")) else name for name in self._names]
        self._mirror = np.array([self.row[name] for name in swapped])

    def draw(self, body: Body, rng: np.random.Generator, stride: float = 1.0) -> np.ndarray:
        """A pose (163, 3) with the head up and hands and lower arms out of trunk, head and legs; stride scales hips and knees."""
        still = self._still(rng)
        for attempt in range(_TRIES):
            pose = self.around(body, still, 1 - attempt / _TRIES, rng)
            pose[self._legs] *= stride
            if self.upright(body, pose) and not self.arms_collide(body, pose):
                return pose
            # Once more with less liberty, a calmer still and the arms lifted to the sides.
            still = still * 0.85
            for side, sign in (("L", 1), ("R", -1)):
                still[self.row[f"upperarm01.{side}"], 2] += sign * np.radians(4)
        return np.zeros_like(still)

    def _still(self, rng: np.random.Generator) -> np.ndarray:
        """A still of the pack or its mirror image, faded a little, or arms hanging from the rest pose."""
        if rng.random() < 0.5:
            still = self._stills[rng.integers(len(self._stills))] * rng.uniform(0.75, 1)
            return mirrored(still, self._mirror) if rng.random() < 0.5 else still
        pose = np.zeros((len(self._names), 3))
        for side, sign in (("L", -1), ("R", 1)):
            pose[self.row[f"upperarm01.{side}"], 2] = sign * np.radians(rng.uniform(-5, 38))
        return pose

    def around(self, body: Body, still: np.ndarray, calm: float, rng: np.random.Generator) -> np.ndarray:
        change = np.clip(rng.normal(0, 1, still.shape), -2, 2) * self._spread * calm
        bone = lambda name, side="": self.row[name + side]  # noqa: E731
        turn = np.clip(rng.normal(0, 1, 3) * np.radians([8, 13, 6]), -np.radians(25), np.radians(25))
        for name, share in _NECK.items():
            change[bone(name)] += turn * share
        for side in (".L", ".R"):
            # Elbows bend about their own hinge, knees about x, and only one way.
            shoulder, elbow, wrist = (body.bones[bone(name, side)] for name in ("upperarm01", "lowerarm01", "wrist"))
            hinge = np.cross(elbow - shoulder, wrist - elbow)
            hinge /= max(np.linalg.norm(hinge), 1e-9)
            change[bone("lowerarm01", side)] += hinge * np.radians(abs(rng.normal(0, 30))).clip(0, 1.6) * calm
            change[bone("lowerleg01", side), 0] += np.radians(abs(rng.normal(0, 9))) * calm
            curl = np.radians(rng.uniform(0, 30))
            across = body.bones[bone("finger2-1", side)] - body.bones[bone("finger5-1", side)]
            across /= max(np.linalg.norm(across), 1e-9)
            for finger in range(2, 6):
                for joint in range(1, 4):
                    change[bone(f"finger{finger}-{joint}", side)] += across * curl * (-1 if side == ".L" else 1)
        return (Rotation.from_rotvec(still) * Rotation.from_rotvec(change)).as_rotvec()

    def upright(self, body: Body, pose: np.ndarray) -> bool:
        """Whether the head's own up direction is within 45 degrees of the picture's."""
        return bool(joint_transforms(body.bones, self.parents, pose)[0][self.row["head"], 1, 1] > np.sqrt(0.5))

    def arms_collide(self, body: Body, pose: np.ndarray) -> bool:
        """Whether a hand or lower arm comes into trunk, head or a leg; radii grow with the body's height."""
        linear, offset = joint_transforms(body.bones, self.parents, pose)
        at = np.einsum("jab,jb->ja", linear, body.bones) + offset
        scale = np.ptp(body.vertices[:, 1]) / 1.7
        ends = lambda table: np.array([[at[self.row[a]], at[self.row[b]]] for a, b, _ in table])  # noqa: E731
        limbs = [(f"{a}.{side}", f"{b}.{side}", radius) for side in "LR" for a, b, radius in _LIMBS]
        reach = np.add.outer([radius for *_, radius in limbs], [radius for *_, radius in _SOLIDS]) * scale
        return bool((segment_distances(ends(limbs), ends(_SOLIDS)) < reach).any())


def elbow_turn(shoulder: np.ndarray, elbow: np.ndarray, wrist: np.ndarray, bend: float) -> np.ndarray:
    """The rotation vector (3,) of a forearm that leaves the elbow bent by so many radians from straight, about its own axis; joints (3,) at
    rest. Rigs rest with bent elbows, MakeHuman's by 0.75, while people let their arms hang nearly straight."""
    straight = rotation_vector(smallest_turn(wrist - elbow, elbow - shoulder))
    return straight * (1 - bend / float(np.linalg.norm(straight)))


def mirrored(pose: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """The pose (J, 3) seen in a mirror across x; mirror (J,): each joint's partner."""
    return pose[mirror] * [1, -1, -1]


def segment_distances(first: np.ndarray, second: np.ndarray, samples: int = 9) -> np.ndarray:
    """Distances (A, B) between segments (A, 2, 3) and (B, 2, 3), the first sampled, so at most half a step too long."""
    share = np.linspace(0, 1, samples)[:, None]
    points = first[:, None, 0] * (1 - share) + first[:, None, 1] * share
    start, along = second[:, 0], second[:, 1] - second[:, 0]
    away = points[:, :, None] - start
    place = np.clip((away * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-12), 0, 1)
    return np.linalg.norm(away - place[..., None] * along, axis=-1).min(1)


def pose_body(points: np.ndarray, binding: Binding, weights: sp.csr_matrix, linear: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Rest points (N, 3) that hang on hm08, moved by its bones: (N, 3) float32, by linear blend skinning.

    weights (19158, J): hm08's; linear (J, 3, 3) and offset (J, 3) as joint_transforms gives them.
    """
    return skin(points, carried(binding, weights), linear, offset).astype(np.float32)


def carried(binding: Binding, weights: sp.csr_matrix) -> sp.csr_matrix:
    """Skinning weights (19158, J) of hm08 on a bound piece: (N, J)."""
    count = len(binding.ref)
    rows = np.arange(0, 3 * count + 1, 3)
    return sp.csr_matrix((binding.weight.ravel(), binding.ref.ravel(), rows), shape=(count, HM08_COUNT)) @ weights

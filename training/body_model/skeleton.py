"""The body model's joints: those of MakeHuman's 163 bones that people are posed by, under their names there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from ...core.models.rotation import rotation_matrix, rotation_vector

_FINGERS = tuple(f"finger{finger}-{joint}" for finger in range(1, 6) for joint in range(1, 4))
_SIDE = ("clavicle", "shoulder01", "upperarm01", "lowerarm01", "wrist", *_FINGERS, "upperleg01", "lowerleg01", "foot", "toe1-1")
_MIDDLE = ("root", "spine05", "spine04", "spine03", "spine02", "spine01", "neck01", "neck02", "neck03", "head", "jaw")
JOINTS = (*_MIDDLE, *(f"{name}.{side}" for side in "LR" for name in ("eye", *_SIDE)))
"""Their names; spine05 is the lowest, finger1 the thumb."""
_TOES = "toe"

_GROUPS = {
    "spine_low": (("spine05", 0.34), ("spine04", 0.33), ("spine03", 0.33)),
    "spine_high": (("spine02", 0.5), ("spine01", 0.5)),
    "neck": (("neck01", 0.2), ("neck02", 0.25), ("neck03", 0.25), ("head", 0.3)),
}
_SIDE_GROUPS = {
    "collar": (("clavicle", 0.5), ("shoulder01", 0.5)),
    **{name: ((name, 1.0),) for name in ("upperarm01", "lowerarm01", "wrist", "upperleg01", "lowerleg01", "foot")},
}
GROUPS = {
    **_GROUPS,
    **{
        f"{name}.{side}": tuple((f"{joint}.{side}", share) for joint, share in parts)
        for side in "LR"
        for name, parts in _SIDE_GROUPS.items()
    },
}
"""Group of joints that turn together -> its joints and how much of the turn each makes."""


@dataclass(frozen=True)
class Selection:
    """MakeHuman's rig reduced to JOINTS. bones (J,): their places among the rig's; parents (J,); owner (B,): the joint that each bone of
    the rig follows; names (J,): JOINTS, parents before children."""

    bones: np.ndarray
    parents: np.ndarray
    owner: np.ndarray
    names: tuple[str, ...]
    rig_parents: np.ndarray

    @classmethod
    def of(cls, rig: Sequence[str], rig_parents: np.ndarray) -> "Selection":
        """From the rig's bone names (B,) and parents (B,), parents before children."""
        bones = np.array([row for row, name in enumerate(rig) if name in JOINTS])
        place = {bone: joint for joint, bone in enumerate(bones.tolist())}
        owner = np.zeros(len(rig), np.int64)
        for bone, parent in enumerate(rig_parents):
            owner[bone] = place[bone] if bone in place else owner[parent] if parent >= 0 else 0
        for bone, name in enumerate(rig):
            if name.startswith(_TOES):
                owner[bone] = place[rig.index(f"toe1-1{name[-2:]}")]
        parents = np.array([-1 if rig_parents[bone] < 0 else owner[rig_parents[bone]] for bone in bones])
        return cls(bones, parents, owner, tuple(str(rig[bone]) for bone in bones), np.asarray(rig_parents))

    def weights(self, rig_weights: sp.csr_matrix) -> sp.csr_matrix:
        """Skinning weights (V, B) of the rig as those of the joints (V, J)."""
        rows = np.arange(len(self.owner))
        merge = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, self.owner)), shape=(len(rows), len(self.names)))
        return (rig_weights @ merge).tocsr()

    def local(self, pose: np.ndarray) -> np.ndarray:
        """Local rotation matrices (J, 3, 3) of the joints in a pose (B, 3) of the rig; bones between two joints turn the lower one."""
        each = rotation_matrix(pose)
        result = np.empty((len(self.bones), 3, 3))
        kept = set(self.bones.tolist())
        for joint, bone in enumerate(self.bones):
            turn, parent = each[bone], self.rig_parents[bone]
            while parent >= 0 and int(parent) not in kept:
                turn, parent = each[parent] @ turn, self.rig_parents[parent]
            result[joint] = turn
        return result

    def groups(self, pose: np.ndarray) -> np.ndarray:
        """Rotation vectors (G, 3) of GROUPS in a pose (B, 3) of the rig."""
        local, turns = self.local(pose), np.empty((len(GROUPS), 3, 3))
        for group, parts in enumerate(GROUPS.values()):
            turns[group] = np.eye(3)
            for name, _ in parts:
                turns[group] = turns[group] @ local[self.names.index(name)]
        return rotation_vector(turns)

    def shares(self) -> np.ndarray:
        """(G, J) how much of a group's turn each joint makes."""
        shares = np.zeros((len(GROUPS), len(self.names)), np.float32)
        for group, parts in enumerate(GROUPS.values()):
            for name, share in parts:
                shares[group, self.names.index(name)] = share
        return shares


def mirrored_names(names: Sequence[str]) -> np.ndarray:
    """(N,) the place of each name's partner on the other side, its own in the middle."""
    other = {"L": "R", "R": "L"}
    return np.array([names.index(name[:-1] + other[name[-1]]) if name[-2:-1] == "." else place for place, name in enumerate(names)])

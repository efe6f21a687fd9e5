"""The rigged head: one person in the head model's topology, with joints, blend-skinning weights and shape keys.

numpy only: Blender's process reads it too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from ..arrays import BYTE, REAL, TEXT, WHOLE, Array, ArrayError, Schema
from ..errors import AssetError
from ..models.joints import GLOBAL, JAW, JOINT_NAMES, NECK
from ..models.rotation import rotation_matrix, rotation_vector
from ..models.skinning import joint_transforms, skin
from .quads import paired

MESH_PARTS = ("skin", "left eye", "right eye", "upper teeth", "lower teeth", "tongue")
_SCHEMA = Schema(
    {
        "neutral": Array(REAL, ("V", 3)),
        "faces": Array(WHOLE, ("F", 3), below="V"),
        "face_part": Array(WHOLE, ("F",), low=0, high=len(MESH_PARTS) - 1),
        "uv": Array(REAL, ("U", 2)),
        "faces_uv": Array(WHOLE, ("F", 3), below="U"),
        "code": Array(REAL, ("V", 3)),
        "joints": Array(REAL, (len(JOINT_NAMES), 3)),
        "parents": Array(WHOLE, (len(JOINT_NAMES),)),
        "weights": Array(REAL, ("V", len(JOINT_NAMES))),
        "keys": Array(REAL, ("E", "V", 3)),
        "key_names": Array(TEXT, ("E",)),
        "key_quality": Array(REAL, ("E",)),
        "key_notes": Array(TEXT, ("E",)),
        "key_values": Array(REAL, ("E",)),
        "rotations": Array(REAL, (len(JOINT_NAMES), 3)),
        "correctives": Array(REAL, ("C", "V", 3)),
        "corrective_angles": Array(REAL, ("C",)),
        "split": Array(WHOLE, (), low=0, high=1, optional=True),
        "texture": Array(BYTE, ("S", "S", 3), optional=True),
        "texture_observed": Array(BYTE, ("S", "S"), optional=True),
    },
    prefix="rig_",
    most=1_000_000,
)
_LONGEST = 500  # characters of a note


@dataclass(frozen=True)
class RiggedHead:
    """One person in the head model's topology. V vertices, F triangles, U texture coordinates, J joints,
    E expressions (52 of ARKit), C correctives.

    Everything is in the upright frame of a head's Result: x to the person's left, y up, z forward, metres, origin at the neck joint of the
    photo's fit, some millimetres from that of this head. On a body `BodyRig.head_place` brings that frame to the body's.

    neutral (V, 3) float32: this person, neutral and unposed.
    faces (F, 3) int32, outward; split: 1 when they are quads in halves, one after the other; face_part (F,) int32: index into MESH_PARTS;
    uv (U, 2), faces_uv (F, 3): bottom-left origin; correspondence (V, 3): the head model's; its name in files is `code`.
    joints (J, 3), parents (J,) (-1 for the first), weights (V, J): in the order of JOINT_NAMES; the first joint is at the neck's place.
    keys (E, V, 3): what each ARKit shape of `key_names` adds to neutral; key_quality (E,) in [0, 1], 1 for a shape as faithful as the
    head model's own; key_notes: what is approximate about a shape, one sentence, or nothing.
    key_values (E,) in [0, 1]: the expression in the photo. rotations (J, 3): the pose in the photo as rotation vectors relative to the
    parent; with both, `posed` lies on the result's reconstructed mesh.
    correctives (C, V, 3): added to neutral before skinning, in proportion to the jaw's rotation about x, fully at
    corrective_angles (C,) radians.
    texture (S, S, 3) uint8 sRGB, row 0 at the top, and texture_observed (S, S) uint8, 255 where the photo shows it; or None.
    """

    neutral: np.ndarray
    faces: np.ndarray
    face_part: np.ndarray
    uv: np.ndarray
    faces_uv: np.ndarray
    correspondence: np.ndarray
    joints: np.ndarray
    parents: np.ndarray
    weights: np.ndarray
    keys: np.ndarray
    key_names: tuple[str, ...]
    key_quality: np.ndarray
    key_notes: tuple[str, ...]
    key_values: np.ndarray
    rotations: np.ndarray
    correctives: np.ndarray
    corrective_angles: np.ndarray
    split: int | None = None
    texture: np.ndarray | None = None
    texture_observed: np.ndarray | None = None

    def posed(self, key_values: np.ndarray, rotations: np.ndarray) -> np.ndarray:
        """Vertices (V, 3) float32 with key values (E,) and the joints' rotation vectors (J, 3), by linear blend skinning."""
        return skin(self.shaped(key_values, rotations), self.weights, *self.transforms(rotations))

    def shaped(self, key_values: np.ndarray, rotations: np.ndarray) -> np.ndarray:
        """Vertices (V, 3) float32 as they are before skinning: neutral, keys and correctives."""
        shape = self.neutral.copy()
        for values, deltas in ((key_values, self.keys), (self.corrective_values(rotations), self.correctives)):
            values = np.asarray(values, np.float32)
            active = np.flatnonzero(values)
            shape += np.tensordot(values[active], deltas[active], 1)
        return shape

    def corrective_values(self, rotations: np.ndarray) -> np.ndarray:
        """How much of each corrective (C,), in [0, 1], goes with the joints' rotation vectors (J, 3)."""
        return np.clip(np.asarray(rotations)[JAW, 0] / self.corrective_angles, 0, 1)

    def transforms(self, rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Linear parts (J, 3, 3) and offsets (J, 3) of the joints' maps for rotation vectors (J, 3)."""
        return joint_transforms(self.joints, self.parents, rotations)

    def scaled(self, factor: float) -> Self:
        """The same head so many times as large."""
        sizes = {name: (factor * getattr(self, name)).astype(np.float32) for name in ("neutral", "joints", "keys", "correctives")}
        return replace(self, **sizes)

    def polygons(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Faces (P, 4) and their UV corners (P, 4), the fourth of a triangle -1, and each one's part (P,): quads where faces are split."""
        if not self.split:
            none = np.full((len(self.faces), 1), -1, np.int32)
            return np.hstack([self.faces, none]), np.hstack([self.faces_uv, none]), self.face_part
        faces, faces_uv = paired(self.faces, self.faces_uv)
        triangles = 1 + (faces[:, 3] >= 0)
        return faces, faces_uv, self.face_part[np.cumsum(triangles) - triangles]

    def arrays(self) -> dict[str, Any]:
        """What `from_arrays` takes: plain arrays under names that no other part of a result's file has."""
        return _SCHEMA.pack({**vars(self), "code": self.correspondence})

    @classmethod
    def from_arrays(cls, data: Mapping[str, np.ndarray]) -> Self | None:
        """The rigged head among a file's arrays, None when there is none. Raises AssetError when it is damaged or hostile."""
        if not any(name.startswith(_SCHEMA.prefix) for name in data):
            return None
        try:
            arrays = _SCHEMA.check(data)
        except ArrayError as error:
            raise _damaged(str(error)) from error
        if not len(arrays["faces"]):
            raise _damaged("faces")
        parents = arrays["parents"]
        if parents[0] != -1 or parents[1:].min() < 0 or (parents >= np.arange(len(parents))).any():
            raise _damaged("parents")
        if not (arrays["corrective_angles"] > 0).all():
            raise _damaged("corrective_angles")
        if len(set(arrays["key_names"])) < len(arrays["key_names"]):
            raise _damaged("key_names")
        arrays["key_notes"] = tuple(note[:_LONGEST] for note in arrays["key_notes"])
        return cls(correspondence=arrays.pop("code"), **arrays)


def upright_rotations(rotations: np.ndarray) -> np.ndarray:
    """A fit's joint rotations (J, 3), where the global one turns the model into the camera frame, for the upright frame: there the
    head stands still, so the global one undoes the neck's."""
    turned = np.array(rotations, np.float64)
    turned[GLOBAL] = rotation_vector(rotation_matrix(turned[NECK]).T)
    return turned.astype(np.float32)


def _damaged(name: str) -> AssetError:
    return AssetError(f"The rigged head in this result is damaged (its array '{name}' does not fit); run the reconstruction again.")

"""The parametric head: identity, ARKit expressions and five joints in FLAME's order, with a closed smooth solid over its skin.

Frames are those of docs/architecture.md. Everything here is numpy; the file's arrays are listed there too.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import scipy.sparse as sp

from ..arrays import ANY, REAL, TEXT, WHOLE, Array, ArrayError, Schema
from ..errors import AssetError
from ..geometry.closest import Topology
from ..geometry.mesh import loop_subdivision, vertex_normals
from .skinning import joint_transforms, skin

DEFAULT_FILE = Path(__file__).parents[2] / "weights" / "head_model.npz"
GLOBAL, NECK, JAW, LEFT_EYE, RIGHT_EYE = range(5)
_MOUTH_BORDER = 2  # rings of faces
_MOUTH_DEPTH = 0.004  # metres that the membrane between the lips lies behind the line through their inner rims
SCHEMA = Schema(
    {
        "mean": Array(REAL, ("V", 3)),
        "identity": Array(REAL, ("K", "V", 3)),
        "expression": Array(REAL, (52, "V", 3)),
        "expression_names": Array(TEXT, (52,)),
        "faces": Array(WHOLE, ("F", 3), below="V"),
        "face_part": Array(WHOLE, ("F",)),
        "part": Array(WHOLE, ("V",)),
        "joints": Array(REAL, (5, 3)),
        "joint_identity": Array(REAL, ("K", 5, 3)),
        "parents": Array(WHOLE, (5,)),
        "weights": Array(REAL, ("V", 5)),
        "uv": Array(REAL, ("U", 2)),
        "faces_uv": Array(WHOLE, ("F", 3), below="U"),
        "code": Array(REAL, ("V", 3)),
        "regions": Array(REAL, ("R", "V")),
        "region_names": Array(TEXT, ("R",)),
        "mirror": Array(WHOLE, ("V",), below="V"),
        "landmark_faces": Array(WHOLE, (468,), below="F"),
        "landmark_barycentric": Array(REAL, (468, 3)),
        "landmark_bias": Array(REAL, (468, 3)),
        "landmark_weight": Array(REAL, (468,)),
        "landmark68_faces": Array(WHOLE, (68,), below="F"),
        "landmark68_barycentric": Array(REAL, (68, 3)),
        "hm08": Array(WHOLE, ("V",)),
        "solid_faces": Array(WHOLE, ("S", 3)),
        "solid_csr_data": Array(REAL, ("N",)),
        "solid_csr_indices": Array(WHOLE, ("N",)),
        "solid_csr_indptr": Array(WHOLE, (ANY,)),
        "solid_mouth": Array(WHOLE, (ANY,)),
        "solid_left_eye": Array(WHOLE, (ANY,)),
        "solid_right_eye": Array(WHOLE, (ANY,)),
    },
    most=1_000_000,
)


@dataclass(frozen=True)
class HeadParameters:
    """identity (K,) in standard deviations; expression (52,) in [0, 1]; rotations (5, 3) rotation vectors of the joints, each relative
    to its parent: global, neck, jaw, left eye, right eye. The global one turns the model frame into the camera frame."""

    identity: np.ndarray
    expression: np.ndarray
    rotations: np.ndarray


@dataclass(frozen=True)
class Posed:
    """A posed head in the camera frame: origin between the posed eyes' joints, metres.

    vertices (V, 3), joints (5, 3), rotation (3, 3) of the head from model to camera axes (global and neck),
    solid_vertices and solid_normals (Vs, 3) of the closed bust,
    eye_midpoint (3,): where the origin lay before the shift, in the model frame after posing.
    """

    vertices: np.ndarray
    joints: np.ndarray
    rotation: np.ndarray
    solid_vertices: np.ndarray
    solid_normals: np.ndarray
    eye_midpoint: np.ndarray


@dataclass(frozen=True)
class HeadModel:
    """Arrays of the file, as float32 and int64, under their documented names; V vertices, K identity components.

    Made from the file: solid_matrix (Vs, Vskin + caps) and solid_faces (Fs, 3), one Loop subdivision of the closed bust,
    solid_code (Vs, 3) and `solid_region`. Instances are shared: treat their arrays as constants.
    """

    mean: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    expression_names: tuple[str, ...]
    faces: np.ndarray
    face_part: np.ndarray
    part: np.ndarray
    joints: np.ndarray
    joint_identity: np.ndarray
    parents: np.ndarray
    weights: np.ndarray
    uv: np.ndarray
    faces_uv: np.ndarray
    code: np.ndarray
    regions: np.ndarray
    region_names: tuple[str, ...]
    mirror: np.ndarray
    landmark_faces: np.ndarray
    landmark_barycentric: np.ndarray
    landmark_bias: np.ndarray
    landmark_weight: np.ndarray
    landmark68_faces: np.ndarray
    landmark68_barycentric: np.ndarray
    hm08: np.ndarray
    solid_base: sp.csr_matrix
    solid_pockets: dict[str, np.ndarray]
    solid_matrix: sp.csr_matrix
    solid_faces: np.ndarray
    solid_code: np.ndarray

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read a head-model file, the bundled one by default.

        Raises AssetError when it is missing, damaged or of another layout.
        """
        path = DEFAULT_FILE if path is None else Path(path)
        arrays = _read(path)
        skin = int((arrays["part"] == 0).sum())
        indptr = arrays.pop("solid_csr_indptr")
        shape = (len(indptr) - 1, skin)
        base = sp.csr_matrix(
            (arrays.pop("solid_csr_data"), arrays.pop("solid_csr_indices"), indptr),
            shape=shape,
        )
        pockets = {name: arrays.pop(f"solid_{name}") for name in ("mouth", "left_eye", "right_eye")}
        subdivision, faces = loop_subdivision(arrays.pop("solid_faces"), shape[0])
        code = np.clip(subdivision @ (base @ arrays["code"][:skin]), 0, 1).astype(np.float32)
        return cls(**arrays, solid_base=base, solid_pockets=pockets, solid_matrix=subdivision, solid_faces=faces, solid_code=code)

    def neutral(self) -> HeadParameters:
        """The mean head, at rest, looking along +z."""
        return HeadParameters(
            np.zeros(len(self.identity)),
            np.zeros(len(self.expression)),
            np.zeros((5, 3)),
        )

    def rest(self, identity: np.ndarray, expression: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Shaped but unposed vertices (V, 3) and joints (5, 3), model frame."""
        identity = np.asarray(identity, np.float32)
        vertices = self.mean + np.tensordot(identity, self.identity, 1)
        active = np.flatnonzero(expression)
        vertices += np.tensordot(np.asarray(expression, np.float32)[active], self.expression[active], 1)
        return vertices, self.joints + np.tensordot(identity, self.joint_identity, 1)

    def transforms(self, joints: np.ndarray, rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Linear parts (5, 3, 3) and offsets (5, 3) that move rest points with each joint; the global one turns about the origin."""
        return joint_transforms(joints, self.parents, rotations)

    def vertices(
        self,
        identity: np.ndarray,
        expression: np.ndarray,
        rotations: np.ndarray,
        translation: np.ndarray | None = None,
    ) -> np.ndarray:
        """Posed vertices (V, 3), float32, by linear blend skinning. The global rotation turns about the model frame's origin."""
        vertices, joints = self.rest(identity, expression)
        posed = skin(vertices, self.weights, *self.transforms(joints, rotations))
        return posed if translation is None else posed + np.asarray(translation, np.float32)

    def posed(self, parameters: HeadParameters) -> Posed:
        """Vertices, joints and closed solid in the camera frame."""
        vertices, joints = self.rest(parameters.identity, parameters.expression)
        linear, offset = self.transforms(joints, parameters.rotations)
        moved = np.einsum("jab,jb->ja", linear, joints) + offset
        middle = (moved[LEFT_EYE] + moved[RIGHT_EYE]) / 2
        joints = (moved - middle).astype(np.float32)
        vertices = skin(vertices, self.weights, linear, offset - middle)
        solid = self.solid(vertices, joints, linear[NECK])
        return Posed(
            vertices,
            joints,
            linear[NECK],
            solid,
            vertex_normals(solid, self.solid_faces),
            middle,
        )

    def solid(self, vertices: np.ndarray, joints: np.ndarray, rotation: np.ndarray) -> np.ndarray:
        """Closed bust (Vs, 3) over posed vertices (V, 3) and joints (5, 3), for `solid_faces`. rotation (3, 3): the head's.

        The patches over the eye sockets lie on the eyeballs, the one between the lips a little behind them.
        """
        base = self.solid_base @ vertices[: self.solid_base.shape[1]]
        base[self.solid_pockets["mouth"]] -= (_MOUTH_DEPTH * rotation[:, 2]).astype(base.dtype)
        for name, part, joint in (
            ("left_eye", 1, LEFT_EYE),
            ("right_eye", 2, RIGHT_EYE),
        ):
            patch, centre = self.solid_pockets[name], joints[joint]
            radius = np.median(np.linalg.norm(vertices[self.part == part] - centre, axis=1))
            ray = base[patch] - centre
            base[patch] = centre + ray * (radius / np.maximum(np.linalg.norm(ray, axis=1, keepdims=True), 1e-6))
        return (self.solid_matrix @ base).astype(np.float32)

    def solid_region(self, name: str) -> np.ndarray:
        """A region's mask (Vs,) on the solid, in [0, 1]."""
        mask = self.regions[self.region_names.index(name)][: self.solid_base.shape[1]]
        return np.clip(self.solid_matrix @ (self.solid_base @ mask), 0, 1).astype(np.float32)

    def solid_pocket(self, name: str) -> np.ndarray:
        """The mask (Vs,) on the solid of the inner vertices of one of `solid_pockets`, in [0, 1]."""
        inside = np.zeros(self.solid_base.shape[0], np.float32)
        inside[self.solid_pockets[name]] = 1
        return self.solid_matrix @ inside

    @property
    def solid_mouth(self) -> np.ndarray:
        """1 on the solid's patch behind the lips and its border (Vs,), else 0."""
        patch = self.solid_pocket("mouth") > 0
        for _ in range(_MOUTH_BORDER):
            patch[self.solid_faces[patch[self.solid_faces].any(1)]] = True
        return patch.astype(np.float32)

    @cached_property
    def solid_rest(self) -> np.ndarray:
        """The mean head's solid at rest (Vs, 3), camera frame."""
        return self.posed(self.neutral()).solid_vertices

    @cached_property
    def solid_topology(self) -> Topology:
        """For closest points on the solid, whatever its shape."""
        return Topology(self.solid_faces)

    def landmarks(self, vertices: np.ndarray) -> np.ndarray:
        """MediaPipe's landmarks (468, 3) on vertices (V, 3), without the detector's bias."""
        return np.einsum(
            "nic,ni->nc",
            vertices[self.faces[self.landmark_faces]],
            self.landmark_barycentric,
        )

    def landmarks68(self, vertices: np.ndarray) -> np.ndarray:
        """iBUG-68 landmarks (68, 3) on vertices (V, 3)."""
        return np.einsum(
            "nic,ni->nc",
            vertices[self.faces[self.landmark68_faces]],
            self.landmark68_barycentric,
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        arrays, _ = SCHEMA.load(path)
    except ArrayError as error:
        if not path.is_file():
            raise AssetError(f"{path.name} is missing; reinstall the extension.") from error
        what = f"of another version: its array '{error}' does not fit" if str(error) else "damaged or not a head model"
        raise AssetError(f"{path.name} is {what}; reinstall the extension.") from error
    # torch indexes with 64 bits.
    return {name: values.astype(np.int64) if SCHEMA.arrays[name].kind == WHOLE else values for name, values in arrays.items()}

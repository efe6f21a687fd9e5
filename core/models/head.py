"""The parametric head, read from its file: identity, ARKit expressions and five joints in FLAME's order, with a closed bust over its skin.

docs/architecture.md describes the frames, docs/head_model.md the file's arrays.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree  # pyright: ignore[reportAttributeAccessIssue]

from ..arrays import ANY, REAL, TEXT, WHOLE, Array, Schema
from ..geometry.visibility import smoothstep
from ..photo.landmarks import IBUG68, MEDIAPIPE
from .files import read_model
from .joints import JOINT_NAMES, LEFT_EYE, NECK, RIGHT_EYE
from .parametric import ClosedMesh, LandmarkSet, ParametricModel, Skeleton

DEFAULT_FILE = Path(__file__).parents[2] / "weights" / "head_model.npz"
EYE_DISTANCE = 0.063
"""Metres between the eyes' joints of every head."""
_JAW = 17  # iBUG's first landmarks, along the jaw: detectors slide them along the outline that the photo shows
_CAVITIES = ("mouth", "left_eye", "right_eye")
_EYES = (("left_eye", 1, LEFT_EYE), ("right_eye", 2, RIGHT_EYE))  # cavity, part, joint
_MOUTH_BORDER = 2  # rings of faces
_MOUTH_DEPTH = 0.004  # metres that the membrane between the lips lies behind the line through their inner rims
_MIDDLE = 0.004  # metres from the lips' middle in which the upper one's rim is looked for
_BEHIND_LIP, _ARCH, _TEETH = 0.003, 0.022, 0.008  # metres: of the teeth behind it, radius of their arch, and their height below it
_FALLS = 3.0  # of the way down beyond that
_AROUND_EYES, _AROUND_LIPS, _AROUND_NOSTRILS = (0.005, 0.012), (0.001, 0.006), (0.005, 0.012)  # metres over which features fade
_AROUND_EARS = 0.014  # metres over which an ear passes into the head
_NOSTRILS = (129, 98, 64, 48, 97, 2, 326, 278, 294, 327, 358, 1, 4, 45, 275)  # MediaPipe's, from wing to wing, and the tip
SCHEMA = Schema(
    {
        "mean": Array(REAL, ("V", 3)),
        "identity": Array(REAL, ("K", "V", 3)),
        "expression": Array(REAL, ("E", "V", 3)),
        "expression_names": Array(TEXT, ("E",)),
        "faces": Array(WHOLE, ("F", 3), below="V"),
        "face_part": Array(WHOLE, ("F",)),
        "part": Array(WHOLE, ("V",)),
        "joints": Array(REAL, (len(JOINT_NAMES), 3)),
        "joint_identity": Array(REAL, ("K", len(JOINT_NAMES), 3)),
        "parents": Array(WHOLE, (len(JOINT_NAMES),)),
        "weights": Array(REAL, ("V", len(JOINT_NAMES))),
        "uv": Array(REAL, ("U", 2)),
        "makehuman_uv": Array(REAL, ("U", 2)),
        "faces_uv": Array(WHOLE, ("F", 3), below="U"),
        "code": Array(REAL, ("V", 3)),
        "regions": Array(REAL, ("R", "V")),
        "region_names": Array(TEXT, ("R",)),
        "mirror": Array(WHOLE, ("V",), below="V"),
        "landmark_faces": Array(WHOLE, ("L",), below="F"),
        "landmark_barycentric": Array(REAL, ("L", 3)),
        "landmark_bias": Array(REAL, ("L", 3)),
        "landmark_weight": Array(REAL, ("L",)),
        "landmark68_faces": Array(WHOLE, (68,), below="F"),
        "landmark68_barycentric": Array(REAL, (68, 3)),
        "hm08": Array(WHOLE, ("V",)),
        "solid_faces": Array(WHOLE, ("S", 3)),
        "solid_csr_data": Array(REAL, ("N",)),
        "solid_csr_indices": Array(WHOLE, ("N",)),
        "solid_csr_indptr": Array(WHOLE, (ANY,)),
        **{f"solid_{name}": Array(WHOLE, (ANY,)) for name in _CAVITIES},
    },
    most=1_000_000,
)


@dataclass(frozen=True, eq=False)
class HeadModel(ParametricModel):
    """The head as a parametric model, size-normalised to EYE_DISTANCE, with the camera frame's origin between the posed eyes' joints.

    hm08 (V,): vertex ids in MakeHuman's mesh, -1 where there is none; makehuman_uv (U, 2): the places of `uv` in MakeHuman's own map, for
    which its skins are painted.
    """

    hm08: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    makehuman_uv: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.float32))

    MAIN_JOINT: ClassVar[int] = NECK

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read a head-model file, the bundled one by default. Raises AssetError when it is missing, damaged or of another layout."""
        arrays = read_model(DEFAULT_FILE if path is None else Path(path), SCHEMA, "head model")
        faces, regions = arrays["faces"], arrays["regions"]
        bias, weight, barycentric68 = arrays["landmark_bias"], arrays["landmark_weight"], arrays["landmark68_barycentric"]
        unbiased, inner = np.zeros_like(barycentric68), np.ones(len(barycentric68), np.float32)
        inner[:_JAW] = 0
        indptr = arrays["solid_csr_indptr"]
        skin = int((arrays["part"] == 0).sum())
        base = sp.csr_matrix((arrays["solid_csr_data"], arrays["solid_csr_indices"], indptr), shape=(len(indptr) - 1, skin))
        as_they_are = ("mean", "identity", "expression", "expression_names", "weights", "faces", "face_part", "part", "uv", "faces_uv")
        return cls(
            **{name: arrays[name] for name in (*as_they_are, "mirror", "hm08", "makehuman_uv")},
            correspondence=arrays["code"],
            skeleton=Skeleton(JOINT_NAMES, arrays["parents"], arrays["joints"], arrays["joint_identity"]),
            regions=dict(zip(arrays["region_names"], regions, strict=True)),
            landmarks={
                MEDIAPIPE: LandmarkSet(faces[arrays["landmark_faces"]], arrays["landmark_barycentric"], bias, weight),
                IBUG68: LandmarkSet(faces[arrays["landmark68_faces"]], barycentric68, unbiased, inner),
            },
            closed_mesh=ClosedMesh.over(base, arrays["solid_faces"], {name: arrays[f"solid_{name}"] for name in _CAVITIES}),
        )

    @property
    def mediapipe(self) -> LandmarkSet:
        """MediaPipe's 468 landmarks."""
        return self.landmarks[MEDIAPIPE]

    @property
    def ibug68(self) -> LandmarkSet:
        """iBUG's 68 landmarks, not calibrated."""
        return self.landmarks[IBUG68]

    def origin(self, joints: np.ndarray) -> np.ndarray:
        """The point (3,) between the eyes' joints."""
        return (joints[LEFT_EYE] + joints[RIGHT_EYE]) / 2

    def closed_vertices(self, vertices: np.ndarray, joints: np.ndarray, rotation: np.ndarray) -> np.ndarray:
        """Closed bust (Vs, 3) over posed vertices (V, 3) and joints (J, 3). rotation (3, 3): the head's.

        The patches over the eye sockets lie on the eyeballs, the one between the lips a little behind them, as teeth do.
        """
        mesh = self.closed_mesh
        coarse = mesh.coarse(vertices)
        patch = mesh.cavities["mouth"]
        coarse[patch] -= (_MOUTH_DEPTH * rotation[:, 2]).astype(coarse.dtype)
        behind = self._teeth_row(vertices, rotation, coarse[patch]) - coarse[patch] @ rotation[:, 2]
        coarse[patch] += np.outer(np.maximum(behind, 0), rotation[:, 2]).astype(coarse.dtype)
        for name, part, joint in _EYES:
            patch, centre = mesh.cavities[name], joints[joint]
            radius = np.median(np.linalg.norm(vertices[self.part == part] - centre, axis=1))
            ray = coarse[patch] - centre
            coarse[patch] = centre + ray * (radius / np.maximum(np.linalg.norm(ray, axis=1, keepdims=True), 1e-6))
        return (mesh.subdivision @ coarse).astype(np.float32)

    @cached_property
    def _upper_lip(self) -> np.ndarray:
        """Vertices (N,) of the upper lip's middle."""
        lips = np.flatnonzero((self.regions["lips"] > 0.5) & (np.abs(self.mean[:, 0]) < _MIDDLE))
        innermost = lips[self.mean[lips, 2].argmin()]
        return lips[self.mean[lips, 1] >= self.mean[innermost, 1]]

    def _teeth_row(self, vertices: np.ndarray, rotation: np.ndarray, points: np.ndarray) -> np.ndarray:
        """How far forward along the head's z axis (N,) a row of upper teeth lies at points (N, 3) between the lips of vertices (V, 3): an
        arch a little behind the upper lip's inner rim. Below the teeth of an open mouth it falls away."""
        lip = vertices[self._upper_lip] @ rotation
        rim = lip[lip[:, 2].argmin()]
        across, up, _ = (points @ rotation - rim).T
        return rim[2] - _BEHIND_LIP - across**2 / (2 * _ARCH) - _FALLS * np.maximum(-_TEETH - up, 0)

    @property
    def mouth_patch(self) -> np.ndarray:
        """1 on the closed bust's patch behind the lips and its border (Vs,), else 0."""
        return self.closed_mesh.patch("mouth", _MOUTH_BORDER)

    @cached_property
    def ears(self) -> np.ndarray:
        """(2, Vs) in [0, 1] on the closed bust: the right and the left ear, and what is around each."""
        rest, region = self.closed_rest, self.closed_region("ears") > 0.5
        away = [cKDTree(rest[region & (side * rest[:, 0] > 0)]).query(rest)[0] for side in (-1, 1)]
        return (1 - smoothstep(np.stack(away), 0, _AROUND_EARS)).astype(np.float32)

    @cached_property
    def features(self) -> np.ndarray:
        """(Vs,) in [0, 1] on the closed bust: eyes with lids, lips with what is between them, nostrils and nose tip; their form is fine."""
        mesh, rest = self.closed_mesh, self.closed_rest

        def around(points: np.ndarray, fade: tuple[float, float]) -> np.ndarray:
            return 1 - smoothstep(cKDTree(points).query(rest)[0], *fade)

        eyes = rest[np.maximum(mesh.patch("left_eye", 1), mesh.patch("right_eye", 1)) > 0]
        lips = rest[np.maximum(self.mouth_patch, self.closed_region("lips")) > 0.5]
        nostrils = self.mediapipe.on(self.mean)[list(_NOSTRILS)]
        masks = around(eyes, _AROUND_EYES), around(lips, _AROUND_LIPS), around(nostrils, _AROUND_NOSTRILS)
        return np.max(masks, axis=0).astype(np.float32)

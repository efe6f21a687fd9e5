"""The parametric body, read from its file: MakeHuman's hm08 from head to foot, its principal shapes, and joints with fingers.

The file's arrays are those of docs/body_model.md. Vertices are numbered as in hm08, so that the head model's, whose `hm08` names them,
are the same points: `with_head` puts a posed head on a posed body.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import scipy.sparse as sp

from ..arrays import ANY, REAL, TEXT, WHOLE, Array, Schema
from .files import read_model
from .head import HeadModel
from .parametric import ClosedMesh, ParametricModel, Skeleton

BODY_FILE = Path(__file__).parents[2] / "weights" / "body_model.npz"
BODY_VERTICES = 13_380
_CAVITIES = ("mouth", "left_eye", "right_eye")
SCHEMA = Schema(
    {
        "mean": Array(REAL, (BODY_VERTICES, 3)),
        "identity": Array(REAL, ("K", BODY_VERTICES, 3)),
        "faces": Array(WHOLE, ("F", 3), low=0, high=BODY_VERTICES - 1),
        "joint_names": Array(TEXT, ("J",)),
        "parents": Array(WHOLE, ("J",)),
        "joints": Array(REAL, ("J", 3)),
        "joint_identity": Array(REAL, ("K", "J", 3)),
        "weights_data": Array(REAL, ("N",), low=0, high=1.001),
        "weights_indices": Array(WHOLE, ("N",), below="J"),
        "weights_indptr": Array(WHOLE, (BODY_VERTICES + 1,)),
        "uv": Array(REAL, ("U", 2)),
        "faces_uv": Array(WHOLE, ("F", 3), below="U"),
        "regions": Array(REAL, ("R", BODY_VERTICES), low=0, high=1),
        "region_names": Array(TEXT, ("R",)),
        "mirror": Array(WHOLE, (BODY_VERTICES,), low=0, high=BODY_VERTICES - 1),
        "closed_csr_data": Array(REAL, ("M",)),
        "closed_csr_indices": Array(WHOLE, ("M",)),
        "closed_csr_indptr": Array(WHOLE, (BODY_VERTICES + 1,)),
        **{f"closed_{name}": Array(WHOLE, (ANY,), low=0, high=BODY_VERTICES - 1) for name in _CAVITIES},
        "landmark_joints": Array(WHOLE, ("L",), below="J"),
        "landmark_offsets": Array(REAL, ("L", 3)),
        "landmark_deviation": Array(REAL, ("L",), low=1e-4),
        "group_names": Array(TEXT, ("G",)),
        "group_shares": Array(REAL, ("G", "J"), low=0, high=1),
        "pose_mean": Array(REAL, ("G", 3)),
        "pose_covariance": Array(REAL, ("P", "P")),
    },
    most=1_000_000,
)


@dataclass(frozen=True)
class JointLandmarks:
    """The points that a pose detector reports, as places that hang on joints.

    joints (N,): which; offsets (N, 3): from there to the point in the rest axes, metres; deviation (N,): how far the detector's points
    usually lie beside, metres.
    """

    joints: np.ndarray
    offsets: np.ndarray
    deviation: np.ndarray


@dataclass(frozen=True)
class PoseSpace:
    """How whole people bend: groups of joints that turn together, and how they usually do.

    names (G,); shares (G, J): how much of a group's rotation vector each joint makes; mean (G, 3), covariance (3 G, 3 G) of the groups'
    rotation vectors, alike for left and right.
    """

    names: tuple[str, ...]
    shares: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray

    def rotations(self, groups: np.ndarray) -> np.ndarray:
        """Rotation vectors (J, 3) of the joints for the groups' (G, 3)."""
        return self.shares.T @ groups

    @cached_property
    def precision(self) -> np.ndarray:
        """The covariance's inverse."""
        return np.linalg.inv(self.covariance)


@dataclass(frozen=True, eq=False)
class BodyModel(ParametricModel):
    """The body as a parametric model, size-normalised to EYE_DISTANCE, with the camera frame's origin at the root joint.

    The mesh is closed as it is; closed_mesh only smooths over the mouth and the eye sockets. body_landmarks: MediaPipe's 33.
    """

    body_landmarks: JointLandmarks = field(default_factory=lambda: JointLandmarks(np.zeros(0, int), np.zeros((0, 3)), np.zeros(0)))
    pose: PoseSpace = field(default_factory=lambda: PoseSpace((), np.zeros((0, 0)), np.zeros((0, 3)), np.zeros((0, 0))))

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read a body-model file, the bundled one by default. Raises AssetError when it is missing, damaged or of another layout."""
        arrays = read_model(BODY_FILE if path is None else Path(path), SCHEMA, "body model")
        matrix = lambda name, columns: sp.csr_matrix(  # noqa: E731
            (arrays[f"{name}_data"], arrays[f"{name}_indices"], arrays[f"{name}_indptr"]), shape=(BODY_VERTICES, columns)
        )
        weights = matrix("weights", len(arrays["joints"])).toarray()
        mean, faces = arrays["mean"], arrays["faces"]
        cavities = {name: arrays[f"closed_{name}"] for name in _CAVITIES}
        low = mean.min(0)
        return cls(
            mean=mean,
            identity=arrays["identity"],
            expression=np.zeros((0, BODY_VERTICES, 3), np.float32),
            expression_names=(),
            skeleton=Skeleton(arrays["joint_names"], arrays["parents"], arrays["joints"], arrays["joint_identity"]),
            weights=weights / weights.sum(1, keepdims=True),
            faces=faces,
            face_part=np.zeros(len(faces), np.int64),
            part=np.zeros(BODY_VERTICES, np.int64),
            uv=arrays["uv"],
            faces_uv=arrays["faces_uv"],
            correspondence=(mean - low) / np.ptp(mean, axis=0),
            mirror=arrays["mirror"],
            regions=dict(zip(arrays["region_names"], arrays["regions"], strict=True)),
            closed_mesh=ClosedMesh(matrix("closed_csr", BODY_VERTICES), cavities, sp.identity(BODY_VERTICES, np.float32, "csr"), faces),
            body_landmarks=JointLandmarks(arrays["landmark_joints"], arrays["landmark_offsets"], arrays["landmark_deviation"]),
            pose=PoseSpace(*(arrays[name] for name in ("group_names", "group_shares", "pose_mean", "pose_covariance"))),
        )

    @property
    def hm08(self) -> np.ndarray:
        """(V,) vertex ids in MakeHuman's mesh: its first ones."""
        return np.arange(len(self.mean))

    def joint(self, name: str) -> int:
        """Index of a joint."""
        return self.skeleton.names.index(name)


def with_head(body: BodyModel, vertices: np.ndarray, head: HeadModel, head_vertices: np.ndarray) -> np.ndarray:
    """Posed body vertices (V, 3) with the posed head model's (Vh, 3) in place of their own where the body's region `head` says so; both in
    one camera frame, metres of one scale. Between them, down the neck, the one fades into the other."""
    known = (head.hm08 >= 0) & (head.hm08 < len(vertices)) & (head.part == 0)
    share = body.regions["head"][head.hm08[known], None]
    joined = np.array(vertices, np.float32)
    joined[head.hm08[known]] += share * (head_vertices[known] - joined[head.hm08[known]])
    return joined

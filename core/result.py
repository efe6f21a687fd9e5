"""What a reconstruction gives back: plain arrays in the subject's own frame, whatever the photos and Blender do; for a scene or a file."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import ANY, BYTE, REAL, TEXT, WHOLE, Array, ArrayError, Schema
from .errors import AssetError
from .photo.framing import HEAD, Framing
from .photo.pose import Pose
from .photo.view import Camera
from .topology.anatomy import Anatomy
from .topology.body_rig import BodyRig
from .topology.rigged import RiggedHead

GOOD, DOUBTFUL = "good", "doubtful"
"""What `report["quality"]` says."""

HAIR = "hair"
"""The mesh of a rigged head's hair, an open shell in its neutral pose; the head's bone carries it."""
SURFACE = "surface"
"""The mesh that every result has: the whole subject as the field describes it, hair and clothes included, in one closed surface."""
_RESULT = Schema(
    {
        "text": Array(TEXT, ()),
        "mesh_names": Array(TEXT, ("M",)),
        "views": Array(WHOLE, (), low=1),
    },
    number=3,
)
_MESH = Schema(
    {
        "vertices": Array(REAL, ("V", 3)),
        "faces": Array(WHOLE, ("F", 3), below="V"),
        "normals": Array(REAL, ("V", 3)),
        "colours": Array(REAL, ("V", 3)),
        "observed": Array(REAL, ("V",)),
        "source": Array(WHOLE, ("V",), low=-1, optional=True),
    },
    most=100_000_000,
)
_VIEW = Schema(
    {
        "photo": Array(BYTE, (ANY, ANY, 3)),
        "camera": Array(REAL, (4,), exact=True, finite=False),
        "rotation": Array(REAL, (3, 3), exact=True),
        "translation": Array(REAL, (3,), exact=True),
        "framing": Array(REAL, (4,), exact=True),
    },
)


@dataclass(frozen=True)
class Mesh:
    """One coloured mesh of a subject, in its upright frame.

    vertices (V, 3) float32 metres; faces (F, 3) int32, outward; normals (V, 3) float32 unit vertex normals; colours (V, 3) float32 sRGB in
    [0, 1]; observed (V,) float32 in [0, 1], 1 where a photo was copied. source (V,) whole numbers: which of the result's views a colour
    mostly comes from, -1 where it is a guess; None with a single view.
    """

    vertices: np.ndarray
    faces: np.ndarray
    normals: np.ndarray
    colours: np.ndarray
    observed: np.ndarray
    source: np.ndarray | None = None


@dataclass(frozen=True)
class ResultView:
    """How one photo shows the subject: photo (H, W, 3) uint8, upright; the camera that took it; the subject's pose before that camera; the
    cube of the camera frame that was reconstructed."""

    photo: np.ndarray
    camera: Camera
    pose: Pose
    framing: Framing = HEAD


@dataclass(frozen=True)
class Result:
    """One subject in its upright frame, in which no photo's pose is left: x to the person's left, y up, z forward, metres. Its origin is a
    head's neck joint, or on the ground between the feet of a body. This is also glTF's frame: Y up, the front of the asset towards +Z.

    meshes: by name; SURFACE is always among them.
    views: one for each photo, at least one. A mesh lies over a view's photo where `view.camera` projects `view.pose.to_camera(vertices)`.
    rigged: the same person in the head model's topology with a rig, when that was asked for. body: joints and parts of a body's surface;
    None where the subject is a head. anatomy: parts of a head's surface and landmarks; None where the subject is a body.
    report: strict-JSON settings, versions, weights' hashes, timings, measures and warnings (docs/modules.md lists the keys).
    """

    name: str
    meshes: dict[str, Mesh]
    views: tuple[ResultView, ...]
    report: dict[str, Any] = field(default_factory=dict)
    rigged: RiggedHead | None = None
    body: BodyRig | None = None
    anatomy: Anatomy | None = None

    @property
    def surface(self) -> Mesh:
        """The mesh SURFACE."""
        return self.meshes[SURFACE]

    def save(self, path: Path) -> None:
        """Write everything as one .npz without pickles; the form in which the worker hands results to Blender."""
        arrays = {} if self.rigged is None else self.rigged.arrays()
        arrays |= {} if self.body is None else self.body.arrays()
        arrays |= {} if self.anatomy is None else self.anatomy.arrays()
        for index, mesh in enumerate(self.meshes.values()):
            arrays |= _numbered(_MESH, "mesh", index).pack(vars(mesh))
        for index, view in enumerate(self.views):
            camera = [*view.camera.centre, view.camera.scale, view.camera.distance]
            framing = [view.framing.half, *view.framing.centre]
            packed = {"photo": view.photo, "camera": camera, "framing": framing, **vars(view.pose)}
            arrays |= _numbered(_VIEW, "view", index).pack(packed)
        text = json.dumps({"name": self.name, "report": self.report}, allow_nan=False)
        _RESULT.save(path, {"text": text, "mesh_names": list(self.meshes), "views": len(self.views)}, arrays)

    @classmethod
    def load(cls, path: Path) -> "Result":
        """Raises AssetError when the file is not a result of this version."""
        try:
            head, data = _RESULT.load(path)
            names, text = head["mesh_names"], json.loads(head["text"])
            if SURFACE not in names or len(set(names)) < len(names):
                raise ArrayError("mesh_names")
            return cls(
                name=text["name"],
                meshes={name: Mesh(**_numbered(_MESH, "mesh", index).check(data)) for index, name in enumerate(names)},
                views=tuple(_view(_numbered(_VIEW, "view", index).check(data)) for index in range(head["views"])),
                report=text["report"],
                rigged=RiggedHead.from_arrays(data),
                body=BodyRig.from_arrays(data),
                anatomy=Anatomy.from_arrays(data),
            )
        except (ArrayError, KeyError, TypeError, ValueError) as error:
            raise AssetError(f"{path} is not a Likeness result; run the reconstruction again.") from error


def _numbered(schema: Schema, kind: str, index: int) -> Schema:
    """The schema of the arrays of one mesh or view of several in a file."""
    return replace(schema, prefix=f"{kind}_{index}_")


def _view(arrays: dict[str, Any]) -> ResultView:
    column, row, scale, distance = arrays["camera"].tolist()
    half, across, up, depth = arrays["framing"].tolist()
    pose = Pose(arrays["rotation"], arrays["translation"])
    return ResultView(arrays["photo"], Camera((column, row), scale, distance), pose, Framing(half, (across, up, depth)))

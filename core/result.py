"""What a reconstruction gives back: plain arrays in the Blender-independent camera frame, ready for a scene or a file."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import ANY, BYTE, REAL, TEXT, WHOLE, Array, ArrayError, Schema
from .errors import AssetError
from .photo.view import Camera
from .topology.rigged import RiggedHead

GOOD, DOUBTFUL = "good", "doubtful"
"""What `report["quality"]` says."""

_SCHEMA = Schema(
    {
        "vertices": Array(REAL, ("V", 3)),
        "faces": Array(WHOLE, ("F", 3), below="V"),
        "colours": Array(REAL, ("V", 3)),
        "observed": Array(REAL, ("V",)),
        "normals": Array(REAL, ("V", 3)),
        "photo": Array(BYTE, (ANY, ANY, 3)),
        "rotation": Array(REAL, (3, 3), exact=True),
        "neck": Array(REAL, (3,), exact=True),
        "camera": Array(REAL, (4,), exact=True, finite=False),
        "text": Array(TEXT, ()),
    },
    most=100_000_000,
)


@dataclass(frozen=True)
class Result:
    """One person.

    vertices (V, 3) float32 metres, camera frame (x right, y up, z towards the viewer, origin between the eyes' joints);
    faces (F, 3) int32, outward; colours (V, 3) float32 sRGB in [0, 1]; observed (V,) float32 in [0, 1], 1 where the photo was copied;
    normals (V, 3) float32 unit vertex normals; photo (H, W, 3) uint8, upright, the picture that `camera` overlays;
    rotation (3, 3): turns the head's own upright, forward-facing frame into the camera frame (columns are the head's axes);
    neck (3,) metres, camera frame: the neck joint, which becomes the origin in Blender;
    rigged: the same person in the head model's topology with a rig, when that was asked for;
    report: strict-JSON settings, versions, weights' hashes, timings, measures and warnings (docs/architecture.md lists the keys).
    """

    name: str
    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray
    observed: np.ndarray
    normals: np.ndarray
    photo: np.ndarray
    camera: Camera
    rotation: np.ndarray
    neck: np.ndarray
    report: dict[str, Any] = field(default_factory=dict)
    rigged: RiggedHead | None = None

    def upright_vertices(self) -> np.ndarray:
        """(V, 3) float32 metres in the head's own frame: x to the person's left, y up, z forward, origin at the neck joint.

        The pose of the photo is undone. This is also glTF's frame: Y up, the front of the asset towards +Z.
        """
        return ((self.vertices - self.neck) @ self.rotation).astype(np.float32)

    def upright_normals(self) -> np.ndarray:
        """(V, 3) float32 unit vertex normals in the frame of upright_vertices."""
        return (self.normals @ self.rotation).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write everything as one .npz without pickles; the form in which the worker hands results to Blender."""
        camera = [*self.camera.centre, self.camera.scale, self.camera.distance]
        text = json.dumps({"name": self.name, "report": self.report}, allow_nan=False)
        _SCHEMA.save(path, {**vars(self), "camera": camera, "text": text}, None if self.rigged is None else self.rigged.arrays())

    @classmethod
    def load(cls, path: Path) -> "Result":
        """Raises AssetError when the file is not a result of this version."""
        try:
            arrays, data = _SCHEMA.load(path)
            column, row, scale, distance = arrays.pop("camera").tolist()
            text = json.loads(arrays.pop("text"))
            return cls(
                name=text["name"],
                **arrays,
                camera=Camera((column, row), scale, distance),
                report=text["report"],
                rigged=RiggedHead.from_arrays(data),
            )
        except (ArrayError, KeyError, TypeError, ValueError) as error:
            raise AssetError(f"{path} is not a Likeness result; run the reconstruction again.") from error

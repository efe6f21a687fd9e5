"""Optional second opinion on landmarks: the 68 points of the face-alignment package, for users who have it and its weights on disk.

Nothing is ever downloaded, and only the 2D network is used: the package reads its depth network in a way that can run code.
"""

import hashlib
import importlib.util
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import AssetError
from .faces import Face, FaceDetector

_WEIGHTS = "2DFAN4-11f355bf06.pth.tar"
_SHA256_PREFIX = "11f355bf06"

# fmt: off
# MediaPipe's landmarks nearest to iBUG points 17..67 (brows, nose, eyes, lips). The jaw is left out: the two slide along it differently.
_INNER = np.array([
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301, 168, 197, 5, 4, 75, 97, 2, 326, 305, 33, 160, 158, 133, 153, 144, 362,
    385, 387, 263, 373, 380, 61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
])
# fmt: on


def weights_path() -> Path:
    """Where the package itself looks for its weights."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    return Path(os.environ.get("TORCH_HOME", cache)).expanduser() / "hub" / "checkpoints" / _WEIGHTS


def available() -> bool:
    """Whether the package and its weights are here."""
    return importlib.util.find_spec("face_alignment") is not None and weights_path().is_file()


class FaceAlignmentDetector:
    """Moves each mesh of another detector, by a similarity in the picture's plane, to where face-alignment sees brows, nose, eyes and lips.

    Raises AssetError at construction when the package or its weights are missing or damaged.
    """

    def __init__(self, base: FaceDetector, device: str = "cpu") -> None:
        path = weights_path()
        if not available():
            raise AssetError(f"face-alignment or its weights are missing; install the package and place {_WEIGHTS} in {path.parent}.")
        if not hashlib.sha256(path.read_bytes()).hexdigest().startswith(_SHA256_PREFIX):
            raise AssetError(f"{path} is damaged; replace it.")
        package: Any = importlib.import_module("face_alignment")
        self._base = base
        # The "folder" detector loads nothing; compiling would need a C++ compiler.
        self._network = package.FaceAlignment(package.LandmarksType.TWO_D, device=device, face_detector="folder", compile=False)

    def detect(self, image: np.ndarray) -> list[Face]:
        """See FaceDetector."""
        return [self._moved(image, face) for face in self._base.detect(image)]

    def _moved(self, image: np.ndarray, face: Face) -> Face:
        upright = np.ascontiguousarray(np.rot90(image, face.roll))
        turned = face.turned(face.roll, image.shape)
        points = self._network.get_landmarks_from_image(upright, detected_faces=[np.array(turned.box)])[0]
        landmarks = align(turned.landmarks, np.asarray(points)[17:, :2])
        return Face(landmarks, face.score).turned(-face.roll, upright.shape)


def align(landmarks: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Landmarks (468, 3) moved by the least-squares similarity (Umeyama 1991) that brings their inner points onto `inner`, (51, 2)."""
    source = landmarks[_INNER, :2] @ [1, 1j]
    target = inner @ [1, 1j]
    centred = source - source.mean()
    factor = np.vdot(centred, target - target.mean()) / np.vdot(centred, centred)
    flat = (landmarks[:, :2] @ [1, 1j] - source.mean()) * factor + target.mean()
    return np.stack([flat.real, flat.imag, landmarks[:, 2] * abs(factor)], axis=1).astype(np.float32)

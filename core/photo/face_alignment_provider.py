"""The 68 landmarks of the face-alignment package, for users who have installed it and have its weights: a second opinion on a face that
MediaPipe finds, and the only one on a face that it does not find.

Nothing is ever downloaded. Weights must have the published SHA-256 and go through torch's restricted reader. The package's own loading of
the landmark network is not used, because it downloads what is missing.
"""

import hashlib
import importlib
import importlib.util
import io
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..errors import AssetError, ReconstructionError
from .faces import Face, FaceDetector
from .landmarks import IBUG68, MEDIAPIPE

LANDMARKS = "2DFAN4-11f355bf06.pth.tar"
"""The file of face-alignment 1.5's landmark network. A name ends with the beginning of the file's SHA-256."""
FACES = "s3fd-619a316812.pth"
"""That of its face detector, which is used when it lies beside the other."""
_LARGEST = 300_000_000  # bytes; the two have 95 and 90 million
_FINDER_SIDE = 640  # pixels to which a photo is shrunk before faces are looked for
_MOST_FACES = 16
_OTHER = "or choose the detector mediapipe"

Mesh = Callable[[np.ndarray], np.ndarray]
"""From 68 landmarks (68, 2) to MediaPipe's 468 (468, 3) of the likeliest head. Raises ReconstructionError when they form no face."""


def weights_path(named: str = "") -> Path:
    """The file that the user has named, or where the package itself looks for it."""
    if named:
        return Path(named)
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    return Path(os.environ.get("TORCH_HOME", cache)).expanduser() / "hub" / "checkpoints" / LANDMARKS


def check_face_alignment(named: str = "") -> None:
    """Raises AssetError when the package or its weights are missing. Quick: imports nothing and reads no file."""
    if importlib.util.find_spec("face_alignment") is None:
        raise AssetError(f"The detector face-alignment needs the package face-alignment; install it for {sys.executable}, {_OTHER}.")
    path = weights_path(named)
    if not path.is_file():
        raise AssetError(f"{path} is missing; place face-alignment's weights {LANDMARKS} there or name them as detector weights, {_OTHER}.")


class FaceAlignmentDetector(FaceDetector):
    """The faces of another detector, with 68 more landmarks each. When that finds none, those of face-alignment's own face
    detector, if its weights are there; the meshes of these faces are what `mesh` makes of the 68 landmarks.

    Raises AssetError at construction when the package or its weights are missing, damaged or of another version.
    """

    def __init__(self, base: FaceDetector, mesh: Mesh, named: str = "", device: str = "cpu") -> None:
        check_face_alignment(named)
        path = weights_path(named)
        self._base, self._mesh, self._device = base, mesh, device
        state = _tensors(path, LANDMARKS)
        try:
            self._utils: Any = importlib.import_module("face_alignment.utils")
            network = importlib.import_module("face_alignment.models").FAN(4)
            network.load_state_dict(state)
        except (ImportError, AttributeError, TypeError, RuntimeError) as error:
            raise AssetError(f"This version of face-alignment cannot be used ({_line(error)}); install version 1.5, {_OTHER}.") from error
        self._network = network.to(device).eval()
        self._finder: Any = None
        if path.with_name(FACES).is_file():
            self._finder = self._face_finder(path.with_name(FACES))

    def _face_finder(self, path: Path) -> Any:
        _tensors(path, FACES)  # the package reads the file again; what it reads has been checked
        return importlib.import_module("face_alignment.detection.sfd").FaceDetector(device=self._device, path_to_detector=str(path))

    def detect(self, image: np.ndarray) -> list[Face]:
        """See FaceDetector."""
        faces = self._base.detect(image)
        if faces or self._finder is None:
            return faces
        for turns in (0, 1, 3, 2):
            upright = np.ascontiguousarray(np.rot90(image, turns))
            faces = self._alone(upright)
            if faces:
                return sorted((face.turned(-turns, upright.shape) for face in faces), key=lambda face: face.mesh[:, 0].mean())
        return []

    def with_all_landmarks(self, image: np.ndarray, face: Face) -> Face:
        """An upright face of the picture with its 68 landmarks."""
        if IBUG68 in face.landmarks:
            return face
        return replace(face, landmarks={**face.landmarks, IBUG68: self._landmarks(image, face.box)})

    def scatter(self, image: np.ndarray, face: Face) -> float | None:
        """The other detector's, where that found the face."""
        return None if face.modelled else self._base.scatter(image, face)

    def _alone(self, image: np.ndarray) -> list[Face]:
        shrink = min(1.0, _FINDER_SIDE / max(image.shape[:2]))
        small = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else image
        found = [np.asarray(one, float) for one in self._finder.detect_from_image(small)]
        faces = []
        for left, top, right, bottom, score in sorted(found, key=lambda one: one[1] - one[3])[:_MOST_FACES]:
            points = self._landmarks(image, (left / shrink, top / shrink, right / shrink, bottom / shrink))
            try:
                landmarks = {MEDIAPIPE: self._mesh(points).astype(np.float32), IBUG68: points}
                faces.append(Face(landmarks, float(min(score, 1)), modelled=True))
            except ReconstructionError:
                continue
        return [face for face in faces if face.roll == 0]

    def _landmarks(self, image: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
        """The 68 landmarks (68, 2) float32 of the upright face in a box: left, top, right, bottom; as the package's FaceAlignment."""
        import torch

        utils, (left, top, right, bottom) = self._utils, box
        centre = np.array([(left + right) / 2, (top + bottom) / 2 - (bottom - top) * utils.CENTER_Y_OFFSET])
        scale = (right - left + bottom - top) / utils.REFERENCE_SCALE
        crop = utils.crop(image, centre, scale).transpose(2, 0, 1)
        with torch.inference_mode():
            picture = torch.from_numpy(np.ascontiguousarray(crop)).float().to(self._device)[None] / 255
            maps = self._network(picture)[-1] + utils.flip(self._network(utils.flip(picture))[-1], is_label=True)
        # The package's own way back into the photo rounds to whole pixels.
        places = utils.get_preds_fromhm(maps.cpu().numpy())[0].reshape(68, 2) / maps.shape[-1]
        return (centre + (places - 0.5) * (utils.SCALE_FACTOR * scale)).astype(np.float32)


def _line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:120].rstrip(".")


def _tensors(path: Path, published: str) -> dict[str, Any]:
    """Tensors by name of a published file. Raises AssetError when its SHA-256 is not the one that its published name ends with."""
    from pickle import UnpicklingError  # noqa: TID251 - torch raises it; nothing is unpickled here

    import torch

    try:
        if path.stat().st_size > _LARGEST:
            raise AssetError(f"{path} is larger than {published}; replace it.")
        data = path.read_bytes()
    except OSError as error:
        raise AssetError(f"{path} cannot be read; check that face-alignment's weights are there.") from error
    if not hashlib.sha256(data).hexdigest().startswith(published.partition(".")[0].rpartition("-")[2]):
        raise AssetError(f"{path} is damaged or not {published} (its SHA-256 differs); replace it.")
    try:
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)  # noqa: TID251 - this file exists in no other form
    except (UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise AssetError(f"{path} holds no network; replace it.") from error

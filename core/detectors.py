"""The face detectors that the settings can name, each made when it is first needed and then kept."""

from .models.fit import mesh_landmarks
from .models.head import HeadModel
from .photo.face_alignment_provider import FaceAlignmentDetector
from .photo.faces import FaceDetector
from .settings import Settings


class Detectors:
    """base: MediaPipe's detector, which the others begin with. model: stands in for MediaPipe's mesh where that finds no face."""

    def __init__(self, base: FaceDetector, model: HeadModel) -> None:
        self._base, self._model = base, model
        self._face_alignment: dict[str, FaceAlignmentDetector] = {}  # by the name of its weights, the last one only

    def of(self, settings: Settings) -> FaceDetector:
        """The one that the settings name. Raises AssetError when face-alignment or its weights are not there."""
        if settings.detector == "mediapipe":
            return self._base
        named = settings.detector_weights
        if named not in self._face_alignment:
            self._face_alignment = {named: FaceAlignmentDetector(self._base, lambda points: mesh_landmarks(self._model, points), named)}
        return self._face_alignment[named]

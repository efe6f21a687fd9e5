"""Which intake a run's settings ask for, with detectors that stay loaded."""

from .models.fit import mesh_landmarks
from .models.head import HeadModel
from .networks.own import OwnNetworks
from .photo.face_alignment_provider import FaceAlignmentDetector
from .photo.faces import FaceDetector, MediaPipeDetector
from .photo.figure_matte import FigureParser
from .photo.intake import Intake
from .photo.parsing import Parser
from .settings import Settings


class Intakes:
    """The intakes of one set of parsers. usual: with MediaPipe's detector and those parsers."""

    def __init__(self, model: HeadModel, parser: Parser | None, body_parser: FigureParser | None) -> None:
        self._model = model
        self._second: dict[str, FaceAlignmentDetector] = {}  # by the name of its weights
        self.usual = Intake(MediaPipeDetector(), parser, body_parser=body_parser)

    def of(self, settings: Settings, own: OwnNetworks) -> Intake:
        """Raises AssetError when the detector that the settings name is not there."""
        if settings.detector == "mediapipe" and own.matte is None:
            return self.usual
        return Intake(self._detector(settings), own.parser(self.usual.parser), self.usual.persons, self.usual.body_parser)

    def _detector(self, settings: Settings) -> FaceDetector:
        if settings.detector == "mediapipe":
            return self.usual.detector
        named = settings.detector_weights
        if named not in self._second:
            mesh = lambda points: mesh_landmarks(self._model, points)  # noqa: E731
            self._second = {named: FaceAlignmentDetector(self.usual.detector, mesh, named)}
        return self._second[named]

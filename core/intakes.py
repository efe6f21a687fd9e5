"""Which intake a run's settings ask for, with detectors and parsers that stay loaded."""

from .detectors import Detectors
from .models.head import HeadModel
from .networks.own import OwnNetworks
from .photo.faces import MediaPipeDetector
from .photo.figure_matte import FigureParser
from .photo.intake import Intake
from .photo.parsing import Parser
from .settings import Settings


class Intakes:
    """usual: the intake with MediaPipe's detector and the given parsers."""

    def __init__(self, model: HeadModel, parser: Parser | None, body_parser: FigureParser | None) -> None:
        self.usual = Intake(MediaPipeDetector(), parser, body_parser=body_parser)
        self._detectors = Detectors(self.usual.detector, model)

    def of(self, settings: Settings, own: OwnNetworks) -> Intake:
        """Raises AssetError when the detector that the settings name is not there."""
        usual = self.usual
        if settings.detector == "mediapipe" and own.matte is None:
            return usual
        return Intake(self._detectors.of(settings), own.parser(usual.parser), usual.persons, own.figure_parser(usual.body_parser))

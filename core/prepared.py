"""A photo before any field is built: what every field of it begins with."""

from dataclasses import dataclass

import torch

from .models.fit import ViewFit
from .models.prior import PriorSurface
from .networks.own import BUNDLED, OwnNetworks
from .networks.predictor import CropPrediction
from .photo.crop import shown
from .photo.framing import CropBox
from .photo.view import View
from .surface.build import ReliefMap
from .surface.detail import BUNDLED_RELIEF, OWN_RELIEF, ReliefStrength


@dataclass(frozen=True)
class PreparedPhoto:
    """The photo's view, the fitted head, its surface (crop frame), what the normal network predicts of the crop, what tells
    how good all that is (quality.py), the seconds that its stages took, and the user's own networks that took part."""

    view: View
    fit: ViewFit
    surface: PriorSurface
    prediction: CropPrediction
    measures: dict[str, float]
    timings: dict[str, float]
    own: OwnNetworks = BUNDLED

    @property
    def crop_box(self) -> CropBox:
        """The crop in the photo."""
        return self.surface.framing.crop_box(self.fit.camera)

    def relief(self) -> tuple[ReliefMap | None, ReliefMap | None]:
        """Of the nearest and the farthest surface, if the network knows that; 0 off the person."""
        prediction = self.prediction
        front = self._relief_map(prediction.front, BUNDLED_RELIEF if prediction.own is None else OWN_RELIEF)
        return front, None if prediction.back is None else self._relief_map(prediction.back, BUNDLED_RELIEF)

    def _relief_map(self, maps: torch.Tensor, strength: ReliefStrength) -> ReliefMap:
        return ReliefMap(maps[0].permute(1, 2, 0).cpu().numpy(), shown(self.view.image, self.crop_box, maps.shape[-1]), strength)

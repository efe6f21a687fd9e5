"""A photo that is ready for reconstruction: its fit, networks' predictions and measures, with which every field begins."""

from dataclasses import dataclass

import numpy as np
import torch

from .models.fit import ViewFit
from .models.prior import PriorSurface
from .networks.own import BUNDLED, OwnNetworks
from .networks.predictor import CropPrediction
from .photo.crop import crop_picture, shown
from .photo.framing import CropBox
from .photo.view import View
from .surface.build import ReliefMap


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
        """As `relief`."""
        return relief(self.prediction, self.view.image, self.crop_box)

    def pictures(self, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """The crop for colours: photo (size, size, 3) sRGB and matte (size, size), both in [0, 1], and shares (size, size, classes) of the
        parsing, if there is one."""
        box = self.crop_box
        matte = self.prediction.intersect_matte(np.clip(crop_picture(self.view.matte, box, size), 0, 1))
        parsing = None if self.view.parsing is None else self.view.parsing.crop(box, size)
        return crop_picture(self.view.image, box, size), matte, parsing


def relief(prediction: CropPrediction, photo: np.ndarray, box: CropBox) -> tuple[ReliefMap | None, ReliefMap | None]:
    """What a normal network predicts of the nearest and the farthest surface, if it knows that, in a crop of a photo (H, W, 3); 0 off the
    person."""

    def picture(maps: torch.Tensor) -> ReliefMap:
        return ReliefMap(maps[0].permute(1, 2, 0).cpu().numpy(), shown(photo, box, maps.shape[-1]))

    return picture(prediction.front), None if prediction.back is None else picture(prediction.back)

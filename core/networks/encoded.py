"""One crop after the encoders of the field and the colour network, which can then be evaluated at points of the crop frame."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from .aligned import EVEN, Encoded
from .colour import ColourFeatures, ColourNetwork
from .field import ImplicitField, Shape

_BATCH_CPU, _BATCH_GPU = 16_384, 65_536  # points


@dataclass(frozen=True)
class EncodedColours:
    """A colour network with what it has computed of one crop, on one device."""

    network: ColourNetwork
    features: ColourFeatures
    device: torch.device


@dataclass(frozen=True)
class EncodedCrop:
    """A field's network with what it has computed of one crop, on one device; encoded_colours: a colour network's, whose colours take
    the place of the field's own. precision: the context to run networks in."""

    network: ImplicitField
    encoded: Encoded
    device: torch.device
    precision: Callable[[], torch.autocast]
    encoded_colours: EncodedColours | None = None

    @property
    def batch(self) -> int:
        """Number of points to evaluate at a time."""
        return _BATCH_CPU if self.device.type == "cpu" else _BATCH_GPU

    def shape(self, points: torch.Tensor, prior: torch.Tensor) -> Shape:
        """Signed distances (N,) and correspondences (N, 3), if the network predicts them, at points (N, 3) with prior features (N, 7)."""
        count = len(points)
        points, prior = (F.pad(rows, (0, 0, 0, -count % EVEN)).to(self.device) for rows in (points, prior))
        with self.precision():
            features = self.network.features(self.encoded, points[None], prior[None])
        # In half precision the rounding of distances shows as a rough surface; encoders bear it.
        shape = self.network.shape(features, prior[None])
        return Shape(shape.distance[0, :count], None if shape.correspondence is None else shape.correspondence[0, :count])

    def colours(self, points: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
        """sRGB (N, 3) at points (N, 3) with prior features (N, 7): the colour network's, or else the field's."""
        colours = self.encoded_colours
        device = self.device if colours is None else colours.device
        points, prior = points[None].to(device), prior[None].to(device)
        with self.precision():
            if colours is not None:
                return colours.network.colours(colours.features, points, prior)[0][0]
            features = self.network.features(self.encoded, points, prior)
        return self.network.colours(features)[0]

"""The field of a published network, PIFu's or PIFuHD's, in the crop of a body: as it was trained, but for the photo's outline."""

from pathlib import Path

import numpy as np

from ..errors import AssetError
from ..geometry.visibility import sample_picture
from ..models.prior import PriorSurface
from ..networks.checkpoints import load_reference
from ..networks.reference import ReferencePifu, ReferencePifuhd
from ..networks.reference_field import ReferenceField
from ..photo.crop import network_photo
from ..photo.view import Camera, Pictured
from .crop import signed_distance_to_outline
from .fitted import FittedField

_MARGIN = 0.07  # crop units outside the outline within which there may be surface


def load_published(path: Path) -> ReferencePifu | ReferencePifuhd:
    """A published network of shapes that needs a photo alone. Raises AssetError for any other file."""
    network = load_reference(path)
    if isinstance(network, ReferencePifuhd):
        return network
    if isinstance(network, ReferencePifu):
        sees, given = network.image_filter.conv1.in_channels, network.surface_classifier.layer(0).in_channels
        features = network.image_filter.get_parameter("l0.bias").numel()
        if (sees, given) == (3, features + 1):  # SeIF's are given more
            return network
    raise AssetError(f"{path.name} holds no shapes from a photo alone; choose PIFu's or PIFuHD's published network of shapes.")


class PublishedField:
    """As Field. Its `distance` is 0.5 less the occupancy, cut to the silhouette: no distance, but its zero is the surface."""

    def __init__(self, network: ReferencePifu | ReferencePifuhd, view: Pictured, camera: Camera, surface: PriorSurface) -> None:
        """surface: the fitted body's, in whose crop the network looks. The crop is framed as in the papers: `bodies.MARGIN`."""
        size = 1024 if isinstance(network, ReferencePifuhd) else 512
        picture = network_photo(view, surface.framing.crop_box(camera), size)
        self._network, self._fitted = ReferenceField(picture, network), FittedField(surface)
        self._outside = signed_distance_to_outline(picture[..., 3])

    def distance(self, points: np.ndarray, /) -> np.ndarray:
        """As Field, but no distance."""
        return np.maximum(self._network.distance(points), np.clip(self._silhouette(points), -0.5, 0.5))

    def colours(self, points: np.ndarray, /) -> np.ndarray:
        """As Field: grey, as the network of shapes knows none; a body's colours come from the photo."""
        return np.full((len(points), 3), 0.5, np.float32)

    def correspondence(self, points: np.ndarray, /) -> np.ndarray:
        """As Field: none."""
        return np.zeros((len(points), 3), np.float32)

    def prior_distance(self, points: np.ndarray, /) -> np.ndarray:
        """As Field."""
        return self._fitted.distance(points)

    def may_contain_surface(self, points: np.ndarray, /) -> np.ndarray:
        """As Field: all that is not surely outside the silhouette."""
        return self._silhouette(points) < _MARGIN

    def _silhouette(self, points: np.ndarray) -> np.ndarray:
        return sample_picture(self._outside, points)

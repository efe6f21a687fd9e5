"""A published network applied to one picture, as a function that core/surface can mesh: values whose zero is the surface, and colours."""

from collections.abc import Callable

import numpy as np
import torch

from .reference import GlobalGenerator, ReferenceColour, ReferencePifu, ReferencePifuhd

_BATCH = 8192


class ReferenceField:
    """Networks that `checkpoints.load_reference` has read, over the cube [-1, 1]³ in front of one square picture.

    picture: (S, S, 4) float32, sRGB and matte in [0, 1], framed as the network was trained (S = 512; PIFuHD 1024). geometry: PIFu,
    PIFuHD or SeIF. colour: Tex-PIFu's, with PIFu's geometry. semantic, normals: SeIF's other two networks.
    """

    def __init__(
        self,
        picture: np.ndarray,
        geometry: ReferencePifu | ReferencePifuhd,
        colour: ReferenceColour | None = None,
        semantic: ReferencePifu | None = None,
        normals: GlobalGenerator | None = None,
    ) -> None:
        self._geometry, self._colour, self._semantic = geometry, colour, semantic
        tensor = torch.from_numpy(np.ascontiguousarray(picture, np.float32)).permute(2, 0, 1)[None]
        mask = tensor[:, 3:]
        image = (tensor[:, :3] * 2 - 1) * mask
        with torch.inference_mode():
            if isinstance(geometry, ReferencePifuhd):
                self._features = geometry.encode(image)
                return
            seen = image if normals is None else torch.cat([image, normals(image) * mask], dim=1)
            self._features = geometry.encode(seen)[-1]
            self._semantic_features = None if semantic is None else semantic.encode(seen)[-1]
            self._colour_features = None if colour is None else colour.encode(image, self._features)

    def distance(self, points: np.ndarray) -> np.ndarray:
        """(N,) 0.5 - occupancy at points (N, 3), negative inside; no distance, but its zero is the surface."""
        return 0.5 - _in_batches(points, self._occupancy)[:, 0]

    def colours(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) sRGB in [0, 1] at points (N, 3). Raises ValueError without a colour network."""
        if self._colour is None:
            raise ValueError("a colour network is needed for colours")
        colour, features = self._colour, self._colour_features
        assert features is not None
        return _in_batches(points, lambda batch: colour.query(features, batch))

    def _occupancy(self, points: torch.Tensor) -> torch.Tensor:
        if isinstance(self._geometry, ReferencePifuhd):
            assert isinstance(self._features, tuple)
            return self._geometry.query(self._features, points)
        assert isinstance(self._features, torch.Tensor)
        if self._semantic is None or self._semantic_features is None:
            return self._geometry.query(self._features, points)
        correspondence = self._semantic.query(self._semantic_features, points)[..., 1:]
        return self._geometry.query(self._features, points, correspondence)


@torch.inference_mode()
def _in_batches(points: np.ndarray, evaluate: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
    tensor = torch.from_numpy(np.ascontiguousarray(points, np.float32))
    return torch.cat([evaluate(batch[None])[0] for batch in tensor.split(_BATCH)]).numpy()

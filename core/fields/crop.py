"""The networks' field of one crop: their distances, drawn to the fitted face where that is trusted and cut to the photo's silhouette."""

from collections.abc import Callable
from typing import Self

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from ..models.prior import POINT_CHANNELS, FaceBlend, PriorSurface, PriorVolume
from ..networks.encoded import EncodedCrop
from ..networks.field import Shape
from ..networks.semantic import fitted_correspondence
from .field import evaluate


class CropField:
    """Signed distance and colour in the crop frame, for one photo."""

    def __init__(
        self,
        encoded: EncodedCrop,
        volume: PriorVolume,
        strength: float,
        outside: np.ndarray,
    ) -> None:
        """volume: of the fitted surface, with the weight of the face (FaceBlend) as its extra; strength: of that blend; outside (S, S):
        signed distance to the outline in the picture, in crop units."""
        self._encoded, self._volume, self._strength = encoded, volume, strength
        self._outside = torch.from_numpy(outside)[None, None]

    @classmethod
    def of(cls, encoded: EncodedCrop, surface: PriorSurface, blend: FaceBlend, matte: np.ndarray) -> Self:
        """From a crop's encoding, the fitted surface, where that is trusted, and the crop's matte (S, S) in [0, 1]."""
        return cls(encoded, PriorVolume(surface, blend.weight[:, None]), blend.strength, signed_distance_to_outline(matte))

    def prior(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`prior_distance`, `prior_place` and `prior_face` of points (N, 3), in a third of the time."""
        values = self._volume(torch.from_numpy(points))
        return values[:, 0].numpy(), values[:, 1:4].numpy(), values[:, POINT_CHANNELS].clamp(max=1).numpy()

    def prior_distance(self, points: np.ndarray) -> np.ndarray:
        """(N,) the fitted model's own signed distance."""
        return self._volume.distance(torch.from_numpy(points)).numpy()

    def prior_place(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) the canonical coordinates (PriorSurface) of the fitted model's nearest place."""
        return self.prior(points)[1]

    def prior_face(self, points: np.ndarray) -> np.ndarray:
        """(N,) in [0, 1]: is the fitted model's nearest place in the face that is trusted (FaceBlend), however far?"""
        return self.prior(points)[2]

    def may_contain_surface(self, points: np.ndarray) -> np.ndarray:
        """(N,) bool: within the silhouette (and a margin), and near the fitted model or where hair may be."""
        tensor = torch.from_numpy(points)
        return ((self._silhouette(tensor) < 0.12) & (self._volume.distance(tensor).abs() < 0.45)).numpy()

    def face_trust(self, points: np.ndarray) -> np.ndarray:
        """(N,) in [0, 1]: how near the points are to the part of the fitted face that is trusted."""
        values = self._volume(torch.from_numpy(points))
        return (values[:, POINT_CHANNELS].clamp(max=1) * _near(values[:, 0])).numpy()

    def silhouette(self, points: np.ndarray) -> np.ndarray:
        """(N,) signed distance to the outline in the picture, negative inside."""
        return self._silhouette(torch.from_numpy(points)).numpy()

    def distance(self, points: np.ndarray) -> np.ndarray:
        """(N,) signed distance, negative inside: the network's, drawn to the fitted face where that is trusted, cut to the silhouette."""
        return self._in_batches(points, self._distance, ())

    def correspondence(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) canonical coordinates in [0, 1]³, fading with distance: the network's, or else the fitted model's."""
        return self._in_batches(points, self._correspondence, (3,))

    def colours(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) sRGB in [0, 1]."""
        return self._in_batches(points, self._colours, (3,))

    @torch.inference_mode()
    def _in_batches(
        self, points: np.ndarray, answer: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], shape: tuple[int, ...]
    ) -> np.ndarray:
        def batch(points: np.ndarray) -> np.ndarray:
            tensor = torch.from_numpy(np.ascontiguousarray(points, np.float32))
            return answer(tensor, self._volume(tensor)).float().numpy()

        return evaluate(batch, points, size=self._encoded.batch, shape=shape)

    def _distance(self, points: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        learned, weight, model = self._shape(points, values).distance.cpu(), values[:, POINT_CHANNELS], values[:, 0]
        trust, near = weight.clamp(max=1), _near(model)
        share = trust * self._strength * near
        # Hair or a beard in front of the face: where both disagree by much, the network is right.
        disagreement = (learned.clamp(-0.1, 0.1) - model.clamp(-0.1, 0.1)).abs()
        share = torch.maximum(share * (1 - (disagreement - 0.015) / 0.025).clamp(0, 1), (weight - 1).clamp(min=0) * near)
        return torch.maximum(learned + share * (model - learned), self._silhouette(points))

    def _correspondence(self, points: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        correspondence = self._shape(points, values).correspondence
        return fitted_correspondence(values[:, :POINT_CHANNELS]) if correspondence is None else correspondence.cpu()

    def _colours(self, points: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        return self._encoded.colours(points, values[:, :POINT_CHANNELS]).cpu()

    def _shape(self, points: torch.Tensor, values: torch.Tensor) -> Shape:
        return self._encoded.shape(points, values[:, :POINT_CHANNELS])

    def _silhouette(self, points: torch.Tensor) -> torch.Tensor:
        where = torch.stack([points[:, 0], -points[:, 1]], dim=-1)[None, None]
        return F.grid_sample(self._outside, where, align_corners=False, padding_mode="border")[0, 0, 0]


def _near(distance: torch.Tensor) -> torch.Tensor:
    """1 at the fitted model's surface, fading over 2 cm; (N,) of its signed distance."""
    return torch.exp(-((distance / 0.1) ** 2))


def signed_distance_to_outline(matte: np.ndarray) -> np.ndarray:
    """Distance to the silhouette in crop units (S, S), positive outside, with sub-pixel edges from the matte's own softness."""
    step = 2.0 / len(matte)
    person = (matte > 0.5).astype(np.uint8)
    # Beyond the picture's border the person goes on: a shoulder must not be rounded off there.
    padded = cv2.copyMakeBorder(person, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    out = cv2.distanceTransform(1 - padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    into = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    distance = np.where(person > 0, 0.5 - into, out - 0.5)
    near = np.abs(distance) < 1.0
    distance = np.where(near, 0.5 * distance + 0.5 * (0.5 - matte), distance)
    return cv2.GaussianBlur((distance * step).astype(np.float32), (0, 0), 0.7)

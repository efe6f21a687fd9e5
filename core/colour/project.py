"""The photo's own colours on the points that it shows."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.ndimage import distance_transform_edt

from ..geometry.visibility import depth_picture, sample_picture, smoothstep, visibility

_DEPTH_SIZE = 512
_SURE = 0.9  # a pixel with this much of the person in it is not mixed with background
_MARGIN = 0.008  # crop units (1.6 mm) from the sure matte's edge that may still hold a blend of person and background
_RAMP = 0.012  # crop units over which trust grows beyond the margin
_GRAZING = np.cos(np.radians([75, 57]))
_STEEP = np.cos(np.radians([81, 68]))
_OFF = (0.04, 0.08)  # crop units (8 to 16 mm) from the surface at which a mirrored point is no longer on it
_LITTLE = (0.02, 0.05)  # crop units (4 mm to 1 cm) behind it: folds of a collar
_TURNED = (-0.1, 0.2)  # z of the normal
_FAR = -10.0


@dataclass(frozen=True)
class Projection:
    """What a photo's crop shows of a mesh. depth (D, D) float32: z of its surface, -inf where it is not; photo (S, S, 3) float32 sRGB with
    the person's colours carried over the edges; trust (S, S) float32 in [0, 1]: 0 near and beyond the matte's edge."""

    depth: np.ndarray
    photo: np.ndarray
    trust: np.ndarray

    @classmethod
    def of(cls, vertices: np.ndarray, faces: np.ndarray, photo_crop: np.ndarray, matte_crop: np.ndarray) -> Self:
        """vertices (V, 3) in the crop frame, faces (F, 3); photo_crop (S, S, 3) float sRGB in [0, 1]; matte_crop (S, S) in [0, 1].

        Colours near and beyond the matte's edge come from well inside it, so that no background ever reaches a vertex.
        """
        inside, person_only = _carry_outwards(photo_crop, matte_crop)
        trust = smoothstep(inside * (2 / len(matte_crop)), _MARGIN, _MARGIN + _RAMP).astype(np.float32)
        return cls(depth_picture(vertices, faces, _DEPTH_SIZE).depth, person_only.astype(np.float32), trust)

    def sample_photo(self, points: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Colours (N, 3) float32 of the photo at points (N, 3) with unit normals (N, 3) and their weight, (N,) float32 in [0, 1].

        It is 0 where another part of the surface is in front, the surface is seen at a grazing angle or the matte ends.
        """
        weight = visibility(points, normals, self.depth) * smoothstep(normals[:, 2], *_GRAZING) * sample_picture(self.trust, points)
        return sample_picture(self.photo, points), weight.astype(np.float32)

    def steeply_seen(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """The weight of the same, (N,), where angles count as grazing later."""
        return visibility(points, normals, self.depth) * smoothstep(normals[:, 2], *_STEEP) * sample_picture(self.trust, points)

    def grazed(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """(N,) in [0, 1]: does a place lie on the surface that the photo shows there, or little behind it, however steeply it is seen?"""
        gap = sample_picture(np.where(np.isfinite(self.depth), self.depth, _FAR), points) - points[:, 2]
        return (1 - smoothstep(gap, *_LITTLE)) * smoothstep(normals[:, 2], *_TURNED)

    def mirrored(self, points: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same for places near the surface, where it would be if its other half were alike."""
        gap = np.abs(points[:, 2] - sample_picture(np.where(np.isfinite(self.depth), self.depth, _FAR), points))
        weight = (1 - smoothstep(gap, *_OFF)) * smoothstep(normals[:, 2], *_GRAZING) * sample_picture(self.trust, points)
        return sample_picture(self.photo, points), weight.astype(np.float32)


def _carry_outwards(photo: np.ndarray, matte: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance in pixels (S, S) into the sure matte, and the photo with its colours carried outwards from its inner part."""
    size = len(matte)
    inside = distance_transform_edt(matte >= _SURE)
    inner = inside * (2 / size) > _MARGIN
    if not inner.any():
        inner = matte >= min(_SURE, matte.max())
    rows, columns = distance_transform_edt(~inner, return_distances=False, return_indices=True)
    return inside, photo[rows, columns]

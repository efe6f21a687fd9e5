"""Folds, seams, pockets and straps of a whole figure from the photo's shading, as mesoscopic.py does for a head, but wider, by garments.

Each colour of cloth is shaded by itself, so that the edges of stripes, checks and letters are no folds.
"""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from ..geometry.mesh import vertex_normals
from ..geometry.visibility import depth_picture, sample_picture, smoothstep, visibility
from ..photo.parsing import CLASSES
from .mesoscopic import Material, material_heights
from .worn import Layers

_CLOTH = Material(("clothes",), 1.2, 0.3, 25.6e-3, 0.01)
_BARE = (
    Material(("skin",), 0.8, 0.25, 12.8e-3, 0.03, channels=(1.0, 0.0, 0.0)),
    Material(("hair", "beard"), 2.5, 0.35, 12.8e-3, 0.01, strands=True),
)
_LEFT_OUT = ("eyes", "glasses")
_FINEST = 0.5  # of a cell of the mesh
_MIXED = 1.5  # pixels over which the colours of two materials mix
_RIM = (3e-3, 14e-3)  # metres inside the matte's edge over which relief fades in
_GRAZING = (0.1, 0.5)  # z of the surface's normal, towards the viewer or away, over which it fades in
_DEPTH_SIZE = 512
_BEHIND, _USUAL = 0.7, 1.5  # share of the folds that a garment has on its other side too, and standard deviations beyond which it has none
_AWAY, _PLAIN = 0.015, (0.8, 0.98)  # metres from a border of colours, and share of one around a place, that no print or strap is near


@dataclass(frozen=True)
class Folds:
    """What a photo's crop tells of a figure's relief. heights, behind (S, S) float32: crop units along the surface's normals, of what the
    photo shows, and of the same garment on the side that it does not show."""

    heights: np.ndarray
    behind: np.ndarray

    @classmethod
    def of(
        cls,
        photo: np.ndarray,
        matte: np.ndarray,
        parsing: np.ndarray,
        layers: Layers | None,
        half: float,
        cells: int,
        photo_pixel: float,
        strength: float = 1.0,
    ) -> Self:
        """As FineDetail.of; layers: of the same crop, None where nothing is worn."""
        pixel, finest = 2 * half / len(photo), max(_FINEST * 2 * half / cells, photo_pixel)
        share = lambda names: parsing[..., [CLASSES.index(name) for name in names]].sum(-1)  # noqa: E731
        kept = (1 - share(_LEFT_OUT)).astype(np.float32)
        bare = matte if layers is None else matte * layers.shares[..., -1]
        relief = lambda material, own: material_heights(material, photo, own.astype(np.float32), kept, pixel, finest)  # noqa: E731
        cloth = np.zeros(matte.shape, np.float32)
        behind = np.zeros(matte.shape, np.float32)
        for patch in () if layers is None else layers.patches:
            one = relief(_CLOTH, matte * cv2.GaussianBlur(patch.astype(np.float32), (0, 0), _MIXED))
            usual = _USUAL * max(float(one[patch].std()), 1e-9)
            cloth += one
            plain = smoothstep(cv2.GaussianBlur(patch.astype(np.float32), (0, 0), _AWAY / pixel), *_PLAIN)
            behind += plain * np.clip(one, -usual, usual)
        inside = cv2.distanceTransform((matte > 0.5).astype(np.uint8), cv2.DIST_L2, 5) * pixel
        scale = (strength / half * smoothstep(inside, *_RIM)).astype(np.float32)
        seen = cloth + sum(relief(material, bare * share(material.classes)) for material in _BARE)
        return cls(scale * kept * seen, _BEHIND * scale * behind)

    def on(self, vertices: np.ndarray, faces: np.ndarray, free: np.ndarray) -> np.ndarray:
        """Vertices (V, 3) float32 of the crop frame moved along their normals where the surface does not turn aside; free (V,) in [0, 1]:
        how far they may move."""
        normals = vertex_normals(vertices, faces)
        share = visibility(vertices, normals, depth_picture(vertices, faces, _DEPTH_SIZE).depth) * smoothstep(normals[:, 2], *_GRAZING)
        moved = share * sample_picture(self.heights, vertices)
        moved += smoothstep(-normals[:, 2], *_GRAZING) * sample_picture(self.behind, vertices)
        return (vertices + (free * moved)[:, None] * normals).astype(np.float32)

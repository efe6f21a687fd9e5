"""Gives a body's surface the form of what is worn on it, on the side that the photo shows and on the other."""

from dataclasses import dataclass

import numpy as np

from .body_rigging import NearestPlaces
from .colour.body import ARMS, Bare
from .colour.carried import carry
from .geometry.mesh import vertex_normals
from .surface.folds import Folds
from .surface.shoes import shod
from .surface.worn import dressed, worn_layers

_APART = ("head", "hands")  # regions that are no cloth's


@dataclass(frozen=True)
class FigureCrop:
    """The square of a photo around a figure. photo (S, S, 3) sRGB and matte (S, S), both in [0, 1]; parsing (S, S, len(CLASSES)); half:
    metres of a crop unit; photo_pixel: metres; up (3,): unit, against gravity."""

    photo: np.ndarray
    matte: np.ndarray
    parsing: np.ndarray
    half: float
    photo_pixel: float
    up: np.ndarray


def dressed_body(
    vertices: np.ndarray, faces: np.ndarray, nearest: NearestPlaces, crop: FigureCrop, resolution: int, detail: float
) -> tuple[np.ndarray, Bare | None]:
    """Vertices (V, 3) float32 of a crop frame's surface with `resolution` cells a side, with hems, smooth cloth and, as far as detail says,
    the photo's folds; and what is bare. nearest: where its vertices are on the body."""
    layers = worn_layers(crop.photo, crop.matte, crop.parsing, crop.half)
    apart = nearest.regions(*_APART)
    free, bare = 1 - apart.max(1), None
    if layers is not None:
        kind = np.round(apart) @ np.arange(1, len(_APART) + 1)
        normals = vertex_normals(vertices, faces)
        arms = nearest.regions(*ARMS).max(1)
        shares, _ = carry(vertices, faces, normals, layers.shares, crop.matte, nearest.mean, kind, arms)
        vertices = dressed(vertices, faces, shares, free, crop.half)
        vertices = shod(vertices, faces, shares[:, -2], nearest.mean[:, 0] > 0, crop.up, crop.matte, crop.half)
        bare = Bare(vertices, shares[:, -1])
    if detail:
        pictures = crop.photo, crop.matte, crop.parsing
        vertices = Folds.of(*pictures, layers, crop.half, resolution, crop.photo_pixel, detail).on(vertices, faces, free)
    return vertices, bare

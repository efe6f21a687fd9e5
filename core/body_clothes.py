"""Gives a body's surface the form of what is worn on it, on the side that the photo shows and on the other."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .body_rigging import NearestPlaces
from .colour.body import ARMS, Bare
from .colour.carried import carry
from .geometry.mesh import unique_edges, vertex_normals
from .geometry.visibility import sample_picture
from .surface.folds import Folds
from .surface.refine import refine
from .surface.shoes import shod
from .surface.worn import Layers, dressed, worn_layers

_APART = ("head", "hands")  # regions that are no cloth's
# Of a cell, where colours change, but no finer than the photo; by what an edge's middle then differs from the mean of its ends.
_EDGE, _CONTRAST = 1 / 3, 0.06
_MOST = 0.02  # share of all edges of which that may be: a pattern is everywhere


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
    vertices: np.ndarray, faces: np.ndarray, places: Callable[[np.ndarray], NearestPlaces], crop: FigureCrop, resolution: int, detail: float
) -> tuple[np.ndarray, np.ndarray, Bare | None]:
    """Vertices (V', 3) float32 and faces (F', 3) of a crop frame's surface with `resolution` cells a side, with hems, smooth cloth and, as
    far as detail says, the photo's folds; and what is bare. It becomes finer where garments end and where the photo's colours change.
    places: where on the body vertices (N, 3) are."""
    layers = worn_layers(crop.photo, crop.matte, crop.parsing, crop.half)
    worn = None if layers is None else _carried(vertices, faces, places(vertices), layers, crop)
    chosen = _at_edges(vertices, faces, crop.photo, worn)
    vertices, faces = refine(vertices, faces, chosen, max(_EDGE * 2 / resolution, crop.photo_pixel / crop.half))
    nearest, bare = places(vertices), None
    free = 1 - nearest.regions(*_APART).max(1)
    if layers is not None:
        shares = _carried(vertices, faces, nearest, layers, crop)
        vertices = dressed(vertices, faces, shares, free, crop.half)
        vertices = shod(vertices, faces, shares[:, -2], nearest.mean[:, 0] > 0, crop.up, crop.matte, crop.half)
        bare = Bare(vertices, shares[:, -1])
    if detail:
        pictures = crop.photo, crop.matte, crop.parsing
        vertices = Folds.of(*pictures, layers, crop.half, resolution, crop.photo_pixel, detail).on(vertices, faces, free)
    return vertices, faces, bare


def _carried(vertices: np.ndarray, faces: np.ndarray, nearest: NearestPlaces, layers: Layers, crop: FigureCrop) -> np.ndarray:
    """(V, L): what is worn on all vertices, where the photo hides them too. nearest: where they are on the body."""
    kind = np.round(nearest.regions(*_APART)) @ np.arange(1, len(_APART) + 1)
    arms = nearest.regions(*ARMS).max(1)
    return carry(vertices, faces, vertex_normals(vertices, faces), layers.shares, crop.matte, nearest.mean, kind, arms)[0]


def _at_edges(vertices: np.ndarray, faces: np.ndarray, photo: np.ndarray, worn: np.ndarray | None) -> np.ndarray:
    """(V,) bool: vertices next to which garments end, by worn (V, L), or a photo (S, S, 3) changes too fast for colours of vertices."""
    edges = unique_edges(faces)[0]
    facing = (vertex_normals(vertices, faces)[:, 2] > 0)[edges].all(1)
    between = sample_picture(photo, vertices[edges].mean(1)) - sample_picture(photo, vertices)[edges].mean(1)
    contrast = np.abs(between).max(1) * facing
    fast = contrast > max(_CONTRAST, float(np.quantile(contrast, 1 - _MOST)))
    if worn is not None:
        layer = worn.argmax(1)[edges]
        fast |= layer[:, 0] != layer[:, 1]
    chosen = np.zeros(len(vertices), bool)
    chosen[edges[fast]] = True
    return chosen

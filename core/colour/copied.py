"""What is copied from the photo, and what it only shows."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..geometry.visibility import smoothstep
from .channels import EDGE, OF_KIND, THINGS
from .islands import glimpsed_ears, seen_apart
from .kinds import BEARD, CLOTHES, HAIR, KINDS, SKIN, Places
from .project import Projection
from .seam import around_border
from .voxel_means import VoxelMeans

_CELL = 0.02  # crop units (4 mm): nothing that is guessed is finer
_MIDDLE = 0.5  # of the correspondence's width
_CHIN = (0.1, 0.25)  # of the correspondence's height: collars below are not symmetric
_COVERED = (0.3, 0.6)  # share of things in front
_CLOTH = (0.5, 0.9)  # share of it where it is copied though it is seen steeply
_STEEP = np.cos(np.radians([70, 52]))  # of the angle to the camera, where skin is seen too steeply to be copied
_PURE, _THIN = (0.85, 0.97), (0.2, 0.4)  # share of hair, and of background around, of strips of hair that is no mixture

Guess = Callable[[np.ndarray], tuple[np.ndarray, Places]]
"""From points (N, 3) in the crop frame to the field's colours (N, 3) and places on the fitted head."""


class ColouredSurface(NamedTuple):
    """V vertices (V, 3) with unit normals (V, 3), those of the shape without strands and wrinkles, in K cells; guess (K, 3): the field's
    colours of these, and their places; head (V,) in [0, 1]: above collars; closed (V,) bool: within the face that closes a cut."""

    vertices: np.ndarray
    normals: np.ndarray
    cells: VoxelMeans
    guess: np.ndarray
    places: Places
    head: np.ndarray
    closed: np.ndarray

    @classmethod
    def of(cls, vertices: np.ndarray, normals: np.ndarray, guess: Guess, closed: np.ndarray | None) -> "ColouredSurface":
        """As `colour_vertices` takes them."""
        cells = VoxelMeans.of(vertices, _CELL)
        closed = np.zeros(len(vertices), bool) if closed is None else closed
        level, places = guess(cells.centre)
        # Strands and wrinkles are steep, but as visible as the shape that they lie on; and a bump of a jaw that turns away is no blot.
        mean = cells.mean(normals, ~closed)
        mean = mean + places.uncovered[:, None] * (cells.smoothed(cells.smoothed(mean)) - mean)
        normals = unit(cells.spread(mean, vertices))
        head = smoothstep(places.correspondence[:, 1], *_CHIN)[cells.cell]
        return cls(vertices, normals, cells, cells.smoothed(level), places, head, closed)


class Copied(NamedTuple):
    """shown (V, C): the channels of the photo (channels.py) at vertices; observed (V,) in [0, 1]: how much of it is copied; with_steep
    (V,): the same with skin that is seen too steeply to be copied; grazed (V, len(KINDS)): shares of the skin below the chin, of beards and
    of the clothes that are seen however steeply; of_scalp (V, len(KINDS)): the same of the scalp; around (K,): share of what is copied
    around cells (seam.py); strips (V,) in [0, 1]: hair that is no mixture, however narrow and steep."""

    shown: np.ndarray
    observed: np.ndarray
    with_steep: np.ndarray
    grazed: np.ndarray
    of_scalp: np.ndarray
    around: np.ndarray
    strips: np.ndarray

    @classmethod
    def of(cls, surface: ColouredSurface, projection: Projection, parsed: bool) -> "Copied":
        """parsed: has the photo the parsing's channels?"""
        cells, vertices, normals = surface.cells, surface.vertices, surface.normals
        shown, observed = projection.sample_photo(vertices, normals)
        grazed = np.zeros((len(vertices), len(KINDS)), np.float32)
        if not parsed:
            observed = observed * ~surface.closed
            return cls(shown, observed, observed, grazed, grazed, around_border(cells, cells.mean(observed)), grazed[:, 0])
        kinds = shown[:, OF_KIND]
        of_kind = normalised(kinds)
        # Cloth is even, and stretched it looks better than torn.
        observed = np.maximum(observed, smoothstep(of_kind[:, CLOTHES], *_CLOTH) * projection.steeply_seen(vertices, normals))
        observed = observed * ~surface.closed
        bare = surface.places.uncovered
        apart, bare = seen_apart(cells, cells.mean(observed), bare), bare[cells.cell]
        observed = with_steep = observed * ~apart[cells.cell]
        # The last millimetres of skin are dark, or lit from behind, and finer than what is evened around the border.
        observed = observed * (1 - of_kind[:, SKIN] * (1 - smoothstep(normals[:, 2], *_STEEP)))
        seen, places = cells.mean(observed), surface.places
        glimpsed = glimpsed_ears(cells, seen, places.ears * np.ones(len(seen)), places.correspondence[:, 0] > _MIDDLE)
        observed, with_steep = (one * (1 - cells.spread(glimpsed[:, None], vertices)[:, 0]) for one in (observed, with_steep))
        around = around_border(cells, cells.mean(observed))
        # A tie, a brooch or a microphone on the chest may stay as paint.
        observed = observed * (1 - surface.head * smoothstep(shown[:, THINGS], *_COVERED))
        # A jaw that is fitted too wide reaches into the picture of the clothes behind it.
        observed = observed * (1 - bare * smoothstep(kinds[:, CLOTHES], *_COVERED))
        visible = projection.grazed(vertices, normals) * ~surface.closed
        grazed[:, CLOTHES] = visible * kinds[:, CLOTHES] * (1 - bare)
        grazed[:, SKIN] = visible * kinds[:, SKIN] * (1 - surface.head)
        grazed[:, BEARD] = visible * kinds[:, BEARD]
        of_scalp = kinds * (visible * surface.places.scalp[cells.cell])[:, None]
        strips = visible * smoothstep(kinds[:, HAIR], *_PURE) * (1 - smoothstep(shown[:, EDGE], *_THIN))
        return cls(shown, observed, with_steep, grazed, of_scalp, around, strips)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (N, 3) of length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)


def normalised(shares: np.ndarray) -> np.ndarray:
    """Shares (N, C) that add up to 1."""
    return shares / np.maximum(shares.sum(1, keepdims=True), 1e-6)

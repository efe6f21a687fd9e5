"""Colours from several photos of one person: each place from the photo that shows it best, without seams, all in the main photo's light."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..geometry.visibility import smoothstep
from ..photo.srgb import linear_to_srgb, srgb_to_linear
from .channels import COLOUR, THINGS, photo_channels
from .project import Projection
from .seam import without_seam
from .voxel_means import VoxelMeans

_CELL = 0.02  # crop units (4 mm)
_WIDE = 8  # rounds of smoothing, of 4 mm each, over which the photos' light passes into each other
_SHARP, _SOFT = 6.0, 1.0  # powers of the weights of detail and of light: detail of two photos in one place is a double picture
_MAIN = 1.5  # the main photo is the one to be looked at
_SEEN = 0.25  # weight from which on two photos are compared
_LEAST = 200  # vertices that two photos show
_DARK, _LIGHT = 0.02, 0.9  # linear light outside of which a colour tells nothing of the exposure
_PULL = 20.0  # vertices that stand for no change of exposure at all
_MOST_GAIN = np.log(3.0)
_COVERED = (0.3, 0.6)  # share of things in front
_FULL = (0.0, 0.3)  # best weight from which on a place counts as copied


@dataclass(frozen=True)
class SeenColours:
    """What one photo shows of V vertices: colours (V, 3) sRGB in [0, 1] and weight (V,) in [0, 1], 0 where it does not show them."""

    colours: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(
        cls, vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray, photo: np.ndarray, matte: np.ndarray, parsing: np.ndarray | None
    ) -> "SeenColours":
        """vertices (V, 3), unit normals (V, 3) in the photo's own crop frame; photo, matte, parsing: as `colour_vertices` takes them."""
        shown, weight = Projection.of(vertices, faces, photo_channels(photo, parsing), matte).sample_photo(vertices, normals)
        if parsing is not None:
            weight = weight * (1 - smoothstep(shown[:, THINGS], *_COVERED))
        return cls(shown[:, COLOUR], (weight * np.clip(normals[:, 2], 0, 1)).astype(np.float32))

    def within(self, share: np.ndarray) -> "SeenColours":
        """With weights that are multiplied by share (V,)."""
        return replace(self, weight=self.weight * share.astype(np.float32))


@dataclass(frozen=True)
class BlendedColours:
    """colours (V, 3) float32 sRGB; observed (V,) float32 in [0, 1]; source (V,) int32: which photo a colour mostly comes from, -1 for none;
    gains (photos, 3): what the photos' linear light was multiplied by."""

    colours: np.ndarray
    observed: np.ndarray
    source: np.ndarray
    gains: np.ndarray


def blended_colours(vertices: np.ndarray, filled: np.ndarray, observed: np.ndarray, photos: Sequence[SeenColours]) -> BlendedColours:
    """The colours of V vertices that several photos show, the main one first.

    vertices (V, 3): in the main photo's crop frame; filled (V, 3), observed (V,): what the main photo alone gives (`colour_vertices`), all
    vertices coloured. Two bands as in Burt & Adelson (1983): the light of the photos passes over from one to the next along centimetres,
    their detail at once. What no photo shows keeps the main photo's guess, brought to the colours around.
    """
    gains = exposure_gains(photos)
    photos = [replace(seen, colours=exposed(seen.colours, gain)) for seen, gain in zip(photos, gains, strict=True)]
    cells = VoxelMeans.of(vertices, _CELL)
    weights = np.stack([seen.weight for seen in photos])
    weights[0] *= _MAIN
    smooth = np.stack([cells.spread(_spread_out(cells, cells.mean(weight)[:, None], 1), vertices)[:, 0] for weight in weights])
    near = np.where(weights > 0.01, np.maximum(smooth, 1e-3), 0) ** _SHARP
    copied = smoothstep(weights.max(0), *_FULL)
    detail = near / np.maximum(near.sum(0), 1e-12)
    colours, light_sum = np.zeros_like(filled), np.full(len(filled), 1e-6)
    light = np.zeros_like(filled)
    for seen, weight, share in zip(photos, weights, detail, strict=True):
        # The light of a photo, continued over what it does not show.
        packed = np.column_stack([cells.mean(seen.colours, weight) * cells.mean(weight)[:, None], cells.mean(weight)])
        wide = _spread_out(cells, packed, _WIDE)
        own = cells.spread(wide[:, :3] / np.maximum(wide[:, 3:], 1e-6), vertices)
        trust = cells.spread(wide[:, 3:], vertices)[:, 0] ** _SOFT
        colours += share[:, None] * (seen.colours - own)
        light += trust[:, None] * own
        light_sum += trust
    colours += light / light_sum[:, None]
    weight = cells.mean(copied)
    level = cells.mean(filled)
    changed = without_seam(cells, level, cells.mean(colours, copied), weight, np.zeros(len(weight)), None) - level
    hidden = filled + cells.spread(changed, vertices)
    # Where the main photo alone copies, its colours stay what they are but for the light at seams.
    result = np.clip(hidden + copied[:, None] * (colours - hidden), 0, 1).astype(np.float32)
    all_observed = np.maximum(observed, copied).astype(np.float32)
    source = np.where(all_observed > 0.5, detail.argmax(0), -1).astype(np.int32)
    return BlendedColours(result, all_observed, source, np.exp(gains))


def exposure_gains(photos: Sequence[SeenColours]) -> np.ndarray:
    """Logarithms (photos, 3) of what each photo's linear light is multiplied by to look as the first one does: the medians of the ratios
    where two photos show the same places, brought together by least squares. 0 for a photo that has no place in common with any."""
    linear = [srgb_to_linear(seen.colours) for seen in photos]
    count = len(photos)
    matrix, right = np.eye(count) * _PULL, np.zeros((count, 3))
    matrix[0, 0] = 1e9
    for one in range(count):
        for other in range(one + 1, count):
            both = np.minimum(photos[one].weight, photos[other].weight) > _SEEN
            fair = (np.minimum(linear[one], linear[other]).min(1) > _DARK) & (np.maximum(linear[one], linear[other]).max(1) < _LIGHT)
            both &= fair
            amount = float(both.sum())
            if amount < _LEAST:
                continue
            ratio = np.median(np.log(linear[one][both] / linear[other][both]), axis=0)
            # log gain of the other minus that of the one is the ratio.
            matrix[[one, other], [one, other]] += amount
            matrix[[one, other], [other, one]] -= amount
            right[other] += amount * ratio
            right[one] -= amount * ratio
    return np.clip(np.linalg.solve(matrix, right), -_MOST_GAIN, _MOST_GAIN)


def exposed(colours: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """sRGB colours (..., 3) whose linear light is multiplied by exp(gain), (3,)."""
    return linear_to_srgb(np.clip(srgb_to_linear(colours) * np.exp(gain), 0, 1))


def _spread_out(cells: VoxelMeans, values: np.ndarray, rounds: int) -> np.ndarray:
    for _ in range(rounds):
        values = cells.smoothed(values)
    return np.asarray(values)

"""What each place is of, and so its colour: told by the photo's parsing, or by the colours alone."""

from typing import NamedTuple

import numpy as np

from ..geometry.visibility import smoothstep
from .beard import bearded, cropped, sideburns, thinned_out
from .channels import COLOUR, EDGE, FEATURES, GLASSES, OF_KIND, THINGS
from .clothing import Worn, dressed, garments, with_an_edge
from .copied import normalised
from .guessed import CHEEKS, SURE, guessed_kinds, within
from .islands import without_islands
from .kinds import BEARD, CLOTHES, HAIR, SKIN, STANDS_OFF, Places, continued, hidden_kinds
from .material import Tints, levels
from .neckline import even_neckline
from .temples import greyed
from .voxel_means import VoxelMeans

_UNLIKE = 0.3  # sRGB: a mirrored colour this far from the level is of something that the other side does not have
_ALIKE = (0.3, 0.8)  # share of kinds that a mirrored place has in common with the place
_PURE = (0.85, 0.98)  # share of one kind: thin hair has skin's tint, skin at its edge has hair's
THIN = (0.02, 0.2)
"""Share of background around."""
_SEEN_THROUGH = (0.1, 0.3)  # and in hair
_BEYOND = (0.2, 0.4)  # sRGB: so far from the hair's level is the wall behind it
_TINTED = 0.12  # sRGB: a tint this far from that of its kind is the background's
KEPT_OUT = (0.1, 0.4)
"""Share of what is not mirrored, and not spread."""
_GRAZED = 0.5  # weight of what the photo shows too steeply to copy it
_MIRRORED = 0.5  # weight of what the other side is beside what is seen


class ColourSamples(NamedTuple):
    """level (K, 3): the field's colours of cells; seen (K, C) with weight (K,): the photo's; other (V, C) with trust (V,): the photo's at
    the mirrored places of the vertices; normals (K, 3): the cells', unit; steep (K, 3): the photo's colours of
    clothes that are seen however steeply; grazed (K, len(KINDS)): shares of what is seen so; of_what (V,): trust in what the mirrored
    places are of, though their colours tell nothing of these; of_scalp (K, len(KINDS)): shares of what is seen so of the scalp; strips
    (K, 3) with weight of_strips (K,): the photo's colours of narrow strips of hair, however steep."""

    level: np.ndarray
    seen: np.ndarray
    weight: np.ndarray
    other: np.ndarray
    trust: np.ndarray
    normals: np.ndarray
    steep: np.ndarray
    grazed: np.ndarray
    of_what: np.ndarray
    of_scalp: np.ndarray
    strips: np.ndarray
    of_strips: np.ndarray


class ColoursByKind(NamedTuple):
    """share (K, len(KINDS)) of cells, None where nothing tells; level (K, 3): their colours by kind; weight (K,) of seen colours that tell
    about the hidden ones around; trust (V,) in mirrored colours; tints by kind; worn: the garments."""

    share: np.ndarray | None
    level: np.ndarray
    weight: np.ndarray
    trust: np.ndarray
    tints: dict[int, Tints]
    worn: Worn


def by_guess(sampled: ColourSamples, places: Places, upright: np.ndarray, cells: VoxelMeans) -> ColoursByKind:
    """Told by the colours alone; upright (K, 3): the cells' points in the head's own axes."""
    level, seen, weight, other, trust, normals, steep, grazed, *_ = sampled
    share = guessed_kinds(level, seen, weight, cells.mean(other, trust), cells.mean(trust), places.correspondence, upright)
    tints, worn = {}, Worn.nothing(cells)
    if share is not None:
        worn = garments(cells, share[:, CLOTHES], (seen, weight * share[:, CLOTHES]), (steep, grazed[:, CLOTHES]), upright)
        level, tints = levels(level, seen, weight, share, upright, normals, worn=worn)
    near = np.exp(-((((other - level[cells.cell]) / _UNLIKE) ** 2).sum(1) ** 2))
    if share is not None:
        near = np.maximum(near, within(places.correspondence, CHEEKS)[cells.cell] * smoothstep(trust, *SURE))
    return ColoursByKind(share, level, weight, trust * near, tints, worn)


def by_parsing(sampled: ColourSamples, places: Places, upright: np.ndarray, cells: VoxelMeans) -> ColoursByKind:
    """The same, told by the parsing's channels of what is seen and mirrored."""
    level, seen, weight, other, trust, normals, steep, grazed, of_what, of_scalp, strips, of_strips = sampled
    kinds = normalised(seen[:, OF_KIND])
    weight = weight * np.clip(seen[:, OF_KIND].sum(1), 0, 1) * (1 - smoothstep(seen[:, GLASSES], *KEPT_OUT))
    features = smoothstep(places.features, *KEPT_OUT)[cells.cell]
    strange = other[:, THINGS] + other[:, GLASSES] + other[:, FEATURES] * (1 - features)
    # Clothes are not alike on both sides.
    of_what = trust + (1 - normalised(other[:, OF_KIND])[:, CLOTHES]) * (of_what - trust)
    trust = trust * (1 - smoothstep(strange, *KEPT_OUT)) * (1 - smoothstep(other[:, EDGE], *KEPT_OUT))
    of_what = of_what * (1 - smoothstep(strange, *KEPT_OUT)) * (1 - smoothstep(other[:, EDGE], *KEPT_OUT))
    mirrored = normalised(cells.mean(other[:, OF_KIND], of_what))
    by_place = hidden_kinds(kinds, weight, places, upright, of_scalp)
    beard = bearded(cells, kinds[:, BEARD], weight, upright, by_place[:, HAIR])
    for kind, grown in ((HAIR, sideburns(by_place[:, HAIR], upright)), (BEARD, beard)):
        grown = by_place[:, SKIN] * grown
        by_place[:, kind], by_place[:, SKIN] = by_place[:, kind] + grown, by_place[:, SKIN] - grown
    by_place = cells.smoothed(cells.smoothed(by_place))
    of_grazed = _GRAZED * grazed.sum(1) * (1 - weight)
    share = continued(cells, by_place, [(kinds, weight), (mirrored, _MIRRORED * cells.mean(of_what)), (normalised(grazed), of_grazed)])
    share = without_islands(cells, share, weight, places.uncovered > 0.5)
    thinned_out(cells, share, BEARD, weight)
    short = cropped(places.distance, weight * kinds[:, HAIR])
    thinned_out(cells, share, HAIR, 1 - short * (1 - np.maximum(weight, places.ears)))
    clothes = even_neckline(cells, dressed(cells, share, weight), share, weight, upright, places.uncovered > 0.5)
    share = with_an_edge(cells, share, clothes)
    skin = share[:, SKIN], np.maximum(weight * kinds[:, SKIN], grazed[:, SKIN])
    worn = garments(cells, clothes, (seen[:, COLOUR], weight * kinds[:, CLOTHES]), (steep, grazed[:, CLOTHES]), upright, skin)
    near = smoothstep(np.minimum(normalised(other[:, OF_KIND]), share[cells.cell]).sum(1), *_ALIKE)
    # Of one kind all around, and away from the background.
    around = cells.smoothed(cells.smoothed(np.column_stack([kinds * weight[:, None], weight])))
    pure, inside = smoothstep((around[:, :-1] / np.maximum(around[:, -1:], 1e-6)).max(1), *_PURE), 1 - smoothstep(seen[:, EDGE], *THIN)
    level, tints = levels(level, seen[:, COLOUR], weight, share, upright, normals, (pure, inside), places.bare, worn, short)
    hair = share[:, HAIR]
    level = greyed(level, hair, weight * kinds[:, HAIR], strips, of_strips, upright)
    # Of hair that stands off the head no lock is where the other side has one.
    loose = smoothstep(places.distance, *STANDS_OFF)[cells.cell]
    strange = hair[cells.cell] * np.maximum(loose, apart_from_hair(other, level[cells.cell]))
    trust = trust * np.maximum(near, features) * (1 - strange)
    tint = lambda colours: colours - colours.mean(1, keepdims=True)  # noqa: E731
    weight = weight * (1 - hair * smoothstep(seen[:, EDGE], *_SEEN_THROUGH))
    weight = weight * np.exp(-((tint(seen[:, COLOUR]) - tint(level)) ** 2).sum(1) / _TINTED**2)
    # What else is worn there tells nothing of its colour.
    weight = weight * ((worn.seen == worn.garment) | (worn.garment == 0))
    return ColoursByKind(share, level, weight, trust, tints, worn)


def apart_from_hair(colours: np.ndarray, level: np.ndarray) -> np.ndarray:
    """How surely colours (N, C) are of something else than hair of the level (N, 3): (N,) in [0, 1]."""
    return smoothstep(np.linalg.norm(colours[:, COLOUR] - level, axis=1), *_BEYOND)

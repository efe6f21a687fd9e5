"""The colours of what the photo does not show, before its light falls on them: of each place's kind, and with the other side's detail."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..geometry.visibility import sample_picture, smoothstep
from ..surface.mesoscopic import detailed_share
from .by_kind import KEPT_OUT, ColourSamples, ColoursByKind, by_guess, by_parsing
from .channels import COLOUR
from .clothing import Worn
from .copied import ColouredSurface, Copied, unit
from .grain import PORES, STUBBLE, WEAVE, hidden_grain
from .hidden_hair import HiddenHair
from .kinds import BEARD, CLOTHES, HAIR, HAT, SKIN
from .material import Tints
from .project import Projection
from .seam import lightened, out_of_its_light
from .symmetry import Symmetry

_CUT = (0.6, 0.9)  # of the normal, downwards: a face that the cut has closed
_BEARD_RISE, _BEARD_DEEP = 0.005, 0.006  # crop units (1 mm) by which a beard stands off, and by which it is deeper where it is black
_RIM = np.cos(np.radians([62, 45]))  # what turns away so far is darker, or lit from behind: it is not mirrored

SkinChange = Callable[[np.ndarray], np.ndarray]
"""From points (N, 3) in the crop frame to how skin differs there from a cheek's (N, 3), natural logarithm (models/skin_colours.py)."""


class HiddenColours(NamedTuple):
    """Of K cells: share (K, len(KINDS)), None where nothing tells; level (K, 3), colours without detail; seen (K, C): the photo's channels,
    with weight (K,) by which they tell of the level around; mirrored (K,): how much of the level is the other side's. tints: by kind; worn:
    the garments. Of V vertices: detail (V, 3), to be added to the level, and detail_of_clothes; relief (V,), crop units."""

    share: np.ndarray | None
    level: np.ndarray
    seen: np.ndarray
    weight: np.ndarray
    mirrored: np.ndarray
    tints: dict[int, Tints]
    worn: Worn
    detail: np.ndarray
    detail_of_clothes: np.ndarray
    relief: np.ndarray

    @classmethod
    def of(
        cls,
        surface: ColouredSurface,
        copied: Copied,
        projection: Projection,
        photo: np.ndarray,
        heights: np.ndarray | None,
        skin_change: SkinChange | None,
        parsed: bool,
    ) -> "HiddenColours":
        """photo, heights, skin_change: as `colour_vertices` takes them; parsed: has the photo the parsing's channels?"""
        cells = surface.cells
        seen, weight = cells.mean(copied.shown, copied.observed), cells.mean(copied.observed)
        symmetry = Symmetry.of(cells.centre, surface.places.correspondence)
        if symmetry is None:
            nothing, plain = np.zeros_like(surface.vertices), np.zeros(len(surface.vertices), np.float32)
            unknown = cls(None, surface.guess, seen, weight, np.zeros_like(weight), {}, Worn.nothing(cells), nothing, nothing, plain)
            return unknown
        there, facing = symmetry.mirrored(surface.vertices, surface.normals)
        other, trust = projection.mirrored(there, facing)
        of_what = trust
        if parsed:
            trust = trust * smoothstep(facing[:, 2], *_RIM)
        of_scalp = cells.mean(copied.of_scalp)
        steep, grazed = cells.mean(copied.shown[:, COLOUR], copied.grazed[:, CLOTHES]), cells.mean(copied.grazed)
        facing = unit(cells.mean(surface.normals))
        strips = cells.mean(copied.shown[:, COLOUR], copied.strips), cells.mean(copied.strips)
        samples = ColourSamples(surface.guess, seen, weight, other, trust, facing, steep, grazed, of_what, of_scalp, *strips)
        told = (by_parsing if parsed else by_guess)(samples, surface.places, symmetry.upright(cells.centre), cells)
        trust = (told.trust * surface.head).astype(np.float32)
        change = np.zeros_like(told.level)
        if skin_change is not None and told.share is not None:
            change = told.share[:, SKIN : SKIN + 1] * skin_change(cells.centre)
            told = told._replace(level=lightened(told.level, change))
        level, mirrored, detail_of_clothes = _with_the_other_side(surface, told, other[:, COLOUR], trust, parsed)
        detail, relief = detail_of_clothes.copy(), np.zeros(len(surface.vertices), np.float32)
        if told.share is not None:
            if skin_change is not None:
                _add_folds(detail, surface, copied, told.share[:, SKIN], trust, level, change, skin_change)
            hair = HiddenHair.of(
                photo, heights, surface.vertices, symmetry, cells, told.share[:, HAIR], copied.observed, level, told.tints.get(HAIR)
            )
            hat = HiddenHair.of(
                photo, heights, surface.vertices, symmetry, cells, told.share[:, HAT], copied.observed, level, told.tints.get(HAT), False
            )
            detail += ((1 - trust) * (1 - copied.observed))[:, None] * (hair.texture + hat.texture)
            if heights is not None:
                relief = _relief(surface, projection, heights, there, trust, hair)
                relief += _relief(surface, projection, heights, there, trust, hat)
            skin, beard, cloth = _grain(photo, surface, copied, told, trust)
            light = cells.spread(level, surface.vertices).mean(1, keepdims=True)
            detail += light * (skin + beard)
            detail_of_clothes += light * cloth
            if heights is not None:
                relief += _untold(surface, projection) * (1 - trust) * _beard_relief(surface, told.share[:, BEARD], beard)
        return cls(told.share, level, seen, told.weight, mirrored, told.tints, told.worn, detail, detail_of_clothes, relief)


def _with_the_other_side(
    surface: ColouredSurface, told: ColoursByKind, other: np.ndarray, trust: np.ndarray, parsed: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The level (K, 3) brought to the colours (V, 3) of the other side where trust (V,) says; how far (K,); and the detail (V, 3) of it."""
    cells, level, share = surface.cells, told.level, told.share
    there, mirrored = cells.mean(trust), cells.mean(other, trust)
    if share is not None and parsed:
        # A face is mostly lit from one side.
        plain = share[:, [SKIN, BEARD]].sum(1) * (1 - smoothstep(surface.places.features, *KEPT_OUT))
        relit = plain[:, None] * out_of_its_light(cells, level, mirrored, there * plain, share)
        mirrored, other = lightened(mirrored, relit), lightened(other, cells.spread(relit, surface.vertices))
    level = level + there[:, None] * (mirrored - level)
    return level, there, trust[:, None] * (other - cells.spread(level, surface.vertices))


def _add_folds(
    detail: np.ndarray,
    surface: ColouredSurface,
    copied: Copied,
    skin: np.ndarray,
    trust: np.ndarray,
    level: np.ndarray,
    change: np.ndarray,
    skin_change: SkinChange,
) -> None:
    """Add to the detail (V, 3) how skin, share (K,), differs from cells, which have the change (K, 3): an ear's folds are finer."""
    cells, vertices = surface.cells, surface.vertices
    some = np.flatnonzero((copied.observed < 1) & (skin[cells.cell] > 0.01))
    fine = skin[cells.cell[some], None] * skin_change(vertices[some]) - cells.spread(change, vertices[some])
    here = cells.spread(level, vertices[some])
    detail[some] += (1 - trust[some, None]) * (lightened(here, fine) - here)


def _relief(
    surface: ColouredSurface, projection: Projection, heights: np.ndarray, there: np.ndarray, trust: np.ndarray, hair: HiddenHair
) -> np.ndarray:
    """Relief (V,) of hair that the photo's shading tells nothing of: that of its mirrored places (V, 3), as far as trust (V,) says, or of
    hair like the seen one."""
    mirrored = trust * (sample_picture(heights, there) - hair.mean)
    return hair.share * _untold(surface, projection) * (mirrored + (1 - trust) * hair.heights)


def _untold(surface: ColouredSurface, projection: Projection) -> np.ndarray:
    """(V,) in [0, 1]: of how much does the photo's shading tell nothing? Squared: two kinds of strands at once would be a weave."""
    untold = 1 - detailed_share(surface.vertices, surface.normals, projection.depth) * sample_picture(projection.trust, surface.vertices)
    return untold**2 * (1 - smoothstep(-surface.normals[:, 1], *_CUT))


def _grain(photo: np.ndarray, surface: ColouredSurface, copied: Copied, told: ColoursByKind, trust: np.ndarray) -> list[np.ndarray]:
    """Grain (V, 3) of hidden skin, of beards and of the garment of which most is hidden, as shares of the light."""
    assert told.share is not None
    plain, garment = 1 - smoothstep(surface.places.features, *KEPT_OUT), told.worn.garment
    behind = 1 + np.bincount(garment, 1 - told.weight, 2)[1:].argmax()
    kinds = (PORES, told.share[:, SKIN] * plain), (STUBBLE, told.share[:, BEARD] * plain), (WEAVE, 1.0 * (garment == behind))
    where = photo, surface.vertices, surface.normals, surface.cells
    return [hidden_grain(kind, *where, share.astype(np.float32), copied.observed, trust) for kind, share in kinds]


def _beard_relief(surface: ColouredSurface, beard: np.ndarray, grain: np.ndarray) -> np.ndarray:
    """Relief (V,) of a hidden beard, share (K,) of cells with a grain (V, 3): as high as a seen one, and deep where it is dark."""
    rise = _BEARD_RISE * surface.cells.spread(surface.cells.smoothed(beard[:, None]), surface.vertices)[:, 0]
    return rise + _BEARD_DEEP * grain.mean(1)

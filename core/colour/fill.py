"""Colours of all vertices: the photo's where it shows them, hidden ones elsewhere, in the light that falls there, without a seam."""

from typing import NamedTuple

import numpy as np

from ..geometry.visibility import smoothstep
from .beard import cropped_rises
from .below import continued_below
from .by_kind import THIN, apart_from_hair
from .channels import COLOUR, EDGE, FEATURES, GLASSES, OF_KIND, THINGS, photo_channels
from .collar import edges_rise
from .copied import ColouredSurface, Copied, Guess, normalised
from .garments import Garments
from .hats import hats_rise
from .hidden_colours import HiddenColours, SkinChange
from .kinds import CLOTHES, HAIR, HAT, SKIN
from .project import Projection
from .seam import around_border, bridged, evened, lightened, well_inside, with_local_light, without_seam
from .wall import Wall

_OTHER_KIND = (0.3, 0.7)  # share of cloth on skin, or of skin on cloth
_STRANGE = (0.08, 0.16)  # sRGB: hair with a tint this far from its own is seen against something else
_FEW = 0.3  # of what is around the face that closes a head below
_CONTRAST = (0.1, 0.25)  # sRGB between what is copied and what is hidden, from light to another thing
_FADES = (0.5, 0.75)  # share of what is seen around over which cloth passes into what is hidden of it
_BORDER = (0.4, 0.6)  # of the photo's weight, where the one ends and the other begins
_LOCKS = 4  # rounds of smoothing, of 4 mm each, that leave locks of hair as they are
_FACING = np.cos(np.radians([60, 35]))  # of the angle to the camera, where the photo shows clothes well
_MOSTLY, _OWN_TINT = 0.8, (0.2, 0.35)  # share of a kind; sRGB without its light, from the tints of a kind or garment to another
_FAIRED, _LESS = 4, 0.4  # rounds of smoothing that weight, of 4 mm each, and by how much it may be less at the place itself


class Filled(NamedTuple):
    """colours (V, 3) float32 sRGB in [0, 1]; observed (V,) float32 in [0, 1], 1 where the photo was copied; relief (V,) float32, crop units
    along the normals by which hidden hair is to be raised: its strands are those of its colours; edges (V,) the same of the edges of
    clothes, seen or not; clothes, bare (V,) float32 in [0, 1]: what is of them, and what is neither of them nor of hair or a hat; rise (V,)
    the same as relief, of cropped hair, seen or not."""

    colours: np.ndarray
    observed: np.ndarray
    relief: np.ndarray
    edges: np.ndarray
    clothes: np.ndarray
    bare: np.ndarray
    rise: np.ndarray


def colour_vertices(
    vertices: np.ndarray,
    faces: np.ndarray,
    normals: np.ndarray,
    photo_crop: np.ndarray,
    matte_crop: np.ndarray,
    guess: Guess,
    parsing_crop: np.ndarray | None = None,
    skin_change: SkinChange | None = None,
    heights: np.ndarray | None = None,
    closed: np.ndarray | None = None,
) -> Filled:
    """The colours of all vertices, and the relief of hair that the photo does not show.

    vertices (V, 3) and unit normals (V, 3) in the crop frame, faces (F, 3); photo_crop (S, S, 3) float sRGB, matte_crop (S, S).
    guess: asked at one place for some dozens of vertices. parsing_crop: (S, S, len(CLASSES)) shares. With them, things in front of the
    head are not copied, and they tell what is what; without them the guess does. skin_change: how hidden skin differs from a cheek's.
    heights (S, S): crop units by which the photo's shading has moved what it shows along the normals (FineDetail); hidden hair goes on in
    the same way. closed (V,) bool: what lies within the face that a cut has closed, which has one colour: that of the clothes around it.
    """
    lowest, parsed = -np.inf, parsing_crop is not None
    if parsing_crop is not None:
        photo_crop, matte_crop, parsing_crop, rows = continued_below(photo_crop, matte_crop, parsing_crop)
        lowest = 1 - 2 * rows.sum() / len(rows)
    projection = Projection.of(vertices, faces, photo_channels(photo_crop, parsing_crop), matte_crop)
    del parsing_crop  # 50 MB at 512³
    surface = ColouredSurface.of(vertices, normals, guess, closed)
    copied = Copied.of(surface, projection, parsed)
    hidden = HiddenColours.of(surface, copied, projection, photo_crop, heights, skin_change, parsed)
    kinds, told = hidden.share if parsed else None, hidden.weight
    if kinds is not None:
        copied, hidden = _in_the_light_there(surface, copied, hidden, kinds, Wall.of(photo_crop, matte_crop))
    level = without_seam(surface.cells, hidden.level, hidden.seen[:, COLOUR], hidden.weight, hidden.mirrored, hidden.share)
    if kinds is not None:
        copied = _in_even_light(surface, copied, level, hidden, kinds)
    clothes = Garments(surface.cells, hidden.worn.share, vertices)
    detail = np.where(clothes.of[:, None] == 0, hidden.detail, hidden.detail_of_clothes)
    shown, unseen = copied.shown[:, COLOUR], np.clip(clothes.spread(level) + detail, 0, 1)
    if kinds is not None:
        shown, unseen = _without_border(surface, copied, shown, unseen, kinds, SKIN, copied.around)
        # The wall that is seen through hair is no longer copied.
        around = around_border(surface.cells, surface.cells.mean(copied.observed))
        shown, unseen = _without_border(surface, copied, shown, unseen, kinds, HAIR, around, _LOCKS)
    if surface.closed.any():
        unseen[surface.closed] = _of_closed_face(surface, hidden, level)
    of_clothes = np.maximum(clothes.of > 0, copied.shown[:, OF_KIND][:, CLOTHES]) if parsed else clothes.of > 0
    same = _same_garment(surface, hidden.worn.seen, clothes.of)
    border = _turned_away(surface, copied.around) * (1 - _tint_of_its_own(hidden, level, shown))
    ending = _ending_in_a_line(copied.observed, _evenly(surface, copied.observed), shown, unseen, of_clothes, border)
    # One garment's folds fade out.
    ending = ending * (1 - same * (1 - smoothstep(surface.cells.spread(copied.around[:, None], vertices)[:, 0], *_FADES)))
    colours = unseen + ending[:, None] * (shown - unseen)
    edges, worn, covered, rise = np.zeros((4, len(vertices)), np.float32)
    if kinds is not None:
        neck, cut = kinds[:, SKIN] * (1 - surface.places.uncovered), surface.cells.mean(surface.closed)
        edges = edges_rise(surface.cells, clothes, hidden.worn.collar, vertices, neck, cut) * ~surface.closed
        rise = cropped_rises(surface.cells, surface.places.distance, kinds[:, HAIR], told, vertices) * ~surface.closed
        edges += hats_rise(surface.cells, kinds[:, HAT], vertices, copied.around)
        worn, covered = surface.cells.spread(np.stack([kinds[:, CLOTHES], kinds[:, [CLOTHES, HAIR, HAT]].sum(1)], axis=1), vertices).T
        worn = worn * ~surface.closed
    observed = copied.observed * (vertices[:, 1] > lowest)
    return Filled(colours.astype(np.float32), observed, hidden.relief.astype(np.float32), edges, worn, 1 - covered, rise)


def _same_garment(surface: ColouredSurface, seen: np.ndarray, of: np.ndarray) -> np.ndarray:
    """(V,) in [0, 1]: does the photo show of a vertex's garment, of (V,), 0 for none? seen (K,): which one it shows of cells."""
    shares = surface.cells.spread(np.eye(max(seen.max(), of.max()) + 1, dtype=np.float32)[seen], surface.vertices)
    return shares[np.arange(len(of)), of] * (of > 0)


def _in_the_light_there(
    surface: ColouredSurface, copied: Copied, hidden: HiddenColours, kinds: np.ndarray, wall: Wall
) -> tuple[Copied, HiddenColours]:
    """The same, with the level in the light that falls on what is seen around, and with hair as it is without what stands behind it; kinds
    (K, len(KINDS)): the cells' shares."""
    cells, vertices, tints = surface.cells, surface.vertices, hidden.tints
    seen, hair = hidden.seen[:, COLOUR], kinds[:, HAIR]
    strange = 0 if HAIR not in tints else smoothstep(tints[HAIR].differ(seen), *_STRANGE)
    weight = hidden.weight * (1 - hair * strange)
    # Rims are darker, or lit from behind.
    weight = weight * well_inside(copied.around)
    level = with_local_light(cells, hidden.level, seen, weight, kinds)
    # What is seen through hair at its rim is the wall behind it.
    rim = hair * smoothstep(hidden.seen[:, EDGE], *THIN) * np.maximum(apart_from_hair(seen, level), strange)
    # Inside, it is something worn and stays, unless it looks like the wall.
    doubt = np.maximum(rim, hair * strange * wall.shows(seen, level))
    observed = copied.observed * (1 - np.clip(cells.spread(doubt[:, None], vertices)[:, 0], 0, 1))
    shown = copied.shown
    observed = observed * _of_its_kind(surface, shown, kinds, copied.around)
    if HAIR in tints:
        shown = shown.copy()
        some = np.flatnonzero(observed * shown[:, OF_KIND][:, HAIR] > 0.01)
        colours = shown[some, COLOUR]
        here = cells.spread(level, vertices[some]), tints[HAIR].given_to(colours)
        shown[some, COLOUR] = wall.taken_out(colours, *here, shown[some, OF_KIND][:, HAIR])
    return copied._replace(shown=shown, observed=observed), hidden._replace(level=level, weight=weight)


def _of_its_kind(surface: ColouredSurface, shown: np.ndarray, kinds: np.ndarray, around: np.ndarray) -> np.ndarray:
    """(V,) in [0, 1]: does the photo, channels (V, C), show of skin and clothes what a vertex is of, or is it far from the border of what
    is seen, around (K,)? A collar's edge lies a little elsewhere than in the photo: it has neither the neck's colours on it nor its own
    beside it. kinds (K, len(KINDS)): the cells' shares."""
    border = 1 - well_inside(around)[:, None]
    skin, clothes, near = surface.cells.spread(np.column_stack([kinds[:, [SKIN, CLOTHES]], border]), surface.vertices).T
    told = normalised(shown[:, OF_KIND])
    return 1 - near * smoothstep(clothes * told[:, SKIN] + skin * told[:, CLOTHES], *_OTHER_KIND)


def _in_even_light(surface: ColouredSurface, copied: Copied, level: np.ndarray, hidden: HiddenColours, kinds: np.ndarray) -> Copied:
    """The same, with seen hair and clothes towards the border in the light of the hidden ones, of level (K, 3), which the photo's own would
    never meet. kinds (K, len(KINDS)): the cells' shares."""
    cells, shown, worn = surface.cells, copied.shown.copy(), hidden.worn
    same = (worn.seen == worn.garment)[cells.cell]
    for kind, where in ((HAIR, surface.head), (CLOTHES, same)):
        own = where * np.clip(shown[:, OF_KIND][:, kind], 0, 1)
        change = evened(cells, level, hidden.seen[:, COLOUR], cells.mean(copied.observed * own) * kinds[:, kind])
        change = change * (1 - well_inside(copied.around))[:, None]
        shown[:, COLOUR] = lightened(shown[:, COLOUR], cells.spread(change, surface.vertices) * own[:, None])
    return copied._replace(shown=shown)


def _without_border(
    surface: ColouredSurface,
    copied: Copied,
    colours: np.ndarray,
    unseen: np.ndarray,
    kinds: np.ndarray,
    kind: int,
    around: np.ndarray,
    rounds: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """The photo's colours (V, 3) and the hidden ones (V, 3) without the shade at the border of what is seen of one kind; kinds
    (K, len(KINDS)): shares of cells; around, rounds: as `bridged` takes them."""
    cells, shown, share = surface.cells, copied.shown, kinds[:, kind]
    own = normalised(shown[:, OF_KIND])[:, kind] * (1 - np.clip(shown[:, FEATURES] + shown[:, GLASSES] + shown[:, THINGS], 0, 1))
    weight = (copied.with_steep if kind == SKIN else copied.observed) * own
    share = share * cells.mean(1 - copied.observed * (1 - own))
    layers = [(cells.mean(colours, weight), cells.mean(weight)), (cells.mean(unseen), share)]
    both = cells.mean(unseen + copied.observed[:, None] * (colours - unseen))
    of_seen, of_unseen = bridged(cells, both, share, layers, around, rounds)
    seen_shade, seen_light, shade, light = (cells.spread(one * share[:, None], surface.vertices) for one in (*of_seen, *of_unseen))
    colours = lightened(colours, seen_shade * own[:, None]) + seen_light * own[:, None]
    return colours, np.clip(lightened(unseen, shade) + light, 0, 1)


def _of_closed_face(surface: ColouredSurface, hidden: HiddenColours, level: np.ndarray) -> np.ndarray:
    """Colour (3,) of the face that closes a head below, by levels (K, 3): of the garment of which most is around it, or of skin or hair if
    there is little of clothes."""
    links, garment = surface.cells.links, hidden.worn.garment
    beneath = surface.cells.mean(surface.closed) > 0
    around = ~beneath & (links @ beneath > 0)
    count = np.bincount(garment[around], minlength=2)
    one = 1 + count[1:].argmax()
    if count[one] > _FEW * around.sum():
        return np.median(level[around & (garment == one)], axis=0)
    bare = around
    if hidden.share is not None:
        skin, hair = hidden.share[around][:, [SKIN, HAIR]].sum(0)
        bare = around & (hidden.share[:, HAIR if hair > skin else SKIN] > 0.5)
    return np.median(level[bare if bare.any() else np.ones_like(bare)], axis=0)


def _evenly(surface: ColouredSurface, observed: np.ndarray) -> np.ndarray:
    """How much is copied around vertices, (V,), of how much is copied there, (V,): bumps of a collar make its border ragged."""
    around = surface.cells.mean(observed)[:, None]
    for _ in range(_FAIRED):
        around = surface.cells.smoothed(around)
    return surface.cells.spread(around, surface.vertices)[:, 0]


def _turned_away(surface: ColouredSurface, around: np.ndarray) -> np.ndarray:
    """(V,) in [0, 1]: does the photo show a vertex steeply, near the border of what is seen, around (K,)? Colours of clothes lie some
    millimetres beside what they are of there."""
    border = 1 - surface.cells.spread(well_inside(around)[:, None], surface.vertices)[:, 0]
    return border * (1 - smoothstep(surface.normals[:, 2], *_FACING))


def _tint_of_its_own(hidden: HiddenColours, level: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """(V,) in [0, 1]: has a vertex in the photo, colours (V, 3), a tint that neither skin nor hair nor any garment has, of levels (K, 3)? A
    collar's red lining is no stain of what lies beside it, and of mixed and shaded colours tints are weaker."""
    kinds = [] if hidden.share is None else [hidden.share[:, kind] > _MOSTLY for kind in (SKIN, HAIR)]
    cells = [hidden.worn.garment == one for one in range(1, hidden.worn.garment.max() + 1)] + kinds
    tint = lambda colours: colours - colours.mean(-1, keepdims=True)  # noqa: E731
    found = np.ones(len(shown))
    for some in cells:
        if some.any():
            found = np.minimum(found, smoothstep(np.linalg.norm(tint(shown) - tint(np.median(level[some], axis=0)), axis=1), *_OWN_TINT))
    return found


def _ending_in_a_line(
    observed: np.ndarray, around: np.ndarray, shown: np.ndarray, unseen: np.ndarray, of_clothes: np.ndarray, border: np.ndarray
) -> np.ndarray:
    """How much of the photo is copied, (V,): clothes, share (V,), end in a line where seen (V, 3) and hidden (V, 3) colours differ, which
    runs where half of what is around (V,) is copied."""
    apart = of_clothes * smoothstep(np.linalg.norm(shown - unseen, axis=1), *_CONTRAST)
    line = observed + apart * (smoothstep(np.minimum(around, observed + _LESS), *_BORDER) - observed)
    return line * (1 - apart * border)

"""Colours of the vertices that the photo does not show: by kind, from the mirrored side, in the light that falls there, without a seam."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..geometry.visibility import sample_picture, smoothstep
from ..surface.mesoscopic import detailed_share
from .beard import bearded
from .below import continued_below
from .channels import COLOUR, EDGE, FEATURES, GLASSES, OF_KIND, THINGS, photo_channels
from .guessed import CHEEKS, SURE, guessed_kinds, within
from .hidden_hair import HiddenHair
from .kinds import BEARD, CLOTHES, HAIR, KINDS, SKIN, STANDS_OFF, Places, continued, hidden_kinds
from .material import Tints, levels
from .project import Projection
from .seam import around_border, bridged, evened, lightened, out_of_its_light, well_inside, with_local_light, without_seam
from .skin_texture import hidden_skin
from .symmetry import Symmetry
from .voxel_means import VoxelMeans
from .wall import Wall

_CELL = 0.02  # crop units (4 mm): nothing that is guessed is finer
_CHIN = (0.1, 0.25)  # of the correspondence's height: collars below are not symmetric
_UNLIKE = 0.3  # sRGB: a mirrored colour this far from the level is of something that the other side does not have
_ALIKE = (0.3, 0.8)  # share of kinds that a mirrored place has in common with the place
_PURE = (0.85, 0.98)  # share of one kind: thin hair has skin's tint, skin at its edge has hair's
_THIN = (0.02, 0.2)  # share of background around
_SEEN_THROUGH = (0.1, 0.3)  # and in hair
_BEYOND = (0.2, 0.4)  # sRGB: so far from the hair's level is the wall behind it
_TINTED = 0.12  # sRGB: a tint this far from that of its kind is the background's
_STRANGE = (0.08, 0.16)  # sRGB: hair with a tint this far from its own is seen against something else
_CUT = (0.6, 0.9)  # of the normal, downwards: a face that the cut has closed
_COVERED = (0.3, 0.6)  # share of things in front
_KEPT_OUT = (0.1, 0.4)  # share of what is not mirrored, and not spread
_RIM = np.cos(np.radians([62, 45]))  # what turns away so far is darker, or lit from behind: it is not mirrored
_STEEP = np.cos(np.radians([70, 52]))  # of the angle to the camera, where skin is seen too steeply to be copied
_GRAZED = 0.5  # weight of clothes that the photo shows too steeply to copy them
_ABOVE_EDGE = (-0.06, 0.0)  # crop units from the lower edge, below it
_MIRRORED = 0.5  # weight of what the other side is beside what is seen

Guess = Callable[[np.ndarray], tuple[np.ndarray, Places]]
"""From points (N, 3) in the crop frame to the field's colours (N, 3) and places on the fitted head."""

SkinChange = Callable[[np.ndarray], np.ndarray]
"""From points (N, 3) in the crop frame to how skin differs there from a cheek's (N, 3), natural logarithm (models/skin_colours.py)."""


class Filled(NamedTuple):
    """colours (V, 3) float32 sRGB in [0, 1]; observed (V,) float32 in [0, 1], 1 where the photo was copied; relief (V,) float32, crop units
    along the normals by which hidden hair is to be raised: its strands are those of its colours."""

    colours: np.ndarray
    observed: np.ndarray
    relief: np.ndarray


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
) -> Filled:
    """The colours of all vertices, and the relief of hair that the photo does not show.

    vertices (V, 3) and unit normals (V, 3) in the crop frame, faces (F, 3); photo_crop (S, S, 3) float sRGB, matte_crop (S, S).
    guess: asked at one place for some dozens of vertices. parsing_crop: (S, S, len(CLASSES)) shares. With them, things in front of the
    head are not copied, and they tell what is what; without them the guess does. skin_change: how hidden skin differs from a cheek's.
    heights (S, S): crop units by which the photo's shading has moved what it shows along the normals (FineDetail); hidden hair goes on in
    the same way.
    """
    lowest = -np.inf
    if parsing_crop is not None:
        photo_crop, matte_crop, parsing_crop, rows = continued_below(photo_crop, matte_crop, parsing_crop)
        lowest = 1 - 2 * rows.sum() / len(rows)
    projection = Projection.of(vertices, faces, photo_channels(photo_crop, parsing_crop), matte_crop)
    cells = VoxelMeans.of(vertices, _CELL)
    # Strands and wrinkles are steep, but as visible as the shape that they lie on.
    normals = _unit(cells.spread(cells.mean(normals), vertices))
    shown, observed = projection.sample_photo(vertices, normals)
    points = cells.centre
    copied = observed
    if parsing_crop is not None:
        # The last millimetres of skin are dark, or lit from behind, and finer than what is evened around the border.
        observed = observed * (1 - _normalised(shown[:, OF_KIND])[:, SKIN] * (1 - smoothstep(normals[:, 2], *_STEEP)))
    around = around_border(cells, cells.mean(observed))
    inside = well_inside(around)
    level, places = guess(points)
    level = cells.smoothed(level)
    head = smoothstep(places.correspondence[:, 1], *_CHIN)[cells.cell]
    dressed = np.zeros(len(points), np.float32)
    if parsing_crop is not None:
        # A tie, a brooch or a microphone on the chest may stay as paint.
        observed = observed * (1 - head * smoothstep(shown[:, THINGS], *_COVERED))
        # A jaw that is fitted too wide reaches into the picture of the clothes behind it.
        bare = (places.bare * (1 - smoothstep(places.distance, *STANDS_OFF)))[cells.cell]
        observed = observed * (1 - bare * smoothstep(shown[:, OF_KIND][:, CLOTHES], *_COVERED))
        dressed = cells.mean(projection.grazed(vertices, normals) * shown[:, OF_KIND][:, CLOTHES] * (1 - bare))
    seen, weight = cells.mean(shown, observed), cells.mean(observed)
    relief = np.zeros(len(vertices), np.float32)
    there, detail, share, tints = np.zeros_like(weight), np.zeros_like(vertices), None, dict[int, Tints]()
    symmetry = Symmetry.of(points, places.correspondence)
    if symmetry is not None:
        places_there, facing = symmetry.mirrored(vertices, normals)
        other, trust = projection.mirrored(places_there, facing)
        if parsing_crop is not None:
            trust = trust * smoothstep(facing[:, 2], *_RIM)
        find = _kinds_by_guess if parsing_crop is None else _kinds_by_parsing
        share, level, weight, trust, tints = find(
            _ColourSamples(level, seen, weight, other, trust, _unit(cells.mean(normals)), dressed), places, symmetry.upright(points), cells
        )
        trust = (trust * head).astype(np.float32)
        there = cells.mean(trust)
        if skin_change is not None and share is not None:
            change = share[:, SKIN : SKIN + 1] * skin_change(points)
            level = lightened(level, change)
        mirrored, other = cells.mean(other[:, COLOUR], trust), other[:, COLOUR]
        if share is not None and parsing_crop is not None:
            # A face is mostly lit from one side.
            plain = share[:, [SKIN, BEARD]].sum(1) * (1 - smoothstep(places.features, *_KEPT_OUT))
            relit = plain[:, None] * out_of_its_light(cells, level, mirrored, there * plain, share)
            mirrored, other = lightened(mirrored, relit), lightened(other, cells.spread(relit, vertices))
        level = level + there[:, None] * (mirrored - level)
        detail = trust[:, None] * (other - cells.spread(level, vertices))
        if skin_change is not None and share is not None:
            # An ear's folds are finer than cells.
            some = np.flatnonzero((observed < 1) & (share[cells.cell, SKIN] > 0.01))
            fine = share[cells.cell[some], SKIN, None] * skin_change(vertices[some]) - cells.spread(change, vertices[some])
            here = cells.spread(level, vertices[some])
            detail[some] += (1 - trust[some, None]) * (lightened(here, fine) - here)
        if share is not None:
            hair = HiddenHair.of(photo_crop, heights, vertices, symmetry, cells, share[:, HAIR], observed, level, tints.get(HAIR))
            detail += ((1 - trust) * (1 - observed))[:, None] * hair.texture
            if heights is not None:
                mirrored = trust * (sample_picture(heights, places_there) - hair.mean)
                untold = 1 - detailed_share(vertices, normals, projection.depth) * sample_picture(projection.trust, vertices)
                untold = untold * (1 - smoothstep(-normals[:, 1], *_CUT))
                relief = hair.share * untold * (mirrored + (1 - trust) * hair.heights)
            plain = share[:, SKIN] * (1 - smoothstep(places.features, *_KEPT_OUT))
            detail += hidden_skin(photo_crop, vertices, normals, cells, plain, observed, trust, level)
        if parsing_crop is not None and share is not None:
            strange = 0 if HAIR not in tints else smoothstep(tints[HAIR].differ(seen[:, COLOUR]), *_STRANGE)
            weight = weight * (1 - share[:, HAIR] * strange)
            # Rims are darker, or lit from behind.
            weight = weight * inside
            level = with_local_light(cells, level, seen[:, COLOUR], weight, share)
            # What is seen through hair at its rim is the wall behind it.
            rim = share[:, HAIR] * smoothstep(seen[:, EDGE], *_THIN) * np.maximum(_apart(seen, level), strange)
            wall = Wall.of(photo_crop, matte_crop)
            # Inside, it is something worn and stays, unless it looks like the wall.
            behind = wall.shows(seen[:, COLOUR], level)
            doubt = np.maximum(rim, share[:, HAIR] * strange * behind)
            observed = observed * (1 - np.clip(cells.spread(doubt[:, None], vertices)[:, 0], 0, 1))
            if HAIR in tints:
                some = np.flatnonzero(observed * shown[:, OF_KIND][:, HAIR] > 0.01)
                colours = shown[some, COLOUR]
                here = cells.spread(level, vertices[some]), tints[HAIR].given_to(colours)
                shown[some, COLOUR] = wall.taken_out(colours, *here, shown[some, OF_KIND][:, HAIR])
    # By the lower edge and below it what faces down is as what faces the camera before it.
    under = smoothstep(lowest - points[:, 1], *_ABOVE_EDGE) * cells.mean(projection.grazed(vertices, normals)) * (1 - inside)
    level = level + under[:, None] * (cells.mean(shown[:, COLOUR]) - level)
    level = without_seam(cells, level, seen[:, COLOUR], weight, there, share)
    if share is not None and parsing_crop is not None:
        # Towards the border the photo's own light on hair gives way to that of the hidden side, which it would never meet.
        own = head * np.clip(shown[:, OF_KIND][:, HAIR], 0, 1)
        change = evened(cells, level, seen[:, COLOUR], cells.mean(observed * own) * share[:, HAIR])
        shown[:, COLOUR] = lightened(shown[:, COLOUR], cells.spread(change * (1 - inside)[:, None], vertices) * own[:, None])
    hidden = np.clip(cells.spread(level, vertices) + detail, 0, 1)
    if share is not None and parsing_crop is not None:
        shown[:, COLOUR], hidden = _without_border(cells, vertices, shown, hidden, (observed, copied), share[:, SKIN], head, around)
    coloured = (hidden + observed[:, None] * (shown[:, COLOUR] - hidden)).astype(np.float32)
    return Filled(coloured, observed * (vertices[:, 1] > lowest), relief.astype(np.float32))


def _without_border(
    cells: VoxelMeans,
    vertices: np.ndarray,
    shown: np.ndarray,
    hidden: np.ndarray,
    observed: tuple[np.ndarray, np.ndarray],
    skin: np.ndarray,
    head: np.ndarray,
    around: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The photo's colours (V, 3), of channels shown (V, C) at vertices (V, 3), and the hidden ones (V, 3), without the shade at the border
    of seen skin.

    observed: the photo's weights (V,), of what is copied and of all that it shows of skin, steep skin too; skin (K,): share of cells; head
    (V,) in [0, 1]; around (K,): as `around_border` has it.
    """
    own = _normalised(shown[:, OF_KIND])[:, SKIN] * (1 - np.clip(shown[:, FEATURES] + shown[:, GLASSES] + shown[:, THINGS], 0, 1))
    colours, weight = shown[:, COLOUR], observed[1] * own * head
    skin = skin * cells.mean(head * (1 - observed[0] * (1 - own)))
    layers = [(cells.mean(colours, weight), cells.mean(weight)), (cells.mean(hidden), skin)]
    of_seen, of_hidden = bridged(cells, cells.mean(hidden + observed[0][:, None] * (colours - hidden)), skin, layers, around)
    of_seen, of_hidden = (cells.spread(one * skin[:, None], vertices) for one in (of_seen, of_hidden))
    return lightened(colours, of_seen * (own * head)[:, None]), np.clip(lightened(hidden, of_hidden), 0, 1)


class _ColourSamples(NamedTuple):
    """level (K, 3): the field's colours of cells; seen (K, C) with weight (K,): the photo's; other (V, C) with trust (V,): the photo's at
    the mirrored places of the vertices; normals (K, 3): the cells', unit; dressed (K,): how surely the photo shows clothes there, though
    too steeply to copy them."""

    level: np.ndarray
    seen: np.ndarray
    weight: np.ndarray
    other: np.ndarray
    trust: np.ndarray
    normals: np.ndarray
    dressed: np.ndarray


class _ColoursByKind(NamedTuple):
    """share (K, len(KINDS)) of cells, None where nothing tells; level (K, 3): their colours by kind; weight (K,) of seen colours that tell
    about the hidden ones around; trust (V,) in mirrored colours; tints by kind."""

    share: np.ndarray | None
    level: np.ndarray
    weight: np.ndarray
    trust: np.ndarray
    tints: dict[int, Tints]


def _kinds_by_guess(sampled: _ColourSamples, places: Places, upright: np.ndarray, cells: VoxelMeans) -> _ColoursByKind:
    """Told by the colours alone; upright (K, 3): the cells' points in the head's own axes."""
    level, seen, weight, other, trust, normals, _ = sampled
    share = guessed_kinds(level, seen, weight, cells.mean(other, trust), cells.mean(trust), places.correspondence, upright)
    level, tints = (level, {}) if share is None else levels(level, seen, weight, share, upright, normals)
    near = np.exp(-((((other - level[cells.cell]) / _UNLIKE) ** 2).sum(1) ** 2))
    if share is not None:
        near = np.maximum(near, within(places.correspondence, CHEEKS)[cells.cell] * smoothstep(trust, *SURE))
    return _ColoursByKind(share, level, weight, trust * near, tints)


def _kinds_by_parsing(sampled: _ColourSamples, places: Places, upright: np.ndarray, cells: VoxelMeans) -> _ColoursByKind:
    """The same, told by the parsing's channels of what is seen and mirrored."""
    level, seen, weight, other, trust, normals, dressed = sampled
    kinds = _normalised(seen[:, OF_KIND])
    weight = weight * np.clip(seen[:, OF_KIND].sum(1), 0, 1) * (1 - smoothstep(seen[:, GLASSES], *_KEPT_OUT))
    features = smoothstep(places.features, *_KEPT_OUT)[cells.cell]
    strange = other[:, THINGS] + other[:, GLASSES] + other[:, FEATURES] * (1 - features)
    trust = trust * (1 - smoothstep(strange, *_KEPT_OUT)) * (1 - smoothstep(other[:, EDGE], *_KEPT_OUT))
    mirrored = _normalised(cells.mean(other[:, OF_KIND], trust))
    by_place = hidden_kinds(kinds, weight, places, upright)
    beard = by_place[:, SKIN] * bearded(cells, kinds[:, BEARD], weight, upright)
    by_place[:, BEARD], by_place[:, SKIN] = by_place[:, BEARD] + beard, by_place[:, SKIN] - beard
    by_place = cells.smoothed(cells.smoothed(by_place))
    clothes = np.eye(len(KINDS))[np.full(len(dressed), CLOTHES)]
    share = continued(
        cells, by_place, [(kinds, weight), (mirrored, _MIRRORED * cells.mean(trust)), (clothes, _GRAZED * dressed * (1 - weight))]
    )
    near = smoothstep(np.minimum(_normalised(other[:, OF_KIND]), share[cells.cell]).sum(1), *_ALIKE)
    # Of one kind all around, and away from the background.
    around = cells.smoothed(cells.smoothed(np.column_stack([kinds * weight[:, None], weight])))
    pure, inside = smoothstep((around[:, :-1] / np.maximum(around[:, -1:], 1e-6)).max(1), *_PURE), 1 - smoothstep(seen[:, EDGE], *_THIN)
    level, tints = levels(level, seen[:, COLOUR], weight, share, upright, normals, (pure, inside), places.bare)
    hair = share[:, HAIR]
    trust = trust * np.maximum(near, features) * (1 - hair[cells.cell] * _apart(other, level[cells.cell]))
    tint = lambda colours: colours - colours.mean(1, keepdims=True)  # noqa: E731
    weight = weight * (1 - hair * smoothstep(seen[:, EDGE], *_SEEN_THROUGH))
    weight = weight * np.exp(-((tint(seen[:, COLOUR]) - tint(level)) ** 2).sum(1) / _TINTED**2)
    return _ColoursByKind(share, level, weight, trust, tints)


def _apart(colours: np.ndarray, level: np.ndarray) -> np.ndarray:
    """How surely colours (N, C) are of something else than hair of the level (N, 3): (N,) in [0, 1]."""
    return smoothstep(np.linalg.norm(colours[:, COLOUR] - level, axis=1), *_BEYOND)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)


def _normalised(shares: np.ndarray) -> np.ndarray:
    return shares / np.maximum(shares.sum(1, keepdims=True), 1e-6)

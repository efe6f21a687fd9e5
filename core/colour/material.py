"""The level of hidden colours: what the photo shows of the same person's skin, hair and clothes, and a little of the field's guess."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.optimize import isotonic_regression

from ..geometry.visibility import smoothstep
from .clothing import Worn
from .kinds import BEARD, CLOTHES, HAIR, KINDS, SKIN
from .seam import lightened

_SEEN = 0.5  # photo weight
_LEAST = 30  # cells that make a sample
_OPENING = (0.3, 0.5)  # crop units from the middle, where the front's opening ends: behind, clothes are as on the shoulders
_PITCH = 0.02  # crop units
_NEAR = (0.0, 0.2, 0.25, 0.1, 0.2)  # crop units over which the colours of each kind vary
_MEDIAN = 0.002  # weight of a kind's median beside cells in each 0.02 x 0.02
_VARIES = 0.06  # sRGB: so far from its middle may hair always be
_UNUSUAL = (2.0, 3.5)  # of the usual distance
_GREY = 0.6  # of skin's lightness: darker hair is not grey
_GREY_TINT = (0.55, 0.85)  # of skin's least tint: grey hair has less
_AS_LIGHT, _DUSKY = 1.05, 2  # of skin's lightness: the darker hair is than that, by this power, the less tint is grey
_CLEAR, _CLEAREST = 70, 25  # per cent of grey hair, the least tinted, that tell its light and its tint
_THIN, _DARKER = 50, (0.3, 0.45)  # per cent of cropped hair through which skin shows, and of skin's lightness: lighter hair is not black
_DENSEST = 25  # per cent of hair, the darkest, that tell that
_UNMIXED = 35  # per cent of cropped hair at each lightness, the least red, that tell its tint: skin shows through the rest
_SHADED = 30  # per cent of other hair, the darkest: chin, neck and the next locks shade it where the photo shows it
_ROUNDS = 8
_EVEN = 3.0  # weight of even light, in cells
_UNEVEN = 0.15  # natural logarithm: so far from even light are noses, shadows and highlights
_USUAL_LIGHT = (35, 55)  # percentiles of the face's light between which hidden skin's is: its highlights and shadows are its own
_TINTS = 5  # from dark to light
_MUTED = 0.1  # of skin's tint is left out: what is even all over a neck looks more strongly coloured than a face does
_SPARSE = 0.2  # of the skin that shows through beards where nobody sees them, which are densest on the chin
_GLEAM, _BLACK_HAIR = 0.012, (0.15, 0.28)  # sRGB: so little is bluer in black hair, and so light is none
_DYED = (0.35, 0.6)  # of its light: so strong a tint is no cast
_VIOLET = (0.09, 0.13)  # of its light, by which green is weaker than red and blue: neither sky nor leaves nor grey hair make it
_HUES = 0.28, 0.75  # of the way from blue to red between which green lies, from red hair to the yellowest
_ALL_OVER, _LIGHTER = 0.7, 0.25  # share of the differences in hair's light, and the natural logarithm, that go from front to back
_FRONTAL = (0.5, 0.8)  # cosine of the angle to the camera: skin that is turned away is dark, or lit from behind
_FOREHEAD = (0.08, 0.2)  # height on the mean head, crop units: what faces the sky is lighter than what is hidden
_BALD, _CROWN = (0.1, 0.6), 0.15  # height on the mean head from the brows to the crown, and crop units over which its colours vary
_RELIEF = 0.25  # of the level
BLACK = 0.06  # sRGB: below it ratios are noise
_KEPT = (0.4, 0.0, 0.0, 0.0, 0.0)  # share of the guess's own variation that stays: in hair it is smoke


class Tints(NamedTuple):
    """Tints (N, 3), colours as shares of their light, that one kind has at growing lightness (N,)."""

    lightness: np.ndarray
    tints: np.ndarray

    @classmethod
    def of(cls, samples: np.ndarray, shadows: int, percent: float = 100) -> Self:
        """Of seen colours (M, 3), one at least, without so many fifths of the darkest ones, which have the photo's tint, and without the
        lightest ones, which are mixed with others; of each fifth the percent that is least red: hair may be mixed with skin."""
        ordered = samples[np.argsort(samples.mean(1))]
        parts = np.array_split(ordered, _TINTS)[shadows:-1] if len(ordered) >= _TINTS else [ordered]
        colours = np.array([np.median(_least_red(part, percent), axis=0) for part in parts]) + BLACK
        lightness = colours.mean(1)
        return cls(lightness, colours / lightness[:, None])

    def natural(self) -> Self:
        """The same without a cast, as hair has them: red at least as strong as green, green as blue. Dyed hair keeps its own, and black
        hair a little blue."""
        nearest = np.array([isotonic_regression(tint, increasing=False).x for tint in self.tints])
        gleam = np.minimum(self.tints[:, 2] - nearest[:, 2], _GLEAM * (1 - smoothstep(self.lightness, *_BLACK_HAIR)) / self.lightness)
        # Hair through which skin shows, or a faded picture's, would be pink, and hair before leaves green.
        red, green, blue = nearest.T
        pink = np.maximum(_HUES[0] * (red - blue) - (green - blue), 0) / (2 - _HUES[0])
        leafy = np.maximum((green - blue) - _HUES[1] * (red - blue), 0) / (1 + _HUES[1])
        nearest += np.stack([leafy, pink - leafy, -pink], axis=1)
        nearest += gleam[:, None] * [-0.5, -0.5, 1]
        violet = _violet(self.tints)
        dyed = np.maximum(smoothstep(np.linalg.norm(self.tints - 1, axis=1), *_DYED), violet)[:, None]
        return self._replace(tints=nearest + dyed * (self.tints - nearest))

    def differ(self, colours: np.ndarray) -> np.ndarray:
        """How far colours (K, 3) are from the kind's at the same lightness, (K,) in sRGB."""
        return np.linalg.norm(colours - self.given_to(colours), axis=1)

    def given_to(self, colours: np.ndarray) -> np.ndarray:
        """Colours (K, 3) as light as they are, with the tint that the kind has at that lightness."""
        lightness = colours.mean(1) + BLACK
        tint = np.stack([np.interp(lightness, self.lightness, one) for one in self.tints.T], axis=1)
        # What is too bright for a channel would change its tint.
        lightness = np.minimum(lightness, (1 + BLACK) / tint.max(1))
        return lightness[:, None] * tint - BLACK


def levels(
    guess: np.ndarray,
    seen: np.ndarray,
    weight: np.ndarray,
    share: np.ndarray,
    upright: np.ndarray,
    normals: np.ndarray,
    better: Sequence[np.ndarray] = (),
    face: np.ndarray | None = None,
    worn: Worn | None = None,
    cropped: float = 0.0,
) -> tuple[np.ndarray, dict[int, Tints]]:
    """Colours (K, 3) of cells with shares (K, len(KINDS)), by what is seen (K, 3) of each kind, where weight (K,) says; and the tints of
    skin and hair, as far as they are seen.

    guess (K, 3): the field's colours; upright (K, 3): places on the mean head (Symmetry.upright); normals (K, 3): unit, crop frame; better
    [(K,), ...]: how good seen cells are as samples in further ways: the best alone count. face (K,) in [0, 1]: what may show skin; a white
    shirt may be taken for it. worn: the garments of cells, which are all of one without it. cropped: in [0, 1], is the hair?
    """
    colours, tints, skin = np.zeros_like(guess), {}, None
    for index in range(len(KINDS)):
        near, kept, further = _NEAR[index], _KEPT[index], better
        sources = share[:, index] * weight
        if index == SKIN:
            low = 1 - smoothstep(upright[:, 1], *_FOREHEAD)
            further = [*better, low, smoothstep(normals[:, 2], *_FRONTAL), np.ones(len(seen)) if face is None else face]
        elif index == HAIR:
            further = [*better, _usual(seen, sources * _samples(sources, better))]
        chosen = _samples(sources, further)
        if not chosen.any():
            # Too few for a sample, seen cells still tell more than the field does, whose guess is mottled.
            told = np.clip(sources.sum() / _LEAST, 0, 1)
            mean, usual = sources**2 @ seen / max((sources**2).sum(), 1e-9), _middle(guess, share[:, index] * (1 - weight))
            mean = Tints.of(mean[None], 0).natural().given_to(mean[None])[0] if index == HAIR else mean
            colours += share[:, index : index + 1] * (usual + told * (mean - usual))
            continue
        if index == HAIR and SKIN in tints:
            chosen = _well_lit(seen, chosen, tints[SKIN], cropped)
        tinted = chosen
        if index == HAIR and SKIN in tints:
            chosen, tinted = (_opaque(seen, chosen, tints[SKIN], percent) for percent in (_CLEAR, _CLEAREST))
        if index == CLOTHES:
            level = _cloth(seen, sources, [*better, smoothstep(np.abs(upright[:, 0]), *_OPENING)], upright, worn)
        elif index == SKIN:
            level = _shaded(seen, chosen, normals)
        else:
            level = _level(seen, chosen, upright, near)
            if index == HAIR:
                level = _evenly_lit(level, np.median(seen[chosen], axis=0))
        hidden = share[:, index] * (1 - weight)
        light = guess.mean(1, keepdims=True)
        level = level + _relief(_uneven(light, hidden, normals) if index == SKIN else light, hidden, level, kept)
        if index in (SKIN, HAIR):
            unmixed = 100 + cropped * (_UNMIXED - 100)
            tints[index] = Tints.of(seen[tinted], 1) if index == SKIN else Tints.of(seen[tinted], 2, unmixed).natural()
            level = tints[index].given_to(level)
            if index == SKIN:
                level = level if face is None else _bald(level, seen, sources, [*better, further[-2]], 1 - face, upright)
                level = level + _MUTED * (level.mean(1, keepdims=True) - level)
                skin = level
        elif index == BEARD and skin is not None:
            level = level + _SPARSE * (skin - level)
        colours += share[:, index : index + 1] * level
    return np.clip(colours, 0, 1), tints


def _least_red(colours: np.ndarray, percent: float) -> np.ndarray:
    """The percent of colours (M, 3) that are redder than green by the least share of their light."""
    red = (colours[:, 0] - colours[:, 1]) / (colours.mean(1) + BLACK)
    return colours[red <= np.percentile(red, percent)]


def _violet(tints: np.ndarray) -> np.ndarray:
    """(...,) in [0, 1]: are tints (..., 3) those of violet hair?"""
    return smoothstep(tints[..., [0, 2]].min(-1) - tints[..., 1], *_VIOLET)


def _samples(sources: np.ndarray, better: Sequence[np.ndarray]) -> np.ndarray:
    """Cells (K,) bool that show a kind, by sources (K,): those that are good in all further ways (K,), or the best if they are few. None at
    all where fewer than _LEAST show it."""
    shown = sources > _SEEN
    if shown.sum() < _LEAST:
        return np.zeros_like(shown)
    quality = np.prod([np.ones_like(sources), *better], axis=0)
    best = shown & (quality > 0) & (quality >= min(_SEEN, np.sort(quality[shown])[-_LEAST]))
    return best if best.any() else shown


def _opaque(seen: np.ndarray, hair: np.ndarray, skin: Tints, percent: float) -> np.ndarray:
    """(K,) bool: the percent of the seen hair (K,) bool through which skin shows least, as a tint, if it is grey; the more of it, the more
    doubtful that is."""
    light = seen.mean(1) + BLACK
    tinted = np.linalg.norm(seen - seen.mean(1, keepdims=True), axis=1) / light
    lightness = np.median(light[hair]) / skin.lightness[0]
    most = np.median(tinted[hair]) / np.linalg.norm(skin.tints - 1, axis=1).min() * max(_AS_LIGHT / lightness, 1) ** _DUSKY
    grey = (1 - smoothstep(most, *_GREY_TINT)) * (1 - _violet(np.median(seen[hair] / light[hair, None], axis=0))) * (lightness > _GREY)
    return hair & (tinted <= np.percentile(tinted[hair], 100 - grey * (100 - percent)))


def _well_lit(seen: np.ndarray, hair: np.ndarray, skin: Tints, cropped: float) -> np.ndarray:
    """(K,) bool: the seen hair (K,) bool without its darkest part, which lies in the shade of what is beside it; less if it is cropped, for
    then the lightest is mixed with skin, and none if it is violet, for then the lightest is bleached. Of black hair that is cropped the
    darkest half: through the rest, where it begins, skin shows."""
    light = seen.mean(1) + BLACK
    black = cropped * (1 - smoothstep(np.percentile(light[hair], _DENSEST) / skin.lightness[0], *_DARKER))
    violet = _violet(np.median(seen[hair] / light[hair, None], axis=0))
    shaded = _SHADED * (1 - cropped / 2) * (1 - black) * (1 - violet)
    lowest, highest = np.percentile(light[hair], [shaded, 100 - _THIN * black])
    return hair & (light >= lowest) & (light <= highest)


def _shaded(seen: np.ndarray, chosen: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Grey (K, 3) as light as seen cells (K,) bool are that face the same way; what faces away from the camera is lit like what faces it.

    Light that grows evenly with the direction, found with little heed to what is far from that (iterated weights of Geman and McClure).
    """
    facing = np.column_stack([np.ones(len(normals)), normals[:, :2], np.abs(normals[:, 2:])])
    light = np.log(seen.mean(1) + BLACK)
    found, here = np.zeros(4), facing[chosen]
    weight = np.ones(len(here))
    for _ in range(_ROUNDS):
        weighted = here * weight[:, None]
        # Light from every side alike is the first guess.
        found = np.linalg.solve(weighted.T @ here + _EVEN * np.diag([0, 1, 1, 1]), weighted.T @ light[chosen])
        weight = 1 / (1 + ((light[chosen] - here @ found) / _UNEVEN) ** 2) ** 2
    lowest, highest = np.percentile(light[chosen], _USUAL_LIGHT)
    return np.repeat((np.exp(np.clip(facing @ found, lowest, highest)) - BLACK)[:, None], 3, axis=1)


def _bald(
    level: np.ndarray, seen: np.ndarray, sources: np.ndarray, better: Sequence[np.ndarray], scalp: np.ndarray, upright: np.ndarray
) -> np.ndarray:
    """The level (K, 3) of skin, on the scalp (K,) as the forehead and the crown are that are seen at that height and distance from the
    middle: the sky lights a bald head all round."""
    high = smoothstep(upright[:, 1], *_BALD)
    chosen = _samples(sources * (high > 0), better)
    return level + (scalp * high)[:, None] * (_level(seen, chosen, upright, _CROWN) - level) if chosen.any() else level


def _usual(seen: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """(K,) in [0, 1]: is what is seen (K, 3) as the sources (K,) mostly are? What is far from that was mistaken for it."""
    away = np.linalg.norm(seen - _middle(seen, sources), axis=1)
    return 1 - smoothstep(away / max(float(_middle(away[:, None], sources)[0]), _VARIES), *_UNUSUAL)


def _relief(light: np.ndarray, share: np.ndarray, level: np.ndarray, kept: float) -> np.ndarray:
    """How much lighter (K, 1) than the rest of its kind the guess, of light (K, 1), makes a cell: its light and shade, not its tints."""
    most = _RELIEF * level.mean(1, keepdims=True)
    return np.clip(kept * (light - _middle(light, share)), -most, most)


def _uneven(light: np.ndarray, share: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """The guess's light (K, 1) without what grows evenly with the direction of the normals (K, 3): it guesses the dark side too dark."""
    hidden = share > _SEEN
    facing = np.column_stack([np.ones(len(normals)), normals])
    even = np.linalg.lstsq(facing[hidden], light[hidden], rcond=None)[0] if hidden.sum() > _LEAST else np.zeros((4, 1))
    return light - facing @ even


def _level(seen: np.ndarray, chosen: np.ndarray, upright: np.ndarray, near: float) -> np.ndarray:
    """Colours (K, 3) of chosen cells (K,) bool at about the same height and distance from the middle, in any depth."""
    blurred = _around(seen, chosen, upright, near)
    return (blurred[:, 1:] + _MEDIAN * np.median(seen[chosen], axis=0)) / (blurred[:, :1] + _MEDIAN)


def _evenly_lit(level: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """The level (K, 3) of hair, nearly as light all over as the usual colour (3,): what the sky lights or the chin shades in front is so
    there alone."""
    change = np.log((level.mean(1) + BLACK) / (usual.mean() + BLACK))
    kept = _LIGHTER * np.tanh(_ALL_OVER * change / _LIGHTER)
    return lightened(level, kept - change)


def _cloth(seen: np.ndarray, sources: np.ndarray, better: Sequence[np.ndarray], upright: np.ndarray, worn: Worn | None) -> np.ndarray:
    """The same from what is seen of the garment that a cell is of."""
    level = np.tile(_middle(seen, sources), (len(seen), 1))
    if worn is None:
        worn = Worn(np.ones(len(seen), np.int64), np.ones(len(seen), np.int64), np.ones((len(seen), 1)))
    for one in np.unique(worn.garment[worn.garment > 0]):
        own = sources * (worn.seen == one)
        chosen = _samples(own, better)
        chosen = chosen if chosen.any() else own > _SEEN
        if chosen.any():
            level[worn.garment == one] = _level(seen, chosen, upright, _NEAR[CLOTHES])[worn.garment == one]
    return level


def _around(seen: np.ndarray, chosen: np.ndarray, upright: np.ndarray, near: float) -> np.ndarray:
    """How many chosen cells lie around, in the picture of heights and distances from the middle, and the sums of their colours (K, 4)."""
    place = np.column_stack([np.abs(upright[:, 0]), upright[:, 1]])
    row, column = ((place - place.min(0) * [0, 1]) / _PITCH).astype(np.int64).T
    shape = (row.max() + 1, column.max() + 1)
    flat = (row * shape[1] + column)[chosen]
    layers = [np.bincount(flat, values, shape[0] * shape[1]).reshape(shape) for values in (np.ones(len(flat)), *seen[chosen].T)]
    # Reflected at the middle, where both halves meet.
    return np.stack([gaussian_filter(layer, near / _PITCH, mode="reflect") for layer in layers], axis=-1)[row, column]


def _middle(colours: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Median (3,) of the colours that weigh, or of all."""
    chosen = weight > _SEEN
    return np.median(colours[chosen] if chosen.any() else colours, axis=0)

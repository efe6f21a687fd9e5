"""More of the visible hair's texture, light and relief alike, for hair that is hidden.

Patches of the seen hair keep its curls and locks (patchwork.py). Where it shows no more than a centimetre or two, the same patches would be
seen again and again: there it is random-phase noise (Galerne, Gousseau & Morel 2011), which has a sample's spectrum and so its strands'
width and contrast. The light of both is distributed as the samples' is: few bright strands in black hair.
"""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, gaussian_filter1d

from ..geometry.visibility import smoothstep
from .locks import add_locks
from .patchwork import patchwork

_MAP = 128  # pixels a side of the map of hair
_LEAST, _MOST = 0.03, 0.25  # crop units (6 mm and 5 cm): sides of a sample
_FEWEST = 8  # pixels of a sample's side, below which it tells nothing
_NEARLY, _BLOCK = 0.6, 6  # share of the largest square's side that a sample has at least; pixels of the map of which one square is tried
_UNUSUAL = 0.5  # natural logarithm by which a sample's contrast differs from what is usual
_SAMPLES = 6  # squares at most of which patches are taken
_SMALL = 0.09  # crop units (18 mm): smaller samples are too little for patches
_CLUMP = 0.04  # crop units: wider than this, light and shade are no strands
_STRONGEST = 0.65  # natural logarithm by which strands are lighter or darker than the middle at most
_RARE = 1.6  # times the mean of relief beyond which it is rare
_FINE, _FAINT = (0.02, 0.004), 0.08  # crop units along and across strands that are not known, and the natural logarithm of their light
_LOCKS, _SHALLOW = (0.06, 0.01), 0.0025  # the same of their relief, and crop units (0.5 mm) of that
_EDGE = 0.005  # crop units (1 mm), of a mesh: relief that changes faster across strands is rows of dots on it
_STEPS = 65  # of the distribution of light
_CENTRE = np.array([0.0, 0.15, -0.42])  # of the skull, crop units on the mean head
_RADIUS = 0.5  # crop units
_LENGTHENED = 2.5  # long hair that is combed down bends less than in the sample; curls and stubble stay as they are
_CROPPED = 1.3  # and cropped hair nearly so
_COMBED = (0.3, 0.6)  # coherence of the sample's gradients, from curls and stubble to strands that run one way
_STRAND = (0.015, 0.03)  # crop units (3 and 6 mm, times what they are lengthened) along strands over which light and relief are averaged
_BACKWARDS = np.radians(25)  # tilt of the crown, where strands meet
_FALLS, _UPRIGHT = 0.4, 0.5  # crop units below the skull's middle over which strands bend from this tilt, and by how much of it
_REPEATS = 2  # times around the head
_WIDE = (0.45, 0.75)  # sine of the angle to the crown within which strands are made twice as wide: narrower ones are rows of dots on a mesh
_CROWN, _RAISED = (0.07, 0.2), (0.25, 0.6)  # and within which they are too fine to be shown, and to be raised
_AROUND = _REPEATS / (2 * np.pi * _RADIUS)  # sides of the texture in a crop unit
_AT_ONCE = 16_384  # places: cv2.remap takes pictures of at most 32,767 pixels a side


@dataclass(frozen=True)
class HairTexture:
    """texture (N, N, C) float32: differences from the hair's middle, tiled; its strands run along the rows' axis, so many times lengthened
    on the head. combed: in [0, 1], from curls and stubble to strands that run one way, away from the crown."""

    texture: np.ndarray
    lengthened: float
    combed: float = 1.0

    @classmethod
    def of(cls, picture: np.ndarray, points: np.ndarray, hair: np.ndarray, long: float = 1.0) -> Self | None:
        """From points (V, 3) in the crop frame that the picture (S, S, C) shows, of which hair (V,) bool are hair; None if there is too
        little of it. The first channel is the hair's light, which tells how strands run; others, such as the relief of the same hair,
        become part of the same strands. long: in [0, 1], from cropped hair to such as hangs."""
        squares = seen_squares(picture, points, hair)
        if not squares:
            return None
        size = round(2 * np.pi * _RADIUS / _REPEATS * len(picture) / 2)
        fine = [square - _blurred(square, _CLUMP * len(picture) / 2) for square in squares]
        # Others have a parting, or locks that cross; in the shade nothing is told from the next, and in a highlight all too much.
        contrast = np.log([square[..., 0].std() + 1e-6 for square in fine])
        usual = np.exp(-(((contrast - np.median(contrast)) / _UNUSUAL) ** 2))
        quality = usual * [_course(square)[1] for square in fine]
        samples, coherences = zip(*(_upright(fine[index]) for index in np.argsort(-quality, kind="stable")[:_SAMPLES]), strict=True)
        coherence = float(np.median(coherences))
        if coherence < _COMBED[0]:
            samples += tuple(np.swapaxes(sample, 0, 1) for sample in samples)
        small = min(map(len, samples)) < _SMALL * len(picture) / 2
        texture = random_phase(samples[0], size) if small else patchwork(samples, size)
        spread = texture[..., 1:].std((0, 1)) + 1e-9
        combed = smoothstep(np.array(coherence), *_COMBED)
        # Where patches meet, and at highlights, light and relief are interrupted; strands are not.
        for channels, length in ((slice(0, 1), _STRAND[0]), (slice(1, None), _STRAND[1])):
            sigma = combed * length * len(picture) / 2 + 1e-3
            texture[..., channels] = gaussian_filter1d(texture[..., channels], sigma, axis=0, mode="wrap")
        texture[..., 0] = _distributed(texture[..., 0], np.concatenate([sample[..., 0].ravel() for sample in samples]))
        # Of the others, such as relief, long hair has at least as much as most squares show; cropped hair would become rubble.
        mostly = np.median([square[..., 1:].std((0, 1)) for square in fine], axis=0)
        bounded = gaussian_filter1d(_bounded(texture[..., 1:]), _EDGE * len(picture) / 2, axis=1, mode="wrap")
        texture[..., 1:] = bounded / (bounded.std((0, 1)) + 1e-9) * spread * np.maximum(mostly / spread, 1) ** long
        add_locks(texture, long, len(picture) / 2)
        lengthened = _CROPPED + long * (_LENGTHENED - _CROPPED)
        return cls(texture, float(1 + (lengthened - 1) * combed), float(combed))

    @classmethod
    def unknown(cls, picture: np.ndarray) -> Self:
        """Fine strands with shallow relief, for hair of which a picture (S, S, C) shows too little to tell: even, it would be paint."""
        size = round(2 * np.pi * _RADIUS / _REPEATS * len(picture) / 2)
        noise = np.random.default_rng(0).standard_normal((size, size))
        texture = np.zeros((size, size, picture.shape[2]), np.float32)
        for channel, (size_of, strength) in enumerate([(_FINE, _FAINT), (_LOCKS, _SHALLOW)][: picture.shape[2]]):
            strands = gaussian_filter(noise, np.multiply(size_of, len(picture) / 2), mode="wrap")
            texture[..., channel] = strength * strands / strands.std()
        return cls(texture, 1.0)

    def at(self, upright: np.ndarray) -> np.ndarray:
        """Differences (N, C) float32 at places (N, 3) of the mean head (Symmetry.upright): strands run down from the crown."""
        away = upright - _CENTRE
        back, up = np.sin(_BACKWARDS), np.cos(_BACKWARDS)
        x, along, forward = away[:, 0], away[:, 1] * up - away[:, 2] * back, away[:, 1] * back + away[:, 2] * up
        # Hair hangs by its weight: along the crown's axis it ran from behind over the cheeks.
        below = np.maximum(-along, 0)
        forward = forward + _UPRIGHT * np.tan(_BACKWARDS) * np.where(below < _FALLS, below**2 / (2 * _FALLS), below - _FALLS / 2)
        across = np.hypot(x, forward)
        turns = np.arctan2(x, forward) / (2 * np.pi)
        # From the crown over the skull, and straight down below it.
        way = np.where(along > 0, np.arctan2(across, along), np.pi / 2 - along / _RADIUS)
        rows = way / (2 * np.pi) * _REPEATS / self.lengthened
        sine = np.where(along > 0, across / np.maximum(np.hypot(across, along), 1e-6), 1)[:, None].astype(np.float32)
        # Near the crown half as many strands run side by side, as wide as elsewhere.
        wide, crown, raised = (smoothstep(sine, *where) for where in (_WIDE, _CROWN, _RAISED))
        values = wide * self._tiled(turns * _REPEATS, rows)
        near = np.flatnonzero(wide < 1)
        running, curled = self._tiled(turns[near] * _REPEATS / 2, rows[near]), self._tiled(*(_AROUND * np.stack([x, forward])[:, near]))
        values[near] += (1 - wide[near]) * (curled + self.combed * (running - curled))
        # Relief of strands that meet there would stand out of the outline.
        crown, raised = (part + (1 - self.combed) * (1 - part) for part in (crown, raised))
        return np.concatenate([crown * values[:, :1], raised * values[:, 1:]], axis=1)

    def _tiled(self, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Differences (N, C) at columns and rows (N,), in sides of the texture."""
        size, values = len(self.texture), np.empty((len(rows), self.texture.shape[2]), np.float32)
        for start in range(0, len(rows), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            where = [np.ascontiguousarray(axis[part, None] % 1 * size, np.float32) for axis in (columns, rows)]
            found = cv2.remap(self.texture, *where, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
            values[part] = found.reshape(-1, values.shape[1])
        return values


def _blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), sigma).reshape(picture.shape)


def _bounded(relief: np.ndarray) -> np.ndarray:
    """Relief (N, N, C) in [-1, 1] without what rarely stands out of it: single highlights in black hair would be warts."""
    return np.tanh(relief / (_RARE * np.abs(relief).mean((0, 1)) + 1e-12))


def _distributed(noise: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """Noise (N, N) with the distribution of a sample (n,), around its median."""
    steps = np.linspace(0, 1, _STEPS)
    values = np.quantile(sample, steps) - np.median(sample)
    # A bleached lock, or a highlight, is not so all over.
    values = _STRONGEST * np.tanh(values / _STRONGEST)
    return np.interp(noise, np.quantile(noise, steps), values).astype(np.float32)


def random_phase(sample: np.ndarray, size: int) -> np.ndarray:
    """A tiled texture (size, size, C) float32 around 0 with the spectrum of a sample (n, n, C)."""
    window = np.outer(*[np.hanning(len(sample))] * 2)[..., None].astype(np.float32)
    sample = sample - (window * sample).sum((0, 1)) / window.sum()
    spot = np.zeros((size, size, sample.shape[2]), np.float32)
    spot[: len(sample), : len(sample)] = sample * np.sqrt(window / window.sum()) * size
    noise = np.fft.rfft2(np.random.default_rng(0).standard_normal((size, size)).astype(np.float32))
    phase = noise / np.maximum(np.abs(noise), 1e-9)
    return np.fft.irfft2(np.fft.rfft2(spot, axes=(0, 1)) * phase[..., None], (size, size), axes=(0, 1)).astype(np.float32)


def seen_squares(
    picture: np.ndarray, points: np.ndarray, of_kind: np.ndarray, nearly: float = _NEARLY, most: float = _MOST
) -> list[np.ndarray]:
    """Squares (n, n, C) of a picture (S, S, C) that show nothing but one kind, as points (V, 3) do of which of_kind (V,) bool are such;
    none where there is too little of it. nearly: share of the largest square's side that they have at least; most: crop units a side."""
    shown = _map_of(points, of_kind)
    inside = np.asarray(distance_transform_edt(np.pad(shown, 1)))[1:-1, 1:-1]
    if inside.max() * np.sqrt(2) * 2 / _MAP < _LEAST:
        return []
    centres = np.argwhere(inside >= nearly * inside.max())
    # The widest of each block, so that one pixel more or less changes no other square.
    widest = centres[np.argsort(-inside[tuple(centres.T)], kind="stable")]
    _, first = np.unique(widest // _BLOCK, axis=0, return_index=True)
    squares = [_square(picture, centre, min(inside[tuple(centre)] * np.sqrt(2) * 2 / _MAP, most)) for centre in widest[first]]
    return [square for square in squares if len(square) >= _FEWEST]


def _map_of(points: np.ndarray, of_kind: np.ndarray) -> np.ndarray:
    """(_MAP, _MAP) bool: pixels that show nothing but one kind."""
    column, row = (np.clip((points[:, axis] * sign + 1) * _MAP / 2, 0, _MAP - 1).astype(np.int64) for axis, sign in ((0, 1), (1, -1)))
    flat = row * _MAP + column
    whole, part = (np.bincount(flat, weight, _MAP * _MAP).reshape(_MAP, _MAP) for weight in (np.ones(len(flat)), of_kind))
    return (part > 0.95 * whole) & (whole > 0)


def _square(picture: np.ndarray, centre: np.ndarray, side: float) -> np.ndarray:
    """The part (n, n, C) of a picture around a pixel of the map (row, column); side: crop units."""
    half = int(side / 2 * len(picture) / 2)
    low = [int(np.clip(int((index + 0.5) * len(picture) / _MAP) - half, 0, len(picture) - 2 * half)) for index in centre]
    return np.array(picture[low[0] : low[0] + 2 * half, low[1] : low[1] + 2 * half], np.float32)


def _course(sample: np.ndarray) -> tuple[float, float]:
    """Degrees across the strands of a sample (n, n, C), and the coherence of its structure tensor: 1 if they all run one way."""
    grey = np.ascontiguousarray(sample[..., 0])
    right, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    wide, tall, both = (right**2).sum(), (down**2).sum(), (right * down).sum()
    return 0.5 * float(np.degrees(np.arctan2(2 * both, wide - tall))), float(np.hypot(wide - tall, 2 * both) / max(wide + tall, 1e-12))


def _upright(sample: np.ndarray) -> tuple[np.ndarray, float]:
    """The sample (n, n, C) turned until its strands run down, and its coherence."""
    across, coherence = _course(sample)
    middle = (len(sample) - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), across, 1.0)
    return cv2.warpAffine(sample, turn, sample.shape[:2], borderMode=cv2.BORDER_REFLECT).reshape(sample.shape), coherence

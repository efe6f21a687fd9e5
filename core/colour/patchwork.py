"""More of a texture from patches of samples of it, so that curls stay curls and locks stay locks."""

from collections.abc import Sequence

import numpy as np

_PATCH = 0.75  # of the smallest sample's side: there is room to choose from
_OVERLAP = 0.4  # of a patch's side, over which it passes into the next
_TRIED = 5  # few, so that not the same ones are always taken: patches, of which the one that continues best what lies there is taken


def patchwork(samples: Sequence[np.ndarray], size: int) -> np.ndarray:
    """A tiled texture (size, size, C) float32 of samples (n, n, C) around 0, also mirrored ones: patches laid one beside another, each the
    one of some random ones that differs least from what it overlaps (as in image quilting, Efros & Freeman 2001). Where patches overlap
    they are mixed with their variance kept (Heitz & Neyret 2018)."""
    random = np.random.default_rng(0)
    samples = [part for sample in samples for part in (sample, sample[::-1], sample[:, ::-1], sample[::-1, ::-1])]
    side = max(4, min(size, int(_PATCH * min(map(len, samples)))))
    ramp = np.clip((np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5) / (_OVERLAP * side), 0, 1)
    window = (np.outer(ramp, ramp) ** 2 * (3 - 2 * np.outer(ramp, ramp)))[..., None].astype(np.float32)
    count = int(np.ceil(size / ((1 - _OVERLAP) * side)))
    starts = np.round(np.arange(count) * size / count).astype(np.int64)
    total, weight, squared = (np.zeros((size, size, channels), np.float32) for channels in (samples[0].shape[2], 1, 1))
    for row in starts:
        for column in starts:
            place = np.ix_((row + np.arange(side)) % size, (column + np.arange(side)) % size)
            tried = np.stack([_part(samples, side, random) for _ in range(_TRIED)])
            there = np.minimum(weight[place], 1)
            differences = tried[..., :1] - (total[place] / np.maximum(weight[place], 1e-6))[..., :1]
            best = tried[np.argmin((there * differences**2).sum((1, 2, 3)))]
            total[place] += window * best
            weight[place] += window
            squared[place] += window**2
    return total / np.sqrt(np.maximum(squared, 1e-6))


def _part(samples: Sequence[np.ndarray], side: int, random: np.random.Generator) -> np.ndarray:
    sample = samples[random.integers(len(samples))]
    row, column = random.integers(len(sample) - side + 1, size=2)
    return sample[row : row + side, column : column + side]

"""Photographs as hard as real ones: measured skies, harsh side light, backlight, colour casts, sharpened edges, smoothed skin."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ..data.dataset import PICTURE_FIELDS, Batch, Shards, StoredSamples, decoded, finish
from ..humans.paints import linear
from ..humans.part import MATERIALS
from ..parsing.drawn import turned_sky
from ..render.buffers import blur
from ..render.camera import camera_faults
from ..render.lighting import Light, photograph

_SKY, _HARSH, _BEHIND = 0.5, 0.25, 0.1
_WARMTH, _SHARPENED, _SMOOTHED = 0.15, 0.4, 0.15
_WITHOUT_FIT = 0.25
"""Share of samples whose maps are empty: a network that cannot do without the fit follows bad ones."""


class Photographs:
    """Endless batches for the normal network from shards of `people.py`, or of other samples. skies (N, 9, 3): radiance of measured
    environments."""

    def __init__(self, samples: StoredSamples, skies: np.ndarray, without_fit: float = _WITHOUT_FIT) -> None:
        self._samples, self._skies, self._without_fit = samples, skies.astype(np.float64), without_fit

    @classmethod
    def load(cls, folder: Path | StoredSamples, assets: Path, without_fit: float = _WITHOUT_FIT) -> "Photographs":
        """From the finished shards of a folder, or samples, and an asset pack."""
        with np.load(assets / "light" / "hdri.npz", allow_pickle=False) as data:
            return cls(Shards(folder, PICTURE_FIELDS) if isinstance(folder, Path) else folder, data["sh2"], without_fit)

    def batches(self, count: int, seed: int, first: int = 0, augment: bool = True) -> Iterator[Batch]:
        """Batches of `count` from the number `first` on; one depends on the seed and its number alone."""
        number = first
        while True:
            rng = np.random.default_rng([seed, number])
            torch.manual_seed(int(rng.integers(2**62)))
            stored = [self._samples.draw(int(i), 0, rng) for i in rng.choice(len(self._samples), count, replace=False)]
            for sample in stored:
                if sample["maps"].ndim == 4:  # several fits
                    fits = sample["maps"]
                    sample["maps"] = fits[rng.integers(len(fits))] if augment else fits[-1]
            yield finish(self(decoded(stored), rng), rng, augment)
            number += 1

    def __call__(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """Decoded samples as `dataset.photographs` gives them, without what concerns points."""
        count = len(batch["albedo"])
        rows, which = torch.arange(count), torch.from_numpy(rng.integers(0, batch["keys"].shape[1], count))
        keys, shadow = batch["keys"][rows, which].numpy(), batch["shadows"][rows, which]
        light = self._light(Light.random(rng, keys), rng)
        picture = photograph(
            light, linear(batch["albedo"]), batch["normal"], batch["ambient"], shadow, batch["material"], metres=self._samples.metres
        )[0]
        picture = developed(picture, batch["material"] == MATERIALS.index("skin"), rng)
        result = {name: batch[name].permute(0, 3, 1, 2) for name in ("normal", "normal_back", "maps")}
        kept = torch.from_numpy(rng.random(count) >= self._without_fit).float()
        result["maps"] = result["maps"] * kept[:, None, None, None]
        result |= {"photo": camera_faults(picture, batch["coverage"], rng), "mask": batch["coverage"]}
        return result | {"hair": (batch["material"] == MATERIALS.index("hair")).float()}

    def _light(self, light: Light, rng: np.random.Generator) -> Light:
        """Some rooms are measured ones, some are dark but for one lamp, and some lamps stand behind."""
        ambient, colour, strength = light.ambient.clone(), light.colour.clone(), light.shadow_strength.clone()
        direction = light.direction.clone()
        for row in range(len(ambient)):
            if rng.random() < _SKY:
                sky = turned_sky(self._skies[rng.integers(len(self._skies))], rng.uniform(0, 2 * np.pi))
                ambient[row] = torch.from_numpy(sky * rng.uniform(0.2, 0.7))
                colour[row] *= float(rng.choice([0.0, 0.4, 1.0]))
            elif rng.random() < _HARSH:
                ambient[row] *= float(rng.uniform(0.1, 0.5))
                colour[row, 1:] *= float(rng.uniform(0, 0.4))
                strength[row] = float(rng.uniform(0.7, 1))
            if rng.random() < _BEHIND:
                # The last light has no shadow map; from behind it meets only the rim.
                azimuth, height = rng.choice([-1, 1]) * rng.uniform(2, 2.8), rng.uniform(-0.2, 0.9)
                direction[row, -1] = torch.tensor(
                    [np.sin(azimuth) * np.cos(height), np.sin(height), np.cos(azimuth) * np.cos(height)], dtype=torch.float32
                )
                colour[row, -1] = float(rng.uniform(0.6, 2.0))
        return replace(light, ambient=ambient, colour=colour, shadow_strength=strength, direction=direction)


def developed(picture: torch.Tensor, skin: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Pictures (B, S, S, 3) in [0, 1] as cameras and their owners develop them: a warm or cold cast, contrast, skin (B, S, S) bool smoothed
    as beauty filters do, and sharpened edges."""
    count = len(picture)
    warm = torch.from_numpy(rng.normal(0, _WARMTH, count).astype(np.float32))
    cast = torch.stack([1 + warm, torch.ones(count), 1 - warm], dim=1)
    curve = torch.from_numpy(np.where(rng.random(count) < 0.4, rng.uniform(0.7, 1.5, count), 1.0).astype(np.float32))
    picture = ((picture * cast[:, None, None] - 0.5) * curve[:, None, None, None] + 0.5).clamp(0, 1)
    channels = lambda one, width: torch.stack([blur(one[..., c], width) for c in range(3)], dim=-1)  # noqa: E731
    result = []
    for one, bare in zip(picture, skin, strict=True):
        if rng.random() < _SMOOTHED:
            soft = channels(one[None], float(rng.uniform(1, 2.5)))[0]
            near = torch.exp(-(((soft - one) / 0.08) ** 2).sum(-1, keepdim=True))  # edges stay
            one = torch.lerp(one, soft, near * bare[..., None].float() * float(rng.uniform(0.4, 0.9)))
        if rng.random() < _SHARPENED:
            one = one + float(rng.uniform(0.2, 1.5)) * (one - channels(one[None], float(rng.uniform(0.7, 1.6)))[0])
        result.append(one.clamp(0, 1))
    return torch.stack(result)

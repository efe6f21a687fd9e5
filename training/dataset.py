"""Stored samples on disk, and their random photographs as training batches.

A shard is a folder with one .npy a field, samples along the first axis; `samples.py` writes it, and FIELDS says how each is stored.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from ..core.models.prior import MAP_CHANNELS
from .render.lighting import camera_faults, irradiance, photograph, random_light

MAP_SCALE = np.array([127, 127, 127, 60, 60, 60, 100, 127], np.float32)
"""Integer steps a unit for the prior maps' channels; depth and codes reach past 1."""

PICTURE_FIELDS = ("albedo", "normal", "coverage", "ambient", "material", "shadows", "keys", "maps")
POINT_FIELDS = ("points", "distance", "prior", "surface", "surface_prior", "surface_normal", "surface_albedo", "surface_valid")


class Shards:
    """Memory-mapped shards of one folder, addressed by a running index."""

    def __init__(self, folder: Path, fields: tuple[str, ...]) -> None:
        paths = sorted(path for path in folder.glob("shard_*") if (path / "done").exists())
        if not paths:
            raise FileNotFoundError(f"{folder} holds no finished shards; make some with `python -m likeness.training.samples`.")
        self._shards = [{name: np.load(path / f"{name}.npy", mmap_mode="r") for name in fields} for path in paths]
        self._where = [(shard, row) for shard, arrays in enumerate(self._shards) for row in range(len(arrays["albedo"]))]

    def __len__(self) -> int:
        return len(self._where)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        shard, row = self._where[index]
        return {name: np.array(values[row]) for name, values in self._shards[shard].items()}


def photographs(stored: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A stored sample under new light and a new camera: photo (H, W, 4), normal, mask, maps (H, W, 8), and what colours need."""
    albedo = (stored["albedo"].astype(np.float32) / 255) ** 2.2
    normal = stored["normal"].astype(np.float32) / 127
    mask = stored["coverage"].astype(np.float32) / 255
    ambient = stored["ambient"].astype(np.float32) / 255
    which = int(rng.integers(len(stored["keys"])))
    light = random_light(rng, stored["keys"][which])
    shadow = stored["shadows"][which].astype(np.float32) / 255
    picture, exposure = photograph(albedo, normal, ambient, shadow, stored["material"], light, rng)
    photo, _ = camera_faults(picture, mask, rng)
    sample = {
        "photo": photo,
        "normal": normal,
        "mask": mask,
        "maps": stored["maps"].astype(np.float32) / MAP_SCALE,
    }
    if "surface" in stored:
        lit = irradiance(light, stored["surface_normal"].astype(np.float32) / 127, np.array(0.8, np.float32), np.array(1.0, np.float32))
        soft = (stored["surface_albedo"].astype(np.float32) / 255) ** 2.2 * lit * exposure
        sample["surface_colour"] = np.clip(soft, 0, 1) ** (1 / 2.2)
    return sample


def mirrored(sample: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The sample's mirror image: x changes sign everywhere."""
    flipped = {name: values.copy() for name, values in sample.items()}
    for name in ("photo", "normal", "mask", "maps"):
        flipped[name] = flipped[name][:, ::-1].copy()
    flipped["normal"][..., 0] *= -1
    flipped["maps"][..., [0, 3]] *= -1
    for name in ("points", "surface", "surface_normal"):
        if name in flipped:
            flipped[name][:, 0] *= -1
    for name in ("prior", "surface_prior"):
        if name in flipped:
            flipped[name][:, [1, 4]] *= -1
    return flipped


def batches(shards: Shards, batch: int, points: int, seed: int, augment: bool = True) -> Iterator[dict[str, torch.Tensor]]:
    """Endless batches. points = 0 leaves out everything about space. Pictures come as (B, C, H, W)."""
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(len(shards))
        for start in range(0, len(order) - batch + 1, batch):
            samples = [_draw(shards[int(i)], points, rng, augment) for i in order[start : start + batch]]
            yield collate(samples)


def _draw(stored: dict[str, np.ndarray], points: int, rng: np.random.Generator, augment: bool) -> dict[str, np.ndarray]:
    sample = photographs(stored, rng)
    if points:
        chosen = rng.choice(len(stored["points"]), points, replace=False)
        on_surface = rng.choice(len(stored["surface"]), points // 2, replace=False)
        sample["surface_colour"] = sample["surface_colour"][on_surface]
        sample["surface_valid"] = stored["surface_valid"][on_surface].astype(np.float32)
        for name in ("points", "distance", "prior"):
            sample[name] = stored[name][chosen].astype(np.float32)
        for name in ("surface", "surface_prior"):
            sample[name] = stored[name][on_surface].astype(np.float32)
        sample["surface_normal"] = stored["surface_normal"][on_surface].astype(np.float32) / 127
    return mirrored(sample) if augment and rng.random() < 0.5 else sample


def collate(samples: list[dict[str, np.ndarray]]) -> dict[str, torch.Tensor]:
    """Stacked tensors, float32, pictures channels-first in channels_last memory."""
    stacked = {name: torch.from_numpy(np.stack([s[name] for s in samples]).astype(np.float32)) for name in samples[0]}
    for name in ("photo", "normal", "maps"):
        stacked[name] = stacked[name].permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    assert stacked["maps"].shape[1] == MAP_CHANNELS
    return stacked

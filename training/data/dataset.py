"""Stored samples on disk, and their random photographs as training batches.

A shard is a folder with one .npy a field, samples along the first axis; `samples.py` writes it. A batch is a dictionary of float32
tensors; pictures are (B, C, S, S).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from ...core.models.prior import MAP_CHANNELS
from ..humans.paints import linear
from ..humans.part import MATERIALS
from ..render.camera import camera_faults
from ..render.lighting import CROP_METRES, Light, lit_colour, photograph

Batch = dict[str, torch.Tensor]
MAP_SCALE = np.array([127, 127, 127, 60, 60, 60, 100, 127], np.float32)
"""Integer steps a unit for the prior maps' channels; depth and canonical coordinates reach past 1."""

PICTURE_FIELDS = ("albedo", "normal", "normal_back", "coverage", "ambient", "material", "shadows", "keys", "maps")
SURFACE_FIELDS = ("surface", "surface_prior", "surface_normal", "surface_albedo", "surface_valid", "surface_code")
_BYTES = ("albedo", "coverage", "ambient", "shadows", "surface_albedo", "code", "surface_code")
_SIGNED = ("normal", "normal_back", "surface_normal")
_PICTURES = ("photo", "normal", "normal_back", "maps")
_MASKS = ("mask", "hair")
# Which components change sign in a mirror; correspondences (`code`) in [0, 1] turn x into 1 - x instead.
_ODD = {
    "photo": [], "mask": [], "hair": [], "normal": [0], "normal_back": [0], "maps": [0, 3],
    "points": [0], "surface": [0], "surface_normal": [0], "prior_vertices": [0], "prior": [1, 4], "surface_prior": [1, 4],
}  # fmt: skip


class StoredSamples(Protocol):
    """Numbered samples in their stored form, as `decoded` reads them; metres: that their pictures show from side to side."""

    metres: float

    def __len__(self) -> int: ...

    def draw(self, index: int, points: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """A sample with `points` of its points in space and half as many on the surface; points = 0 leaves out all about space."""
        ...


class Shards:
    """Memory-mapped shards of one folder, addressed by a running index. optional: further fields, of samples whose shard has them all."""

    def __init__(
        self, folder: Path, fields: tuple[str, ...], names: str = "shard_*", optional: tuple[str, ...] = (), metres: float = CROP_METRES
    ) -> None:
        self.metres = metres
        finished = sorted(path for path in folder.glob(names) if (path / "done").exists())
        # Older shards lack what only newer networks learn.
        paths = [path for path in finished if all((path / f"{name}.npy").exists() for name in fields)]
        if not paths:
            raise FileNotFoundError(
                f"{folder} holds no finished shards with {', '.join(fields)}; make some with `python -m likeness.training.data.samples`."
            )
        more = lambda path: optional if all((path / f"{name}.npy").exists() for name in optional) else ()  # noqa: E731
        self._shards = [{name: np.load(path / f"{name}.npy", mmap_mode="r") for name in (*fields, *more(path))} for path in paths]
        self._where = [(shard, row) for shard, arrays in enumerate(self._shards) for row in range(len(arrays[fields[0]]))]

    def __len__(self) -> int:
        return len(self._where)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        shard, row = self._where[index]
        return {name: np.array(values[row]) for name, values in self._shards[shard].items()}

    def draw(self, index: int, points: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """As StoredSamples."""
        return fewer(self[index], points, rng)


def decoded(stored: list[dict[str, np.ndarray]], device: torch.device | str = "cpu") -> Batch:
    """Samples as they are stored, stacked and in real units: pictures still channels last, without light."""
    batch: Batch = {}
    for name in stored[0]:
        values = torch.from_numpy(np.stack([sample[name] for sample in stored])).to(device)
        values = values.long() if name == "material" else values.float()
        scale = 255.0 if name in _BYTES else 127.0 if name in _SIGNED else 1.0
        batch[name] = values / torch.from_numpy(MAP_SCALE).to(device) if name == "maps" else values / scale if scale != 1 else values
    return batch


def photographs(batch: Batch, rng: np.random.Generator, metres: float = CROP_METRES) -> Batch:
    """Decoded samples under new light and a new camera. metres: that the pictures show from side to side.

    photo (B, 4, S, S), normal, normal_back (B, 3, S, S), mask and hair (B, S, S), maps (B, 8, S, S), all that concerns points, and
    surface_colour (B, N, 3), the sRGB that hidden surfaces should get.
    """
    count = len(batch["albedo"])
    which = torch.from_numpy(rng.integers(0, batch["keys"].shape[1], count)).to(batch["keys"].device)
    rows = torch.arange(count, device=which.device)
    light = Light.random(rng, batch["keys"][rows, which].cpu().numpy(), which.device)
    normal, shadow = batch["normal"], batch["shadows"][rows, which]
    picture, exposure = photograph(light, linear(batch["albedo"]), normal, batch["ambient"], shadow, batch["material"], metres=metres)
    result = {name: values for name, values in batch.items() if name not in (*PICTURE_FIELDS, "surface_albedo")}
    result |= {name: batch[name].permute(0, 3, 1, 2) for name in ("normal", "normal_back", "maps") if name in batch}
    result |= {"photo": camera_faults(picture, batch["coverage"], rng), "mask": batch["coverage"]}
    result["hair"] = (batch["material"] == MATERIALS.index("hair")).float()
    if "surface_albedo" in batch:
        result["surface_colour"] = lit_colour(light, batch["surface_albedo"], batch["surface_normal"], exposure)
    return result


def mirrored(batch: Batch, chosen: torch.Tensor) -> Batch:
    """The batch with its chosen rows (B,) bool replaced by their mirror images: x changes sign everywhere."""
    result = dict(batch)
    for name, odd in _ODD.items():
        if name not in batch:
            continue
        values = batch[name].flip(-1) if name in (*_PICTURES, *_MASKS) else batch[name].clone()
        for channel in odd:
            if name in _PICTURES:
                values[:, channel] *= -1
            else:
                values[..., channel] *= -1
        result[name] = torch.where(chosen.view(-1, *(1,) * (values.dim() - 1)), values, batch[name])
    for name in ("code", "surface_code"):
        if name in batch:
            on_head = (batch[name].sum(-1) > 0) & chosen[:, None]
            result[name] = batch[name].clone()
            result[name][..., 0] = torch.where(on_head, 1 - batch[name][..., 0], batch[name][..., 0])
    return result


def batches(
    shards: StoredSamples,
    batch: int,
    points: int,
    seed: int,
    turn: tuple[int, int] = (0, 1),
    augment: bool = True,
    device: torch.device | str = "cpu",
) -> Iterator[Batch]:
    """Endless batches. points = 0 leaves out everything about space. turn: number of the first batch, and the step to the next one.

    A batch depends on the seed and its number alone: a continued run sees what the stopped one would have seen.
    Raises ValueError when there are fewer samples than a batch has.
    """
    number, step = turn
    an_epoch = len(shards) // batch
    if not an_epoch:
        raise ValueError(f"There are {len(shards)} samples but a batch has {batch}; make more shards.")
    while True:
        epoch, place = divmod(number, an_epoch)
        order = np.random.default_rng([seed, epoch]).permutation(len(shards))
        rng = np.random.default_rng([seed, epoch, place])
        torch.manual_seed(int(rng.integers(2**62)))  # noise pictures come from torch's own generator
        stored = [shards.draw(int(i), points, rng) for i in order[place * batch : (place + 1) * batch]]
        yield finish(photographs(decoded(stored, device), rng, shards.metres), rng, augment)
        number += step


def finish(batch: Batch, rng: np.random.Generator, augment: bool) -> Batch:
    """Half of the batch mirrored, pictures in channels_last memory."""
    if augment:
        batch = mirrored(batch, torch.from_numpy(rng.random(len(batch["photo"])) < 0.5).to(batch["photo"].device))
    assert batch["maps"].shape[1] == MAP_CHANNELS
    return {
        name: values.contiguous(memory_format=torch.channels_last) if name in _PICTURES else values for name, values in batch.items()
    }  # fmt: skip


def fewer(stored: dict[str, np.ndarray], points: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A random subset of the stored points: `points` of them in space and half as many on the surface."""
    result = dict(stored)
    if points:
        chosen = rng.choice(len(stored["points"]), points, replace=False)
        on_surface = rng.choice(len(stored["surface"]), points // 2, replace=False)
        result |= {name: stored[name][chosen] for name in ("points", "distance", "code", "prior") if name in stored}
        result |= {name: stored[name][on_surface] for name in SURFACE_FIELDS if name in stored}
    return result

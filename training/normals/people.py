"""Write drawn people for the normal network: `python -m likeness.training.normals.people --assets FOLDER --output FOLDER --shards 30`.

Shards as `training.data.samples` writes them, without what concerns points in space, and with several fits of each person: `maps`
(N, FITS, S, S, 8). The first fit is simulated and says what the crop shows; the others are the product's own to what the real detector
finds under other lights, or simulated again where it finds nothing.
"""

import argparse
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch

from ...core.models.fit import ViewFit
from ...core.models.prior import PriorSurface
from ...core.photo.faces import MediaPipeDetector
from ...core.photo.framing import HEAD
from ...core.photo.view import Camera
from ..data.dataset import decoded, photographs
from ..data.real_fits import STORED_CROP, refit
from ..data.real_landmarks import detect
from ..data.samples import PICTURE, Drawn, Sampler, seen_in_crop, stored_maps, write_shard
from ..data.simulated_fits import simulated_fit

SIZE, FITS = 256, 3
PEOPLE = 25
"""In one shard."""
_OTHER_SEEDS = 500_000
"""Added to the numbers of people, so that none of them is one that `training.samples` has drawn for the other networks."""


class PictureSampler(Sampler):
    """Samples without labels in space."""

    def __init__(self, assets: Path, split: str = "training") -> None:
        super().__init__(assets, split, SIZE)
        self._detector = MediaPipeDetector()

    def sample(self, index: int) -> dict[str, np.ndarray]:
        """One stored sample."""
        drawn = self.draw(_OTHER_SEEDS + index)
        picture = self.picture(drawn, self.buffers(drawn))
        fits = [picture["maps"], *(self._maps(*fit) for fit in self._fits(drawn, picture))]
        kept = ("albedo", "normal", "normal_back", "coverage", "ambient", "material", "shadows", "keys")
        return {name: picture[name] for name in kept} | {"maps": np.stack(fits)}

    def _fits(self, drawn: Drawn, picture: dict[str, np.ndarray]) -> Iterator[tuple[ViewFit, Camera]]:
        rng, told = drawn.rng, self.parameters(drawn)
        stored = {**picture, "face_square": told["face_square"]}
        for _ in range(FITS - 1):
            torch.manual_seed(int(rng.integers(2**62)))
            landmarks, _ = detect(self._detector, photographs(decoded([stored]), rng), rng)
            person = {"landmarks": landmarks, "coverage": picture["coverage"], "camera": told["camera"]}
            fit = refit(self.model, person, rng)
            if fit is not None:
                yield fit, STORED_CROP
            else:
                yield simulated_fit(self.model, drawn.person, drawn.camera, PICTURE, rng), drawn.fit.camera

    def _maps(self, fit: ViewFit, crop: Camera) -> np.ndarray:
        """The fit's maps where `crop`, a camera of the same photo, is what the stored pictures show."""
        vertices = seen_in_crop(fit.closed_vertices, fit.camera, crop, HEAD).astype(np.float32)
        return stored_maps(PriorSurface.of(self.model, vertices, HEAD), self.size)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--split", choices=("training", "validation"), default="training")
    parser.add_argument("--first", type=int, default=0, help="first shard")
    parser.add_argument("--shards", type=int, default=20)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    os.environ.setdefault("GLOG_minloglevel", "2")
    sampler = PictureSampler(arguments.assets, arguments.split)
    for shard in range(arguments.first, arguments.first + arguments.shards):
        write_shard(sampler, arguments.output / arguments.split / f"shard_{shard:05d}", range(shard * PEOPLE, (shard + 1) * PEOPLE))


if __name__ == "__main__":
    main()

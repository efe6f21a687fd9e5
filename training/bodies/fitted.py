"""Body samples as the trainers read them: `python -m likeness.training.bodies.fitted --data FOLDER --output FOLDER --fits simulated`.

From finished shards of `shards.py` it writes shards of the same people under a fit, in the form of `data/samples.py`: pictures of the
networks' size, the fit's maps, points with the fit's features. Real fits are those that `fits.py` has stored; where the detector found
nobody, the fit is simulated. An interrupted run goes on.
"""

import argparse
import logging
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import torch

from ...core.networks.normal import INPUT_SIZE
from ..data.dataset import PICTURE_FIELDS
from ..data.samples import write_shard
from .figures import Depths, Figures

FIELDS = (*PICTURE_FIELDS, "points", "code", "prior_vertices")
_POINTS = 4096
_WITHOUT_FIT = 0.08
"""Share of people who are stored without any fit: a field that cannot do without one follows bad ones."""
_SEED = 11


class FittedShard:
    """The samples of one shard under fits. real: those of the detector, where there are any. depths: of the labels, as for Figures."""

    def __init__(self, shard: Path, real: bool, depths: Depths) -> None:
        self._figures = Figures(shard.parent, INPUT_SIZE, FIELDS, 1.0, _WITHOUT_FIT, 0.0 if real else 1.0, shard.name, depths)
        self._seed = [_SEED, int(real), int(shard.name.rsplit("_", 1)[1])]

    def __len__(self) -> int:
        return len(self._figures)

    def sample(self, index: int) -> dict[str, np.ndarray]:
        """A sample as the trainers read it."""
        drawn = self._figures.draw(index, _POINTS, np.random.default_rng([*self._seed, index]))
        half = ("points", "distance", "prior", "surface", "surface_prior", "prior_vertices")
        drawn |= {name: drawn[name].astype(np.float16) for name in half}
        return drawn | {"maps": drawn["maps"].round().clip(-127, 127).astype(np.int8), "code": drawn["code"].round().astype(np.uint8)}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of shards")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--fits", choices=("simulated", "real"), required=True)
    parser.add_argument("--depths", choices=get_args(Depths), default="fit", help="of the labels' limbs")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    real = arguments.fits == "real"
    needed = "fit_found.npy" if real else "done"
    for shard in sorted(path for path in arguments.data.glob("shard_*") if (path / "done").exists() and (path / needed).exists()):
        output = arguments.output / f"shard_{arguments.fits}_{shard.name.rsplit('_', 1)[1]}"
        if not (output / "done").exists():
            samples = FittedShard(shard, real, arguments.depths)
            write_shard(samples, output, range(len(samples)))


if __name__ == "__main__":
    main()

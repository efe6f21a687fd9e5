"""Make evaluation sets: `python -m likeness.training.evaluation.sets --assets FOLDER --output FOLDER --set scans --set photos`.

Nothing here is ever trained on: scans of the asset pack's `scans_dev`, people of the evaluation seed with pieces that only they wear, and a
public-domain photo with five degradations.
"""

import argparse
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch

from ...core.models.head import HeadModel
from ...core.pipeline import Reconstructor
from ...core.version import VERSION
from ...evaluation.case import Case, write_set
from ..data.samples import SEEDS
from .figures import avatar_cases, statue_cases
from .people import body_cases, bust_cases
from .scans import scan_cases

log = logging.getLogger(__name__)
_SEED = 5


def photo_cases() -> Iterator[Case]:
    """The astronaut of scikit-image (NASA, public domain), clean and degraded; truth is what the product sees in the clean one."""
    import skimage

    image = cv2.imread(str(Path(skimage.__path__[0]) / "data" / "astronaut.png"))[..., ::-1]
    view = Reconstructor.load("cpu").intake.view(np.ascontiguousarray(image), "astronaut")
    for name, picture in {"clean": image, **degraded(image)}.items():
        yield Case(
            f"astronaut_{name}", np.ascontiguousarray(picture), landmark_pixels=view.mesh[:, :2], mask=view.matte,
            labels={"degradation": name},
        )  # fmt: skip


def degraded(image: np.ndarray) -> dict[str, np.ndarray]:
    """Pictures (H, W, 3) uint8 as bad cameras and networks make them of a good one."""
    height, width = image.shape[:2]
    small = cv2.resize(image, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(_SEED).normal(0, 25, image.shape)
    return {
        "blur": cv2.GaussianBlur(image, (0, 0), 2.5),
        "dark": np.round(image * 0.25).astype(np.uint8),
        "jpeg": cv2.imdecode(cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 10])[1], cv2.IMREAD_COLOR)[..., ::-1],
        "lowres": cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR),
        "noise": np.clip(image + noise, 0, 255).astype(np.uint8),
    }


def main() -> None:
    """Command line."""
    makers: dict[str, tuple[str, Callable[[argparse.Namespace], Iterator[Case]]]] = {
        "scans": (
            "Development scans (a real head, front half, and two stone heads) drawn from 0, ±30 and 60 degrees. Distances from the "
            "prediction count only where the scan has surface; the stones' size is made up, and their stone is unlike skin.",
            lambda options: scan_cases(options.assets, HeadModel.load()),
        ),
        "synthetic-busts": (
            "Portraits of synthetic people, plain light and wall, with hair, clothes and skins that training does not use.",
            lambda options: bust_cases(options.assets, HeadModel.load(), range(options.count)),
        ),
        "synthetic-bodies": (
            "Whole synthetic people in tight and loose clothes, from all sides, with hair, clothes and skins that training does not use.",
            lambda options: body_cases(options.assets, HeadModel.load(), range(options.count)),
        ),
        "avatars": (
            "Held-out avatars of another hand than our people's, from the front and from behind; their size is made up.",
            lambda options: avatar_cases(options.assets, HeadModel.load()),
        ),
        "statues": (
            "Scanned statues, standing and seated, from the front and from behind; their size is made up, and their stone is unlike skin.",
            lambda options: statue_cases(options.assets),
        ),
        "photos": (
            "One photo (NASA, public domain) and five degradations of it; outlines and landmarks are compared with those that the product "
            "finds in the clean photo.",
            lambda options: photo_cases(),
        ),
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="gets a folder for each set; an existing one is replaced")
    parser.add_argument("--set", dest="sets", action="append", choices=sorted(makers), required=True)
    parser.add_argument("--count", type=int, default=200, help="people of a synthetic set")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    os.environ.setdefault("GLOG_minloglevel", "2")
    for name in options.sets:
        note, maker = makers[name]
        folder = options.output / name
        shutil.rmtree(folder, ignore_errors=True)
        names = []
        for case in maker(options):
            case.save(folder / case.name)
            names.append(case.name)
            log.info("%s: %s", name, case.name)
        write_set(folder, name, note, names, {"likeness": VERSION, "seed": SEEDS["evaluation"]})


if __name__ == "__main__":
    main()

"""The product's own fit to every stored person: `python -m likeness.training.data.real_fits --data FOLDER`.

It follows `real_landmarks`, which finds the landmarks.


Fields and normal networks lean on the fitted model, so they must learn from fits that err as those in use: to what the real detector
finds, not to simulated landmarks; without the parameter network's guess, which has learned from these very people. In every shard it
replaces the fit and all that follows from it (`maps`, `prior`, `surface_prior`, `prior_vertices`, `fit_*`); pictures and labels, and the
crop they are in, stay as they are. People in whom no face was found, and those whom the new fit would show in quite another crop, keep
their simulated fit.
"""

import logging
from pathlib import Path

import cv2
import numpy as np

from ...core.errors import ReconstructionError
from ...core.models.fit import ViewFit, fit_head
from ...core.models.head import HeadModel
from ...core.models.observation import Observation
from ...core.models.prior import PriorSurface
from ...core.photo.framing import HEAD
from ...core.photo.landmarks import MEDIAPIPE
from ...core.photo.view import Camera
from .dataset import Shards
from .real_landmarks import shards_to_do
from .samples import PICTURE, seen_in_crop, stored_fit, stored_maps

log = logging.getLogger(__name__)
_READ = ("landmarks", "coverage", "camera", "points", "surface")
STORED_CROP = Camera((PICTURE / 2, PICTURE / 2 * (1 + HEAD.centre[1] / HEAD.half)), PICTURE / (2 * HEAD.half))
"""The stored crop in pixels of the imagined photo, PICTURE to its side."""
_OTHER_SCALE, _OTHER_PLACE = 0.08, 12.0
"""By how much, as a share and in those pixels, a fit's own crop may differ from the stored one, which the pictures show."""


def refit(model: HeadModel, person: dict[str, np.ndarray], rng: np.random.Generator) -> ViewFit | None:
    """The fit to one of the person's detections, in pixels of the stored crop; half of the photos tell their focal length. None where no
    face was found, no head fits it, or its crop would be another."""
    found = np.flatnonzero(np.isfinite(person["landmarks"][:, 0, 0]))
    light, known = int(rng.integers(0, max(len(found), 1))), rng.random() < 0.5
    if not len(found):
        return None
    half = PICTURE / 2
    landmarks = (person["landmarks"][found[light]] + [1, 1, 0]) * half
    matte = cv2.resize(person["coverage"].astype(np.float32) / 255, (PICTURE, PICTURE))
    _, _, scale, nearness = person["camera"]
    focal = float(scale * half / nearness) if known and nearness > 0 else None
    try:
        fit = fit_head(model, Observation.detected({MEDIAPIPE: landmarks}, matte, focal, "stored"))
    except ReconstructionError:
        return None
    moved = np.abs(np.subtract(fit.camera.centre, STORED_CROP.centre)).max()
    return fit if abs(fit.camera.scale / STORED_CROP.scale - 1) < _OTHER_SCALE and moved < _OTHER_PLACE else None


def fields_of(model: HeadModel, fit: ViewFit, person: dict[str, np.ndarray], size: int) -> dict[str, np.ndarray]:
    """What is stored of a fit, in the stored crop, which the fit's own differs from by a little."""
    prior = PriorSurface.of(model, seen_in_crop(fit.closed_vertices, fit.camera, STORED_CROP, HEAD).astype(np.float32), HEAD)
    features = prior.point_features()
    return {
        "maps": stored_maps(prior, size),
        "prior": features(person["points"].astype(np.float32)).astype(np.float16),
        "surface_prior": features(person["surface"].astype(np.float32)).astype(np.float16),
        "prior_vertices": prior.vertices.astype(np.float16),
        **stored_fit(fit),
    }


def refit_shard(model: HeadModel, folder: Path) -> int:
    """Replace the fits of one shard folder. Returns how many."""
    people = Shards(folder.parent, _READ, folder.name)
    size = people[0]["coverage"].shape[0]
    stored: dict[str, np.ndarray] = {}
    count = 0
    for index in range(len(people)):
        person = people[index]
        fit = refit(model, person, np.random.default_rng(index))
        if fit is None:
            continue
        count += 1
        for name, values in fields_of(model, fit, person, size).items():
            if name not in stored:
                stored[name] = np.load(folder / f"{name}.npy")
            stored[name][index] = values
    for name, values in stored.items():
        temporary = folder / f"{name}.new.npy"
        np.save(temporary, values)
        temporary.replace(folder / f"{name}.npy")
    (folder / "refitted").touch()
    return count


def main() -> None:
    """Command line."""
    folders, model = shards_to_do(__doc__, "landmarks.npy", "refitted"), HeadModel.load()
    for folder in folders:
        log.info("%s: %d fits", folder, refit_shard(model, folder))


if __name__ == "__main__":
    main()

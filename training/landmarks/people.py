"""Drawn people who look every way, and the landmarks that MediaPipe finds in their photographs.

python -m likeness.training.landmarks.people --assets ASSETS --output DATA [--first 0] [--count 500]

One file a person, four photographs in each; those that are there already are kept. 5 CPU seconds a person.
"""

import argparse
import logging
from pathlib import Path

import numpy as np

from ...core.models.head import HeadModel
from ...core.models.rotation import rotation_matrix
from ...core.photo.faces import FaceDetector, MediaPipeDetector
from ..evaluation.people import turned_photograph
from ..humans.assets import Assets
from ..humans.bodies import Bodies
from ..humans.person import People, Person

log = logging.getLogger(__name__)
_SEED = (1, 770_000)  # of training; person i is drawn from (seed, number + i)
_PHOTOS, _SIZE = 4, 400  # photographs of a person, and their side in pixels
_AHEAD, _TO_A_SIDE = 12.0, 80.0  # degrees: deviation of the first photograph's turn, and the largest of the others'
_TILT, _ROLL = 0.12, 0.08  # radians
_DISTANCE = (0.5, 3.0)  # metres

ARRAYS = ("found", "truth", "rotation", "scale")
"""Of R photographs: landmarks found and true (R, 468, 3), photo pixels; the head's turn (R, 3, 3) and pixels in a metre (R,)."""


def photographs(person: Person, model: HeadModel, detector: FaceDetector, rng: np.random.Generator) -> dict[str, np.ndarray] | None:
    """ARRAYS of a person; None when no face was found in any."""
    rows = []
    for number in range(_PHOTOS):
        yaw = np.radians(rng.uniform(-_TO_A_SIDE, _TO_A_SIDE) if number else rng.normal(0, _AHEAD))
        tilt = rotation_matrix(np.array([rng.normal(0, _TILT), 0, 0])) @ rotation_matrix(np.array([0, 0, rng.normal(0, _ROLL)]))
        turn = tilt @ rotation_matrix(np.array([0, yaw, 0])) @ person.rotation.T
        distance = float(np.exp(rng.uniform(*np.log(_DISTANCE))))
        case = turned_photograph("turned", person, turn, distance, _SIZE, model, rng, known=False)
        if faces := detector.detect(case.photo):
            assert case.camera is not None and case.landmarks is not None and case.landmark_pixels is not None
            scale = case.camera.scale
            truth = np.column_stack([case.landmark_pixels, case.landmarks[:, 2] * scale])
            rows.append((faces[0].mesh, truth, case.rotation, np.array(scale)))
    if not rows:
        return None
    return {name: np.stack(values).astype(np.float32) for name, values in zip(ARRAYS, zip(*rows, strict=True), strict=True)}


def main() -> None:
    """Command line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Draw turned people and find their landmarks.")
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=500)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    model, detector = HeadModel.load(), MediaPipeDetector()
    people = People(Assets(options.assets, "training"), model, Bodies(options.assets))
    for number in range(options.first, options.first + options.count):
        path = options.output / f"{number:05d}.npz"
        if path.exists():
            continue
        rng = np.random.default_rng([_SEED[0], _SEED[1] + number])
        found = photographs(people.make(rng), model, detector, rng)
        if found is not None:
            partial = path.with_name(f".{path.name}")
            np.savez(partial, **found)  # pyright: ignore[reportArgumentType] - numpy's stubs
            partial.rename(path)
        log.info("%s: %d photographs with a face", path.name, 0 if found is None else len(found["scale"]))


if __name__ == "__main__":
    main()

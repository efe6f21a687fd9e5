"""The linear map that mends the landmarks of turned faces: python -m likeness.training.landmarks.fit DATA [--output FILE].

DATA is what `people` has made; each photograph counts once more as its mirror image. Ridge regression; the last fifth of the people tells
how good it is, and the file is made from all of them.
"""

import argparse
import logging
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from ...core.models.head import HeadModel
from ...core.models.turned_landmarks import SCHEMA, TURNED_FILE, TurnedLandmarks
from ...core.photo.crop import face_square
from ..parameters import mirrored_landmarks
from .people import ARRAYS

log = logging.getLogger(__name__)
_COMPONENTS, _RIDGE = 8, 3.0
_HELD_OUT = 5  # every so many-th part of the people
_TURNS = (0, 20, 40, 60, 90)  # degrees


@dataclass(frozen=True)
class Examples:
    """Of R photographs, in the squares around their faces: landmarks found and where they should be (R, 468, 3); person (R,)."""

    found: np.ndarray
    wanted: np.ndarray
    person: np.ndarray

    def of(self, which: np.ndarray) -> "Examples":
        """Some of them, (R,) bool."""
        return Examples(self.found[which], self.wanted[which], self.person[which])


def read_examples(folder: Path, model: HeadModel) -> Examples:
    """All that lies in a folder. The detector's usual offset is added to the truth, as the fit expects it of every face."""
    other, found, wanted, person = mirrored_landmarks(model), [], [], []
    mirror = lambda points: points[other] * [-1, 1, 1]  # noqa: E731
    for number, path in enumerate(sorted(folder.glob("[0-9]*.npz"))):
        with np.load(path, allow_pickle=False) as data:
            rows = list(zip(*(data[name].astype(np.float64) for name in ARRAYS), strict=True))
        for seen, truth, rotation, scale in rows:
            square = face_square(seen)
            here = square.levelled(seen)
            there = square.levelled(truth + model.mediapipe.bias @ rotation.T * scale * [1, -1, 1])
            there[:, 2] += (here - there)[:, 2].mean()  # the detector's depth begins anywhere
            found += [here, mirror(here)]
            wanted += [there, mirror(there)]
            person += [number] * 2
    return Examples(np.array(found), np.array(wanted), np.array(person))


def fit(examples: Examples, model: HeadModel) -> TurnedLandmarks:
    """The map that mends the examples best."""
    flat = examples.found.reshape(len(examples.found), -1)
    mean = flat.mean(0)
    _, size, axes = np.linalg.svd(flat - mean, full_matrices=False)
    components = axes[:_COMPONENTS] / (size[:_COMPONENTS, None] / np.sqrt(len(flat)))
    without = TurnedLandmarks(model.mediapipe.on(model.mean), mean, components, np.zeros((0, flat.shape[1])))
    basis = np.stack([without.basis(points) for points in examples.found])
    missing = (examples.wanted - examples.found).reshape(len(flat), -1)
    matrix = np.linalg.solve(basis.T @ basis + _RIDGE * np.eye(basis.shape[1]), basis.T @ missing)
    return TurnedLandmarks(without.reference, mean, components, matrix)


def errors(examples: Examples, mended: TurnedLandmarks) -> list[str]:
    """A line for each range of turns: mean distances in the picture, in hundredths of half the square, as found and mended."""
    turn = np.degrees(np.abs([mended.turn(points) for points in examples.found]))
    after = np.stack([points + (mended.basis(points) @ mended.map).reshape(-1, 3) for points in examples.found])
    off = [np.linalg.norm((points - examples.wanted)[..., :2], axis=2).mean(1) * 100 for points in (examples.found, after)]
    lines = []
    for low, high in pairwise(_TURNS):
        there = (turn >= low) & (turn < high)
        if there.any():
            lines.append(f"{low} to {high} degrees, {there.sum()} faces: {off[0][there].mean():.2f} -> {off[1][there].mean():.2f}")
    return lines


def main() -> None:
    """Command line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Learn to mend the landmarks of turned faces.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--output", type=Path, default=TURNED_FILE)
    options = parser.parse_args()
    model = HeadModel.load()
    examples = read_examples(options.data, model)
    held_out = examples.person >= examples.person.max() * (1 - 1 / _HELD_OUT)
    log.info("%d people, %d faces", examples.person.max() + 1, len(examples.person))
    for line in errors(examples.of(held_out), fit(examples.of(~held_out), model)):
        log.info(line)
    arrays = {
        name: np.asarray(values, np.float32 if name == "reference" else np.float16) for name, values in vars(fit(examples, model)).items()
    }
    SCHEMA.save(options.output, arrays, compressed=True)


if __name__ == "__main__":
    main()

"""What the real detector sees of stored people: `python -m likeness.training.data.real_landmarks --data FOLDER`, once for every new shard.

The parameter network learns from landmarks as they come, not as they might be simulated. Each person is photographed a few times, and
what the network is given of every photograph goes into the shard: `landmarks` (N, LIGHTS, 468, 3) float32 in the crop's half sides (right,
down, towards the viewer), NaN where no face was found; `square` (N, LIGHTS, 4, T, T) uint8, the levelled square around them.
"""

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch

from ...core.networks.parameters import cut_squares
from ...core.photo.crop import FaceSquare, face_square
from ...core.photo.faces import MediaPipeDetector
from .dataset import PICTURE_FIELDS, Batch, Shards, decoded, photographs

log = logging.getLogger(__name__)
LIGHTS = 3
DETECTED_FIELDS = ("landmarks", "square", "identity", "expression", "rotation", "camera")
_DRAWN = (*PICTURE_FIELDS, "face_square")
_AT_ONCE = 8  # people


class Detections:
    """Everything detected in the shards of a folder, in memory; a batch takes each person under one of their lights."""

    def __init__(self, folder: Path) -> None:
        shards = Shards(folder, DETECTED_FIELDS)
        people = [shards[index] for index in range(len(shards))]
        seen = [np.flatnonzero(np.isfinite(person["landmarks"][:, 0, 0])) for person in people]
        self._people = [(person, lights) for person, lights in zip(people, seen, strict=True) if len(lights)]

    def __len__(self) -> int:
        return len(self._people)

    def batches(self, batch: int, seed: int, turn: tuple[int, int] = (0, 1), augment: bool = True, device: str = "cpu") -> Iterator[Batch]:
        """Endless batches, which depend on the seed and their number alone. turn: number of the first, and the step to the next one.

        landmarks (B, 468, 3), square (B, 4, T, T) in [0, 1], the true identity, expression, rotation and camera, and `mirrored` (B,): 1
        for whom the mirror image is to be learned.
        """
        number, step = turn
        while True:
            rng = np.random.default_rng([seed, number])
            chosen = [self._people[i] for i in rng.choice(len(self._people), batch, replace=batch > len(self._people))]
            rows = [{name: person[name] for name in DETECTED_FIELDS[2:]} for person, _ in chosen]
            for row, (person, lights) in zip(rows, chosen, strict=True):
                light = rng.choice(lights)
                row |= {"landmarks": person["landmarks"][light], "square": person["square"][light] / np.float32(255)}
                row["mirrored"] = np.float32(augment and rng.random() < 0.5)
            yield {name: torch.from_numpy(np.stack([row[name] for row in rows])).float().to(device) for name in rows[0]}
            number += step


def detect(detector: MediaPipeDetector, batch: Batch, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks (B, 468, 3) and squares (B, 4, T, T) of photographs, each before a wall of one colour."""
    photos = batch["photo"]
    half = photos.shape[-1] / 2
    landmarks = np.full((len(photos), 468, 3), np.nan, np.float32)
    for index, (photo, where) in enumerate(zip(photos.permute(0, 2, 3, 1).numpy(), batch["face_square"].tolist(), strict=True)):
        wall = (1 - photo[..., 3:]) * rng.random(3, np.float32)
        image = np.round((photo[..., :3] + wall).clip(0, 1) * 255).astype(np.uint8)
        column, row, radius, turn = where
        face = detector.detect_in(image, FaceSquare(((column + 1) * half, (row + 1) * half), radius * half, turn))
        if face is not None:
            landmarks[index] = face.mesh / half - [1, 1, 0]
    squares = [face_square(np.nan_to_num(points)) for points in landmarks]
    place = torch.tensor([[*square.centre, square.half, square.turn] for square in squares])
    return landmarks, (cut_squares(photos, place).numpy() * 255).round().clip(0, 255).astype(np.uint8)


def shards_to_do(description: str | None, needs: str, makes: str) -> list[Path]:
    """Command line of a step that adds to finished shards: the folders under --data that have the file `needs` and not yet `makes`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of shards")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    finished = [path.parent for path in sorted(arguments.data.glob("shard_*/done"))]
    return [folder for folder in finished if (folder / needs).exists() and not (folder / makes).exists()]


def main() -> None:
    """Command line."""
    folders, detector = shards_to_do(__doc__, "albedo.npy", "square.npy"), MediaPipeDetector()
    for folder in folders:
        people, parts = Shards(folder.parent, _DRAWN, folder.name), []
        for light in range(LIGHTS):
            for first in range(0, len(people), _AT_ONCE):
                rng = np.random.default_rng([light, first])
                torch.manual_seed(int(rng.integers(2**62)))
                stored = [people[i] for i in range(first, min(first + _AT_ONCE, len(people)))]
                parts.append(detect(detector, photographs(decoded(stored), rng), rng))
        for name, values in zip(("landmarks", "square"), zip(*parts, strict=True), strict=True):
            whole = np.concatenate(values)
            np.save(folder / f"{name}.npy", np.moveaxis(whole.reshape(LIGHTS, len(people), *whole.shape[1:]), 0, 1))
        log.info("%s", folder)


if __name__ == "__main__":
    main()

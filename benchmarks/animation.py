"""How well the tracker follows a known performance, and how fast: `python -m likeness.benchmarks.animation [--video FILE]`.

A random head of the head model talks, smiles, blinks, turns and looks around; each frame is rendered with plain shading and tracked like
a video. Nothing of the truth reaches the tracker. --video keeps the rendered pictures as a film.
"""

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from ..core.animation.performance import Performance
from ..core.animation.track import Tracker
from ..core.models.head import HeadModel
from ..core.models.joints import LEFT_EYE, NECK, RIGHT_EYE
from ..core.models.parametric import Parameters
from ..core.models.rotation import rotation_matrix, rotation_vector
from ..core.photo.view import Camera
from ..training.head_model.calibrate import render

RATE, SECONDS, SIZE = 24, 3, 640
MOVING = ("jawOpen", "mouthSmileLeft", "mouthSmileRight", "browInnerUp", "eyeBlinkLeft", "eyeBlinkRight", "mouthPucker")


def truth(model: HeadModel) -> Performance:
    """Three seconds of a lively face."""
    times = np.arange(RATE * SECONDS) / RATE

    def bump(centre: float, width: float) -> np.ndarray:
        return np.exp(-(((times - centre) / width) ** 2))

    curves = {
        "jawOpen": 0.55 * (np.sin(2 * np.pi * 1.2 * times) ** 2) * (times < 1.6) + 0.3 * bump(2.5, 0.2),
        "mouthSmileLeft": 0.8 * bump(1.9, 0.4),
        "mouthSmileRight": 0.8 * bump(1.9, 0.4),
        "browInnerUp": 0.8 * bump(0.9, 0.3),
        "eyeBlinkLeft": bump(0.6, 0.07) + bump(2.3, 0.07),
        "eyeBlinkRight": bump(0.6, 0.07) + bump(2.3, 0.07),
        "mouthPucker": 0.7 * bump(2.75, 0.15),
    }
    values = np.zeros((len(times), len(model.expression_names)))
    for name, curve in curves.items():
        values[:, model.expression_names.index(name)] = np.clip(curve, 0, 1)
    rotations = np.zeros((len(times), 5, 3))
    rotations[:, NECK] = np.stack([0.1 * np.sin(3 * times), 0.35 * np.sin(2.1 * times), 0.08 * np.sin(4 * times)], axis=1)
    rotations[:, [LEFT_EYE, RIGHT_EYE]] = np.stack([0.1 * np.sin(5 * times), 0.3 * np.sin(3.3 * times), 0 * times], axis=1)[:, None]
    return Performance("truth", times, model.expression_names, values, rotations, np.ones(len(times), bool))


def film(model: HeadModel, performance: Performance, path: Path, seed: int = 11) -> None:
    """Write the performance of a random head as a video; the shoulders stand still."""
    rng = np.random.default_rng(seed)
    identity = np.clip(rng.normal(0, 0.7, len(model.identity)), -2, 2)
    camera, skin = Camera((SIZE / 2, 0.45 * SIZE), 1500, 1.4), np.array([0.8, 0.6, 0.5])
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), RATE, (SIZE, SIZE))
    for values, rotations in zip(performance.key_values, performance.rotations, strict=True):
        posed = model.posed(Parameters(identity, values, rotations))
        picture = render(model, posed.vertices, camera, skin, np.random.default_rng(5))
        video.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    video.release()


def degrees_apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Angles (T,) between rotation vectors (T, 3)."""
    apart = rotation_matrix(first).transpose(0, 2, 1) @ rotation_matrix(second)
    return np.degrees(np.linalg.norm(rotation_vector(apart), axis=1))


def main() -> None:
    """Command line; prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", type=Path)
    parser.add_argument("--smoothing", type=float, default=0.2)
    options = parser.parse_args()
    model, tracker = HeadModel.load(), Tracker.load()
    wanted = truth(model)
    with tempfile.TemporaryDirectory() as folder:
        path = options.video or Path(folder) / "performance.mp4"
        film(model, wanted, path)
        start = time.perf_counter()
        found = tracker.run(path, options.smoothing)
        spent = time.perf_counter() - start
    print(f"{len(found.times)} frames, {found.seen.mean():.0%} seen, {1e3 * spent / len(found.times):.0f} ms a frame\n")
    print("| curve | mean error | correlation |\n|---|---|---|")
    for name in MOVING:
        index = model.expression_names.index(name)
        given, got = wanted.key_values[:, index], found.key_values[:, index]
        print(f"| {name} | {np.abs(given - got).mean():.3f} | {np.corrcoef(given, got)[0, 1]:.2f} |")
    still = [index for index, name in enumerate(model.expression_names) if name not in MOVING]
    print(f"| shapes that stay at 0 | {found.key_values[:, still].mean():.3f} | |")
    for label, joint in (("head", NECK), ("gaze", LEFT_EYE)):
        error = degrees_apart(wanted.rotations[:, joint], found.rotations[:, joint])
        pairs = [np.corrcoef(wanted.rotations[:, joint, axis], found.rotations[:, joint, axis])[0, 1] for axis in (0, 1)]
        print(f"| {label} | {error.mean():.1f}° | {pairs[0]:.2f} pitch, {pairs[1]:.2f} yaw |")


if __name__ == "__main__":
    main()

"""How well the fit knows who somebody is, by how far the head is turned: `python -m likeness.benchmarks.identity --assets FOLDER`.

People of the evaluation seed, drawn once and turned to every yaw about their eyes, every second one to the other side; landmarks of the
real detector, who is not shown where to look, in a rendered picture with a rendered matte. Errors are distances of vertices of the face, at
rest and without expression, after rigid alignment of the face, in millimetres: of the mean head, of the fit to landmarks and outline alone,
of the parameter network's guess alone, and of the fit that begins with this guess. `apart`: how many of its own standard deviations the
guess is from the truth, root mean square over components; 1 is honest. `found`: pictures in which there was a face.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from ..core.models.fit import fit_head
from ..core.models.head import HeadModel
from ..core.models.observation import Observation
from ..core.models.rotation import rotation_matrix
from ..core.networks.parameters import ParameterNetwork, guess
from ..core.networks.weights import load_parameters
from ..core.photo.faces import MediaPipeDetector
from ..core.photo.view import View
from ..evaluation.align import align_points
from ..evaluation.bootstrap import mean_interval
from ..training.data.contact_sheets import photograph_scene
from ..training.data.samples import SEEDS, random_camera
from ..training.humans.assets import Assets
from ..training.humans.bodies import Bodies
from ..training.humans.person import People, Person, head_vertices
from ..training.parameters import TrueIdentity
from ..training.render.buffers import render
from ..training.render.scene import Scene

YAWS = (0, 20, 40, 60)
_SIZE, _SHRINK, _HALF = 384, 2, 0.30  # pixels, samples a pixel, metres that a picture shows to each side of the eyes


@dataclass(frozen=True)
class Sitter:
    """One picture and what is true in it: yaw in degrees, neutral (V, 3) at rest, identity (K,) that comes closest to it."""

    person: int
    yaw: int
    view: View
    neutral: np.ndarray
    identity: np.ndarray


def sitters(assets: Path, model: HeadModel, indices: range, yaws: tuple[int, ...] = YAWS) -> Iterator[Sitter]:
    """Every person, by number, at every yaw at which their face is found. Half of the people's pictures tell their focal length."""
    detector = MediaPipeDetector()
    people = People(Assets(assets, "evaluation"), model, Bodies(assets))
    nearest = TrueIdentity(model)
    for index in indices:
        rng = np.random.default_rng([SEEDS["evaluation"], index])
        person = people.make(rng)
        expression = np.array([person.body.expression.get(name, 0.0) for name in model.expression_names], np.float32)
        rest = head_vertices(model, person.body)
        neutral = rest - np.tensordot(expression, model.expression, 1)
        for yaw in yaws:
            rng = np.random.default_rng([SEEDS["evaluation"], index, yaw])
            view = seen(detector, turned(person, -yaw if index % 2 else yaw), rng)
            if view is not None:
                yield Sitter(index, yaw, view, neutral, nearest.of(rest, expression))


def turned(person: Person, yaw: float) -> Person:
    """The person as they are, seen from where their head is turned by yaw degrees."""
    now = np.arctan2(person.rotation[0, 2], person.rotation[2, 2])
    turn = rotation_matrix(np.array([0, np.radians(yaw) - now, 0])).astype(np.float32)
    parts = [replace(part, vertices=part.vertices @ turn.T, normals=part.normals @ turn.T) for part in person.parts]
    return replace(person, parts=parts, head=person.head @ turn.T, rotation=turn @ person.rotation)


def seen(detector: MediaPipeDetector, person: Person, rng: np.random.Generator) -> View | None:
    """A lit picture of a person with what the detector finds in it, if anything."""
    camera = replace(random_camera(rng), centre=(_SIZE / 2, _SIZE / 2), scale=_SIZE / 2 / _HALF)

    def to_picture(points: np.ndarray) -> np.ndarray:
        flat = (camera.project(points) * 2 / _SIZE - 1) * [1, -1]
        return np.concatenate([flat, points[:, 2:] / _HALF], axis=1)

    scene = Scene.of(person.parts, to_picture, _SIZE * _SHRINK, _HALF)
    buffers = render(scene, _SHRINK)
    image = np.round(photograph_scene(scene, buffers, rng).clip(0, 1) * 255).astype(np.uint8)
    faces = detector.detect(image)
    told = np.isfinite(camera.distance) and rng.random() < 0.5
    if not faces:
        return None
    return View(image, buffers.coverage.numpy(), faces[0].landmarks, camera.scale * camera.distance if told else None, "synthetic")


def shape_error(model: HeadModel, identity: np.ndarray, neutral: np.ndarray) -> float:
    """Mean mm between the face of an identity (up to K,) at rest and a true one (V, 3), rigidly aligned."""
    face = (model.regions["face"] > 0.5) & (model.part == 0)
    whole = np.zeros(len(model.identity))
    whole[: len(identity)] = identity
    mine = model.rest(whole, np.zeros(len(model.expression)))[0][face]
    return float(1000 * np.linalg.norm(align_points(mine, neutral[face], scaled=False)(mine) - neutral[face], axis=1).mean())


def measure(model: HeadModel, sitter: Sitter, network: ParameterNetwork | None) -> dict[str, float]:
    """The errors of one picture."""
    error = lambda identity: shape_error(model, identity, sitter.neutral)  # noqa: E731
    seen = Observation.of(sitter.view)
    row = {"mean head": error(np.zeros(0)), "landmarks": error(fit_head(model, seen).identity)}
    if network is not None:
        start = guess(network, sitter.view)
        row |= {"guess": error(start.identity), "landmarks and guess": error(fit_head(model, seen, start).identity)}
        apart = (sitter.identity[: len(start.identity)] - start.identity) / start.identity_deviation
        row["apart"] = float(np.sqrt((apart**2).mean()))
    return row


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--first", type=int, default=8, help="number of the first; the fit's weights were tuned on the first eight")
    parser.add_argument("--parameters", type=Path, help="weights of the parameter network, instead of the bundled ones")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    network = load_parameters()
    if arguments.parameters is not None:
        network = ParameterNetwork().eval()
        network.load_state_dict(load_file(arguments.parameters))
    model, rows = HeadModel.load(), dict[int, list[dict[str, float]]]()
    begun = time.process_time()
    for sitter in sitters(arguments.assets, model, range(arguments.first, arguments.first + arguments.people)):
        rows.setdefault(sitter.yaw, []).append(measure(model, sitter, network))
    names = list(rows[YAWS[0]][0])
    print("| yaw | found | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 2) + "|")
    for yaw, measured in rows.items():
        cells = [mean_interval(np.array([row[name] for row in measured])) for name in names]
        print(f"| {yaw}° | {len(measured)} | " + " | ".join(f"{mean:.2f} [{low:.2f}, {high:.2f}]" for mean, low, high in cells) + " |")
    print(f"\n{arguments.people} people, {time.process_time() - begun:.0f} s of processor time; means with 95 % bootstrap intervals.")


if __name__ == "__main__":
    main()

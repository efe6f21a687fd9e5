"""Write training shards: `python -m likeness.training.data.samples --assets FOLDER --output FOLDER --first 0 --count 1000`.

Sample i depends on (seed, i) alone. Training, validation and evaluation use different seeds, so no person is in two of them.
"""

import argparse
import logging
import os
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import torch

from ...core.models.fit import ViewFit
from ...core.models.head import HeadModel
from ...core.models.prior import PriorSurface
from ...core.photo.crop import face_square
from ...core.photo.framing import HEAD, Framing
from ...core.photo.view import Camera
from ..humans.assets import Assets
from ..humans.bodies import Bodies
from ..humans.part import MATERIALS
from ..humans.person import People, Person, head_vertices
from ..parameters import TrueIdentity
from ..render.buffers import Buffers, render
from ..render.labels import query_points, signed_distance, surface_samples
from ..render.lighting import key_shadow, random_direction
from ..render.scene import Scene
from .dataset import MAP_SCALE
from .simulated_fits import simulated_fit

log = logging.getLogger(__name__)
SEEDS = {"training": 1, "validation": 2, "evaluation": 3}
SHARD = 50
POINTS, SURFACE_POINTS, SHADOWS = 6144, 2048, 2
PICTURE = 512  # pixels of the imagined photo's part that the crop shows, whatever the network's size
_PIXELS_PER_METRE = 1280.0


@dataclass(frozen=True)
class Drawn:
    """One sample before rendering; prior and scene are in the crop frame of the fit."""

    person: Person
    camera: Camera
    fit: ViewFit
    prior: PriorSurface
    scene: Scene
    rng: np.random.Generator


class Sampler:
    """Makes single samples as arrays in their stored form: pictures of size x size pixels, each from shrink x shrink samples."""

    def __init__(self, assets: Path, split: str = "training", size: int = 256, shrink: int = 2, device: str = "cpu") -> None:
        self.model = HeadModel.load()
        self.seed, self.size, self._shrink, self._device = SEEDS[split], size, shrink, device
        wardrobe = Assets(assets, "evaluation" if split == "evaluation" else "training")
        self.people = People(wardrobe, self.model, Bodies(assets))
        self._identity = TrueIdentity(self.model)

    def draw(self, index: int) -> Drawn:
        """Person, fit and fragments of one sample."""
        rng = np.random.default_rng([self.seed, index])
        person = self.people.make(rng)
        camera = random_camera(rng)
        return self.scene(person, camera, simulated_fit(self.model, person, camera, PICTURE, rng), rng)

    def scene(self, person: Person, camera: Camera, fit: ViewFit, rng: np.random.Generator) -> Drawn:
        """The person in the crop that the fit, not the truth, defines."""
        to_crop = partial(seen_in_crop, camera=camera, crop=fit.camera, framing=HEAD)
        prior = PriorSurface.of(self.model, HEAD.to_crop(fit.closed_vertices, fit.camera).astype(np.float32), HEAD)
        return Drawn(person, camera, fit, prior, Scene.of(person.parts, to_crop, self.size * self._shrink, HEAD.half, self._device), rng)

    def sample(self, index: int) -> dict[str, np.ndarray]:
        """One stored sample; see dataset.py for the fields."""
        drawn = self.draw(index)
        return self.picture(drawn, self.buffers(drawn)) | self.points(drawn) | self.parameters(drawn)

    def buffers(self, drawn: Drawn) -> Buffers:
        """The rendered scene."""
        return render(drawn.scene, self._shrink)

    def picture(self, drawn: Drawn, buffers: Buffers) -> dict[str, np.ndarray]:
        """The stored picture fields of a sample."""
        keys = np.stack([random_direction(drawn.rng) for _ in range(SHADOWS)])
        shadows = torch.stack([key_shadow(drawn.scene, buffers.depth, key) for key in keys])
        shown = (buffers.face >= 0)[..., None]
        flat, size = buffers.face.clamp(min=0).reshape(-1), self.size
        correspondence = (
            drawn.scene.interpolate(drawn.scene.correspondence, flat, buffers.barycentric.reshape(-1, 3)).view(size, size, 3) * shown
        )
        return {
            "albedo": _byte(buffers.albedo ** (1 / 2.2)),
            "normal": _signed(buffers.normal, 127),
            "normal_back": _signed(buffers.back_normal, 127),
            "coverage": _byte(buffers.coverage),
            "ambient": _byte(buffers.ambient),
            "material": buffers.material.cpu().numpy().astype(np.uint8),
            "shadows": _byte(shadows),
            "keys": keys.astype(np.float32),
            "code_map": _byte(correspondence),
            "maps": stored_maps(drawn.prior, size),
        }

    def points(self, drawn: Drawn) -> dict[str, np.ndarray]:
        """The stored labels in space."""
        rng, features = drawn.rng, drawn.prior.point_features()
        surface = surface_samples(drawn.scene, rng)
        points = query_points(surface, drawn.prior.vertices, POINTS, rng)
        distance, nearest = signed_distance(drawn.scene, surface, points)
        chosen = torch.from_numpy(rng.integers(0, len(surface.position), SURFACE_POINTS)).to(points.device)
        position = surface.position[chosen].clamp(-0.999, 0.999)
        shade = drawn.scene.shade(surface.face[chosen], surface.barycentric[chosen])
        coloured = shade.material != MATERIALS.index("eye")  # an eye's colour is mostly its highlight
        return {
            "points": _half(points),
            "distance": _half(distance),
            "code": _byte(surface.correspondence[nearest]),
            "prior": features(points.cpu().numpy()).astype(np.float16),
            "surface": _half(position),
            "surface_prior": features(position.cpu().numpy()).astype(np.float16),
            "surface_normal": _signed(surface.normal[chosen], 127),
            "surface_albedo": _byte(shade.albedo ** (1 / 2.2)),
            "surface_valid": coloured.cpu().numpy().astype(np.uint8),
            "surface_code": _byte(surface.correspondence[chosen]),
        }

    def parameters(self, drawn: Drawn) -> dict[str, np.ndarray]:
        """The fit, and what it should have found; the face's square and the true camera, in the crop's half sides right and down:
        centre, half side and turn; where the point between the eyes lies, half sides a metre there, and 1 / distance."""
        fit, person, camera = drawn.fit, drawn.person, drawn.camera
        weights = np.array([person.body.expression.get(name, 0.0) for name in self.model.expression_names], np.float32)
        left, top, side = HEAD.crop_box(fit.camera)
        half, middle = side / 2, np.array([left + side / 2, top + side / 2])
        landmarks = self.model.mediapipe.on(person.head) + self.model.mediapipe.bias @ person.rotation.T
        square = face_square(camera.project(landmarks))
        return {
            "prior_vertices": drawn.prior.vertices.astype(np.float16),
            "identity": self._identity.of(head_vertices(self.model, person.body), weights),
            "face_square": np.array([*(square.centre - middle) / half, square.half / half, square.turn], np.float32),
            "camera": np.array([*(camera.centre - middle) / half, camera.scale / half, 1 / camera.distance], np.float32),
            "expression": weights,
            "rotation": person.rotation.astype(np.float32),
            "neck": person.neck.astype(np.float32),
            **stored_fit(fit),
        }


def seen_in_crop(points: np.ndarray, camera: Camera, crop: Camera, framing: Framing) -> np.ndarray:
    """Points (N, 3) of `camera`'s frame in the crop frame of `crop`, another camera of the same photo, and a framing: the same places in
    the picture, depth in proportion."""
    flat = (camera.project(points) - crop.centre) * [1, -1] / crop.scale
    depth = points[:, 2:] * (camera.scale / crop.scale)
    return (np.concatenate([flat, depth], axis=1) - framing.centre) / framing.half


def stored_maps(prior: PriorSurface, size: int) -> np.ndarray:
    """(size, size, 8) int8, as shards keep a fitted model's maps."""
    return _signed(prior.maps(size).permute(1, 2, 0), MAP_SCALE)


def stored_fit(fit: ViewFit) -> dict[str, np.ndarray]:
    """A fit's parameters, as shards keep them."""
    parameters = {"fit_identity": fit.identity, "fit_expression": fit.expression, "fit_rotation": fit.rotation}
    return {name: values.astype(np.float32) for name, values in parameters.items()}


def random_camera(rng: np.random.Generator) -> Camera:
    """Orthographic now and then, else from a phone at arm's length to a long lens."""
    distance = np.inf if rng.random() < 0.15 else float(np.exp(rng.uniform(np.log(0.6), np.log(4))))
    return Camera((PICTURE / 2, PICTURE / 2), _PIXELS_PER_METRE, distance)


def _half(values: torch.Tensor) -> np.ndarray:
    return values.cpu().numpy().astype(np.float16)


def _byte(values: torch.Tensor) -> np.ndarray:
    return (values * 255).round().clamp(0, 255).to(torch.uint8).cpu().numpy()


def _signed(values: torch.Tensor, scale: float | np.ndarray) -> np.ndarray:
    steps = torch.as_tensor(scale, dtype=torch.float32, device=values.device)
    return (values * steps).round().clamp(-127, 127).to(torch.int8).cpu().numpy()


class Samples(Protocol):
    """Whatever makes people one by one."""

    def sample(self, index: int, /) -> dict[str, np.ndarray]:
        """The arrays of one person, by field; the same for one index."""
        ...


def write_shard(sampler: Samples, folder: Path, indices: range) -> None:
    """Write one shard folder; a finished one is left alone, an unfinished one is made again."""
    if (folder / "done").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    begun = time.process_time()
    samples = [sampler.sample(index) for index in indices]
    for name in samples[0]:
        np.save(folder / f"{name}.npy", np.stack([sample[name] for sample in samples]))
    (folder / "done").touch()
    log.info("%s, %.1f CPU s a sample", folder, (time.process_time() - begun) / len(indices))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--split", choices=sorted(SEEDS), default="training")
    parser.add_argument("--first", type=int, default=0, help="first shard")
    parser.add_argument("--shards", type=int, default=20)
    parser.add_argument("--size", type=int, default=256, help="pixels a side")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    os.environ.setdefault("GLOG_minloglevel", "2")
    sampler = Sampler(arguments.assets, arguments.split, arguments.size, device=arguments.device)
    for shard in range(arguments.first, arguments.first + arguments.shards):
        indices = range(shard * SHARD, (shard + 1) * SHARD)
        write_shard(sampler, arguments.output / arguments.split / f"shard_{shard:05d}", indices)


if __name__ == "__main__":
    main()

"""Write drawn people for the parsing network: `python -m likeness.training.parsing.drawn --assets FOLDER --output FOLDER --count 2000`.

Each file holds one person in two photographs: `picture`, JPEG without background; `label`, PNG of classes; `coverage`, PNG.
"""

import argparse
import logging
import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from ...core.photo.faces import LEFT_EYE_CORNER, RIGHT_EYE_CORNER
from ...core.photo.framing import HEAD
from ...core.photo.matte import EYE_CORNERS, REGION_CENTRE_Y
from ..data.samples import Sampler, random_camera
from ..humans.grooming import HATTED
from ..humans.part import MATERIALS
from ..render.buffers import Buffers, render
from ..render.lighting import Light, key_shadow, photograph, random_direction
from ..render.scene import Scene
from .labels import BACKGROUND, labels
from .occluders import occlude

log = logging.getLogger(__name__)
HALF = 0.34
"""Half the side of the stored picture where eyes are EYE_CORNERS apart, metres: `head_region`, and room to shift and turn."""
SIZE, _SHRINK = 416, 2
_MOUTH = 13  # a landmark between the lips
_OCCLUDED, _REFLECTED = 0.3, 0.5


class Drawer:
    """Photographs of drawn people around their heads. hatted: as `groom` takes it."""

    def __init__(self, assets: Path, split: str = "training", hatted: float = HATTED) -> None:
        self._hatted = hatted
        self._sampler = Sampler(assets, split)
        with np.load(assets / "light" / "hdri.npz", allow_pickle=False) as data:
            self._skies = data["sh2"].astype(np.float64)

    def __call__(self, index: int) -> dict[str, list[np.ndarray]]:
        """Encoded pictures of the person with this index."""
        rng = np.random.default_rng([71, self._sampler.seed, index])
        person, camera = self._sampler.people.make(rng, self._hatted), random_camera(rng)
        model = self._sampler.model
        landmarks = model.mediapipe.on(person.head) + model.mediapipe.bias @ person.rotation.T
        left, right = landmarks[LEFT_EYE_CORNER], landmarks[RIGHT_EYE_CORNER]
        half = HALF * float(np.linalg.norm(left - right)) / EYE_CORNERS
        middle = HEAD.to_crop(np.stack([left, right]), camera).mean(0)
        # Like head_region: the eyes lie a little above the middle.
        to_picture = lambda points: (HEAD.to_crop(points, camera) - middle) * (HEAD.half / half) - [0, REGION_CENTRE_Y / HALF, 0]  # noqa: E731
        scene = Scene.of(person.parts, lambda points: to_picture(points).astype(np.float32), SIZE * _SHRINK, half)
        buffers = render(scene, _SHRINK)
        classes = labels(scene, buffers.face, buffers.barycentric)
        mouth = to_picture(landmarks[_MOUTH][None])[0, :2]
        files: dict[str, list[np.ndarray]] = {"picture": [], "label": [], "coverage": []}
        for _ in range(2):
            shown, named = buffers, classes
            if rng.random() < _OCCLUDED:
                shown, named = occlude(buffers, classes, _skin_colour(buffers, classes), mouth, 1 / half, rng)
            picture = _reflected(self._photograph(scene, shown, rng), scene, named, rng)
            code = cv2.imencode(".jpg", np.ascontiguousarray((picture * 255).round().astype(np.uint8)[..., ::-1]), [1, 95])[1]
            covered = (shown.coverage.clamp(0, 1) * 255).round().numpy().astype(np.uint8)
            named = named.numpy().astype(np.uint8)
            files["picture"].append(code)
            files["label"].append(cv2.imencode(".png", named)[1])
            files["coverage"].append(cv2.imencode(".png", covered)[1])
        return files

    def _photograph(self, scene: Scene, buffers: Buffers, rng: np.random.Generator) -> np.ndarray:
        key = random_direction(rng)
        light = Light.random(rng, key[None])
        if rng.random() < 0.5:
            sky = turned_sky(self._skies[rng.integers(len(self._skies))], rng.uniform(0, 2 * np.pi)) * rng.uniform(0.25, 0.7)
            strength = rng.choice([0.0, 0.3, 1.0])
            light = replace(light, ambient=torch.from_numpy(sky.astype(np.float32))[None], colour=light.colour * float(strength))
        shadow = key_shadow(scene, buffers.depth, key)
        one = (buffers.albedo, buffers.normal, buffers.ambient, shadow, buffers.material)
        return photograph(light, *(part[None] for part in one))[0][0].clamp(0, 1).numpy()


def turned_sky(sh2: np.ndarray, angle: float) -> np.ndarray:
    """Irradiance matrices (3, 4, 4), mean level 1, of radiance coefficients (9, 3) turned about the vertical by an angle, radians
    (Ramamoorthi & Hanrahan 2001, equation 12)."""
    c1, c2, c3, c4, c5 = 0.429043, 0.511664, 0.743125, 0.886227, 0.247708
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.eye(4)
    turn[0, 0], turn[0, 2], turn[2, 0], turn[2, 2] = cosine, sine, -sine, cosine
    result = np.zeros((3, 4, 4))
    for channel in range(3):
        l0, y, z, x, xy, yz, zz, xz, xx = sh2[:, channel]
        matrix = np.array([
            [c1 * xx, c1 * xy, c1 * xz, c2 * x],
            [c1 * xy, -c1 * xx, c1 * yz, c2 * y],
            [c1 * xz, c1 * yz, c3 * zz, c2 * z],
            [c2 * x, c2 * y, c2 * z, c4 * l0 - c5 * zz],
        ])  # fmt: skip
        result[channel] = turn.T @ matrix @ turn
    return result / max(float(result[:, 3, 3].mean()), 1e-6)


def _skin_colour(buffers: Buffers, classes: torch.Tensor) -> np.ndarray:
    skin = (buffers.material == MATERIALS.index("skin")) & (classes != BACKGROUND)
    return buffers.albedo[skin].median(0).values.numpy() if skin.any() else np.full(3, 0.3)


def _reflected(picture: np.ndarray, scene: Scene, classes: torch.Tensor, rng: np.random.Generator) -> np.ndarray:
    """A window's reflection in clear lenses, now and then."""
    lenses = torch.tensor([part.kind == "lens" for part in scene.parts])
    seen = lenses[scene.part[scene.pieces.face]]
    if not seen.any() or rng.random() > _REFLECTED:
        return picture
    mask = torch.zeros(scene.pieces.size**2)
    mask[scene.pieces.pixel[seen]] = 1
    lens = torch.nn.functional.avg_pool2d(mask.view(1, 1, scene.pieces.size, -1), _SHRINK)[0, 0].numpy()
    rows, columns = np.mgrid[: len(lens), : len(lens)] / len(lens)
    angle, width = rng.uniform(0, np.pi), rng.uniform(0.02, 0.08)
    band = np.sin((rows * np.sin(angle) + columns * np.cos(angle)) / width * 2 * np.pi + rng.uniform(0, 6))
    strength = rng.uniform(0.1, 0.75) * np.clip(band * rng.uniform(1, 6) + rng.uniform(-1, 1), 0, 1) * lens
    strength = (strength * np.isin(classes.numpy(), (1, 3, 4)))[..., None]
    return picture * (1 - strength) + rng.uniform(0.6, 1, 3) * strength


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--split", choices=("training", "validation"), default="training")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--hatted", type=float, default=HATTED, help="share of those with grown hair who wear something on it")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    os.environ.setdefault("GLOG_minloglevel", "2")
    folder = arguments.output / arguments.split
    folder.mkdir(parents=True, exist_ok=True)
    drawer = Drawer(arguments.assets, arguments.split, arguments.hatted)
    for index in range(arguments.first, arguments.first + arguments.count):
        path = folder / f"{index:06d}.npz"
        if path.exists():
            continue
        arrays = {f"{name}{row}": code for name, codes in drawer(index).items() for row, code in enumerate(codes)}
        np.savez(path.with_suffix(".part.npz"), **arrays)
        path.with_suffix(".part.npz").rename(path)
        if index % 50 == 0:
            log.info("%s", path.name)


if __name__ == "__main__":
    main()

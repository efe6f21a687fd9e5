"""Contact sheets of synthetic people: `python -m likeness.training.data.contact_sheets --assets FOLDER --output FOLDER`.

Busts and figures in six columns and eight rows: each as a photograph, beside it its normals and its labelled solid seen from behind.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch

from ..render.buffers import Buffers, render
from ..render.lighting import Light, key_shadow, photograph, random_direction
from ..render.scene import Scene
from .figures import FigureSampler
from .samples import Sampler

COLUMNS, ROWS = 6, 8
_BACKGROUND = np.array([0.86, 0.86, 0.88])


def photograph_scene(scene: Scene, buffers: Buffers, rng: np.random.Generator) -> np.ndarray:
    """A clean photograph (S, S, 3) in [0, 1] before a plain background, under a random light."""
    key = random_direction(rng)
    light = Light.random(rng, key[None])
    one = lambda picture: picture[None].cpu()  # noqa: E731
    shadow = key_shadow(scene, buffers.depth, key)
    picture, _ = photograph(light, one(buffers.albedo), one(buffers.normal), one(buffers.ambient), one(shadow), one(buffers.material))
    share = buffers.coverage.cpu().numpy()[..., None]
    return picture[0].numpy() * share + _BACKGROUND * (1 - share)


def panels(scene: Scene, shrink: int, rng: np.random.Generator) -> np.ndarray:
    """Photograph, normals and the solid from behind, side by side (S, 3 S, 3)."""
    buffers = render(scene, shrink)
    shown = buffers.coverage.cpu().numpy()[..., None]
    normals = (buffers.normal.cpu().numpy() / 2 + 0.5) * shown + _BACKGROUND * (1 - shown)
    back = buffers.back_normal.cpu().numpy()
    there = np.linalg.norm(back, axis=-1, keepdims=True) > 0.5
    grey = np.clip(0.25 + 0.6 * -back[..., 2:] + 0.15 * back[..., 1:2], 0, 1) * there + _BACKGROUND * ~there
    return np.concatenate([photograph_scene(scene, buffers, rng), normals, grey[:, ::-1]], axis=1)


def sheet(pictures: Iterator[np.ndarray], width: int) -> np.ndarray:
    """COLUMNS x ROWS pictures, each `width` pixels wide, as one (H, W, 3) uint8 BGR picture."""
    cells = []
    for _ in range(COLUMNS * ROWS):
        cell = next(pictures)
        height = round(width * cell.shape[0] / cell.shape[1])
        cells.append(cv2.resize(cell.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA))
    rows = [np.concatenate(cells[i : i + COLUMNS], axis=1) for i in range(0, len(cells), COLUMNS)]
    return (np.clip(np.concatenate(rows), 0, 1)[..., ::-1] * 255).astype(np.uint8)


def busts(assets: Path, split: str, size: int) -> Iterator[np.ndarray]:
    """Panels of the split's busts, in the order of their indices."""
    sampler = Sampler(assets, split, size)
    index = 0
    while True:
        drawn = sampler.draw(index)
        yield panels(drawn.scene, drawn.scene.pieces.size // size, drawn.rng)
        index += 1


def figures(assets: Path, split: str, size: int) -> Iterator[np.ndarray]:
    """Panels of the split's whole figures."""
    sampler = FigureSampler(assets, split, size, 2)
    index = 0
    while True:
        drawn = sampler.draw(index)
        yield panels(drawn.scene, 2, drawn.rng)
        index += 1


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--split", default="training")
    parser.add_argument("--size", type=int, default=256, help="pixels a side of each picture before it is put on the sheet")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, make in {"busts": busts, "figures": figures}.items():
        pictures = make(arguments.assets, arguments.split, arguments.size)
        path = arguments.output / f"people-{name}.jpg"
        cv2.imwrite(str(path), sheet(pictures, 330), [cv2.IMWRITE_JPEG_QUALITY, 80])


if __name__ == "__main__":
    main()

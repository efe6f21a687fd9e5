"""Measure where MediaPipe puts its landmarks on known heads: python -m likeness.training.head_model.calibrate [--heads 120].

Random model heads are rendered and shown to the detector; the mean offset of each landmark in head axes (`bias`) and the scatter that
remains (`deviation`) replace those of landmarks.npz. Run build_head_model afterwards. One run is enough: the offset is a difference.
"""

import argparse
import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...core.geometry.mesh import vertex_normals
from ...core.geometry.raster import interpolate, rasterize
from ...core.models.head import HeadModel
from ...core.models.parametric import Parameters
from ...core.models.rotation import rotation_matrix, rotation_vector
from ...core.photo.faces import MediaPipeDetector
from ...core.photo.view import Camera

log = logging.getLogger(__name__)
_SIZE = 640
_SKINS = np.array([(0.88, 0.69, 0.59), (0.75, 0.55, 0.45), (0.47, 0.31, 0.24), (0.94, 0.78, 0.70)])
_DEPTH_TRUST = 0.3  # the detector's depth is a guess of its own
_FAILED = 0.5  # eye distances; beyond it the detector found something else


def main() -> None:
    """Command line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description="Calibrate the landmarks on rendered heads.")
    parser.add_argument("--heads", type=int, default=120)
    options = parser.parse_args()
    model, detector, rng = HeadModel.load(), MediaPipeDetector(), np.random.default_rng(5)
    turns, offsets = [], []
    for number in range(options.heads):
        turn = _random_turn(rng)
        identity = np.clip(rng.normal(0, 0.9, len(model.identity)), -2.5, 2.5)
        rotations = np.zeros((5, 3))
        rotations[0] = rotation_vector(turn)
        posed = model.posed(Parameters(identity, np.zeros(len(model.expression)), rotations))
        camera = Camera((_SIZE / 2, 0.42 * _SIZE), rng.uniform(1300, 2000), rng.uniform(0.8, 3.0))
        faces = detector.detect(render(model, posed.vertices, camera, _SKINS[number % len(_SKINS)], rng))
        if not faces:
            continue
        truth = model.mediapipe.on(posed.vertices)
        offset = np.empty((len(truth), 3))
        offset[:, :2] = (faces[0].mesh[:, :2] - camera.project(truth)) / camera.scale * [1, -1]
        depth = faces[0].mesh[:, 2] / camera.scale - truth[:, 2]
        offset[:, 2] = depth - depth.mean()
        if np.linalg.norm(offset[:, :2], axis=1).mean() < _FAILED * 0.063:
            turns.append(turn)
            offsets.append(offset)
    bias, deviation = _explain(np.array(turns), np.array(offsets))
    path = Path(__file__).with_name("landmarks.npz")
    with np.load(path, allow_pickle=False) as data:
        arrays: dict[str, Any] = {name: data[name] for name in data.files}
    partner = arrays["partner"]
    bias = (bias + bias[partner] * [-1, 1, 1]) / 2
    deviation = (deviation + deviation[partner]) / 2
    log.info("%d heads, mean bias %.2f mm, mean deviation %.2f mm", len(turns), *(1e3 * x for x in _means(bias, deviation)))
    arrays |= {"bias": bias.astype(np.float32), "deviation": deviation.astype(np.float32)}
    np.savez_compressed(path, **arrays)


def _means(bias: np.ndarray, deviation: np.ndarray) -> tuple[float, float]:
    return float(np.linalg.norm(bias, axis=1).mean()), float(deviation.mean())


def _random_turn(rng: np.random.Generator) -> np.ndarray:
    roll, pitch, yaw = np.radians([rng.normal(0, 6), rng.uniform(-15, 15), rng.uniform(-35, 35)])
    return rotation_matrix(np.array([0, 0, roll])) @ rotation_matrix(np.array([pitch, 0, 0])) @ rotation_matrix(np.array([0, yaw, 0]))


def _explain(turns: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Offset (468, 3) in head axes that explains camera-frame offsets (N, 468, 3) best, and the scatter (468,) left in the picture."""
    weight = np.array([1.0, 1.0, _DEPTH_TRUST])
    rows = turns * weight[:, None]  # (N, 3, 3): head axes to weighted camera axes
    matrix = np.einsum("nij,nik->jk", rows, rows)
    bias = np.linalg.solve(matrix, np.einsum("nij,nli->jl", rows, offsets * weight)).T
    left = offsets - np.einsum("nij,lj->nli", turns, bias)
    return bias, np.sqrt((left[..., :2] ** 2).sum(2).mean(0))


def render(model: HeadModel, vertices: np.ndarray, camera: Camera, skin: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A picture (S, S, 3) uint8 of posed vertices (V, 3), camera frame: the skin's colour (3,), light and background by chance."""
    pixels = camera.project(vertices)
    picture = np.column_stack([pixels[:, 0] * 2 / _SIZE - 1, 1 - pixels[:, 1] * 2 / _SIZE, vertices[:, 2]]).astype(np.float32)
    faces = torch.from_numpy(model.faces)
    raster = rasterize(torch.from_numpy(picture), faces, _SIZE)
    shown = np.concatenate([vertex_normals(vertices, model.faces), _albedo(model, skin)], axis=1).astype(np.float32)
    normal, albedo = interpolate(raster, faces, torch.from_numpy(shown)).split(3, dim=2)
    light = torch.tensor([rng.uniform(-0.6, 0.6), 0.4, 0.75])
    shade = 0.4 + 0.6 * (torch.nn.functional.normalize(normal, dim=2, eps=1e-6) @ (light / light.norm())).clamp(0, 1)
    colour = (albedo * shade[..., None]).numpy()
    colour[~raster.mask.numpy()] = rng.uniform(0, 1, 3)
    return (colour.clip(0, 1) * 255).astype(np.uint8)


def _albedo(model: HeadModel, skin: np.ndarray) -> np.ndarray:
    def mix(name: str, target: tuple[float, ...], strength: float) -> None:
        share = strength * model.regions[name][:, None]
        colour[:] = colour * (1 - share) + np.array(target) * share

    colour = np.tile(skin, (len(model.mean), 1))
    mix("lips", (0.67, 0.30, 0.30), 0.55)
    mix("brows", (0.12, 0.09, 0.07), 0.7)
    for part in (1, 2):
        eye = np.flatnonzero(model.part == part)
        front = model.mean[eye[model.mean[eye, 2].argmax()]]
        near = np.linalg.norm(model.mean[eye] - front, axis=1)
        colour[eye] = np.where((near < 0.0066)[:, None], (0.25, 0.16, 0.10), (0.93, 0.93, 0.93))
    colour[model.part >= 3] = (0.80, 0.70, 0.65)
    return colour


if __name__ == "__main__":
    main()

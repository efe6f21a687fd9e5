"""Pictures of known figures, and what the pose detector reads in them: python -m likeness.training.body_model.views --assets FOLDER
--output FOLDER [--figures 700] [--split training].

The body fit learns from these how people stand, how the detector errs, and how its answer tells depth. Shards of some figures each; those
that exist are left alone, so a run can be stopped and started again. About a second a view.
"""

import argparse
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...core.models.head import HeadModel
from ...core.models.rotation import rotation_matrix
from ...core.models.skinning import joint_transforms, skin
from ...core.photo.people import LANDMARKS, BodyDetector, BodyLandmarks
from ..humans.assets import Assets
from ..humans.bodies import Bodies
from ..humans.figure import Figures
from ..humans.part import Part, RestPart
from ..humans.poses import pose_body
from ..render.buffers import render
from ..render.lighting import Light, key_shadow, photograph, random_direction
from ..render.scene import Scene
from .poses import PhotoPoses

log = logging.getLogger(__name__)
BODY = 13_380
"""hm08's vertices of the body, the first of them."""
STEP = 1e-4
"""Metres that stored vertices are rounded to."""
SEEDS = {"training": 41, "validation": 42, "evaluation": 43}
READINGS = 4
"""Readings of one view that are kept, NaN where the detector found nothing."""
_SHARD = 20  # figures
_POSES, _VIEWS = 4, 1  # of a figure, of a pose
_SIDE = 352  # pixels
_MARGIN = 1.25


@dataclass(frozen=True)
class PictureCamera:
    """A camera in its own axes (x right, y up, z towards the viewer) that sees a point at pixel principal + focal * (x, -y) / -z."""

    focal: float
    principal: np.ndarray

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels (N, 2), column and row, of points (N, 3) before the camera, metres."""
        return self.principal + self.focal * points[:, :2] * [1, -1] / -points[:, 2:]


class ViewMaker:
    """Draws figures and photographs them."""

    def __init__(self, assets: Path, split: str) -> None:
        self._bodies = Bodies(assets)
        pieces = "evaluation" if split == "evaluation" else "training"
        self._figures = Figures(Assets(assets, pieces), HeadModel.load(), self._bodies)
        self._poses, self._detector, self._seed = PhotoPoses(assets, self._bodies), BodyDetector(), SEEDS[split]

    def records(self, figure: int) -> list[dict[str, np.ndarray]]:
        """One record for each view of a figure (docs of `main`); views of one pose share its number."""
        rng = np.random.default_rng([self._seed, figure])
        made = self._figures.make(rng)
        body, weights = made.body, self._bodies.bone_weights
        records = []
        for pose_number in range(_POSES):
            kind, pose = self._poses.draw(body, rng)
            linear, offset = joint_transforms(body.bones, self._poses.parents, pose)
            joints = np.einsum("jab,jb->ja", linear, body.bones) + offset
            parts = []
            for part in made.parts:
                assert part.rest.binding is not None
                parts.append((part.rest, pose_body(part.rest.vertices, part.rest.binding, weights, linear, offset) - joints[0]))
            naked = skin(body.vertices[:BODY], weights[:BODY], linear, offset) - joints[0]
            truth = {
                "figure": np.array(figure), "pose_number": np.array(pose_number), "kind": np.array(kind), "pose": pose.astype(np.float32),
                "bones": body.bones, "joints": (joints - joints[0]).astype(np.float32), "gender": np.array(body.gender),
                "age": np.array(body.age), "naked": np.round(naked / STEP).astype(np.int16),
                "rest": np.round(body.vertices[:BODY] / STEP).astype(np.int16),
            }  # fmt: skip
            for _ in range(_VIEWS):
                records.append(truth | self._view(parts, rng))
        return records

    def _view(self, parts: Sequence[tuple[RestPart, np.ndarray]], rng: np.random.Generator) -> dict[str, np.ndarray]:
        yaw, turn, place = draw_camera(rng)
        distance = -float(place[2])
        posed = [Part.of(rest, vertices @ turn.T + place) for rest, vertices in parts]
        solid = np.concatenate([part.vertices for part in posed if part.solid])
        flat = PictureCamera(1.0, np.zeros(2)).project(solid)
        low, high = flat.min(0), flat.max(0)
        side = _MARGIN * float((high - low).max())
        corner = (low + high) / 2 - side / 2 + rng.uniform(-0.06, 0.06, 2) * side
        camera = PictureCamera(_SIDE / side, -corner * (_SIDE / side))
        half = side / 2 * distance

        def to_picture(points: np.ndarray) -> np.ndarray:
            pixel = camera.project(points) * (2 / _SIDE) - 1
            return np.column_stack([pixel[:, 0], -pixel[:, 1], (points[:, 2] + distance) / half])

        scene = Scene.of(posed, to_picture, _SIDE, half)
        picture, coverage = self._photograph(scene, rng)
        rows, columns = np.nonzero(coverage > 0.5)
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        readings = self._detector.readings(picture, box)
        return {
            "turn": turn.astype(np.float32), "place": place.astype(np.float32), "focal": np.array(camera.focal),
            "principal": camera.principal, "matte": np.packbits(coverage > 0.5), "yaw": np.array(yaw), "readings": _packed(readings),
        }  # fmt: skip

    def _photograph(self, scene: Scene, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """A picture (S, S, 3) uint8 before a wall, and its coverage (S, S)."""
        buffers = render(scene, 1)
        key = random_direction(rng)
        light, shadow = Light.random(rng, key[None].astype(np.float32)), key_shadow(scene, buffers.depth, key)
        buffer = buffers.albedo[None], buffers.normal[None], buffers.ambient[None], shadow[None], buffers.material[None]
        lit, _ = photograph(light, *buffer)
        coverage = buffers.coverage.numpy()
        wall = rng.uniform(0.1, 0.95, 3) + np.linspace(0, rng.normal(0, 0.2), _SIDE)[:, None, None] + rng.normal(0, 0.02, (_SIDE, _SIDE, 1))
        mixed = lit[0].numpy() * coverage[..., None] + wall * (1 - coverage[..., None])
        return np.round(mixed.clip(0, 1) * 255).astype(np.uint8), coverage


def draw_camera(rng: np.random.Generator) -> tuple[float, np.ndarray, np.ndarray]:
    """A random camera: the yaw, the turn (3, 3) from the body's axes to the camera's, and the root's place (3,) before it, metres."""
    yaw = float(rng.uniform(-np.pi, np.pi) if rng.random() < 0.4 else np.clip(rng.normal(0, 0.6), -np.pi, np.pi))
    pitch, roll = np.clip(rng.normal(0.02, 0.11), -0.4, 0.4), rng.normal(0, 0.03)
    turn = rotation_matrix(np.array([0, 0, roll])) @ rotation_matrix(np.array([pitch, 0, 0])) @ rotation_matrix(np.array([0, yaw, 0]))
    distance = float(np.exp(rng.uniform(np.log(1.9), np.log(7.0))))
    return yaw, turn, np.array([np.tan(rng.normal(0, 0.09)) * distance, np.tan(rng.normal(0, 0.05)) * distance, -distance])


def _packed(readings: Sequence[BodyLandmarks]) -> np.ndarray:
    """(READINGS, 33, 7): points, depth, visibility, world."""
    packed = np.full((READINGS, LANDMARKS, 7), np.nan, np.float32)
    for row, reading in zip(packed, readings, strict=False):
        row[:] = np.concatenate([reading.points, reading.depth[:, None], reading.visibility[:, None], reading.world], axis=1)
    return packed


def main() -> None:
    """Command line.

    Each shard holds arrays with a row a view: figure, pose_number, kind, gender, age; pose and bones (163, 3), joints (163, 3) and naked
    (13380, 3) about the root, in the body's axes, rest (13380, 3), both in STEPs; turn (3, 3) and place (3,) from there to the camera;
    focal, principal (2,) of the square picture; matte, packed bits; yaw; readings (READINGS, 33, 7)."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(description="Figures seen by the pose detector.")
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--figures", type=int, default=700)
    parser.add_argument("--split", choices=tuple(SEEDS), default="training")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.output.mkdir(parents=True, exist_ok=True)
    maker = None
    for first in range(0, options.figures, _SHARD):
        path = options.output / f"{options.split}_{first:05d}.npz"
        if path.exists():
            continue
        maker = maker or ViewMaker(options.assets, options.split)
        rows = [row for figure in range(first, min(first + _SHARD, options.figures)) for row in maker.records(figure)]
        part = path.with_suffix(".part.npz")
        np.savez_compressed(part, **{name: np.stack([row[name] for row in rows]) for name in rows[0]})
        part.rename(path)
        log.info("%s: %d views, %d without a reading", path.name, len(rows), sum(bool(np.isnan(row["readings"]).all()) for row in rows))


if __name__ == "__main__":
    main()

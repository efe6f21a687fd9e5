"""Training samples of clothed bodies: one person, one or more cameras, labels in space.

Sample i of a split depends on (seed, i) alone; training, validation and evaluation use different seeds. Nothing here comes from a fit:
fits are added to stored samples.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...core.models.head import HeadModel
from ...core.models.rotation import rotation_matrix
from ...core.photo.view import Camera
from ..data.samples import SEEDS
from ..humans.assets import Assets
from ..humans.bodies import Bodies
from ..humans.figure import Figure, Figures
from ..humans.part import MATERIALS, Part
from ..parsing.labels import labels, solid_labels
from ..render.buffers import Buffers, render
from ..render.labels import SurfaceSamples, signed_distance, surface_samples
from ..render.lighting import key_shadow, random_direction
from ..render.scene import Scene

FORMAT = 1
BACK = 512
"""Pixels a side of the back's normals."""
POINTS, SURFACE_POINTS = 8192, 2048
TRUNCATION = 0.15
"""Metres at which signed distances end."""
MARGIN = 1.138
"""Side of the square crop over the person's height or width in the picture (PIFu's rule)."""
_BODIES = 2  # keeps the random numbers of body samples apart from those of other samples
_SURFACE = 60_000
_EVERYDAY = 0.65  # share of people posed as on photos; the others in any pose
_SHARES = {"near": 0.4, "wide": 0.17, "head": 0.13, "hands": 0.08, "naked": 0.06}  # of the points; the rest is uniform in the box
_HANDS = ("finger1-", "finger2-", "finger3-", "finger4-", "finger5-", "wrist.")


@dataclass(frozen=True)
class FigureView:
    """A figure before one camera, in the frame of that camera: origin on the camera's axis at the depth of the figure's middle.

    camera: where it sees that frame, in pixels of the square picture; its centre is the imagined photo's centre, the principal point.
    half: metres of half the picture's side at the origin's depth, the crop frame's unit. turn (3, 3), shift (3,): from the frame of the
    figure, x -> x @ turn.T + shift.
    """

    figure: Figure
    camera: Camera
    half: float
    turn: np.ndarray
    shift: np.ndarray
    scene: Scene

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 3) of the figure's frame in the camera's frame, metres."""
        return points @ self.turn.T + self.shift

    def to_crop(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 3) of the figure's frame in the crop frame: the place in the picture, depth in proportion."""
        return _in_crop(self.to_camera(points), self.camera, self.half)


def _in_crop(points: np.ndarray, camera: Camera, half: float) -> np.ndarray:
    size = 2 * half * camera.scale
    flat = camera.project(points) * (2 / size) - 1
    return np.column_stack([flat[:, 0], -flat[:, 1], points[:, 2] / half])


class BodySampler:
    """Makes samples as arrays in their stored form: pictures of size x size pixels, from `views` cameras each."""

    def __init__(self, assets: Path, split: str = "training", size: int = 768, views: int = 1, loose: float = 0.5) -> None:
        wardrobe = "evaluation" if split == "evaluation" else "training"
        self._bodies = Bodies(assets)
        self._figures = Figures(Assets(assets, wardrobe), HeadModel.load(), self._bodies)
        self._seed, self._size, self._views, self._loose = SEEDS[split], size, views, loose
        names, self._head = self._bodies.bone_names, self._bodies.bone_names.index("head")
        self._hands = [row for row, name in enumerate(names) if name.startswith(_HANDS)]

    def sample(self, index: int) -> dict[str, np.ndarray]:
        """One stored sample; docs/people.md lists its fields. Pictures and what depends on the camera have a first axis of cameras."""
        figure, loose, rng = self.figure(index)
        views = []
        for _ in range(self._views):
            seen = self.view_of(figure, rng)
            views.append(self.picture(seen, rng) | self.points(seen, rng) | self.pose(seen))
        phenotype = np.array([figure.body.phenotype[name] for name in sorted(figure.body.phenotype)], np.float32)
        kinds = np.array([sum(part.kind == kind for part in figure.parts) for kind in ("cloth", "hair", "shoe")], np.uint8)
        person = {
            "pose": figure.pose.astype(np.float32),
            "phenotype": phenotype,
            "pieces": kinds,
            "loose": np.uint8(loose),
            "rest": _half(figure.body.vertices[:13380]),
        }
        return {name: np.stack([view[name] for view in views]) for name in views[0]} | person

    def figure(self, index: int) -> tuple[Figure, bool, np.random.Generator]:
        """The figure of a sample, whether its clothes are loose, and the random numbers that its cameras come from."""
        rng = np.random.default_rng([self._seed, _BODIES, index])
        loose = bool(rng.random() < self._loose)
        return self._figures.make(rng, loose, everyday=bool(rng.random() < _EVERYDAY)), loose, rng

    def view_of(self, figure: Figure, rng: np.random.Generator) -> FigureView:
        """The figure before a random camera: any yaw, held between hip and eyes, 1.8 to 8 metres away, aimed near the figure's middle."""
        level = rotation_matrix(np.array([0, rng.uniform(-np.pi, np.pi), 0])) @ figure.upright
        solid = np.concatenate([part.vertices for part in figure.parts if part.solid]) @ level.T
        low, high = solid.min(0), solid.max(0)
        middle, tall = (low + high) / 2, max(float(high[1] - low[1]), 0.5)
        distance = float(np.exp(rng.uniform(np.log(1.8), np.log(8)))) * max(tall, 1.0) / 1.7
        eye = np.array([middle[0], low[1] + rng.uniform(0.4, 1.0) * max(tall, 1.0), middle[2] + distance])
        # Nobody holds the figure's middle right in the photo's.
        target = middle + tall * np.array([rng.normal(0, 0.06), rng.normal(0, 0.05), 0])
        away = eye - target
        pitch, yaw = np.arctan2(away[1], np.hypot(away[0], away[2])), np.arctan2(away[0], away[2])
        aim = rotation_matrix(np.array([pitch, 0, 0])) @ rotation_matrix(np.array([0, -yaw, 0]))
        aim = rotation_matrix(np.array([0, 0, rng.normal(0, 0.025)])) @ aim
        reach = float(np.linalg.norm(away))
        turn, shift = aim @ level, -(aim @ eye) - [0, 0, -reach]
        placed = solid @ aim.T + shift
        flat = Camera((0.0, 0.0), 1.0, reach).project(placed)
        low, high = flat.min(0), flat.max(0)
        half = MARGIN / 2 * float(max(high - low))
        scale = self._size / 2 / half
        centre = self._size / 2 - (low + high) / 2 * scale
        camera = Camera((float(centre[0]), float(centre[1])), scale, reach)
        parts = [Part(part.rest, _float(part.vertices @ turn.T + shift), _float(part.normals @ turn.T)) for part in figure.parts]
        scene = Scene.of(parts, lambda points: _in_crop(points, camera, half), self._size, half)
        return FigureView(figure, camera, half, turn, shift, scene)

    def picture(self, seen: FigureView, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """The relightable picture and its labels."""
        buffers: Buffers = render(seen.scene, 1)
        key = random_direction(rng)
        back = _signed(buffers.back_normal)
        step = np.linspace(0, self._size - 1, BACK).round().astype(int)
        camera = seen.camera
        middle = (np.array(camera.centre) - self._size / 2) / (self._size / 2)
        return {
            "albedo": _byte(buffers.albedo ** (1 / 2.2)),
            "normal": _signed(buffers.normal),
            "normal_back": back[step][:, step],
            "coverage": _byte(buffers.coverage),
            "ambient": _byte(buffers.ambient),
            "material": buffers.material.numpy().astype(np.uint8),
            "parsing": labels(seen.scene, buffers.face, buffers.barycentric).numpy().astype(np.uint8),
            "shadows": _byte(key_shadow(seen.scene, buffers.depth, key))[None],
            "keys": key.astype(np.float32)[None],
            "camera": np.array([*middle, 1 / seen.half, 1 / camera.distance], np.float32),
        }

    def points(self, seen: FigureView, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Points in the crop frame with signed distances in metres, and painted points of the surface."""
        surface = surface_samples(seen.scene, rng, _SURFACE)
        points = self._queries(seen, surface, rng)
        distance, nearest = signed_distance(seen.scene, surface, points)
        shade = seen.scene.shade(surface.face[nearest], surface.barycentric[nearest])
        chosen = torch.from_numpy(rng.integers(0, len(surface.position), SURFACE_POINTS))
        painted = seen.scene.shade(surface.face[chosen], surface.barycentric[chosen])
        return {
            "points": _half(points.numpy()),
            "distance": _half((distance * seen.half).clamp(-TRUNCATION, TRUNCATION).numpy()),
            "colour": _byte(shade.albedo ** (1 / 2.2)),
            "class": solid_labels(seen.scene, surface.face[nearest], surface.barycentric[nearest]).numpy().astype(np.uint8),
            "surface": _half(surface.position[chosen].numpy()),
            "surface_normal": _signed(surface.normal[chosen]),
            "surface_class": solid_labels(seen.scene, surface.face[chosen], surface.barycentric[chosen]).numpy().astype(np.uint8),
            "surface_albedo": _byte(painted.albedo ** (1 / 2.2)),
            "surface_valid": (painted.material != MATERIALS.index("eye")).numpy().astype(np.uint8),
        }

    def pose(self, seen: FigureView) -> dict[str, np.ndarray]:
        """The true naked body and joints, camera frame, metres."""
        figure = seen.figure
        return {
            "naked": _half(seen.to_camera(figure.naked)),
            "joints": seen.to_camera(figure.bones).astype(np.float32),
            "turn": (seen.turn @ figure.upright.T).astype(np.float32),
        }

    def _queries(self, seen: FigureView, surface: SurfaceSamples, rng: np.random.Generator) -> torch.Tensor:
        """Points (POINTS, 3): near the surface, wider, around the head, the hands and the naked body, and uniform in the figure's box."""
        on, unit = surface.position.numpy(), seen.half
        bones, naked = seen.to_crop(seen.figure.bones), seen.to_crop(seen.figure.naked)
        head, reach = bones[self._head], 0.24 / unit
        around_head = on[np.abs(on - head).max(1) < reach]
        amount = {name: int(share * POINTS) for name, share in _SHARES.items()}

        def around(source: np.ndarray, name: str, metres: float) -> np.ndarray:
            source = source if len(source) else on
            return source[rng.integers(0, len(source), amount[name])] + rng.normal(0, metres / unit, (amount[name], 3))

        low, high = on.min(0) - 0.1 / unit, on.max(0) + 0.1 / unit
        groups = [
            around(on, "near", 0.02),
            around(on, "wide", 0.07),
            around(around_head, "head", 0.012),
            around(bones[self._hands], "hands", 0.025),
            around(naked, "naked", 0.04),
            rng.uniform(low, high, (POINTS - sum(amount.values()), 3)),
        ]
        limits = np.array([0.999, 0.999, max(0.999, float(high[2]), -float(low[2]))])
        points = np.clip(np.concatenate(groups), -limits, limits)[rng.permutation(POINTS)]
        return torch.from_numpy(_float(points))


def _float(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.float32)


def _half(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float16)


def _byte(values: torch.Tensor) -> np.ndarray:
    return (values * 255).round().clamp(0, 255).to(torch.uint8).numpy()


def _signed(values: torch.Tensor) -> np.ndarray:
    return (values * 127).round().clamp(-127, 127).to(torch.int8).numpy()

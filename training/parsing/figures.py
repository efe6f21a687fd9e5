"""Training pictures of whole figures: drawn people from `training/bodies`, lit anew, before all kinds of backgrounds, among other people
and behind things; and real portraits. A sample is a function of the seed and its number.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from ...core.photo.figure_matte import pose_guide
from ...core.photo.parsing import CLASSES
from ...core.photo.people import LANDMARKS
from ..data.dataset import Shards
from ..humans.bodies import Bodies
from ..humans.paints import linear
from ..render.lighting import Light, photograph
from .photographs import Layers, Photographs, cut_by_border, spoiled, toned

CLOTHES, OBJECT, SHOES = (CLASSES.index(name) for name in ("clothes", "object", "shoes"))
FIELDS = ("albedo", "normal", "coverage", "ambient", "material", "parsing", "shadows", "keys", "camera", "joints", "naked", "rest")
_PICTURES, _NAMES = ("albedo", "normal", "coverage", "ambient", "material", "parsing"), ("material", "parsing", "shoes")
BONES = {
    11: "upperarm01.L", 12: "upperarm01.R", 13: "lowerarm01.L", 14: "lowerarm01.R", 15: "wrist.L", 16: "wrist.R", 19: "finger2-1.L",
    20: "finger2-1.R", 23: "upperleg01.L", 24: "upperleg01.R", 25: "lowerleg01.L", 26: "lowerleg01.R", 27: "foot.L", 28: "foot.R",
    31: "toe1-2.L", 32: "toe1-2.R",
}  # fmt: skip
"""MediaPipe's landmarks and the bones whose heads are about there."""
EYES = ("eye.L", "eye.R")
_REAL, _PART, _UNGUIDED = 0.25, 0.35, 0.2
_ANKLE = 0.085  # metres above the soles, up to where a shoe reaches
_DETECTOR = 0.02  # metres that landmarks err by


@dataclass
class Person:
    """layers of a picture (N, N); points (33, 2), where the pose detector's landmarks are in it, nan where they are not told."""

    layers: Layers
    points: np.ndarray


@dataclass(frozen=True)
class Placement:
    """Which part of a stored picture is shown: its middle and half side in half sides of the stored picture, turned, radians, and
    mirrored."""

    middle: np.ndarray
    half: float
    turn: float
    flip: bool

    def matrix(self, source: int, size: int) -> np.ndarray:
        """(2, 3): from pixels of a (size, size) picture to pixels of the stored one, both counted from their corners."""
        step, sign = self.half * source / size, -1.0 if self.flip else 1.0
        turned = step * np.array([[np.cos(self.turn) * sign, -np.sin(self.turn)], [np.sin(self.turn) * sign, np.cos(self.turn)]])
        corner = (self.middle + 1) * source / 2 - turned @ np.full(2, size / 2)
        return np.concatenate([turned, corner[:, None]], axis=1)


class Figures:
    """shards: stored bodies with FIELDS; portraits: real people, and what lies behind people; bones: names of the stored joints."""

    def __init__(self, shards: Shards, portraits: Photographs, bones: list[str]) -> None:
        self._shards, self._portraits = shards, portraits
        self._bones = {row: bones.index(name) for row, name in BONES.items()}
        self._eyes = [bones.index(name) for name in EYES]

    @classmethod
    def load(cls, bodies: Path, portraits: Photographs, assets: Path) -> "Figures":
        """bodies: the folder of the shards."""
        return cls(Shards(bodies, FIELDS), portraits, Bodies(assets).bone_names)

    def __call__(self, seed: int, number: int, size: int, kind: str | None = None) -> tuple[np.ndarray, ...]:
        """Picture (N, N, 4) with its guide, coverage, weight (N, N) float32 and label (N, N) uint8; kind: "real" or "drawn"."""
        rng = np.random.default_rng([seed, number])
        if (kind or ("real" if rng.random() < _REAL else "drawn")) == "real":
            picture, *rest = self._portraits(seed, number, size, "real" if rng.random() < 0.4 else "composed")
            return np.dstack([picture, pose_guide(size, None)]), *rest
        subject, others = self._scene(rng, size)
        layers = subject.layers
        guide = pose_guide(size, None)
        if rng.random() >= _UNGUIDED:
            told = [self._detected(one, rng) for one in (subject, *(one for one in others if rng.random() < 0.7))]
            guide = pose_guide(size, told[0], told[1:])
        if rng.random() < 0.2:
            cut_by_border(layers, rng)
        return np.dstack([spoiled(layers.colour, rng), guide]), layers.coverage, layers.weight, layers.label

    def _scene(self, rng: np.random.Generator, size: int) -> tuple[Person, list[Person]]:
        part = rng.random() < _PART
        mine = self._placement(rng, part)
        subject = self.person(int(rng.integers(len(self._shards))), mine, size, rng)
        layers, others = subject.layers, []
        behind = self._ground(rng, size, layers)
        for _ in range(int(rng.choice([0, 1, 2], p=[0.6, 0.3, 0.1]))):
            others.append(one := self._beside(mine, size, rng, behind=True))
            alpha = one.layers.coverage[..., None]
            behind = one.layers.colour * alpha + behind * (1 - alpha)
        if rng.random() < 0.6:
            behind = behind * _shadow(layers.coverage, rng)[..., None]
        alpha = layers.coverage[..., None]
        layers.colour = layers.colour * alpha + behind * (1 - alpha)
        if rng.random() < 0.15:
            others.append(one := self._beside(mine, size, rng, behind=False))
            _put_before(layers, one.layers.colour, one.layers.coverage)
        if rng.random() < 0.2:
            self._thing(layers, size, rng)
        if part and mine.half < 0.55 and rng.random() < 0.3:
            self._portraits.occlude(layers, size, rng)
        return subject, others

    def _placement(self, rng: np.random.Generator, part: bool) -> Placement:
        turn = float(np.deg2rad(rng.normal(0, 4) if rng.random() < 0.85 else rng.uniform(-25, 25)))
        if part:
            middle, half = np.array([rng.normal(0, 0.2), rng.uniform(-0.7, 0.6)]), rng.uniform(0.3, 0.8)
        else:
            middle, half = rng.normal(0, 0.05, 2), float(np.exp(rng.uniform(np.log(0.84), np.log(1.3))))
        return Placement(middle, half, turn, bool(rng.random() < 0.5))

    def _beside(self, mine: Placement, size: int, rng: np.random.Generator, behind: bool) -> Person:
        """Somebody else, as large as the subject or smaller where behind, a little larger in front."""
        scale = rng.uniform(0.45, 1.05) if behind else rng.uniform(0.9, 1.4)
        offset = np.array([rng.choice([-1, 1]) * rng.uniform(0.25 if behind else 0.5, 1.0), rng.normal(0, 0.08)])
        # Where the subject's middle is in the picture, and the other one's beside it.
        seen = -mine.middle / mine.half * [-1 if mine.flip else 1, 1] + offset / mine.half
        half, flip = mine.half / scale, bool(rng.random() < 0.5)
        place = Placement(-seen * half * [-1 if flip else 1, 1], half, mine.turn, flip)
        return self.person(int(rng.integers(len(self._shards))), place, size, rng)

    def person(self, index: int, place: Placement, size: int, rng: np.random.Generator) -> Person:
        """A stored person under new light; its layers' colour holds no background."""
        stored = {name: values[0] if name not in ("rest",) else values for name, values in self._shards[index].items()}
        shoes = self._feet(stored, stored["coverage"].shape[-1])
        pictures = _reduced(
            {name: stored[name] for name in _PICTURES} | {"shoes": shoes, "shadows": stored["shadows"][0]}, place.half, size
        )
        source = pictures["coverage"].shape[-1]
        matrix = place.matrix(source, size)
        step = place.half * source / size
        flat = matrix.copy()
        flat[:, 2] += 0.5 * matrix[:, :2].sum(1) - 0.5  # OpenCV counts from pixels' middles

        def warp(values: np.ndarray, how: int = cv2.INTER_LINEAR) -> np.ndarray:
            values = cv2.GaussianBlur(values, (0, 0), 0.42 * step) if step > 1.2 and how == cv2.INTER_LINEAR else values
            return cv2.warpAffine(values, flat, (size, size), flags=how | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_CONSTANT)

        coverage = warp(pictures["coverage"]).astype(np.float32) / 255
        solid = (pictures["coverage"] > 0).astype(np.uint8) * 255
        share = np.maximum(warp(solid).astype(np.float32) / 255, 1e-3)[..., None]
        albedo = (warp(pictures["albedo"]).astype(np.float32) / 255 / share).clip(0, 1)
        kinds = warp(pictures["parsing"], cv2.INTER_NEAREST)
        kinds[(kinds == CLOTHES) & (warp(pictures["shoes"], cv2.INTER_NEAREST) > 0)] = SHOES
        if rng.random() < 0.45:
            albedo = self._printed(albedo, kinds == CLOTHES, size, rng)
        normal = (warp(pictures["normal"]).astype(np.float32) - 128) / 127
        normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-3)
        normal[coverage < 0.02] = 0
        shade = lambda name: torch.from_numpy(warp(pictures[name]).astype(np.float32) / 255 / share[..., 0])[None].clamp(0, 1)  # noqa: E731
        light = Light.random(rng, stored["keys"][:1])
        material = torch.from_numpy(warp(pictures["material"], cv2.INTER_NEAREST).astype(np.int64))[None]
        picture, _ = photograph(
            light, linear(torch.from_numpy(albedo)[None]), torch.from_numpy(normal)[None], shade("ambient"), shade("shadows"), material
        )
        # The label's nearest pixel may lie outside where the coverage does not.
        kinds = np.where((kinds == 0) & (coverage > 0.02), _grown(kinds), kinds)
        kinds[coverage <= 0.02] = 0
        inverse = np.linalg.inv(matrix[:, :2])
        points = (self._landmarks(stored, source) - matrix[:, 2]) @ inverse.T
        layers = Layers(picture[0].clamp(0, 1).numpy(), coverage, kinds, np.ones_like(coverage))
        if rng.random() < 0.3:
            layers.colour = toned(layers.colour, rng)
        return Person(layers, points)

    def _landmarks(self, stored: dict[str, np.ndarray], source: int) -> np.ndarray:
        points = np.full((LANDMARKS, 2), np.nan)
        joints = _projected(stored["joints"], stored["camera"], source)
        for row, bone in self._bones.items():
            points[row] = joints[bone]
        points[0] = joints[self._eyes].mean(0)
        return points

    def _feet(self, stored: dict[str, np.ndarray], source: int) -> np.ndarray:
        """(source, source) uint8: about where shoes may be, from the naked feet."""
        rest = stored["rest"].astype(np.float32)
        low = rest[:, 1] < rest[:, 1].min() + _ANKLE
        flat = _projected(stored["naked"].astype(np.float32), stored["camera"], source)
        mask = np.zeros((source, source), np.uint8)
        for chosen in (low & (rest[:, 0] > 0), low & (rest[:, 0] < 0)):
            cv2.fillConvexPoly(mask, cv2.convexHull(np.round(flat[chosen]).astype(np.int32)), (255,))
        reach = max(1, round(0.018 * float(stored["camera"][2]) * source / 2))
        return cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))

    def _printed(self, albedo: np.ndarray, cloth: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
        """Clothes with a real photograph's texture on them."""
        picture = self._portraits.texture(rng, size)
        contrast = rng.uniform(0.2, 1.0)
        pattern = picture / max(float(picture.mean()), 0.05)
        mixed = albedo * (1 - contrast) + (albedo * pattern if rng.random() < 0.5 else picture) * contrast
        return np.where(cloth[..., None], mixed.clip(0, 1), albedo).astype(np.float32)

    def _ground(self, rng: np.random.Generator, size: int, layers: Layers) -> np.ndarray:
        """A background, mostly with a floor in front of it."""
        picture = self._portraits.background(rng, size, layers)
        if rng.random() < 0.55:
            line = int(rng.uniform(0.35, 0.95) * size)
            floor = toned(self._portraits.background(rng, size, layers), rng)
            squeezed = cv2.resize(floor, (size, max(1, int(size * rng.uniform(0.2, 1)))), interpolation=cv2.INTER_AREA)
            floor = cv2.resize(squeezed, (size, size), interpolation=cv2.INTER_LINEAR)
            lean = rng.normal(0, 0.03)
            rows, columns = np.mgrid[:size, :size]
            share = np.clip((rows - line - lean * (columns - size / 2)) / rng.uniform(0.5, 6) + 0.5, 0, 1)[..., None]
            picture = picture * (1 - share) + floor * share
        return picture.astype(np.float32)

    def _thing(self, layers: Layers, size: int, rng: np.random.Generator) -> None:
        """A table, a wall or a post hides a part: background in front."""
        shape = np.zeros((size, size), np.uint8)
        kind = rng.choice(["table", "post", "blob"])
        if kind == "table":
            top = int(rng.uniform(0.45, 0.95) * size)
            left, right = sorted(rng.uniform(-0.3, 1.3, 2) * size)
            cv2.rectangle(shape, (int(left), top), (int(right), size), (255,), -1)
        elif kind == "post":
            at, wide = rng.uniform(0, 1) * size, rng.uniform(0.01, 0.12) * size
            slant = rng.normal(0, 0.1) * size
            corners = [[at - wide + slant, 0], [at + wide + slant, 0], [at + wide, size], [at - wide, size]]
            cv2.fillPoly(shape, [np.round(corners).astype(np.int32)], (255,))
        else:
            middle, axes = rng.uniform(0, 1, 2) * size, rng.uniform(0.05, 0.25, 2) * size
            angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(5, 14))))
            rim = middle + axes * np.stack([np.cos(angles), np.sin(angles)], 1) * rng.uniform(0.6, 1.2, (len(angles), 1))
            cv2.fillPoly(shape, [np.round(rim).astype(np.int32)], (255,))
        _put_before(layers, self._portraits.texture(rng, size), cv2.GaussianBlur(shape, (0, 0), 0.6).astype(np.float32) / 255)

    def _detected(self, person: Person, rng: np.random.Generator) -> np.ndarray:
        """Where a detector would tell the landmarks: a little off, a limb at times far off or not told."""
        points = person.points.copy()
        metre = max(float(np.linalg.norm(points[[11, 12]].mean(0) - points[[23, 24]].mean(0))), 1.0) / 0.5
        points += rng.normal(0, _DETECTOR * metre, points.shape) * rng.uniform(0.3, 1.5)
        for limb in ((13, 15, 19), (14, 16, 20), (25, 27, 31), (26, 28, 32)):
            first = int(rng.integers(0, 3))
            if rng.random() < 0.08:
                points[list(limb[first:])] += rng.normal(0, 0.12 * metre, 2)
            elif rng.random() < 0.1:
                points[list(limb[first:])] = np.nan
        return points


def _reduced(pictures: dict[str, np.ndarray], half: float, size: int) -> dict[str, np.ndarray]:
    """Pictures (S, S, ...) as uint8, 128 where a normal is 0, made smaller by halves while that loses nothing in a picture of this size."""
    result = {name: values.view(np.uint8) ^ 128 if values.dtype == np.int8 else values for name, values in pictures.items()}
    while half * len(result["coverage"]) / size >= 2:
        for name, values in result.items():
            shrink = values[1::2, 1::2] if name in _NAMES else cv2.resize(values, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            result[name] = np.ascontiguousarray(shrink)
    return result


def _projected(points: np.ndarray, camera: np.ndarray, source: int) -> np.ndarray:
    """(N, 2) pixels of the stored picture, counted from its corner; camera (4,) as docs/people.md tells it."""
    near = 1 / (1 - points[:, 2] * camera[3])
    flat = np.stack([camera[0] + points[:, 0] * near * camera[2], camera[1] - points[:, 1] * near * camera[2]], 1)
    return (flat + 1) * source / 2


def _put_before(layers: Layers, colour: np.ndarray, alpha: np.ndarray) -> None:
    layers.colour = layers.colour * (1 - alpha[..., None]) + colour * alpha[..., None]
    layers.coverage = layers.coverage * (1 - alpha)
    layers.label = np.where(layers.coverage > 0.02, layers.label, 0).astype(np.uint8)


def _grown(label: np.ndarray) -> np.ndarray:
    return cv2.dilate(label, np.ones((5, 5), np.uint8))


def _shadow(coverage: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(N, N) how much light a floor gets beside a figure (N, N) that stands on it: its silhouette, laid down, and a dark spot below."""
    size = len(coverage)
    rows = np.flatnonzero((coverage > 0.5).any(1))
    if not len(rows):
        return np.ones_like(coverage)
    feet = float(rows[-1])
    lean, flat = rng.normal(0, 1.2), rng.choice([-1, 1]) * rng.uniform(0.08, 0.5)
    matrix = np.array([[1, lean, -lean * feet], [0, flat, feet * (1 - flat)]])
    laid = cv2.warpAffine(coverage, matrix, (size, size), flags=cv2.INTER_LINEAR)
    laid = cv2.GaussianBlur(laid, (0, 0), rng.uniform(0.5, 8) * size / 256)
    columns = np.flatnonzero(coverage[int(max(0, feet - 0.06 * size)) : int(feet) + 1].max(0) > 0.5)
    spot = np.zeros_like(coverage)
    if len(columns):
        axes = (int(0.6 * np.ptp(columns)) + 2, int(rng.uniform(0.005, 0.03) * size) + 1)
        cv2.ellipse(spot, (int(columns.mean()), int(feet)), axes, 0, 0, 360, (1.0,), -1)
        spot = cv2.GaussianBlur(spot, (0, 0), 0.012 * size)
    return np.clip(1 - rng.uniform(0, 0.8) * laid - rng.uniform(0, 0.7) * spot, 0.05, 1).astype(np.float32)

"""Paints of pieces other than skin: strands of hair, cloth, painted textures. Plain PyTorch, the same on CPU and CUDA."""

from dataclasses import dataclass

import numpy as np
import torch

from .noise import Noise, Values, smoothstep
from .part import MATERIALS, Shade, SurfacePoints


def linear(colour: Values) -> Values:
    """Linear light of sRGB in [0, 1]; the 2.2 power is close enough for synthesis."""
    return colour.clip(0, 1) ** 2.2  # pyright: ignore[reportReturnType]


def encoded(colour: Values) -> Values:
    """The inverse of linear()."""
    return colour.clip(0, 1) ** (1 / 2.2)  # pyright: ignore[reportReturnType]


def constant(points: SurfacePoints, value: float | int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """(N,) one value at all points."""
    return torch.full((len(points.uv),), value, dtype=dtype, device=points.uv.device)


def material(points: SurfacePoints, name: str) -> torch.Tensor:
    """(N,) one material's index at all points."""
    return constant(points, MATERIALS.index(name), torch.int64)


class Texture:
    """A picture (H, W, C) uint8, row 0 at v = 1, sampled on any device."""

    def __init__(self, picture: np.ndarray) -> None:
        self._picture = torch.from_numpy(np.ascontiguousarray(picture))

    def __call__(self, uv: torch.Tensor) -> torch.Tensor:
        """Bilinear texels (N, C) in [0, 1] at uv (N, 2), repeated outside [0, 1]."""
        if self._picture.device != uv.device:
            self._picture = self._picture.to(uv.device)
        height, width, channels = self._picture.shape
        uv = uv - uv.floor()
        x = (uv[:, 0] * width - 0.5).clip(0, width - 1)
        y = ((1 - uv[:, 1]) * height - 0.5).clip(0, height - 1)
        left, top = x.floor().long(), y.floor().long()
        right, bottom = (left + 1).clip(max=width - 1), (top + 1).clip(max=height - 1)
        u, v = (x - left)[:, None], (y - top)[:, None]
        flat = self._picture.reshape(-1, channels)
        texel = lambda row, column: flat[row * width + column].float()  # noqa: E731
        upper = torch.lerp(texel(top, left), texel(top, right), u)
        return torch.lerp(upper, torch.lerp(texel(bottom, left), texel(bottom, right), u), v) / 255


@dataclass(frozen=True)
class StrandPaint:
    """Hair made of clumps: values (N, 2) hold the place along the strand (0 root, 1 tip) and the clump's random number in [-1, 1].

    root, tip: (3,) linear colours; spread: how much clumps differ; streaks: contrast of the strands in a clump.
    """

    root: np.ndarray
    tip: np.ndarray
    spread: float
    streaks: float
    noise: Noise

    def __call__(self, points: SurfacePoints) -> Shade:
        along, clump = points.values[:, :1], points.values[:, 1:2]
        root, tip = (points.uv.new_tensor(colour) for colour in (self.root, self.tip))
        # Strands run along the clump: noise that is fine around it and coarse along it.
        lane = torch.cat([points.uv[:, :1] * 9 + clump * 31, along * 2, clump * 17], dim=1)
        fine = self.noise.at(lane, 1.7, 9) + 0.6 * self.noise.at(lane * points.uv.new_tensor([2.3, 1, 1]), 1.7, 10)
        colour = torch.lerp(root, tip, (along + 0.15 * clump).clip(0, 1))
        colour = colour * (1 + self.spread * clump) * (1 + self.streaks * fine[:, None]).clip(0.3, 2.2)
        # Light does not reach the roots.
        colour = colour * (0.55 + 0.45 * smoothstep(along * 3 + 0.2))
        return Shade(colour.clip(0.002, 1), material(points, "hair"), height=2e-4 * fine)


PATTERNS = {"solid": 0.4, "stripe": 0.14, "check": 0.1, "denim": 0.1, "knit": 0.14, "print": 0.12}
"""Kinds of cloth and their shares."""


@dataclass(frozen=True)
class ClothPaint:
    """One garment's cloth, textured in space by the rest position, so that seams and cuts need no layout.

    dyes (2, 3) linear; scale in threads or stripes a metre; slant: direction of stripes.
    """

    pattern: str
    dyes: np.ndarray
    scale: float
    slant: np.ndarray
    wear: float
    noise: Noise

    @classmethod
    def random(cls, rng: np.random.Generator, noise: Noise) -> "ClothPaint":
        pattern = str(rng.choice(list(PATTERNS), p=list(PATTERNS.values())))
        # Clothes are mostly dark, grey or muted; a few are loud.
        grey = rng.uniform(0.02, 0.95)
        colours = grey + (rng.uniform(0, 1, (2, 3)) - grey) * rng.choice([0.08, 0.35, 0.8], p=[0.4, 0.4, 0.2])
        if pattern == "denim":
            colours = np.array([[0.16, 0.24, 0.40], [0.5, 0.58, 0.68]]) * rng.uniform(0.5, 1.3)
        if pattern in ("solid", "knit") and rng.random() < 0.6:
            colours[1] = colours[0] * rng.uniform(0.8, 1.1)
        scale = {"stripe": (60, 400), "check": (40, 250), "print": (18, 60)}.get(pattern, (150, 500))
        slant = np.array([rng.normal(0, 0.15), 1, 0]) if rng.random() < 0.6 else np.array([1, rng.normal(0, 0.15), 0.3])
        return cls(pattern, linear(colours), rng.uniform(*scale), slant / np.linalg.norm(slant), rng.uniform(0, 0.15), noise)

    def __call__(self, points: SurfacePoints) -> Shade:
        at, new = points.anchor, points.uv.new_tensor
        slant = new(self.slant)
        across = torch.linalg.cross(slant, new([0.0, 0.0, 1.0]), dim=0)
        u, v = at @ slant * self.scale, (at @ across + at[:, 2]) * self.scale
        height = None
        share = constant(points, 0.0)
        match self.pattern:
            case "stripe":
                share = smoothstep(u.sin() * 3 + 0.5)
            case "check":
                share = 0.5 * smoothstep(u.sin() * 3 + 0.5) + 0.5 * smoothstep(v.sin() * 3 + 0.5)
            case "denim":
                twill = ((at[:, 0] + at[:, 1]) * 2400).sin()
                share = (0.3 + 0.25 * twill + 0.2 * self.noise.at(at, 60, 7)).clip(0, 1)
                height = 1e-4 * twill
            case "knit":
                rows = (at[:, 1] * self.scale * 4).sin()
                ribs = ((at[:, 0] + 0.4 * at[:, 2]) * self.scale * 3 + rows).sin()
                share = (0.25 - 0.25 * ribs * rows).clip(0, 1)
                height = 4e-4 * (ribs + 0.5 * rows)
            case "print":
                blobs = self.noise.at(at, self.scale, 7)
                share = smoothstep(blobs * 4 - 1.5)
        first, second = new(self.dyes)
        colour = first + (second - first) * share[:, None]
        colour = colour * (1 + self.wear * self.noise.at(at, 300, 11) + 0.5 * self.wear * self.noise.at(at, 30, 12))[:, None]
        fold = 6e-4 * self.noise.at(at, 70, 13)
        return Shade(colour.clip(0.002, 1), material(points, "cloth"), height=fold if height is None else height + fold)


@dataclass(frozen=True)
class TexturePaint:
    """A painted picture with alpha, dyed when `dye` (3,), linear, is given: its lightness is kept relative to `middle`."""

    texture: Texture
    material: str
    dye: np.ndarray | None = None
    middle: float = 1.0
    transparent: bool = False

    @classmethod
    def of(cls, picture: np.ndarray, material: str, dye: np.ndarray | None = None, transparent: bool = False) -> "TexturePaint":
        shown = picture[::8, ::8].reshape(-1, 4)
        shown = shown[shown[:, 3] > 128] if (shown[:, 3] > 128).any() else shown
        middle = float(np.median(linear(shown[:, :3] / 255.0).mean(1)))
        return cls(Texture(picture), material, dye, max(middle, 1e-3), transparent)

    def __call__(self, points: SurfacePoints) -> Shade:
        texels = self.texture(points.uv)
        colour = linear(texels[:, :3])
        if self.dye is not None:
            lightness = (colour.mean(1, keepdim=True) / self.middle).clip(0.15, 3)
            colour = points.uv.new_tensor(self.dye) * lightness
        return Shade(colour.clip(0.002, 1), material(points, self.material), texels[:, 3] if self.transparent else None)

"""Things in front of a person: hands, cups, phones, microphones, masks, boards. Rounded solids as heights over the picture."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from ..humans.part import MATERIALS
from ..render.buffers import Buffers
from .labels import OBJECT

_KINDS = ("hand", "hand", "hand", "cup", "phone", "microphone", "board", "flowers", "mask")


@dataclass
class _Relief:
    """Pictures in units of half the picture: height (S, S), -inf where there is nothing; albedo (S, S, 3) linear; gloss (S, S)."""

    height: np.ndarray
    albedo: np.ndarray
    gloss: np.ndarray
    x: np.ndarray
    y: np.ndarray

    @classmethod
    def empty(cls, size: int) -> "_Relief":
        axis = ((np.arange(size) + 0.5) / size * 2 - 1).astype(np.float32)
        x, y = np.meshgrid(axis, -axis)
        return cls(np.full((size, size), -np.inf, np.float32), np.zeros((size, size, 3), np.float32), np.zeros((size, size), bool), x, y)

    def put(self, height: np.ndarray, albedo: np.ndarray, gloss: bool = False) -> None:
        """Adds a surface (S, S), nan or -inf where there is none."""
        height = np.nan_to_num(height, nan=-np.inf, neginf=-np.inf)
        above = height > self.height
        self.height[above] = height[above]
        self.albedo[above] = albedo if albedo.ndim == 1 else albedo[above]
        self.gloss[above] = gloss

    def capsule(self, start: np.ndarray, end: np.ndarray, radii: tuple[float, float], albedo: np.ndarray, flat: float = 1.0) -> None:
        """A tapering rod between points (2,) or (3,); `flat` times as thick as wide."""
        along = end[:2] - start[:2]
        t = (((self.x - start[0]) * along[0] + (self.y - start[1]) * along[1]) / max(float(along @ along), 1e-9)).clip(0, 1)
        away = np.hypot(self.x - start[0] - t * along[0], self.y - start[1] - t * along[1])
        radius = radii[0] + (radii[1] - radii[0]) * t
        lift = start[2] + (end[2] - start[2]) * t if len(start) > 2 else 0.0
        with np.errstate(invalid="ignore"):
            self.put(lift + flat * np.sqrt(radius**2 - away**2), albedo)


def occlude(
    buffers: Buffers, classes: torch.Tensor, skin: np.ndarray, mouth: np.ndarray, unit: float, rng: np.random.Generator
) -> tuple[Buffers, torch.Tensor]:
    """Buffers and classes (S, S) with one thing in front.

    skin (3,): the person's linear colour; mouth (2,): where it is, in half pictures right and up; unit: half pictures a metre.
    """
    size = len(classes)
    relief = _Relief.empty(size)
    kind = str(rng.choice(_KINDS))
    if kind == "mask":
        return _masked(buffers, classes, mouth, unit, rng)
    tone = skin * rng.uniform(0.8, 1.15) if rng.random() < 0.8 else _any_skin(rng)
    beside = rng.choice([-1, 1]) * rng.uniform(0.03, 0.16) * unit
    place = mouth + np.array([beside, rng.uniform(-0.14, 0.13) * unit])
    if rng.random() < 0.3:
        place = mouth + np.array([rng.normal(0, 0.03), rng.uniform(-0.12, 0.0)]) * unit
    if kind == "hand":
        _hand(relief, place, unit, tone, rng)
    else:
        {"cup": _cup, "phone": _phone, "microphone": _microphone, "board": _board, "flowers": _flowers}[kind](relief, place, unit, rng)
        if kind in ("cup", "phone", "board", "microphone") and rng.random() < 0.7:
            relief.height[np.isfinite(relief.height)] += 0.01
            _hand(relief, place + rng.normal(0, 0.02, 2) * unit, unit, tone, rng, over=True)
    return _merged(buffers, classes, relief)


def _merged(buffers: Buffers, classes: torch.Tensor, relief: _Relief) -> tuple[Buffers, torch.Tensor]:
    there = np.isfinite(relief.height)
    height = np.where(there, relief.height, 0)
    step = 2 / len(height)
    down, right = np.gradient(height, step)
    normal = np.stack([-right, down, np.ones_like(height)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    mask = torch.from_numpy(there)
    gloss = torch.from_numpy(np.where(relief.gloss, MATERIALS.index("gloss"), MATERIALS.index("skin")))
    put = lambda old, new: torch.where(mask if old.dim() == 2 else mask[..., None], new.to(old.dtype), old)  # noqa: E731
    return replace(
        buffers,
        albedo=put(buffers.albedo, torch.from_numpy(relief.albedo)),
        normal=put(buffers.normal, torch.from_numpy(normal.astype(np.float32))),
        material=put(buffers.material, gloss),
        coverage=put(buffers.coverage, torch.ones_like(buffers.coverage)),
        ambient=put(buffers.ambient, torch.full_like(buffers.ambient, 0.85)),
    ), put(classes, torch.full_like(classes, OBJECT))


def _any_skin(rng: np.random.Generator) -> np.ndarray:
    light, dark = np.array([0.55, 0.33, 0.24]), np.array([0.09, 0.045, 0.03])
    return dark + (light - dark) * rng.random()


def _any_colour(rng: np.random.Generator) -> np.ndarray:
    grey = rng.uniform(0.02, 0.8)
    return grey * (1 + rng.uniform(-0.9, 0.9, 3) * rng.random()) if rng.random() < 0.6 else np.full(3, grey)


def _hand(relief: _Relief, place: np.ndarray, unit: float, tone: np.ndarray, rng: np.random.Generator, over: bool = False) -> None:
    """Palm, fingers and a forearm, sometimes sleeved, that comes from below."""
    lean = rng.normal(0, 0.5)
    up = np.array([np.sin(lean), np.cos(lean)])
    side = np.array([up[1], -up[0]]) * rng.choice([-1, 1])
    width = rng.uniform(0.036, 0.043) * unit
    base = 0.02 if over else 0.0
    at = lambda along, across, lift=0.0: np.array([*(place + along * up * unit + across * side), base + lift])  # noqa: E731
    curled = rng.random() < 0.4
    for finger, (across, length) in enumerate(zip((-0.75, -0.25, 0.25, 0.75), (0.06, 0.08, 0.085, 0.075), strict=True)):
        length *= rng.uniform(0.35, 0.6) if curled else rng.uniform(0.85, 1.1)
        spread = rng.normal(0, 0.1) + 0.15 * across
        root = at(0.04, across * width)
        middle = root + np.array([*(up * length * 0.55 + side * spread * length * 0.5) * unit, 0.006])
        tip = middle + np.array([*(up * length * 0.45 + side * spread * length) * unit, -0.004])
        colour = tone * rng.uniform(0.92, 1.08)
        relief.capsule(root, middle, (0.0095 * unit, 0.0085 * unit), colour)
        relief.capsule(middle, tip, (0.0085 * unit, 0.0070 * unit), colour * (1.05 if finger % 2 else 1))
    thumb = at(0.005, -width)
    bent = thumb + np.array([*((0.035 * up) * unit - side * rng.uniform(0.0, 0.035) * unit), 0.012])
    relief.capsule(thumb, bent, (0.013 * unit, 0.010 * unit), tone)
    relief.capsule(bent, bent + np.array([*(0.03 * up * unit), 0.0]), (0.010 * unit, 0.008 * unit), tone)
    for across in (-0.6, 0.0, 0.6):
        relief.capsule(at(-0.03, across * width * 0.7), at(0.04, across * width), (0.022 * unit, 0.018 * unit), tone, 0.6)
    wrist, elbow = at(-0.05, 0), at(-0.5, rng.normal(0, 0.1) * unit)
    relief.capsule(at(-0.02, 0), wrist, (0.03 * unit, 0.025 * unit), tone, 0.8)
    relief.capsule(wrist, elbow, (0.025 * unit, 0.04 * unit), tone)
    if rng.random() < 0.6:
        cuff = at(-rng.uniform(0.07, 0.15), 0)
        relief.capsule(cuff, elbow, (0.037 * unit, 0.06 * unit), _any_colour(rng))


def _cup(relief: _Relief, place: np.ndarray, unit: float, rng: np.random.Generator) -> None:
    colour, wide, tall = _any_colour(rng), rng.uniform(0.03, 0.045) * unit, rng.uniform(0.04, 0.07) * unit
    x, y = relief.x - place[0], relief.y - place[1]
    width = wide * (1 + rng.uniform(-0.1, 0.25) * y / tall)
    inside = (np.abs(y) < tall) & (np.abs(x) < width)
    with np.errstate(invalid="ignore"):
        relief.put(np.where(inside, np.sqrt(width**2 - x**2), -np.inf), colour, gloss=True)
    if rng.random() < 0.6:
        ring = np.abs(np.hypot(x - wide * rng.choice([-1.3, 1.3]), y) - 0.6 * tall) < 0.006 * unit
        relief.put(np.where(ring, 0.01, -np.inf), colour, gloss=True)


def _phone(relief: _Relief, place: np.ndarray, unit: float, rng: np.random.Generator) -> None:
    lean = rng.normal(0, 0.3) + (np.pi / 2 if rng.random() < 0.25 else 0)
    x, y = relief.x - place[0], relief.y - place[1]
    across, along = x * np.cos(lean) + y * np.sin(lean), y * np.cos(lean) - x * np.sin(lean)
    inside = (np.abs(across) < 0.037 * unit) & (np.abs(along) < 0.075 * unit)
    lens = np.hypot(across - 0.02 * unit, along - 0.055 * unit) < 0.009 * unit
    colour = np.where(lens[..., None], 0.01, _any_colour(rng) if rng.random() < 0.5 else np.full(3, rng.uniform(0.01, 0.06)))
    relief.put(np.where(inside, 0.005 + rng.normal(0, 0.3) * x, -np.inf), colour.astype(np.float32), gloss=True)


def _microphone(relief: _Relief, place: np.ndarray, unit: float, rng: np.random.Generator) -> None:
    radius = rng.uniform(0.017, 0.04) * unit
    end = place + np.array([rng.normal(0, 0.1), -0.5]) * unit
    dark = np.full(3, rng.uniform(0.01, 0.12))
    relief.capsule(place, end, (0.5 * radius, 0.45 * radius), dark)
    relief.capsule(place, place + 1e-3, (radius, radius), dark * rng.uniform(0.5, 3))


def _board(relief: _Relief, place: np.ndarray, unit: float, rng: np.random.Generator) -> None:
    """A book, sheet or sign: flat, with lines on it."""
    lean = rng.normal(0, 0.2)
    x, y = relief.x - place[0], relief.y - place[1] + rng.uniform(0.02, 0.12) * unit
    across, along = x * np.cos(lean) + y * np.sin(lean), y * np.cos(lean) - x * np.sin(lean)
    inside = (np.abs(across) < rng.uniform(0.06, 0.18) * unit) & (np.abs(along) < rng.uniform(0.05, 0.13) * unit)
    paper, ink = _any_colour(rng), _any_colour(rng)
    lines = (np.sin(along / unit * rng.uniform(300, 900)) > rng.uniform(0.2, 1)) & (np.sin(across / unit * 400) > -0.6)
    colour = np.where(lines[..., None], ink, paper)
    relief.put(np.where(inside, 0.004 + rng.normal(0, 0.2) * x, -np.inf), colour.astype(np.float32))


def _flowers(relief: _Relief, place: np.ndarray, unit: float, rng: np.random.Generator) -> None:
    """Petals and leaves, in a bunch."""
    for _ in range(int(rng.integers(15, 60))):
        start = place + rng.normal(0, 0.045, 2) * unit - np.array([0, 0.03]) * unit
        end = start + rng.normal(0, 0.016, 2) * unit
        lift = rng.uniform(0, 0.08)
        colour = np.array([0.05, 0.22, 0.04]) * rng.uniform(0.3, 1.5) if rng.random() < 0.45 else _any_colour(rng)
        wide = rng.uniform(0.003, 0.014) * unit
        relief.capsule(np.array([*start, lift]), np.array([*end, lift]), (wide, wide * 0.6), colour, 0.5)


def _masked(
    buffers: Buffers, classes: torch.Tensor, mouth: np.ndarray, unit: float, rng: np.random.Generator
) -> tuple[Buffers, torch.Tensor]:
    """A cloth mask over nose and mouth: an ellipse on the skin, with strings."""
    relief = _Relief.empty(len(classes))
    x, y = (relief.x - mouth[0]) / unit, (relief.y - mouth[1]) / unit
    top, bottom, wide = rng.uniform(0.035, 0.055), rng.uniform(0.045, 0.075), rng.uniform(0.05, 0.075)
    away = (np.abs(x) / wide) ** 2.6 + np.where(y > 0, y / top, y / bottom) ** 2 * 1.0
    covered = (away < 1) & (classes.numpy() > 0)
    colour = _any_colour(rng) if rng.random() < 0.5 else np.array([0.35, 0.5, 0.62]) * rng.uniform(0.7, 1.4)
    folds = 1 + 0.08 * np.sin(y * rng.uniform(150, 500))
    mask = torch.from_numpy(covered)
    mixed = torch.from_numpy((colour * folds[..., None]).astype(np.float32))
    dome = torch.from_numpy(np.stack([x / wide * 0.9, y / 0.08, np.full_like(x, 0.9)], -1).astype(np.float32))
    dome = torch.nn.functional.normalize(dome, dim=-1)
    turned = torch.nn.functional.normalize(0.5 * buffers.normal + 0.5 * dome, dim=-1)
    put = lambda old, new: torch.where(mask if old.dim() == 2 else mask[..., None], new.to(old.dtype), old)  # noqa: E731
    cloth = torch.full_like(buffers.material, MATERIALS.index("cloth"))
    return replace(
        buffers, albedo=put(buffers.albedo, mixed), normal=put(buffers.normal, turned), material=put(buffers.material, cloth)
    ), put(classes, torch.full_like(classes, OBJECT))

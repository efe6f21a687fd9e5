"""Training pictures: drawn and real people before all kinds of backgrounds, as cameras and files spoil them.

A sample is a function of the seed and its number. NumPy and OpenCV: a few milliseconds a picture.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ...core.photo.parsing import CLASSES
from .backdrops import blocks, flags, outdoors
from .drawn import HALF

OBJECT = CLASSES.index("object")
_MIX = ("drawn", "drawn", "drawn", "real", "composed", "composed")
_CLOSEST, _WIDEST = 0.13, 0.35  # metres, half a picture
_FINEST = 0.00045  # metres, half a pixel; in use pixels have 0.9 to 1.6 mm
_CLEAN = 0.03  # share of a photo about which teachers may differ for its cut-out to be used
Files = list[dict[str, np.ndarray]]
"""Pictures of each person by name, as drawn.py and real.py write them, decoded."""


@dataclass
class Layers:
    """colour (N, N, 3), coverage (N, N) and weight (N, N) float32 in [0, 1]; label (N, N) uint8, `real.UNKNOWN` where nobody knows."""

    colour: np.ndarray
    coverage: np.ndarray
    label: np.ndarray
    weight: np.ndarray


class Photographs:
    """drawn, real: people; skies (K, H, W, 3): panoramas, linear light."""

    def __init__(self, drawn: Files, real: Files, skies: np.ndarray, women: np.ndarray) -> None:
        self._drawn, self._real = drawn, real
        self._skies = [np.clip(sky / np.quantile(sky, 0.9), 0, 1) ** (1 / 2.2) for sky in skies.astype(np.float32)]
        self._clean = [row for row, files in enumerate(real) if _doubtful(files["weight"]) < _CLEAN]
        self._share = np.where(women, 4.0, 1.0)

    @classmethod
    def load(cls, drawn: Path, real: Path, assets: Path, split: str = "training") -> "Photographs":
        """With every file of the folders; every ninth portrait by its number is not trained on, and in the other split alone."""
        paths = sorted(path for path in (drawn / "training").glob("*.npz") if not path.stem.endswith("part"))
        kept = [path for path in sorted(real.glob("*.npz")) if (int(path.stem[1:]) % 9 == 1) == (split != "training")]
        people = [_opened(path) for path in kept]
        women = np.array([str(files["tags"]).startswith("F") for files in people])
        with np.load(assets / "light" / "hdri.npz", allow_pickle=False) as data:
            skies = data["panorama"]
        return cls([_opened(path) for path in paths], people, skies, women)

    def __call__(self, seed: int, number: int, size: int, kind: str | None = None) -> tuple[np.ndarray, ...]:
        """Picture (N, N, 3), coverage, weight (N, N) float32 in [0, 1] and label (N, N) uint8."""
        rng = np.random.default_rng([seed, number])
        kind = kind or str(rng.choice(_MIX))
        if kind == "drawn":
            files, row = self._drawn[rng.integers(len(self._drawn))], int(rng.integers(2))
            layers = _warped(files, f"picture{row}", f"coverage{row}", f"label{row}", size, rng)
        elif kind == "real":
            layers = _warped(self._portrait(rng, range(len(self._real))), "picture", "coverage", "label", size, rng)
        else:
            layers = _warped(self._portrait(rng, self._clean), "person", "coverage", "label", size, rng)
        if kind != "real":
            if rng.random() < 0.3:
                layers.colour = toned(layers.colour, rng)
            behind, alpha = self.background(rng, size, layers), layers.coverage[..., None]
            layers.colour = layers.colour * alpha + behind * (1 - alpha)
        if kind != "drawn" and rng.random() < 0.15:
            self.occlude(layers, size, rng)
        if rng.random() < 0.4:
            cut_by_border(layers, rng)
        return spoiled(layers.colour, rng), layers.coverage, layers.weight, layers.label

    def _portrait(self, rng: np.random.Generator, rows: "list[int] | range") -> dict[str, np.ndarray]:
        share = self._share[list(rows)]
        return self._real[int(rng.choice(list(rows), p=share / share.sum()))]

    def texture(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """(N, N, 3) float32: some part of a real photo."""
        return _window(self._portrait(rng, range(len(self._real)))["picture"], size, rng, rng.uniform(0.08, 0.6))

    def occlude(self, layers: Layers, size: int, rng: np.random.Generator) -> None:
        """Something that was drawn in front of a drawn person comes before a real one."""
        for _ in range(6):
            files, row = self._drawn[rng.integers(len(self._drawn))], int(rng.integers(2))
            if (files[f"label{row}"] == OBJECT).any():
                other = _warped(files, f"picture{row}", f"coverage{row}", f"label{row}", size, rng)
                there = other.label == OBJECT
                layers.colour[there], layers.coverage[there] = other.colour[there], 1
                layers.label[there], layers.weight[there] = OBJECT, 1
                return

    def background(self, rng: np.random.Generator, size: int, person: Layers) -> np.ndarray:
        """(N, N, 3) float32: what may lie behind a person."""
        kinds = ("scene", "sky", "smooth", "blocks", "flags", "outdoors", "alike", "close")
        kind = rng.choice(kinds, p=[0.23, 0.08, 0.06, 0.09, 0.08, 0.2, 0.13, 0.13])
        if kind == "scene":
            picture = self._portrait(rng, range(len(self._real)))["scene"]
            picture = _window(picture, size, rng, rng.uniform(0.25, 1))
        elif kind == "sky":
            picture = _window(self._skies[rng.integers(len(self._skies))], size, rng, rng.uniform(0.2, 1))
        elif kind == "smooth":
            picture = cv2.resize(rng.random((int(rng.integers(1, 5)), int(rng.integers(1, 5)), 3)).astype(np.float32), (size, size))
        elif kind == "close":
            # Hair, cloth and skin from near: no texture alone is a person.
            if rng.random() < 0.6:
                picture = self._portrait(rng, range(len(self._real)))["picture"]
            else:
                picture = self._drawn[rng.integers(len(self._drawn))][f"picture{rng.integers(2)}"]
            picture = _window(picture, size, rng, rng.uniform(0.08, 0.4), 0.25)
        elif kind in ("blocks", "flags", "outdoors"):
            picture = {"blocks": blocks, "flags": flags, "outdoors": outdoors}[kind](rng, size)
        else:
            # A wall, or a pattern, in one of the person's own colours.
            inside = person.colour[person.coverage > 0.9]
            tone = inside[rng.integers(len(inside))] if len(inside) else np.full(3, 0.5)
            base = rng.normal(0, 1, (int(rng.integers(2, 9)), int(rng.integers(2, 9)), 3)).astype(np.float32)
            picture = tone + rng.uniform(0.01, 0.12) * cv2.resize(base, (size, size), interpolation=cv2.INTER_CUBIC)
        if rng.random() < 0.5:
            picture = toned(picture.astype(np.float32), rng)
        if rng.random() < 0.5:
            picture = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), rng.uniform(0.4, 6) * size / 256)
        if rng.random() < 0.25:
            picture = self._with_neighbour(picture, size, rng)
        return np.clip(picture, 0, 1).astype(np.float32)

    def _with_neighbour(self, picture: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
        """Somebody else stands behind at the side: background."""
        side = float(rng.choice([-1, 1]) * rng.uniform(0.5, 1.1))
        if rng.random() < 0.5 and self._clean:
            other = _warped(self._portrait(rng, self._clean), "person", "coverage", "label", size, rng, side)
        else:
            files, row = self._drawn[rng.integers(len(self._drawn))], int(rng.integers(2))
            other = _warped(files, f"picture{row}", f"coverage{row}", f"label{row}", size, rng, side)
        alpha = other.coverage[..., None]
        return other.colour * alpha + picture * (1 - alpha)


def _opened(path: Path) -> dict[str, np.ndarray]:
    """The pictures of one file, uint8 RGB or grey: decoding them anew for each use would cost as much as all the rest."""
    result = {}
    with np.load(path, allow_pickle=False) as files:
        for name, code in files.items():
            if name == "tags":
                result[name] = code
            elif name != "photo":
                picture = cv2.imdecode(code, cv2.IMREAD_REDUCED_COLOR_2 if name == "scene" else cv2.IMREAD_UNCHANGED)
                result[name] = np.ascontiguousarray(picture[..., ::-1]) if picture.ndim == 3 else picture
    if "guess" in result:
        result["label"] = result.pop("guess")
    return result


def _doubtful(weight: np.ndarray) -> float:
    """Share of a photo where teachers differ, of their weight (S, S) uint8 that is 0 outside the photo."""
    rows, columns = np.flatnonzero(weight.any(1)), np.flatnonzero(weight.any(0))
    return float(np.mean(weight[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] < 128))


def _warped(
    files: dict[str, np.ndarray], picture: str, coverage: str, label: str, size: int, rng: np.random.Generator, side: float = 0.0
) -> Layers:  # fmt: skip
    """The person at a random scale, place and angle; `side`, half pictures beside the middle."""
    colour = files[picture]
    source = len(colour)
    half = float(np.exp(rng.uniform(np.log(max(_CLOSEST, _FINEST * size)), np.log(_WIDEST)))) / HALF * source / 2
    turn = np.deg2rad(rng.normal(0, 5) if rng.random() < 0.8 else rng.uniform(-30, 30))
    middle = source / 2 + rng.normal(0, 0.09, 2) * half + [0, -0.06 * half]
    flip = -1.0 if rng.random() < 0.5 else 1.0
    step = 2 * half / size
    turned = step * np.array([[np.cos(turn) * flip, -np.sin(turn)], [np.sin(turn) * flip, np.cos(turn)]])
    offset = middle - turned @ np.array([size / 2 * (1 + side), size / 2 * (1 + 0.1 * side)])
    matrix = np.concatenate([turned, (offset + 0.5 * turned.sum(1) - 0.5)[:, None]], axis=1)
    if step > 1.3:
        colour = cv2.GaussianBlur(colour, (0, 0), 0.4 * step)

    def warp(values: np.ndarray, how: int = cv2.INTER_LINEAR, border: int = cv2.BORDER_REPLICATE) -> np.ndarray:
        return cv2.warpAffine(values, matrix, (size, size), flags=how | cv2.WARP_INVERSE_MAP, borderMode=border)

    covered = files[coverage]
    covered = cv2.GaussianBlur(covered, (0, 0), 0.4 * step) if step > 1.3 else covered
    sure = files["weight"] if "weight" in files else np.full_like(covered, 255)
    weight = warp(sure, border=cv2.BORDER_CONSTANT).astype(np.float32) / 255
    unit = lambda values: warp(values).astype(np.float32) / 255  # noqa: E731
    return Layers(unit(colour), unit(covered), warp(files[label], cv2.INTER_NEAREST), weight)


def _window(picture: np.ndarray, size: int, rng: np.random.Generator, share: float, rim: float = 0.0) -> np.ndarray:
    """A random square of a picture, `share` of its shorter side wide, off its rim of that share of it."""
    side = max(2, int(share * min(picture.shape[:2])))
    top, left = (int(rim * length + rng.random() * ((1 - 2 * rim) * length - side).clip(0)) for length in np.array(picture.shape[:2]))
    part = picture[top : top + side, left : left + side]
    part = part[:, ::-1] if rng.random() < 0.5 else part
    shown = cv2.resize(np.ascontiguousarray(part), (size, size), interpolation=cv2.INTER_LINEAR if side < size else cv2.INTER_AREA)
    return shown.astype(np.float32) / 255 if shown.dtype == np.uint8 else shown


def cut_by_border(layers: Layers, rng: np.random.Generator) -> None:
    """The photo ends within the square; its border is repeated, as in use, and what lies outside is not learned."""
    size = len(layers.label)
    low, high, most = np.zeros(2, int), np.full(2, size), 0.3 if rng.random() < 0.8 else 0.48
    for axis in (0, 1):
        if rng.random() < 0.6:
            low[axis] = int(rng.uniform(0, most) * size)
        if rng.random() < 0.6:
            high[axis] = size - int(rng.uniform(0, most) * size)
    inside = np.s_[low[0] : high[0], low[1] : high[1]]
    top, bottom, left, right = int(low[0]), int(size - high[0]), int(low[1]), int(size - high[1])
    layers.colour = cv2.copyMakeBorder(layers.colour[inside], top, bottom, left, right, cv2.BORDER_REPLICATE)
    weight = np.zeros_like(layers.weight)
    weight[inside] = layers.weight[inside]
    layers.weight = weight


def toned(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A picture in another light: its channels at random levels."""
    gains = rng.uniform(0.5, 1.3) * (1 + rng.normal(0, 0.12, 3))
    return np.clip(picture * gains, 0, 1).astype(np.float32)


def spoiled(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A picture (N, N, 3) float32 in [0, 1] as some camera and some file would give it."""
    size = len(picture)
    some = lambda chance: rng.random() < chance  # noqa: E731
    if some(0.5):
        picture = picture ** rng.uniform(0.65, 1.5)
    if some(0.7):
        warm = rng.normal(0, 0.12)
        picture = picture * (rng.uniform(0.7, 1.25) * np.array([1 + warm, 1 + rng.normal(0, 0.03), 1 - warm]))
    if some(0.3):
        # One side of everything is darker.
        angle = rng.uniform(0, 2 * np.pi)
        axis = np.linspace(-1, 1, size)
        ramp = axis[None] * np.cos(angle) + axis[:, None] * np.sin(angle)
        picture = picture * (1 + rng.uniform(0, 0.5) * ramp)[..., None]
    if some(0.4):
        picture = (picture - 0.5) * rng.uniform(0.6, 1.4) + 0.5 + rng.normal(0, 0.04)
    picture = np.clip(picture, 0, 1).astype(np.float32)
    if some(0.35):
        grey = picture.mean(-1, keepdims=True)
        picture = np.clip(grey + (picture - grey) * (0 if some(0.2) else rng.uniform(0.3, 1.5)), 0, 1).astype(np.float32)
    if some(0.3):
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 1.6) * size / 256)
    if some(0.2):
        small = cv2.resize(picture, None, fx=(scale := rng.uniform(0.3, 0.8)), fy=scale, interpolation=cv2.INTER_AREA)
        picture = cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC)
    if some(0.1):
        picture = cv2.bilateralFilter(picture, 5, 0.08, 4)  # a beauty filter
    if some(0.25):
        blurred = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.7, 2))
        picture = picture + rng.uniform(0.2, 1.5) * (picture - blurred)
    if some(0.5):
        picture = picture + rng.normal(0, rng.uniform(0, 0.05), (size, size, 1 if some(0.3) else 3))
    picture = (np.clip(picture, 0, 1) * 255).astype(np.uint8)
    if some(0.4):
        code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))])[1]
        picture = cv2.imdecode(code, cv2.IMREAD_COLOR)
    return picture.astype(np.float32) / 255

"""Hair, beards and plain garments as displacements of the closed bust, so that the rendered shape is the labelled shape."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from ...core.geometry.mesh import vertex_normals
from .noise import Noise, smoothstep


@dataclass(frozen=True)
class HeadFrame:
    """Measures of one bald head at rest, metres."""

    brow: float
    top: float
    chin: float
    ear_top: float
    ear_bottom: float
    ear_x: float
    ear_z: float
    lip: np.ndarray
    nose: np.ndarray
    centre: np.ndarray
    half_depth: float

    @classmethod
    def measure(cls, vertices: np.ndarray, region: dict[str, np.ndarray]) -> "HeadFrame":
        """From the bust's vertices (V, 3) and soft region masks (V,) each."""
        within = lambda name: vertices[region[name] > 0.5]  # noqa: E731
        head, ears = within("head"), within("ears")
        middle = vertices[(np.abs(vertices[:, 0]) < 0.012) & (region["face"] > 0.5)]
        return cls(
            brow=float(within("brows")[:, 1].mean()),
            top=float(head[:, 1].max()),
            chin=float(within("face")[:, 1].min()),
            ear_top=float(ears[:, 1].max()),
            ear_bottom=float(ears[:, 1].min()),
            ear_x=float(np.abs(ears[:, 0]).mean()),
            ear_z=float(ears[:, 2].mean()),
            lip=within("lips").mean(0),
            nose=middle[middle[:, 2].argmax()],
            centre=np.array([0, ears[:, 1].max(), (head[:, 2].max() + head[:, 2].min()) / 2 - 0.005], np.float32),
            half_depth=float(np.ptp(head[:, 2]) / 2 * 0.93),
        )


@dataclass(frozen=True)
class Style:
    """What was grown on a bust: displaced vertices (V, 3), soft masks (V,) of hair, beard and cloth, stubble strength of the beard."""

    vertices: np.ndarray
    hair: np.ndarray
    beard: np.ndarray
    cloth: np.ndarray


class Stylist:
    """Grows hair, beards and garments on one bust topology. mean: (V, V) smoothing matrix."""

    def __init__(self, faces: np.ndarray, mean: sp.csr_matrix) -> None:
        self._faces, self._mean = faces, mean

    def style(
        self,
        vertices: np.ndarray,
        region: dict[str, np.ndarray],
        rng: np.random.Generator,
        noise: Noise,
        hair: bool,
        beard: bool,
        cloth: bool,
    ) -> Style:
        """A random style on rest vertices (V, 3); hair, beard and cloth say which may be grown."""
        frame = HeadFrame.measure(vertices, region)
        grown, hair_mask = self._hair(vertices, region, frame, rng, noise) if hair else (vertices, np.zeros(len(vertices)))
        beard_mask, beard_height = self._beard(vertices, region, frame, rng, noise, beard)
        normals = vertex_normals(grown, self._faces)
        grown = grown + normals * (beard_height * np.clip(1 + 0.4 * noise(vertices, 70, 2), 0.2, 2))[:, None]
        cloth_mask = np.zeros(len(vertices))
        if cloth:
            cloth_mask, height = self._cloth(vertices, region, frame, rng, noise)
            grown = grown + normals * height[:, None]
        return Style(grown.astype(np.float32), hair_mask * (1 - cloth_mask), beard_mask * (1 - cloth_mask), cloth_mask)

    def _hair(
        self, v: np.ndarray, region: dict[str, np.ndarray], f: HeadFrame, rng: np.random.Generator, noise: Noise
    ) -> tuple[np.ndarray, np.ndarray]:
        kind = str(rng.choice(["bald", "cropped", "short", "curly", "medium", "long"], p=[0.06, 0.14, 0.26, 0.16, 0.16, 0.22]))
        if kind == "bald":
            return v, np.zeros(len(v))
        y = v[:, 1]
        angle = np.arctan2(v[:, 0] - f.centre[0], v[:, 2] - f.centre[2])
        degrees = np.abs(np.degrees(angle))
        line, covers_ears = _hair_line(kind, degrees, f, rng)
        soft_line = y + 0.006 * noise(v, 60)
        body = (region["head"] < 0.5) & (np.abs(v[:, 0]) > 0.125)
        colour = np.where(body, 0, smoothstep((soft_line - line) / 0.012 + 0.5))
        volume = np.where(body, 0, smoothstep((soft_line - line) / 0.03 + 0.3))
        low, high, lumps = {
            "cropped": (0.001, 0.005, 0.2),
            "short": (0.004, 0.024, 0.35),
            "curly": (0.015, 0.055, 0.6),
            "medium": (0.012, 0.04, 0.35),
            "long": (0.01, 0.04, 0.35),
        }[kind]
        frequency = rng.uniform(25, 60) if kind == "curly" else rng.uniform(8, 30)
        crown = smoothstep((y - f.brow) / (f.top - f.brow))
        uneven = np.clip(0.75 + lumps * noise(v, frequency) + 0.5 * lumps * noise(v, frequency * 2.3, 1), 0.1, 2.2)
        thickness = rng.uniform(low, high) * uneven * (1 + rng.uniform(-0.3, 0.5) * crown)
        # Below the ears' top hair hangs around a vertical axis; above it, it grows from the skull's centre.
        hanging = y < f.centre[1]
        axis = np.where(hanging[:, None], np.stack([np.zeros_like(y), y, np.full_like(y, f.centre[2])], axis=1), f.centre)
        away = v - axis
        radius = np.linalg.norm(away, axis=1)
        direction = away / np.maximum(radius, 1e-5)[:, None]
        ellipse = 1 / np.sqrt((np.sin(angle) / f.ear_x) ** 2 + (np.cos(angle) / f.half_depth) ** 2)
        taper = np.clip(1 - np.clip(f.centre[1] - y, 0, 1) * rng.uniform(0, 3.2), 0.3, 1)
        target = np.where(hanging, np.maximum(radius + 0.3 * thickness, ellipse * taper + thickness), radius + thickness)
        if covers_ears:
            target = target * (1 - region["ears"]) + np.maximum(ellipse + thickness, ellipse + 0.004) * region["ears"]
        grow = volume * (target - radius)
        for _ in range(4 if kind == "curly" else 6):
            grow = self._mean @ grow
        colour = self._mean @ (self._mean @ colour)
        return axis + direction * (radius + grow)[:, None], colour

    def _beard(
        self,
        v: np.ndarray,
        region: dict[str, np.ndarray],
        f: HeadFrame,
        rng: np.random.Generator,
        noise: Noise,
        allowed: bool,
    ) -> tuple[np.ndarray, np.ndarray]:
        kind = str(rng.choice(["none", "stubble", "beard", "moustache"], p=[0.5, 0.2, 0.24, 0.06])) if allowed else "none"
        if kind == "none":
            return np.zeros(len(v)), np.zeros(len(v))
        x, y, forward = np.abs(v[:, 0]), v[:, 1], v[:, 2] - f.ear_z
        jaw = (
            smoothstep((f.nose[1] - 0.018 - y - 0.01 * np.clip((x - 0.02) / 0.03, 0, 1)) / 0.012)
            * smoothstep((y - (f.chin - 0.025)) / 0.02)
            * smoothstep((forward - 0.005) / 0.015)
        )
        jaw = jaw * np.clip(smoothstep((x - 0.03) / 0.02) + smoothstep((f.lip[1] + 0.013 - y) / 0.006), 0, 1)
        moustache = (
            smoothstep((f.nose[1] - 0.012 - y) / 0.008)
            * smoothstep((y - f.lip[1]) / 0.006)
            * smoothstep((0.034 - x) / 0.008)
            * smoothstep(forward / 0.02)
        )
        mask = moustache if kind == "moustache" else np.maximum(jaw, moustache)
        mask = mask * (1 - region["lips"]) * (region["head"] > 0.02) * np.clip(1 + 0.3 * noise(v, 120), 0, 1)
        mask = self._mean @ (self._mean @ mask)
        height = {"stubble": 0.0, "beard": rng.uniform(0.002, 0.02), "moustache": 0.004}[kind]
        return mask * (0.5 if kind == "stubble" else 1.0), mask * height

    def _cloth(
        self, v: np.ndarray, region: dict[str, np.ndarray], f: HeadFrame, rng: np.random.Generator, noise: Noise
    ) -> tuple[np.ndarray, np.ndarray]:
        y = v[:, 1]
        degrees = np.abs(np.degrees(np.arctan2(v[:, 0] - f.centre[0], v[:, 2] - f.centre[2])))
        opening = rng.uniform(0, 0.12) * (rng.random() < 0.6) * np.exp(-((degrees / rng.uniform(15, 45)) ** 2))
        collar = f.chin - rng.uniform(0, 0.09) - opening
        mask = self._mean @ (smoothstep((collar - y) / 0.008 + 0.5) * (region["head"] < 0.9))
        edge = np.exp(-(((collar - y - 0.012) / 0.01) ** 2)) * rng.uniform(0, 0.012)
        height = mask * (rng.uniform(0.002, 0.016) + edge + rng.uniform(0, 0.006) * noise(v, 25, 3))
        return mask, height


def _hair_line(kind: str, degrees: np.ndarray, f: HeadFrame, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
    """Lowest height of hair by the angle from the front, and whether it hangs over the ears."""
    front = f.brow + rng.uniform(0.28, 0.62) * (f.top - f.brow)
    if rng.random() < 0.3:
        front = f.brow + rng.uniform(0, 0.25) * (f.top - f.brow)
    side = f.ear_bottom + (f.ear_top - f.ear_bottom) * rng.uniform(0.1, 0.9)
    nape = f.ear_bottom - rng.uniform(-0.01, 0.03)
    temples = [front, front, front - 0.012, side, f.ear_top + 0.004]
    if kind in ("cropped", "short") or (kind == "curly" and rng.random() < 0.5):
        return np.interp(degrees, [0, 35, 58, 78, 92, 112, 180], [*temples, nape, nape]), False
    end = f.chin - rng.uniform(-0.02, 0.16) if kind == "long" else f.ear_bottom - rng.uniform(0, 0.05)
    if rng.random() < 0.75:
        start = rng.uniform(52, 80)
        bends = [0, 35, start, start + rng.uniform(8, 25), 180]
        return np.interp(degrees, bends, [front, front, front - 0.02, end, end]), True
    return np.interp(degrees, [0, 35, 58, 78, 92, 118, 180], [*temples, end, end]), False

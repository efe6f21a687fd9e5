"""Colours of one synthetic person: linear albedo at surface points, from MakeHuman skins (CC0) and procedural detail."""

from dataclasses import dataclass

import numpy as np

from .assets import Assets, sample_texture
from .bodies import Body
from .noise import Noise, smoothstep
from .styles import HeadFrame

SKIN_TONES = np.array(
    [[250, 224, 205], [241, 203, 178], [224, 180, 148], [198, 148, 112], [160, 110, 78], [118, 78, 54], [82, 54, 40], [58, 40, 32]]
)
HAIR_TONES = np.array(
    [
        [18, 15, 14], [34, 25, 20], [62, 42, 28], [96, 66, 42], [140, 104, 66], [190, 156, 108],
        [222, 196, 150], [150, 72, 38], [110, 50, 28], [120, 118, 116], [190, 188, 186],
    ]
)  # fmt: skip

_HAIR_SHARES = np.array([0.2, 0.2, 0.16, 0.12, 0.08, 0.06, 0.05, 0.04, 0.03, 0.03, 0.03])


def linear(colour: np.ndarray) -> np.ndarray:
    """Linear light of sRGB in [0, 1]; the 2.2 power is close enough for synthesis."""
    return np.clip(colour, 0, 1) ** 2.2


def encoded(colour: np.ndarray) -> np.ndarray:
    """The inverse of linear()."""
    return np.clip(colour, 0, 1) ** (1 / 2.2)


@dataclass(frozen=True)
class BustSurface:
    """Points on a bust to be coloured: uv (N, 2), rest (N, 3) rest position before styling, masks name -> (N,)."""

    uv: np.ndarray
    rest: np.ndarray
    masks: dict[str, np.ndarray]


class Look:
    """Random but fixed colours of one person."""

    def __init__(self, assets: Assets, rng: np.random.Generator, noise: Noise, body: Body, frame: HeadFrame, face_uv: np.ndarray) -> None:
        age, gender = body.age, body.gender
        self._noise, self._frame = noise, frame
        tone = rng.uniform(0, len(SKIN_TONES) - 1.01)
        shade = "light" if tone < 3.5 else "dark"
        fitting = [
            index
            for index, skin in enumerate(assets.skins)
            if skin["tone"] == shade and (skin["age"] == "old") <= (age > 0.78) and (skin["gender"] == "male" or gender < 0.6)
        ]
        self._skin = assets.skin(int(rng.choice(fitting or [i for i, s in enumerate(assets.skins) if s["tone"] == shade])))
        whole = int(tone)
        target = linear((SKIN_TONES[whole] * (1 - tone + whole) + SKIN_TONES[whole + 1] * (tone - whole)) / 255)
        mean = np.median(linear(sample_texture(self._skin, face_uv)), axis=0)
        tint = np.clip(target * (1 + rng.normal(0, 0.04, 3)) / mean, 0.25, 2.5)
        # A painted skin carries its own hue; a full shift of hue looks sunburnt.
        self._tint = tint.mean() * (tint / tint.mean()) ** 0.6
        self._blush, self._mottle = rng.uniform(0, 0.8), rng.uniform(0.01, 0.06)
        self._freckles = rng.uniform(0.2, 0.6) if rng.random() < 0.12 else 0.0
        made_up = gender < 0.5 and rng.random() < 0.35
        self._lips = linear(np.array([0.65, 0.12, 0.16]) * rng.uniform(0.6, 1.2) + rng.normal(0, 0.05, 3)) if made_up else None
        first, second = rng.choice(len(HAIR_TONES), 2, p=_HAIR_SHARES)
        grey = age > 0.85 and rng.random() < 0.6
        base = linear(HAIR_TONES[9 + rng.integers(0, 2) if grey else first] / 255) * 0.8 + linear(HAIR_TONES[second] / 255) * 0.2
        self.hair = np.clip(base * rng.uniform(0.7, 1.2), 0.003, 0.9)
        self._tips = np.clip(self.hair * rng.uniform(0.7, 1.6), 0, 0.95)
        self.brow = np.clip(self.hair * rng.uniform(0.4, 1.0), 0.003, 0.6)
        self._strands = {
            "strength": rng.uniform(0.15, 0.5),
            "across": rng.uniform(8, 24),
            "along": rng.uniform(4, 14),
            "curl": rng.uniform(0, 0.5),
        }
        self._pattern = str(rng.choice(["plain", "stripe", "check", "blotch"], p=[0.55, 0.2, 0.1, 0.15]))
        self._dyes = linear(rng.uniform(0, 1, (2, 3)) ** rng.uniform(0.6, 2))
        self._stripe = np.array([rng.normal(0, 100), rng.uniform(100, 400), 0])
        self._thread = rng.uniform(0, 0.15)
        self._teeth, self._beard_cover = rng.uniform(0, 1), rng.uniform(0.6, 0.98)
        self._scalp_cover = rng.uniform(0.85, 1.0)
        self._dye_cloth = rng.random() < 0.6
        self.eye_texture = str(rng.choice(assets.irises))

    def bust(self, surface: BustSurface) -> np.ndarray:
        """Linear albedo (N, 3) of points on the styled bust."""
        masks, rest = surface.masks, surface.rest
        colour = linear(sample_texture(self._skin, surface.uv)) * self._tint
        colour *= (1 + self._mottle * self._noise(rest, 30, 4) + 0.5 * self._mottle * self._noise(rest, 90, 5))[:, None]
        if self._freckles:
            spots = smoothstep(self._noise(rest, 350, 12) - 1.1) * smoothstep((self._frame.brow - rest[:, 1]) / 0.02)
            colour *= 1 - np.outer(spots * self._freckles, [0.3, 0.5, 0.6])
        nose = self._frame.nose
        cheeks = np.exp(-(((np.abs(rest[:, 0]) - 0.038) / 0.02) ** 2 + ((rest[:, 1] - nose[1] - 0.002) / 0.022) ** 2))
        red = cheeks * (rest[:, 2] > self._frame.ear_z + 0.03) + 0.7 * np.exp(-((rest - nose) ** 2).sum(1) / 0.014**2)
        colour *= 1 + np.outer(red + 0.4 * masks["ears"], np.array([0.05, -0.12, -0.10]) * self._blush)
        if self._lips is not None:
            colour = _mix(colour, self._lips, masks["lips"] * 0.7)
        colour = _mix(colour, self.brow, masks["beard"] * self._beard_cover)
        colour = _mix(colour, self._hair_colour(rest), masks["hair"] * self._scalp_cover)
        colour = _mix(colour, self._cloth_colour(rest), masks["cloth"])
        colour = _mix(colour, np.array([0.08, 0.02, 0.02]), masks["mouth"])
        band = np.exp(-(((rest[:, 1] - self._frame.lip[1] - 0.004) / 0.004) ** 2)) * (masks["mouth"] > 0.9)
        colour = _mix(colour, np.array([0.55, 0.5, 0.42]), band * self._teeth)
        colour = _mix(colour, np.array([0.6, 0.57, 0.54]), masks["eye"])
        return np.clip(colour, 0.003, 1).astype(np.float32)

    def _hair_colour(self, rest: np.ndarray) -> np.ndarray:
        centre, strands = self._frame.centre, self._strands
        away = rest - centre
        angle = np.arctan2(away[:, 0], away[:, 2])
        along = np.stack([angle * strands["across"], away[:, 1] * strands["along"], np.zeros(len(rest))], axis=1)
        along[:, 0] += strands["curl"] * self._noise(rest, 30, 8)
        fine = self._noise(along, 1.6, 9) + 0.6 * self._noise(along * np.array([2.3, 1, 1]), 1.6, 10)
        tips = np.clip(0.5 + 0.5 * self._noise(rest, 40, 6), 0, 1)[:, None] * 0.5
        return (self.hair * (1 - tips) + self._tips * tips) * np.clip(1 + strands["strength"] * fine, 0.25, 2)[:, None]

    def _cloth_colour(self, rest: np.ndarray) -> np.ndarray:
        first, second = self._dyes
        wave = np.sin(rest @ self._stripe)
        share = {
            "plain": lambda: np.zeros(len(rest)),
            "stripe": lambda: (wave > 0.2).astype(float),
            "check": lambda: ((wave > 0.2) ^ (np.sin(rest[:, 0] * 200) > 0.2)).astype(float),
            "blotch": lambda: smoothstep(self._noise(rest, 25, 7) + 0.5),
        }[self._pattern]()[:, None]
        return (first * (1 - share) + second * share) * (1 + self._thread * self._noise(rest, 300, 11))[:, None]

    def piece(self, kind: str, texels: np.ndarray) -> np.ndarray:
        """Linear albedo (N, 3) of a proxy's texels (N, 3), sRGB in [0, 1]; hair, brows and lashes are dyed in this person's colours."""
        colour = linear(texels)
        if kind == "eye":
            return colour
        luminance = colour.mean(1, keepdims=True)
        relative = luminance / max(float(np.median(luminance)), 1e-3)
        if kind in ("hair", "brow", "lash"):
            dye = {"hair": self.hair, "brow": self.brow, "lash": np.full(3, 0.01)}[kind]
            return np.clip(dye * np.clip(relative, 0.2, 3), 0.002, 1)
        return np.clip(self._dyes[0] * np.clip(relative, 0.1, 3), 0.002, 1) if self._dye_cloth else colour


def _mix(under: np.ndarray, over: np.ndarray, share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0, 1)[:, None]
    return under * (1 - share) + over * share

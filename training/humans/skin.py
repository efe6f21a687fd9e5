"""Paint of skin and of the eyes in it: painted MakeHuman skins under tone, blush, freckles, stubble, make-up and wrinkles."""

from dataclasses import dataclass

import numpy as np
import torch

from .noise import Noise, smoothstep
from .paints import Texture, constant, linear, material
from .part import MATERIALS, Shade, SurfacePoints
from .styles import HeadFrame

BUST_VALUES = ("ears", "lips", "hair", "beard", "cloth", "mouth", "eye")
"""Vertex values that the paint of a bust reads: soft masks in [0, 1]."""


@dataclass(frozen=True)
class Eyes:
    """Eyeballs at rest. front: an iris and its white seen from the front, over twice the ball's radius, row 0 at the top;
    centres (2, 3) left and right, metres; gaze (3, 3): turns the ball's own axes to where it looks."""

    front: Texture
    centres: np.ndarray
    gaze: np.ndarray

    def colour(self, anchor: torch.Tensor) -> torch.Tensor:
        """Linear colour (N, 3) of points (N, 3) on or near the eyeballs."""
        left, right = anchor.new_tensor(self.centres)
        ray = anchor - torch.where(anchor[:, :1] > 0, left, right)
        ray = torch.nn.functional.normalize(ray, dim=1) @ anchor.new_tensor(self.gaze)
        # Painted whites are nearer to paper than to an eye.
        return 0.7 * linear(self.front((ray[:, :2] + 1) / 2)[:, :3])


@dataclass(frozen=True)
class SkinPaint:
    """Skin of one person, with BUST_VALUES masks for what else is painted on the bust; without values it is all skin.

    tint (3,) scales the texture; colours are linear; age in [0, 1] deepens wrinkles.
    """

    texture: Texture
    tint: np.ndarray
    frame: HeadFrame
    noise: Noise
    eyes: Eyes
    hair: np.ndarray
    beard: np.ndarray
    cloth: np.ndarray
    lips: np.ndarray | None
    lids: np.ndarray | None
    mottle: float
    blush: float
    freckles: float
    stubble: float
    age: float
    teeth: float

    def __call__(self, points: SurfacePoints) -> Shade:
        at, new, noise = points.anchor, points.uv.new_tensor, self.noise
        masks = self._masks(points)
        mix = lambda under, over, share: under + (new(over) - under) * share.clip(0, 1)[:, None]  # noqa: E731
        wrinkles = self._wrinkles(at)
        colour = linear(self.texture(points.uv)[:, :3]) * new(self.tint)
        colour = colour * (1 + self.mottle * noise.at(at, 30, 4) + 0.5 * self.mottle * noise.at(at, 90, 5) + 0.15 * wrinkles)[:, None]
        if self.freckles:
            spots = smoothstep(noise.at(at, 350, 12) - 1.1) * smoothstep((self.frame.brow - at[:, 1]) / 0.02) * self.freckles
            colour = colour * (1 - spots[:, None] * new([0.3, 0.5, 0.6]))
        nose = self.frame.nose
        cheeks = (-(((at[:, 0].abs() - 0.038) / 0.02) ** 2) - ((at[:, 1] - nose[1] - 0.002) / 0.022) ** 2).exp()
        red = cheeks * (at[:, 2] > self.frame.ear_z + 0.03) + 0.7 * (-((at - new(nose)) ** 2).sum(1) / 0.014**2).exp()
        red = red + 0.4 * masks["ears"]
        colour = colour * (1 + self.blush * red[:, None] * new([0.05, -0.12, -0.10]))
        if self.lips is not None:
            colour = mix(colour, self.lips, masks["lips"] * 0.7)
        if self.lids is not None:
            away = at - torch.where(at[:, :1] > 0, *new(self.eyes.centres))
            lid = (-((away[:, 0] / 0.017) ** 2) - ((away[:, 1] - 0.008) / 0.008) ** 2).exp() * (away[:, 2] > 0)
            colour = mix(colour, self.lids, 0.55 * lid * (1 - masks["eye"]))
        colour = mix(colour, self.beard, masks["beard"] * self.stubble * (0.75 + 0.25 * noise.at(at, 700, 21)).clip(0, 1))
        strands = self._strands(at)
        hair = new(self.hair) * (1 + 0.3 * strands[:, None]).clip(0.3, 2)
        colour = colour + (hair - colour) * masks["hair"].clip(0, 1)[:, None]
        colour = mix(colour, self.cloth, masks["cloth"])
        colour = mix(colour, [0.08, 0.02, 0.02], masks["mouth"])
        band = (-(((at[:, 1] - self.frame.lip[1] - 0.004) / 0.004) ** 2)).exp() * (masks["mouth"] > 0.9)
        colour = mix(colour, [0.55, 0.5, 0.42], band * self.teeth)
        eye = smoothstep((masks["eye"] - 0.35) / 0.3)
        colour = colour + (self.eyes.colour(at) - colour) * eye[:, None]
        kind = material(points, "skin")
        for name, mask in (("hair", masks["hair"]), ("cloth", masks["cloth"]), ("eye", masks["eye"])):
            kind[mask > 0.5] = MATERIALS.index(name)
        pores = 4e-5 * noise.at(at, 900, 23)
        relief = (3.5e-4 * wrinkles + pores) * (kind == 0) + 2.5e-4 * strands * masks["hair"]
        return Shade(colour.clip(0.003, 1), kind, height=relief)

    def _masks(self, points: SurfacePoints) -> dict[str, torch.Tensor]:
        if points.values.shape[1] == 0:
            return dict.fromkeys(BUST_VALUES, constant(points, 0.0))
        return dict(zip(BUST_VALUES, points.values.T, strict=True))

    def _strands(self, at: torch.Tensor) -> torch.Tensor:
        """(N,) light and dark streaks of hair that is shaped from the bust: fine around the head, long down it."""
        away = at - at.new_tensor(self.frame.centre)
        angle = torch.atan2(away[:, 0], away[:, 2])
        bent = angle * 42 + 0.5 * self.noise.at(at, 30, 8)
        along = torch.stack([bent, away[:, 1] * 9, away[:, 2] * 9], dim=1)
        return self.noise.at(along, 1.6, 9) + 0.6 * self.noise.at(along * at.new_tensor([2.3, 1, 1]), 1.6, 10)

    def _wrinkles(self, at: torch.Tensor) -> torch.Tensor:
        """(N,) lines in [-1, 0] where faces fold with age: brow, corners of the eyes, from the nose to the mouth, neck."""
        frame = self.frame
        x, y = at[:, 0].abs(), at[:, 1]
        bend = 1.0 * self.noise.at(at, 45, 24)
        line = lambda phase: -smoothstep((phase.sin() - 0.55) / 0.45)  # noqa: E731
        front = at[:, 2] > frame.ear_z + 0.02
        brow = line(y * 900 + 40 * x + 2 * bend) * ((x < 0.05) & (y > frame.brow + 0.006) & (y < frame.top - 0.03) & front)
        corner = at - torch.where(at[:, :1] > 0, *at.new_tensor(self.eyes.centres))
        outward = corner[:, 0] * at[:, 0].sign() - 0.015
        fan = line(torch.atan2(corner[:, 1], outward.clip(min=1e-4)) * 11 + bend)
        fan = fan * smoothstep(outward / 0.006) * smoothstep((0.022 - outward) / 0.01) * (corner[:, 1].abs() < 0.016)
        mouth = abs(frame.nose[1] - frame.lip[1])
        drop = ((frame.nose[1] - y) / max(2 * mouth, 1e-3)).clip(0, 1)
        fold = -((-(((x - 0.016 - 0.014 * drop) / 0.0025) ** 2)).exp() * smoothstep(drop * 6) * smoothstep((1 - drop) * 4) * front)
        neck = line(y * 420 + bend) * smoothstep((frame.chin - 0.02 - y) / 0.02) * 0.6
        uneven = (0.6 + 0.5 * self.noise.at(at, 35, 25)).clip(0, 1.2)
        return (brow + fan + fold + neck) * uneven * max(self.age - 0.45, 0.0) / 0.55

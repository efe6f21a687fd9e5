"""Colours of avatars, whose pictures are not available: where skin, hair and garments lie is told by bones, materials and measures."""

from dataclasses import dataclass

import numpy as np
import torch

from .appearance import HAIR_TONES, SKIN_TONES
from .noise import Noise
from .paints import ClothPaint, StrandPaint, constant, linear
from .part import MATERIALS, Paint, Shade, SurfacePoints

REGIONS = ("skin", "hair", "upper", "lower", "shoe", "gear")
_BARE_CALF, _BARE_FOREARM = 0.058, 0.0435
"""Mean radius, metres at 63 mm between the eyes, under which a limb wears no cloth."""
_HAIRLINE_Z, _HAIRLINE_Y = (-0.17, -0.13, -0.09, -0.05, 0.0, 0.03), (-0.08, -0.06, 0.0, 0.045, 0.062, 0.07)
"""Height above the eyes at which hair begins, from the back of the head to the front."""
_NECK_AXIS = -0.085  # z of a line up through the neck and the ears
_HAT_TOP = 0.138  # metres above the eyes: no skull is as high


def regions(
    vertices: np.ndarray, kind: np.ndarray, weights: np.ndarray, joints: np.ndarray, bones: list[str], rng: np.random.Generator
) -> np.ndarray:
    """(V, 6) scores of REGIONS; the largest wins at every point of a face, so that borders cut cleanly through triangles."""
    part = lambda *names: weights[:, [bones.index(name) for name in names]].sum(1)  # noqa: E731
    both = lambda *names: part(*(f"{side} {name}" for side in "LR" for name in names))  # noqa: E731
    at = lambda name: joints[bones.index(name)]  # noqa: E731
    head = np.char.startswith(kind, "head") | ((kind == "body_head") & (part("Head", "LEye", "REye") > 0.5))
    scores = np.zeros((len(vertices), len(REGIONS)), np.float32)
    column = dict(zip(REGIONS, scores.T, strict=True))
    arms, feet = both("UpperArm", "Forearm", "Clavicle"), both("Foot", "Toe0")
    waist = at("Pelvis")[1] + rng.uniform(0.0, 0.12)
    upper = np.maximum((vertices[:, 1] - waist) * 20, 4 * arms - 1)
    column["upper"][:], column["lower"][:] = upper, -upper
    column["shoe"][:] = (feet - 0.5) * 30
    hand = weights[:, [i for i, name in enumerate(bones) if "Hand" in name or "Finger" in name]].sum(1)
    column["skin"][:] = (hand - 0.5) * 30
    for upper_bone, lower_bone, bare in (("Calf", "Foot", _BARE_CALF), ("Forearm", "Hand", _BARE_FOREARM)):
        for side in "LR":
            own = part(f"{side} {upper_bone}")
            if _radius(vertices[own > 0.5], at(f"{side} {upper_bone}"), at(f"{side} {lower_bone}")) < bare:
                column["skin"][:] = np.maximum(column["skin"], (own - 0.5) * 30)
    top = vertices[head, 1].max(initial=0)
    hairline = np.interp(vertices[:, 2], _HAIRLINE_Z, _HAIRLINE_Y) + rng.normal(0, 0.004)
    ear = (np.abs(vertices[:, 0]) > 0.076) & (vertices[:, 1] < 0.02)
    aside = np.hypot(vertices[:, 0], vertices[:, 2] - _NECK_AXIS)
    rigid = head & (part("Head", "Neck", "Spine2", "L Clavicle", "R Clavicle") > 0.97)
    shoulders = 0.6 * np.clip(-0.13 - vertices[:, 1], 0, None)
    hanging = np.where(rigid & (vertices[:, 1] < -0.02), (aside - 0.082 - shoulders) * 100, -10)
    if ((hanging > 0) & (vertices[:, 1] < -0.07)).sum() > 12:  # long hair covers the ears
        ear[:] = False
        hanging = np.where(rigid & (vertices[:, 1] < 0.06), (aside - 0.076 - shoulders) * 100, -10)
    crown = np.maximum(np.where(ear, -10, (vertices[:, 1] - hairline) * 100), hanging)
    scores[head] = -10
    column["skin"][head] = 0
    bald = top < _HAT_TOP and rng.random() < 0.08
    if not bald:
        column["gear" if top > _HAT_TOP else "hair"][head] = crown[head]
    if not part("LEye").any():  # veiled
        scores[head] = -10
        column["upper"][head] = 0
    gear = np.char.startswith(kind, "extra")
    scores[gear] = -10
    column["gear"][gear] = 10
    return scores


def _radius(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> float:
    """Mean distance of points (N, 3) from the middle third of a bone's axis; inf without points there."""
    axis = end - start
    along = (points - start) @ axis / (axis @ axis)
    middle = (along > 0.35) & (along < 0.65)
    away = points[middle] - start - along[middle, None] * axis
    return float(np.linalg.norm(away, axis=1).mean()) if middle.any() else np.inf


@dataclass(frozen=True)
class _Face:
    """Skin with brows, lips and eyes where the facial bones are. Colours (3,) linear; joints: places (3,) by bone."""

    skin: np.ndarray
    brow: np.ndarray
    lips: np.ndarray
    iris: np.ndarray
    places: dict[str, np.ndarray]
    noise: Noise

    def __call__(self, points: SurfacePoints) -> Shade:
        at, new = points.anchor, points.uv.new_tensor
        place = {name: new(where) for name, where in self.places.items()}
        colour = new(self.skin) * (1 + 0.04 * self.noise.at(at, 40, 3))[:, None]
        kind = constant(points, MATERIALS.index("skin"), torch.int64)
        front = at[:, 2] > place["LEye"][2] - 0.02
        for side in "LR":
            inner, outer = place[f"{side}InnerEyebrow"], place[f"{side}OuterEyebrow"]
            along = outer - inner
            share = ((at - inner)[:, :2] @ along[:2] / (along[:2] @ along[:2])).clip(-0.15, 1.15)
            away = (at - inner - share[:, None] * along)[:, :2].norm(dim=1)
            colour = torch.lerp(colour, new(self.brow), (0.8 * (-((away / 0.0035) ** 2)).exp() * front)[:, None])
        corner = (place["RMouthCorner"] + place["LMouthCorner"]) / 2
        wide = (place["LMouthCorner"] - place["RMouthCorner"])[0] / 2
        lip = (1 - ((at[:, 0] - corner[0]) / wide) ** 2 - ((at[:, 1] - corner[1]) / 0.009) ** 2).clip(0, 1) * front
        colour = torch.lerp(colour, new(self.lips), (lip.sqrt() * 0.7)[:, None])
        for side in "LR":
            ray = at - place[f"{side}Eye"]
            size = ray.norm(dim=1)
            ball = (size < _EYEBALL) & (ray[:, 2] > 0)
            aside = ray[:, :2].norm(dim=1)
            shown = torch.where((aside < 0.0062)[:, None], new(self.iris), new([0.55, 0.52, 0.5]))
            shown = torch.where((aside < 0.0026)[:, None], new([0.005, 0.005, 0.005]), shown)
            colour = torch.where(ball[:, None], shown, colour)
            kind[ball] = MATERIALS.index("eye")
        return Shade(colour.clip(0.003, 1), kind, height=4e-5 * self.noise.at(at, 900, 23))


_EYEBALL = 0.0185


@dataclass(frozen=True)
class _Patchwork:
    """The paint of the region whose score (values) is largest."""

    paints: tuple[Paint, ...]
    noise: Noise

    def __call__(self, points: SurfacePoints) -> Shade:
        at = points.anchor
        uneven = 0.35 * self.noise.at(at, 140, 4)[:, None] * at.new_tensor([name == "hair" for name in REGIONS])
        winner = (points.values + uneven).argmax(1)
        # Hair is a cap without strands of its own: they run from the crown outwards.
        around = torch.atan2(at[:, 0], at[:, 2] + 0.08)
        uv = torch.stack([around * 4, at[:, 1] * 4], dim=1)
        strand = torch.stack([(0.8 - at[:, 1] * 2).clip(0.4, 1), 0.3 * self.noise.at(at, 25, 2)], dim=1)
        albedo = torch.zeros_like(at)
        kind, height = constant(points, 0, torch.int64), constant(points, 0.0)
        for number, paint in enumerate(self.paints):
            here = torch.nonzero(winner == number)[:, 0]
            shade = paint(SurfacePoints(uv[here], at[here], strand[here]))
            albedo[here], kind[here] = shade.albedo, shade.material
            if shade.height is not None:
                height[here] = shade.height
        return Shade(albedo, kind, height=height)


_IRISES = np.array([[70, 45, 30], [110, 80, 50], [90, 110, 120], [90, 100, 70]])


class AvatarAppearance:
    """Random colours of one avatar."""

    def __init__(self, rng: np.random.Generator, gender: str) -> None:
        self._noise = Noise(rng)
        tone = rng.integers(len(SKIN_TONES))
        self._skin = linear(SKIN_TONES[tone] / 255 * (1 + rng.normal(0, 0.03, 3)))
        self._hair = linear(HAIR_TONES[rng.integers(3 if tone > 3 else len(HAIR_TONES))] / 255)
        red = np.array([0.75, 0.3, 0.3]) if gender == "female" and rng.random() < 0.5 else np.array([0.95, 0.7, 0.68])
        self._lips = self._skin * red
        self._iris = linear(
            np.array([[70, 45, 30], [110, 80, 50], [90, 110, 120], [90, 100, 70]])[0 if tone > 3 else rng.integers(4)] / 255
        )
        upper, lower, shoe, gear = (ClothPaint.random(rng, self._noise) for _ in range(4))
        if rng.random() < 0.25:
            lower = upper  # suits, uniforms and dresses
        self._cloth = (upper, lower, shoe, gear)
        self._spread, self._streaks = rng.uniform(0.05, 0.2), rng.uniform(0.15, 0.4)

    def paint(self, joints: np.ndarray, bones: list[str]) -> Paint:
        """For values made by `regions`; joints (80, 3) at rest."""
        brow = np.minimum(self._hair * 0.7, self._skin * 0.5)
        face = _Face(self._skin, brow, self._lips, self._iris, dict(zip(bones, joints, strict=True)), self._noise)
        hair = StrandPaint(self._hair, self._hair * 1.3, self._spread, self._streaks, self._noise)
        return _Patchwork((face, hair, *self._cloth), self._noise)

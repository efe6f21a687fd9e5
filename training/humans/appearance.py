"""Colours of one synthetic person, from MakeHuman skins (CC0) and procedural detail: random, but fixed for the person."""

import numpy as np
import torch

from ...core.geometry.raster import Fragments, fragments, nearest
from .assets import Assets
from .bodies import Body
from .noise import Noise
from .paints import ClothPaint, StrandPaint, Texture, TexturePaint, linear
from .skin import Eyes, SkinPaint
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
_EYE_PIXELS = 128


class Appearance:
    """The paints of one person.

    face_uv (N, 2): texture coordinates of face skin, whose median colour is brought to the drawn skin tone.
    gaze (3, 3): rotation of the eyes at rest.
    """

    def __init__(
        self, assets: Assets, rng: np.random.Generator, noise: Noise, body: Body, frame: HeadFrame, face_uv: np.ndarray, gaze: np.ndarray
    ) -> None:
        self._assets, self._noise = assets, noise
        age, gender = body.age, body.gender
        tone = rng.uniform(0, len(SKIN_TONES) - 1.01)
        skin = Texture(assets.skin(_fitting(assets, rng, "light" if tone < 3.5 else "dark", age, gender)))
        whole = int(tone)
        target = linear((SKIN_TONES[whole] * (1 - tone + whole) + SKIN_TONES[whole + 1] * (tone - whole)) / 255)
        mean = np.median(linear(skin(torch.from_numpy(face_uv))[:, :3].numpy()), axis=0)
        tint = np.clip(target * (1 + rng.normal(0, 0.04, 3)) / mean, 0.25, 2.5)
        # A painted skin carries its own hue; a full shift of hue looks sunburnt.
        tint = tint.mean() * (tint / tint.mean()) ** 0.6

        dark = tone > 3.5 and rng.random() < 0.9  # dark skin with fair hair or light eyes is rare
        shares = _HAIR_SHARES * (np.arange(len(HAIR_TONES)) < 3) if dark else _HAIR_SHARES
        irises = [name for name in assets.irises if "brown" in name] if dark or rng.random() < 0.35 else assets.irises
        first, second = rng.choice(len(HAIR_TONES), 2, p=shares / shares.sum())
        grey = age > 0.85 and rng.random() < 0.6
        base = linear(HAIR_TONES[9 + rng.integers(0, 2) if grey else first] / 255) * 0.8 + linear(HAIR_TONES[second] / 255) * 0.2
        dyed = rng.random() < 0.03
        hair = np.clip(linear(rng.uniform(0.1, 0.9, 3)) if dyed else base * rng.uniform(0.7, 1.2), 0.003, 0.9)
        tips = np.clip(hair * rng.uniform(0.7, 1.6), 0.003, 0.95)
        self._brow = np.clip(base * rng.uniform(0.4, 1.0), 0.003, 0.6)
        beard = np.clip(base * rng.uniform(0.5, 1.1) + (grey * 0.1), 0.003, 0.9)
        self.hair = StrandPaint(hair, tips, rng.uniform(0.05, 0.25), rng.uniform(0.1, 0.35), noise)
        self.beard = StrandPaint(beard, beard * rng.uniform(0.9, 1.3), rng.uniform(0.05, 0.3), rng.uniform(0.1, 0.35), noise)
        made_up = gender < 0.5 and age > 0.4 and rng.random() < 0.4
        self.skin = SkinPaint(
            texture=skin,
            tint=tint,
            frame=frame,
            noise=noise,
            eyes=Eyes(Texture(_eye_front(assets, body, str(rng.choice(irises or assets.irises)))), body.joints[3:], gaze),
            hair=hair,
            beard=beard,
            cloth=ClothPaint.random(rng, noise).dyes[0],
            lips=linear(np.array([0.65, 0.12, 0.16]) * rng.uniform(0.6, 1.2) + rng.normal(0, 0.05, 3)) if made_up else None,
            lids=linear(rng.uniform(0.05, 0.5, 3)) if made_up and rng.random() < 0.6 else None,
            mottle=rng.uniform(0.01, 0.06),
            blush=rng.uniform(0, 0.8),
            freckles=rng.uniform(0.2, 0.6) if rng.random() < 0.12 else 0.0,
            stubble=rng.uniform(0.35, 0.95),
            age=age,
            teeth=rng.uniform(0, 1),
        )

    def cloth(self, rng: np.random.Generator) -> ClothPaint:
        """A new garment's cloth."""
        return ClothPaint.random(rng, self._noise)

    def piece(self, kind: str, texture: str, rng: np.random.Generator) -> TexturePaint:
        """A MakeHuman piece's picture; hair, brows and lashes are dyed in this person's colours, most clothes in new ones."""
        picture = self._assets.texture(texture)
        match kind:
            case "hair":
                return TexturePaint.of(picture, "hair", self.hair.root, transparent=True)
            case "brow":
                return TexturePaint.of(picture, "hair", self._brow, transparent=True)
            case "lash":
                return TexturePaint.of(picture, "hair", np.full(3, 0.01), transparent=True)
            case _:
                dye = ClothPaint.random(rng, self._noise).dyes[0] if rng.random() < 0.6 else None
                return TexturePaint.of(picture, "cloth", dye)


def _fitting(assets: Assets, rng: np.random.Generator, shade: str, age: float, gender: float) -> int:
    """A skin of this shade, and where there is one also of this age and gender."""
    same = [index for index, skin in enumerate(assets.skins) if skin["tone"] == shade]
    closer = [
        index
        for index in same
        if (assets.skins[index]["age"] == "old") <= (age > 0.78) and (assets.skins[index]["gender"] == "male" or gender < 0.6)
    ]
    return int(rng.choice(closer or same or range(len(assets.skins))))


def _eye_front(assets: Assets, body: Body, name: str) -> np.ndarray:
    """MakeHuman's left eyeball, seen from the front: (_EYE_PIXELS, _EYE_PIXELS, 3) uint8 over twice its radius."""
    proxy, picture = assets.proxy("high_poly"), assets.texture(name)
    place = proxy.fit(body.vertices)
    left = place[proxy.faces].mean(1)[:, 0] > 0
    faces, corner_uv = proxy.faces[left], proxy.corner_uv[left]
    ball = place[np.unique(faces)]
    centre = (ball.max(0) + ball.min(0)) / 2
    vertices = ((place - centre) / (np.ptp(ball[:, 0]) / 2)).astype(np.float32)
    pieces = fragments(torch.from_numpy(vertices), torch.from_numpy(faces), _EYE_PIXELS)
    texture = Texture(picture)
    uv = torch.einsum("nic,ni->nc", torch.from_numpy(corner_uv)[pieces.face], pieces.barycentric)
    keep = texture(uv)[:, 3] > 0.5  # the cornea is transparent
    kept = [getattr(pieces, field)[keep] for field in ("pixel", "depth", "face", "barycentric", "sign")]
    raster = nearest(Fragments(*kept, size=_EYE_PIXELS))
    shown = raster.mask.reshape(-1)
    uv = torch.einsum("nic,ni->nc", torch.from_numpy(corner_uv)[raster.face.reshape(-1)[shown]], raster.barycentric.reshape(-1, 3)[shown])
    result = np.full((_EYE_PIXELS**2, 3), 225, np.uint8)
    result[shown.numpy()] = (texture(uv)[:, :3] * 255).numpy().astype(np.uint8)
    return result.reshape(_EYE_PIXELS, _EYE_PIXELS, 3)

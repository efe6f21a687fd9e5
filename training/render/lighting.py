"""Light on relightable buffers: one rendered person gives many photographs. Batched PyTorch, the same on CPU and CUDA."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch.nn import functional as F

from ...core.geometry.raster import fragments, nearest
from ..humans.paints import encoded, linear
from ..humans.part import MATERIALS
from .buffers import blur
from .scene import Scene

_SHADOW_SIZE = 192
_SKIN = MATERIALS.index("skin")
_SCATTER = (2.2e-3, 1.0e-3, 0.6e-3)
"""Metres that red, green and blue light spreads under skin (widths fitted to measured profiles by d'Eon & Luebke 2007, coarsely)."""
CROP_METRES = 0.4
"""That pictures of heads show from side to side."""
_TOO_NARROW = 0.6  # pixels


@dataclass(frozen=True)
class Light:
    """Second-order ambient light as a matrix M (B, 3, 4, 4) per channel, E(n) = h' M h with h = (n, 1) (Ramamoorthi & Hanrahan 2001),
    plus directional lights: direction (B, L, 3), colour (B, L, 3), of which the first one's shadow darkens by shadow_strength (B,);
    wrap (B,) lets light reach round edges; gloss, power (B, M) of each material; softness (B,) of skin; exposure (B,)."""

    ambient: torch.Tensor
    direction: torch.Tensor
    colour: torch.Tensor
    wrap: torch.Tensor
    shadow_strength: torch.Tensor
    gloss: torch.Tensor
    power: torch.Tensor
    softness: torch.Tensor
    exposure: torch.Tensor

    @classmethod
    def random(cls, rng: np.random.Generator, keys: np.ndarray, device: torch.device | str = "cpu") -> Self:
        """Lights whose first directions are keys (B, 3), for which shadows exist."""
        drawn = [_draw(rng, key) for key in keys]
        return cls(*(torch.from_numpy(np.stack(column).astype(np.float32)).to(device) for column in zip(*drawn, strict=True)))


def random_direction(rng: np.random.Generator) -> np.ndarray:
    """A plausible key-light direction: mostly from the front and above."""
    azimuth, elevation = rng.uniform(-1.9, 1.9), rng.uniform(-0.2, 1.15)
    return np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])


def _draw(rng: np.random.Generator, key: np.ndarray) -> tuple[np.ndarray, ...]:
    lights = 3
    count = int(rng.integers(1, lights + 1))
    tint = 1 + rng.normal(0, 0.06, 3)
    matrix = np.zeros((3, 4, 4))
    level = rng.uniform(0.15, 0.6)
    gradient = rng.normal(0, 0.3, 3) * level * 0.5
    bend = rng.normal(0, 0.08, (3, 3)) * level
    for channel in range(3):
        matrix[channel, 3, 3] = level * tint[channel]
        matrix[channel, :3, 3] = matrix[channel, 3, :3] = gradient * (1 + rng.normal(0, 0.15)) / 2
        matrix[channel, :3, :3] = (bend + bend.T) / 2
    directions = np.stack([key, *(random_direction(rng) for _ in range(lights - 1))])
    strength = rng.uniform(0.2, 1.0, (lights, 1)) / (1 + 0.6 * np.arange(lights)[:, None])
    strength[count:] = 0
    colours = np.clip(strength * (1 + rng.normal(0, 0.07, (lights, 3))), 0, None)
    # In the order of MATERIALS: skin, hair, cloth, eye, gloss.
    gloss = np.array([rng.uniform(0, 0.10), rng.uniform(0, 0.12), rng.uniform(0, 0.04), 0.6, 0.5])
    power = np.array([rng.uniform(8, 30), rng.uniform(6, 20), 8.0, 90.0, 60.0])
    rest = (rng.uniform(0, 0.5), rng.uniform(0.3, 1), gloss, power, rng.uniform(0.3, 1.5), rng.uniform(0.7, 1.3))
    return matrix, directions, colours, *(np.asarray(value) for value in rest)


def irradiance(light: Light, normal: torch.Tensor, ambient: torch.Tensor | float, shadow: torch.Tensor | float) -> torch.Tensor:
    """Light arriving (B, ..., 3) at unit normals (B, ..., 3) with openness and the first light's shadow (B, ...)."""
    shape = normal.shape
    flat = normal.reshape(shape[0], -1, 3)
    spread = lambda value: value.reshape(shape[0], -1) if isinstance(value, torch.Tensor) else value  # noqa: E731
    h = F.pad(flat, (0, 1), value=1.0)
    sky = torch.einsum("bni,bcij,bnj->bnc", h, light.ambient, h)
    open_sky = spread(ambient)
    total = sky.clamp(min=0.02) * (open_sky[..., None] if isinstance(open_sky, torch.Tensor) else open_sky)
    wrap = light.wrap[:, None]
    for index in range(light.direction.shape[1]):
        facing = ((torch.einsum("bni,bi->bn", flat, light.direction[:, index]) + wrap) / (1 + wrap)).clamp(min=0)
        if index == 0:
            facing = facing * (1 - light.shadow_strength[:, None] * (1 - spread(shadow)))
        total = total + facing[..., None] * light.colour[:, index, None]
    return total.reshape(shape)


def photograph(
    light: Light,
    albedo: torch.Tensor,
    normal: torch.Tensor,
    ambient: torch.Tensor,
    shadow: torch.Tensor,
    material: torch.Tensor,
    *,
    metres: float = CROP_METRES,
) -> tuple[torch.Tensor, torch.Tensor]:
    """sRGB pictures (B, S, S, 3) of lit buffers, and the exposures (B,) used (for colours of unseen points).

    albedo (B, S, S, 3) linear; normal (B, S, S, 3); ambient, shadow (B, S, S); material (B, S, S) int64; metres: that the pictures
    show from side to side.
    """
    arriving = _soften(irradiance(light, normal, ambient, shadow), normal, material == _SKIN, light.softness, metres)
    radiance = albedo * arriving
    rows = torch.arange(len(albedo), device=albedo.device)[:, None, None]
    gloss, power = light.gloss[rows, material], light.power[rows, material]
    for index in range(light.direction.shape[1]):
        half = F.normalize(light.direction[:, index] + light.direction.new_tensor([0.0, 0.0, 1.0]), dim=1)
        shine = gloss * torch.einsum("bijc,bc->bij", normal, half).clamp(1e-4, 1) ** power
        if index == 0:
            shine = shine * (1 - light.shadow_strength[:, None, None] * (1 - shadow))
        radiance = radiance + shine[..., None] * light.colour[:, index, None, None]
    covered = normal.norm(dim=-1) > 0.5
    bright = torch.stack(
        [
            picture.mean(-1)[mask].quantile(0.9) if mask.any() else picture.new_ones(())
            for picture, mask in zip(radiance[:, ::2, ::2], covered[:, ::2, ::2], strict=True)
        ]
    )
    exposure = light.exposure / bright.clamp(min=0.03) * 0.55
    return encoded(radiance * exposure[:, None, None, None]), exposure


def _soften(light: torch.Tensor, normal: torch.Tensor, skin: torch.Tensor, softness: torch.Tensor, metres: float) -> torch.Tensor:
    """Irradiance blurred over skin, red the most: light that leaves beside where it entered."""
    mask = skin.float() * (normal.norm(dim=-1) > 0.5)
    pixels = light.shape[1] / metres
    channels = []
    for channel, reach in enumerate(_SCATTER):
        # One width for the batch keeps it one convolution; how much of it shows differs.
        if reach * pixels * 1.3 < _TOO_NARROW:
            channels.append(light[..., channel])
            continue
        spread = blur(light[..., channel] * mask, reach * pixels * 1.3) / blur(mask, reach * pixels * 1.3).clamp(min=1e-3)
        share = (softness[:, None, None] * mask).clamp(0, 1)
        channels.append(torch.lerp(light[..., channel], spread, share))
    return torch.stack(channels, dim=-1)


def key_shadow(scene: Scene, depth: torch.Tensor, direction: np.ndarray) -> torch.Tensor:
    """Soft shadow (S, S), 1 lit and 0 dark, of a distant light in a unit direction, crop frame, on a depth picture (S, S); a shadow map
    (Williams 1978)."""
    device, size = depth.device, len(depth)
    up = np.array([0.0, 1.0, 0.0]) if abs(direction[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    x = np.cross(up, direction)
    x /= np.linalg.norm(x)
    frame = torch.from_numpy(np.stack([x, np.cross(direction, x), direction]).astype(np.float32)).to(device)
    reach = 1.5
    solid = scene.faces[scene.solid[scene.part]]
    raster = nearest(fragments(scene.vertices @ frame.T / reach, solid, _SHADOW_SIZE))
    blockers = blur(raster.depth.clamp(min=-4), 0.8)
    axis = (torch.arange(size, device=device) + 0.5) / size * 2 - 1
    z = torch.where(depth > -torch.inf, depth, 0.0)
    points = torch.stack([axis.expand(size, size), -axis[:, None].expand(size, size), z], dim=-1)
    local = points @ frame.T / reach
    where = torch.stack([local[..., 0], -local[..., 1]], dim=-1)
    blocker = F.grid_sample(blockers[None, None], where[None], align_corners=False, padding_mode="border")[0, 0]
    return 1 - ((blocker - local[..., 2] - 0.012) / 0.03).clamp(0, 1)


def lit_colour(light: Light, albedo: torch.Tensor, normal: torch.Tensor, exposure: torch.Tensor) -> torch.Tensor:
    """sRGB (B, N, 3) of surface points under the photo's light but without shadows: what hidden surfaces are to be coloured as."""
    return encoded(linear(albedo) * irradiance(light, normal, 0.8, 1.0) * exposure[:, None, None])

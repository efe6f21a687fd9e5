"""Lighting and cameras' faults, redrawn each time a stored sample is used: one rendered person gives many photographs."""

from dataclasses import dataclass

import cv2
import numpy as np

from ..humans.appearance import encoded


@dataclass(frozen=True)
class Light:
    """Second-order ambient light as a matrix M (3, 4, 4) per channel, E(n) = h' M h with h = (n, 1) (Ramamoorthi & Hanrahan 2001),
    plus directional lights: direction (L, 3), colour (L, 3), and how much the first one's shadow darkens."""

    ambient: np.ndarray
    direction: np.ndarray
    colour: np.ndarray
    wrap: float
    shadow_strength: float


def random_direction(rng: np.random.Generator) -> np.ndarray:
    """A plausible key-light direction: mostly from the front and above."""
    azimuth, elevation = rng.uniform(-1.9, 1.9), rng.uniform(-0.2, 1.15)
    return np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])


def random_light(rng: np.random.Generator, key: np.ndarray) -> Light:
    """A light whose first direction is `key`, for which a shadow exists."""
    count = int(rng.integers(1, 4))
    tint = 1 + rng.normal(0, 0.06, 3)
    matrix = np.zeros((3, 4, 4))
    level = rng.uniform(0.15, 0.6)
    gradient = rng.normal(0, 0.3, 3) * level * 0.5
    bend = rng.normal(0, 0.08, (3, 3)) * level
    for channel in range(3):
        matrix[channel, 3, 3] = level * tint[channel]
        matrix[channel, :3, 3] = matrix[channel, 3, :3] = gradient * (1 + rng.normal(0, 0.15)) / 2
        matrix[channel, :3, :3] = (bend + bend.T) / 2
    directions = np.stack([key, *(random_direction(rng) for _ in range(count - 1))])
    strength = rng.uniform(0.2, 1.0, (count, 1)) / (1 + 0.6 * np.arange(count)[:, None])
    colours = strength * (1 + rng.normal(0, 0.07, (count, 3)))
    return Light(matrix, directions, np.clip(colours, 0, None), rng.uniform(0, 0.5), rng.uniform(0.3, 1))


def irradiance(light: Light, normal: np.ndarray, ambient: np.ndarray, shadow: np.ndarray) -> np.ndarray:
    """Light arriving (…, 3) at unit normals (…, 3) with openness (…) and the first light's shadow (…)."""
    h = np.concatenate([normal, np.ones((*normal.shape[:-1], 1), normal.dtype)], axis=-1)
    sky = np.einsum("...i,cij,...j->...c", h, light.ambient, h, optimize=True)
    total = np.clip(sky, 0.02, None) * ambient[..., None]
    for index, (direction, colour) in enumerate(zip(light.direction, light.colour, strict=True)):
        facing = np.clip((normal @ direction + light.wrap) / (1 + light.wrap), 0, None)
        if index == 0:
            facing = facing * (1 - light.shadow_strength * (1 - shadow))
        total = total + facing[..., None] * colour
    return total


def photograph(
    albedo: np.ndarray, normal: np.ndarray, ambient: np.ndarray, shadow: np.ndarray, material: np.ndarray,
    light: Light, rng: np.random.Generator,
) -> tuple[np.ndarray, float]:  # fmt: skip
    """sRGB picture (H, W, 3) in [0, 1] of lit buffers, and the exposure used (for colours of unseen points)."""
    radiance = albedo * irradiance(light, normal, ambient, shadow)
    gloss = np.array([rng.uniform(0, 0.10), rng.uniform(0, 0.12), rng.uniform(0, 0.04), 0.6])[material]
    power = np.array([rng.uniform(8, 30), rng.uniform(6, 20), 8.0, 90.0])[material]
    for index, (direction, colour) in enumerate(zip(light.direction, light.colour, strict=True)):
        half = direction + np.array([0, 0, 1.0])
        half /= np.linalg.norm(half)
        shine = gloss * np.clip(normal @ half, 0, 1) ** power
        if index == 0:
            shine = shine * (1 - light.shadow_strength * (1 - shadow))
        radiance = radiance + shine[..., None] * colour
    covered = np.linalg.norm(normal, axis=-1) > 0.5
    bright = np.percentile(radiance[covered].mean(-1), 90) if covered.any() else 1.0
    exposure = float(rng.uniform(0.7, 1.3) / max(bright, 0.03) * 0.55)
    return encoded(radiance * exposure).astype(np.float32), exposure


def camera_faults(picture: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Network input (H, W, 4): masked RGB and the mask in [0, 1], after tone, colour, blur, noise, JPEG, background and matting errors."""
    size = picture.shape[0]
    image = picture
    if rng.random() < 0.5:
        image = np.clip(image, 0, 1) ** rng.uniform(0.7, 1.4)
    image = image * (1 + rng.normal(0, 0.08, 3)) * rng.uniform(0.8, 1.2) + rng.normal(0, 0.02)
    if rng.random() < 0.3:
        grey = image.mean(-1, keepdims=True)
        image = grey + (image - grey) * rng.choice([0.0, rng.uniform(0.3, 1.4)], p=[0.3, 0.7])
    if rng.random() < 0.6:
        backdrop = cv2.resize(rng.random((5, 5, 3)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
        if rng.random() < 0.4:
            backdrop = backdrop + rng.normal(0, 0.15, (size, size, 3))
    else:
        backdrop = np.broadcast_to(rng.random(3), image.shape)
    image = np.clip(image * mask[..., None] + backdrop * (1 - mask[..., None]), 0, 1).astype(np.float32)
    if rng.random() < 0.45:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.7))
    if rng.random() < 0.2:
        small = int(rng.integers(70, 200))
        image = cv2.resize(cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA), (size, size))
    if rng.random() < 0.6:
        image = image + rng.normal(0, rng.uniform(0, 0.04), image.shape)
    image = np.clip(image, 0, 1).astype(np.float32)
    if rng.random() < 0.4:
        coded = cv2.imencode(".jpg", (image * 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))])[1]
        image = cv2.imdecode(coded, cv2.IMREAD_COLOR).astype(np.float32) / 255
    matte = mask.astype(np.float32)
    if rng.random() < 0.6:
        width = int(rng.integers(2, 5))
        change = cv2.dilate if rng.random() < 0.5 else cv2.erode
        matte = change(matte, np.ones((width, width), np.uint8))
    if rng.random() < 0.3:
        wobble = cv2.resize(rng.normal(0, 1, (12, 12)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
        matte = np.clip(cv2.GaussianBlur(matte, (0, 0), 2.5) + 0.12 * wobble - 0.5, -0.1, 0.1) * 5 + 0.5
        matte = np.clip(matte, 0, 1)
    return np.concatenate([image * matte[..., None], matte[..., None]], axis=-1).astype(np.float32), matte

"""What happens to a picture between the lens and the network: backgrounds, occluders, tone, colour, blur, noise, JPEG, matting errors.

Batched PyTorch. Choices come from a NumPy generator; noise pictures from the device's own, so two devices see different noise.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

from .buffers import blur

_LUMINANCE_STEPS = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)
"""JPEG's example table for luminance (ITU-T T.81, annex K)."""
_TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)


def camera_faults(picture: torch.Tensor, mask: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Network input (B, 4, S, S): masked RGB and the matte in [0, 1] of sRGB pictures (B, S, S, 3) with coverage (B, S, S)."""
    image, mask = picture.permute(0, 3, 1, 2), mask[:, None]
    count, size, device = len(image), image.shape[-1], image.device
    new = lambda values: torch.from_numpy(np.asarray(values, np.float32)).to(device).reshape(count, -1, 1, 1)  # noqa: E731
    some = lambda chance: new(rng.random(count) < chance)  # noqa: E731
    image = torch.lerp(image, image.clamp(0, 1) ** new(rng.uniform(0.7, 1.4, count)), some(0.5))
    image = image * new(1 + rng.normal(0, 0.08, (count, 3))) * new(rng.uniform(0.8, 1.2, count)) + new(rng.normal(0, 0.02, count))
    grey = image.mean(1, keepdim=True)
    saturation = np.where(rng.random(count) < 0.3, np.where(rng.random(count) < 0.3, 0.0, rng.uniform(0.3, 1.4, count)), 1.0)
    image = grey + (image - grey) * new(saturation)
    image = image * mask + _backdrop(rng, count, size, device) * (1 - mask)
    image, hidden = _occluded(image, rng)
    image = _each(image, some(0.45), lambda one: blur(one, rng.uniform(0.3, 1.7) * size / 256))
    image = _each(image, some(0.2), lambda one: _resampled(one, rng.uniform(0.27, 0.8)))
    noise = torch.randn(count, 3, size, size, device=device)
    image = image + noise * new(np.where(rng.random(count) < 0.6, rng.uniform(0, 0.04, count), 0))
    image = _each(image.clamp(0, 1), some(0.4), lambda one: jpeg(one, float(rng.integers(25, 95))))
    matte = _matting_errors(mask * (1 - hidden), rng)
    return torch.cat([image.clamp(0, 1) * matte, matte], dim=1)


def _each(images: torch.Tensor, chosen: torch.Tensor, change: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """Applies a change to the chosen pictures only."""
    picked = chosen.reshape(-1).bool().tolist()
    return torch.cat([change(image[None]) if yes else image[None] for image, yes in zip(images, picked, strict=True)])


def _backdrop(rng: np.random.Generator, count: int, size: int, device: torch.device) -> torch.Tensor:
    """(B, 3, S, S): plain, smooth, or smooth with noise."""
    coarse = torch.from_numpy(rng.random((count, 3, 5, 5)).astype(np.float32)).to(device)
    smooth = F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=False)
    rough = torch.from_numpy((rng.random((count, 1, 1, 1)) < 0.4).astype(np.float32) * 0.15).to(device)
    smooth = smooth + torch.randn(count, 3, size, size, device=device) * rough
    plain = torch.from_numpy((rng.random((count, 1, 1, 1)) < 0.4).astype(np.float32)).to(device)
    return torch.lerp(smooth, coarse[:, :, :1, :1].expand_as(smooth), plain).clamp(0, 1)


def _occluded(image: torch.Tensor, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Now and then something from below or the side hides part of the picture, such as a hand or a microphone: image and what is hidden."""
    count, _, size, _ = image.shape
    axis = torch.linspace(-1, 1, size, device=image.device)
    y, x = torch.meshgrid(-axis, axis, indexing="ij")
    hidden = image.new_zeros(count, 1, size, size)
    for index in np.flatnonzero(rng.random(count) < 0.08):
        side, height, width = rng.choice([-1, 1]) * rng.uniform(0.2, 1.0), rng.uniform(-0.9, -0.25), rng.uniform(0.08, 0.35)
        slope = rng.normal(0, 0.3)
        edge = ((x - side - slope * (y + 1)).abs() - width).clamp(min=0) + (y - height).clamp(min=0)
        hidden[index, 0] = 1 - (edge * size / 3).clamp(0, 1)
        colour = torch.from_numpy(rng.uniform(0, 0.9, (3, 1, 1)).astype(np.float32)).to(image.device)
        shade = 1 + 0.3 * ((x - side) / width).clamp(-1, 1) * rng.normal(0, 1)
        image[index] = torch.lerp(image[index], (colour * shade).clamp(0, 1), hidden[index])
    return image, hidden


def _resampled(image: torch.Tensor, scale: float) -> torch.Tensor:
    """A picture (1, C, S, S) that once was smaller."""
    small = F.interpolate(image, scale_factor=scale, mode="area")
    return F.interpolate(small, size=image.shape[-2:], mode="bilinear", align_corners=False)


def _matting_errors(matte: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Mattes (B, 1, S, S) that are a pixel or two too wide or too narrow, or wobble along their edge."""
    size = matte.shape[-1]
    results = []
    for one in matte:
        change = one[None]
        if rng.random() < 0.6:
            width = 2 * int(rng.integers(1, 3)) + 1
            sign = 1 if rng.random() < 0.5 else -1
            change = sign * F.max_pool2d(sign * change, width, 1, width // 2)
        if rng.random() < 0.3:
            coarse = torch.from_numpy(rng.normal(0, 1, (1, 1, 12, 12)).astype(np.float32)).to(matte.device)
            wobble = F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=False)
            change = ((blur(change, 2.5 * size / 256) + 0.12 * wobble - 0.5).clamp(-0.1, 0.1) * 5 + 0.5).clamp(0, 1)
        results.append(change)
    return torch.cat(results)


def jpeg(image: torch.Tensor, quality: float) -> torch.Tensor:
    """Pictures (B, 3, S, S) in [0, 1] through JPEG's block transform and quantisation; S a multiple of 16."""
    to_ycc = torch.from_numpy(_TO_YCC).to(image.device)
    ycc = torch.einsum("ij,bjhw->bihw", to_ycc, image * 255 - 128)
    scale = (5000 / quality if quality < 50 else 200 - 2 * quality) / 100
    steps = (torch.from_numpy(_LUMINANCE_STEPS).to(image.device) * scale).clamp(min=1)
    light = _quantised(ycc[:, :1], steps)
    # Chroma at half the resolution; its own table is nearly flat at 99 past the lowest frequencies.
    coarse = torch.minimum(steps * 1.1, torch.full_like(steps, max(99 * scale, 1)))
    chroma = F.interpolate(_quantised(F.avg_pool2d(ycc[:, 1:], 2), coarse), scale_factor=2, mode="bilinear", align_corners=False)
    rgb = torch.einsum("ij,bjhw->bihw", torch.linalg.inv(to_ycc), torch.cat([light, chroma], dim=1))
    return ((rgb + 128) / 255).clamp(0, 1)


def _quantised(planes: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
    """Planes (B, C, H, W), multiples of 8, after rounding each 8x8 block's cosine transform to steps (8, 8)."""
    k, n = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    cosine = torch.cos((2 * n + 1) * k * torch.pi / 16) * 0.5
    cosine[0] *= 2**-0.5
    cosine = cosine.to(planes.device)
    batch, channels, height, width = planes.shape
    blocks = planes.reshape(batch, channels, height // 8, 8, width // 8, 8)
    waves = torch.einsum("ki,bcyixj,lj->bcykxl", cosine, blocks, cosine)
    waves = torch.round(waves / steps[:, None]) * steps[:, None]
    return torch.einsum("ki,bcykxl,lj->bcyixj", cosine, waves, cosine).reshape(planes.shape)

"""Relightable buffers of a scene: what a photograph is made from, and the picture labels. Plain PyTorch, the same on CPU and CUDA."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from ...core.geometry.raster import Fragments, nearest
from .scene import Scene

DECAL_LIFT = {"brow": 0.02, "lash": 0.02}
"""Crop units a decal is drawn in front of itself: it may lie a little inside the skin."""
_LAYERS, _SEEN_THROUGH = 8, 0.03


@dataclass(frozen=True)
class Buffers:
    """Pictures (S, S, ...) with row 0 at the top, crop frame.

    albedo (…, 3) linear; normal (…, 3) unit, with fine relief, 0 outside; depth (…) z, -inf outside; material (…) int64;
    coverage (…) in [0, 1]; ambient (…) openness in [0, 1]; back_normal (…, 3) and back_depth (…) of the farthest surface;
    face (…) int64 the nearest solid face at the pixel's corner sample, -1 outside; barycentric (…, 3).
    """

    albedo: torch.Tensor
    normal: torch.Tensor
    depth: torch.Tensor
    material: torch.Tensor
    coverage: torch.Tensor
    ambient: torch.Tensor
    back_normal: torch.Tensor
    back_depth: torch.Tensor
    face: torch.Tensor
    barycentric: torch.Tensor


def render(scene: Scene, shrink: int = 2) -> Buffers:
    """Composites the fragments front to back; the pictures are `shrink` times smaller than the scene's raster."""
    size, device = scene.pieces.size, scene.vertices.device
    albedo, transmitted, found = _composite(scene)
    face = torch.full((size * size,), -1, dtype=torch.int64, device=device)
    barycentric = torch.zeros(size * size, 3, device=device)
    face[found.pixel], barycentric[found.pixel] = found.face, found.barycentric
    depth = torch.full((size * size,), -torch.inf, device=device)
    depth[found.pixel] = found.depth
    normal, material, height = (torch.zeros(size * size, 3, device=device), torch.zeros_like(face), torch.zeros(size * size, device=device))
    normal[found.pixel] = F.normalize(scene.interpolate(scene.normals, found.face, found.barycentric), dim=1, eps=1e-6)
    material[found.pixel], height[found.pixel] = found.material, found.height
    picture = lambda flat: flat.view(size, size, *flat.shape[1:])  # noqa: E731
    normal = _relief(picture(normal), picture(depth), picture(height / scene.unit))
    back_depth, back_normal = _back(scene)
    covered = picture((1 - transmitted) * (depth > -torch.inf))
    ambient = openness(picture(depth))
    coverage = _shrunk(covered[..., None], shrink)[..., 0]
    share = coverage.clamp(min=1e-6)[..., None]
    inner = slice(shrink // 2, None, shrink)
    solid = picture((face >= 0).float())[..., None]
    return Buffers(
        albedo=_shrunk(picture(albedo) * solid, shrink) / share,
        normal=F.normalize(_shrunk(normal, shrink), dim=-1, eps=1e-6),
        depth=_nearest_depth(picture(depth), shrink),
        material=picture(material)[inner, inner],
        coverage=coverage,
        ambient=_shrunk((ambient * covered)[..., None], shrink)[..., 0] / share[..., 0],
        back_normal=F.normalize(_shrunk(picture(back_normal), shrink), dim=-1, eps=1e-6),
        back_depth=picture(back_depth)[inner, inner],
        face=picture(face)[inner, inner],
        barycentric=picture(barycentric)[inner, inner],
    )


@dataclass(frozen=True)
class _Found:
    """The visible solid surface: one fragment a covered pixel."""

    pixel: torch.Tensor
    face: torch.Tensor
    barycentric: torch.Tensor
    depth: torch.Tensor
    material: torch.Tensor
    height: torch.Tensor


def _composite(scene: Scene) -> tuple[torch.Tensor, torch.Tensor, _Found]:
    """Colour (S², 3) premultiplied, what shines through (S²,), and the fragments where the solid pieces hide half of what lies behind."""
    pieces, size = scene.pieces, scene.pieces.size
    lift = pieces.depth.new_tensor([DECAL_LIFT.get(part.kind, 0.0) for part in scene.parts])
    rest = Fragments(
        pieces.pixel, pieces.depth + lift[scene.part[pieces.face]], pieces.face, pieces.barycentric, pieces.sign, size
    )  # fmt: skip
    colour = pieces.depth.new_zeros(size * size, 3)
    through, behind = pieces.depth.new_ones(size * size), pieces.depth.new_ones(size * size)
    found: list[tuple[torch.Tensor, ...]] = []
    for _ in range(_LAYERS):
        raster = nearest(rest)
        pixel = torch.nonzero(raster.mask.view(-1))[:, 0]
        if not len(pixel):
            break
        face, barycentric = raster.face.view(-1)[pixel], raster.barycentric.view(-1, 3)[pixel]
        depth = raster.depth.view(-1)
        shade = scene.shade(face, barycentric)
        assert shade.opacity is not None and shade.height is not None
        colour[pixel] += (through[pixel] * shade.opacity)[:, None] * shade.albedo
        through[pixel] *= 1 - shade.opacity
        owner = scene.part[face]
        after = behind[pixel] * (1 - shade.opacity * scene.solid[owner])
        hides = (behind[pixel] > 0.5) & (after <= 0.5)
        found.append(
            (pixel[hides], face[hides], barycentric[hides], (depth[pixel] - lift[owner])[hides], shade.material[hides], shade.height[hides])
        )
        behind[pixel] = after
        active = (through > _SEEN_THROUGH) | (behind > 0.5)
        keep = torch.nonzero(active[rest.pixel] & (rest.depth < depth[rest.pixel]))[:, 0]
        rest = Fragments(*(getattr(rest, name)[keep] for name in ("pixel", "depth", "face", "barycentric", "sign")), size=size)
    return colour, through, _Found(*(torch.cat(column) for column in zip(*found, strict=True)))


def _back(scene: Scene) -> tuple[torch.Tensor, torch.Tensor]:
    """Depth (S²,) and normal (S², 3) of the solid surface that is farthest from the viewer."""
    pieces, size = scene.pieces, scene.pieces.size
    keep = torch.nonzero(scene.solid[scene.part[pieces.face]] & (pieces.sign < 0))[:, 0]
    kept = [getattr(pieces, name)[keep] for name in ("pixel", "depth", "face", "barycentric", "sign")]
    kept[1] = -kept[1]
    raster = nearest(Fragments(*kept, size=size))
    pixel = torch.nonzero(raster.mask.view(-1))[:, 0]
    depth = torch.full((size * size,), -torch.inf, device=pieces.depth.device)
    normal = pieces.depth.new_zeros(size * size, 3)
    depth[pixel] = -raster.depth.view(-1)[pixel]
    seen = scene.interpolate(scene.normals, raster.face.view(-1)[pixel], raster.barycentric.view(-1, 3)[pixel])
    normal[pixel] = F.normalize(seen, dim=1, eps=1e-6)
    return depth, normal


def _relief(normal: torch.Tensor, depth: torch.Tensor, height: torch.Tensor) -> torch.Tensor:
    """Normals (S, S, 3) tilted by fine relief: height (S, S) in crop units, constant along z, has the surface gradient P(hx, hy, 0)."""
    step = 2 / len(depth)
    smooth = ((depth[1:] - depth[:-1]).abs() < 4 * step), ((depth[:, 1:] - depth[:, :-1]).abs() < 4 * step)
    down = torch.where(smooth[0], (height[1:] - height[:-1]) / step, 0)
    right = torch.where(smooth[1], (height[:, 1:] - height[:, :-1]) / step, 0)
    gradient = torch.stack([F.pad(right, (0, 1)), -F.pad(down, (0, 0, 0, 1)), torch.zeros_like(height)], dim=-1).clamp(-0.6, 0.6)
    gradient = gradient - (gradient * normal).sum(-1, keepdim=True) * normal
    return F.normalize(normal - gradient, dim=-1, eps=1e-6)


def openness(depth: torch.Tensor) -> torch.Tensor:
    """Screen-space ambient occlusion (S, S) from depth at three scales; crude, but it darkens eye sockets, nostrils and collars."""
    covered = (depth > -torch.inf).float()
    filled = torch.where(covered > 0, depth, 0.0)
    unit = len(depth) / 512
    result = torch.ones_like(depth)
    for sigma, gain in ((3, 5.0), (9, 2.5), (24, 1.2)):
        around = blur(filled, sigma * unit) / blur(covered, sigma * unit).clamp(min=1e-3)
        result = result - ((around - torch.where(covered > 0, depth, -2.0)) * gain).clamp(0, 0.35)
    return result.clamp(0.15, 1)


def blur(picture: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gaussian blur of pictures (..., H, W); wide ones are made on a smaller picture."""
    shape = picture.shape
    flat = picture.reshape(1, -1, *shape[-2:])  # pictures as channels: twice as fast on a CPU as one by one
    factor = max(1, int(sigma // 1.5))
    small = F.avg_pool2d(flat, factor, ceil_mode=True) if factor > 1 else flat
    reach = max(1, round(3 * sigma / factor))
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=picture.device) / (sigma / factor)) ** 2).to(picture.dtype)
    taps = (taps / taps.sum()).expand(flat.shape[1], 1, 1, -1)
    small = F.conv2d(F.pad(small, (reach, reach, reach, reach), mode="replicate"), taps, groups=len(taps))
    small = F.conv2d(small, taps.transpose(2, 3), groups=len(taps))
    if factor > 1:
        small = F.interpolate(small, scale_factor=factor, mode="bilinear", align_corners=False)[..., : shape[-2], : shape[-1]]
    return small.reshape(shape)


def _shrunk(picture: torch.Tensor, factor: int) -> torch.Tensor:
    """Mean over blocks of a picture (S, S, C)."""
    return F.avg_pool2d(picture.permute(2, 0, 1)[None], factor)[0].permute(1, 2, 0) if factor > 1 else picture


def _nearest_depth(depth: torch.Tensor, factor: int) -> torch.Tensor:
    return F.max_pool2d(depth[None, None], factor)[0, 0] if factor > 1 else depth

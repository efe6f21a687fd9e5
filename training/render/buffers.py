"""Layered rendering of a person: relightable picture buffers and exact inside/outside labels from the same fragments."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ...core.geometry.raster import Fragments, LayeredDepth, Raster, fragments, nearest
from ..humans.assets import sample_texture
from ..humans.person import Part, Person

SUPERSAMPLED = 512
SIZE = 256
_DECAL_REACH = 0.02  # crop units a brow may lie behind the skin and still be drawn
_EYE_LIFT = 0.03  # crop units an eyeball is drawn in front of the patch that closes its socket


@dataclass(frozen=True)
class Buffers:
    """What a picture is lit from, (SIZE, SIZE, ...) with row 0 at the top, crop frame.

    albedo (…, 3) linear float32; normal (…, 3) unit, 0 outside; coverage (…) in [0, 1]; depth (…) z, -inf outside; material (…) int;
    ambient (…) openness in [0, 1].
    """

    albedo: np.ndarray
    normal: np.ndarray
    coverage: np.ndarray
    depth: np.ndarray
    material: np.ndarray
    ambient: np.ndarray


@dataclass(frozen=True)
class Layers:
    """A person in a crop: the parts' crop-frame vertices (V, 3) and all their fragments."""

    parts: list[Part]
    vertices: list[np.ndarray]
    normals: list[np.ndarray]
    pieces: list[Fragments]


def layers(person: Person, to_crop: Callable[[np.ndarray], np.ndarray]) -> Layers:
    """Maps every part from the camera frame to a crop frame and finds its fragments."""
    vertices, normals, pieces, parts = [], [], [], []
    for part in person.parts:
        crop = to_crop(part.vertices).astype(np.float32)
        columns = crop[part.faces][..., :2]
        visible = ((columns.min(1) < 1) & (columns.max(1) > -1)).all(1)
        part = Part(
            part.kind, part.vertices, part.faces[visible], part.corner_uv[visible], part.normals, part.solid, part.texture, part.attributes
        )
        parts.append(part)
        vertices.append(crop)
        normals.append(part.normals)
        pieces.append(fragments(torch.from_numpy(crop), torch.from_numpy(part.faces), SUPERSAMPLED))
    return Layers(parts, vertices, normals, pieces)


def solid_depth(scene: Layers) -> tuple[LayeredDepth, Fragments]:
    """Layered depth of the union of the solid parts."""
    solid = [piece for piece, part in zip(scene.pieces, scene.parts, strict=True) if part.solid]
    joined = Fragments(
        *(torch.cat([getattr(piece, name) for piece in solid]) for name in ("pixel", "depth", "face", "barycentric", "sign")),
        size=SUPERSAMPLED,
    )
    return LayeredDepth(joined), joined


def render(person: Person, scene: Layers) -> Buffers:
    """Buffers of the visible surface, alpha-tested for hair and blended for brows and lashes."""
    size = SUPERSAMPLED
    depth = np.full((size, size), -np.inf, np.float32)
    albedo = np.zeros((size, size, 3), np.float32)
    normal = np.zeros((size, size, 3), np.float32)
    material = np.zeros((size, size), np.int64)
    for part, normals, piece in zip(scene.parts, scene.normals, scene.pieces, strict=True):
        raster, alpha = _visible(part, piece)
        shown = raster.mask.numpy()
        z = raster.depth.numpy()
        lift = {"brow": _DECAL_REACH, "lash": _DECAL_REACH, "eye": _EYE_LIFT}.get(part.kind, 0.0)
        shown &= z + lift > depth
        if part.kind == "eye":
            shown &= material == 3
        if not shown.any():
            continue
        face = raster.face.numpy()[shown]
        barycentric = raster.barycentric.numpy()[shown]
        colour = person.albedo(part, face, barycentric)
        if part.kind in ("brow", "lash"):
            share = alpha[shown][:, None]
            albedo[shown] = albedo[shown] * (1 - share) + colour * share
            continue
        albedo[shown] = colour
        depth[shown] = z[shown]
        normal[shown] = np.einsum("nic,ni->nc", normals[part.faces[face]], barycentric)
        material[shown] = person.material(part, face)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
    covered = np.isfinite(depth).astype(np.float32)
    ambient = _openness(depth)
    shrink = lambda picture: cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA)  # noqa: E731
    coverage = shrink(covered)
    share = np.maximum(coverage, 1e-6)[..., None]
    small_normal = shrink(normal * covered[..., None])
    small_normal /= np.maximum(np.linalg.norm(small_normal, axis=-1, keepdims=True), 1e-6)
    small_depth = np.maximum(np.maximum(depth[::2, ::2], depth[1::2, ::2]), np.maximum(depth[::2, 1::2], depth[1::2, 1::2]))
    return Buffers(
        albedo=shrink(albedo * covered[..., None]) / share,
        normal=small_normal,
        coverage=coverage,
        depth=small_depth,
        material=material[1::2, 1::2],
        ambient=shrink(ambient * covered) / share[..., 0],
    )


def _visible(part: Part, piece: Fragments) -> tuple[Raster, np.ndarray]:
    """Nearest fragments after the alpha test, and the alpha picture of blended parts."""
    size = piece.size
    alpha = np.ones((size, size), np.float32)
    if part.texture is None or part.kind == "cloth" or part.kind == "bust":
        return nearest(piece), alpha
    corners = part.corner_uv[piece.face.numpy()]
    uv = np.einsum("nic,ni->nc", corners, piece.barycentric.numpy())
    opacity = sample_texture(part.texture, uv.astype(np.float32))[:, 3]
    threshold = {"hair": 0.35, "eye": 0.5}.get(part.kind, 0.02)
    keep = torch.from_numpy(np.nonzero(opacity > threshold)[0])
    kept = Fragments(*(getattr(piece, name)[keep] for name in ("pixel", "depth", "face", "barycentric", "sign")), size=size)
    raster = nearest(kept)
    if part.kind in ("brow", "lash"):
        flat = alpha.reshape(-1)
        flat[kept.pixel.numpy()] = opacity[keep.numpy()]
    return raster, alpha


def _openness(depth: np.ndarray) -> np.ndarray:
    """Screen-space ambient occlusion from depth at three scales; crude, but it darkens eye sockets, nostrils and collars."""
    filled = np.where(np.isfinite(depth), depth, -2.0).astype(np.float32)
    result = np.ones_like(filled)
    for sigma, gain in ((3, 5.0), (9, 2.5), (24, 1.2)):
        covered = np.isfinite(depth).astype(np.float32)
        around = cv2.GaussianBlur(np.where(covered > 0, filled, 0), (0, 0), sigma) / np.maximum(
            cv2.GaussianBlur(covered, (0, 0), sigma), 1e-3
        )
        result -= np.clip((around - filled) * gain, 0, 0.35)
    return np.clip(result, 0.15, 1)


def key_shadow(scene: Layers, buffers: Buffers, direction: np.ndarray, size: int = 192) -> np.ndarray:
    """Soft shadow (SIZE, SIZE), 1 lit and 0 dark, of a distant light in a unit direction, crop frame; a shadow map (Williams 1978)."""
    up = np.array([0.0, 1.0, 0.0]) if abs(direction[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    x = np.cross(up, direction)
    x /= np.linalg.norm(x)
    frame = np.stack([x, np.cross(direction, x), direction]).astype(np.float32)
    solids = [i for i, part in enumerate(scene.parts) if part.solid]
    turned = [scene.vertices[i] @ frame.T for i in solids]
    reach = np.float32(1.5)
    depth = np.full((size, size), -np.inf, np.float32)
    for i, vertices in zip(solids, turned, strict=True):
        raster = nearest(fragments(torch.from_numpy(vertices / reach), torch.from_numpy(scene.parts[i].faces), size))
        depth = np.maximum(depth, raster.depth.numpy())
    blurred = cv2.GaussianBlur(np.maximum(depth, -4), (0, 0), 0.8)
    columns = (np.arange(SIZE) + 0.5) / SIZE * 2 - 1
    z = np.where(np.isfinite(buffers.depth), buffers.depth, 0)
    points = np.stack([np.broadcast_to(columns, z.shape), np.broadcast_to(-columns[:, None], z.shape), z], axis=-1)
    local = (points.reshape(-1, 3) @ frame.T / reach).astype(np.float32)
    column = ((local[:, 0] + 1) * size / 2 - 0.5).reshape(SIZE, SIZE)
    row = ((1 - local[:, 1]) * size / 2 - 0.5).reshape(SIZE, SIZE)
    blocker = cv2.remap(blurred, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    excess = (blocker - local[:, 2].reshape(SIZE, SIZE) - 0.012) / 0.03
    return 1 - np.clip(excess, 0, 1)

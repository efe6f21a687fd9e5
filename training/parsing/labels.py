"""Which class of the parsing network each pixel of a drawn person belongs to."""

from collections.abc import Sequence

import torch

from ...core.geometry.raster import Fragments, nearest
from ...core.photo.parsing import CLASSES
from ..humans.part import Part
from ..humans.skin import BUST_VALUES, SkinPaint
from ..render.buffers import DECAL_LIFT
from ..render.scene import Scene

BACKGROUND, SKIN, OBJECT = (CLASSES.index(name) for name in ("background", "skin", "object"))
_OF_KIND = {
    "hair": "hair", "beard": "beard", "brow": "beard", "eye": "eyes", "cloth": "clothes", "shoe": "clothes", "hat": "hat",
    "glasses": "glasses", "lens": "glasses",
}  # fmt: skip
_ON_BUST = (("beard", "beard"), ("lips", "lips"), ("hair", "hair"), ("cloth", "clothes"), ("mouth", "teeth"), ("eye", "eyes"))
"""Masks of the bust's paint and their classes; the later one wins, as in the paint."""
_DECALS = ("brow", "lens")


def labels(scene: Scene, face: torch.Tensor, barycentric: torch.Tensor) -> torch.Tensor:
    """Classes (S, S) int64 at the pixels' nearest solid faces (S, S), -1 outside, with barycentrics (S, S, 3).

    Brows and lenses, which are no solids, count where they hide more than half of what lies behind.
    """
    result = torch.full_like(face, BACKGROUND)
    shown = face >= 0
    flat, weight = face[shown], barycentric[shown]
    result[shown] = solid_labels(scene, flat, weight)
    size, step = len(face), scene.pieces.size // len(face)
    for pixel, depth, label in _decals(scene):
        row, column = pixel // scene.pieces.size - step // 2, pixel % scene.pieces.size - step // 2
        kept = (row % step == 0) & (column % step == 0) & (row >= 0) & (column >= 0)
        place = (row[kept] // step) * size + column[kept] // step
        behind = torch.full((size * size,), -torch.inf, device=face.device)
        behind[shown.view(-1)] = scene.interpolate(scene.vertices, flat, weight)[:, 2]
        front = depth[kept] > behind[place]
        result.view(-1)[place[front]] = label
    return result


def solid_labels(scene: Scene, face: torch.Tensor, barycentric: torch.Tensor) -> torch.Tensor:
    """Classes (N,) int64 at points of the solid pieces: faces (N,), barycentrics (N, 3)."""
    result = torch.full_like(face, SKIN)
    owner = scene.part[face]
    for index in torch.unique(owner).tolist():
        chosen = torch.nonzero(owner == index)[:, 0]
        part = scene.parts[index]
        if part.kind in ("bust", "body"):
            result[chosen] = _bust_labels(part, face[chosen] - scene.first[index], barycentric[chosen])
        elif part.kind == "glasses" and not _before_lens(scene.parts, index):
            result[chosen] = SKIN  # earrings
        else:
            result[chosen] = CLASSES.index(_OF_KIND.get(part.kind, "skin"))
    return result


def _bust_labels(part: Part, face: torch.Tensor, barycentric: torch.Tensor) -> torch.Tensor:
    masks: dict[str, torch.Tensor] = dict(zip(BUST_VALUES, part.surface(face, barycentric).values.T, strict=True))
    paint = part.rest.paint
    assert isinstance(paint, SkinPaint)
    masks["beard"] = masks["beard"] * paint.stubble  # thin stubble is skin
    result = torch.full_like(face, SKIN)
    for mask, name in _ON_BUST:
        result[masks[mask] > 0.5] = CLASSES.index(name)
    return result


def _before_lens(parts: Sequence[Part], index: int) -> bool:
    return index + 1 < len(parts) and parts[index + 1].kind == "lens"


def _decals(scene: Scene) -> list[tuple[torch.Tensor, torch.Tensor, int]]:
    """Pixels (N,) of the raster, depths (N,) and class of the opaque parts of brows and lenses."""
    found, pieces = [], scene.pieces
    owner = scene.part[pieces.face]
    for kind in _DECALS:
        wanted = torch.tensor([part.kind == kind for part in scene.parts], device=owner.device)
        keep = torch.nonzero(wanted[owner])[:, 0]
        if not len(keep):
            continue
        fields = [getattr(pieces, name)[keep] for name in ("pixel", "depth", "face", "barycentric", "sign")]
        raster = nearest(Fragments(*fields, size=pieces.size))
        pixel = torch.nonzero(raster.mask.view(-1))[:, 0]
        shade = scene.shade(raster.face.view(-1)[pixel], raster.barycentric.view(-1, 3)[pixel])
        assert shade.opacity is not None
        opaque = shade.opacity > 0.5
        depth = raster.depth.view(-1)[pixel] + DECAL_LIFT.get(kind, 0.0)
        found.append((pixel[opaque], depth[opaque], CLASSES.index(_OF_KIND[kind])))
    return found

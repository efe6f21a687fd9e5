"""One picture that shows a whole result: the photos, and the head from their cameras and three other sides, coloured and as clay."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .errors import InputError
from .geometry.raster import interpolate, rasterize
from .photo.framing import CropBox
from .result import Mesh, Result

TILE = 320
"""Side of one view in pixels."""
_SUPERSAMPLING = 2
_TURNS = (45, 90, 180)  # degrees to the person's left: the three-quarter view, the side and the back
_BACKGROUND = (0.93, 0.93, 0.94)
_CLAY = (0.78, 0.76, 0.74)
# Studio lights: direction (x right, y up, z towards the viewer) and strength. The key comes from above on the left, the fill is weak.
_LIGHTS = (((-0.5, 0.5, 0.75), 0.85), ((0.9, 0.1, 0.4), 0.2), ((0.0, 0.4, -1.0), 0.2))
_AMBIENT = 0.14
_OUTLINE = (0.95, 0.35, 0.1)


def write_preview(result: Result, path: Path) -> None:
    """Write the sheet as PNG. Raises InputError when the file cannot be written."""
    try:
        Image.fromarray(preview(result)).save(path, "PNG")
    except OSError as error:
        raise InputError(f"Could not write {path} ({error.strerror}); choose a folder you may write to with enough space.") from error


def preview(result: Result) -> np.ndarray:
    """The sheet (2 TILE, (2 N + 3) TILE, 3) uint8 of a result with N views, each tile a crop of its view's framing.

    For each view: the photo's crop, and below it the same with the outline of the mesh; then the mesh as the photo's camera sees it. At
    last the upright subject turned by 45, 90 and 180 degrees in parallel projection at the same scale. Upper row unlit colours, lower row
    grey clay.
    """
    columns = []
    for view in result.views:
        framing = view.framing
        points = framing.to_crop(view.pose.to_camera(result.surface.vertices), view.camera)
        coloured, clay, mask = _render(result.surface, points, view.pose.directions_to_camera(result.surface.normals))
        photo = _photo_crop(view.photo, framing.crop_box(view.camera))
        columns += [np.concatenate([photo, _outlined(photo, mask)]), np.concatenate([coloured, clay])]
    for points, normals in _turned(result):
        columns.append(np.concatenate(_render(result.surface, points, normals)[:2]))
    return np.round(np.concatenate(columns, axis=1) * 255).astype(np.uint8)


def _turned(result: Result) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Vertices (V, 3) in a crop frame (x right, y up, z towards the viewer) and their normals, for each of _TURNS."""
    vertices, normals, framing = result.surface.vertices, result.surface.normals, result.views[0].framing
    # The same height in the tile as in the photo's crop; across, the middle of the mesh, so that nothing leaves the tile as it turns.
    middle = (vertices.min(0) + vertices.max(0)) / 2
    middle[1] = result.views[0].pose.to_upright(np.zeros(3))[1] + framing.centre[1]
    for degrees in _TURNS:
        angle = np.radians(degrees)
        turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
        yield (vertices - middle) @ turn.T / framing.half, normals @ turn.T


def _render(surface: Mesh, points: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coloured and clay tiles (TILE, TILE, 3) in [0, 1], and the coverage (TILE, TILE) in [0, 1]."""
    faces = torch.from_numpy(np.asarray(surface.faces, np.int64))
    raster = rasterize(torch.from_numpy(np.asarray(points, np.float32)), faces, TILE * _SUPERSAMPLING)
    attributes = np.concatenate([surface.colours, normals], axis=1).astype(np.float32)
    pixels = interpolate(raster, faces, torch.from_numpy(attributes))
    mask = raster.mask[..., None].float()
    coloured = pixels[..., :3] + (1 - mask) * torch.tensor(_BACKGROUND)
    clay = _shade(pixels[..., 3:]) * mask + (1 - mask) * torch.tensor(_BACKGROUND)
    return _reduced(coloured), _reduced(clay), _reduced(mask)[..., 0]


def _shade(normals: torch.Tensor) -> torch.Tensor:
    """Clay under soft lights: half-Lambert, which has no hard terminator and so shows relief on the shaded side too."""
    normals = torch.nn.functional.normalize(normals, dim=-1)
    light = torch.full_like(normals[..., 0], _AMBIENT)
    for direction, strength in _LIGHTS:
        towards = torch.nn.functional.normalize(torch.tensor(direction), dim=0)
        light = light + strength * ((normals @ towards) * 0.5 + 0.5) ** 2
    return (light[..., None] * torch.tensor(_CLAY)).clamp(0, 1)


def _reduced(picture: torch.Tensor) -> np.ndarray:
    size, channels = picture.shape[0], picture.shape[2]
    blocks = picture.view(size // _SUPERSAMPLING, _SUPERSAMPLING, size // _SUPERSAMPLING, _SUPERSAMPLING, channels)
    return blocks.mean((1, 3)).clamp(0, 1).numpy()


def _photo_crop(photo: np.ndarray, box: CropBox) -> np.ndarray:
    """The photo in the square that the mesh is drawn in beside it, (TILE, TILE, 3) in [0, 1]."""
    left, top, side = box
    source = Image.fromarray(photo)
    part = (max(left, 0.0), max(top, 0.0), min(left + side, source.width), min(top + side, source.height))
    tile = Image.new("RGB", (TILE, TILE), tuple(round(255 * value) for value in _BACKGROUND))
    width, height = (round((part[2 + i] - part[i]) / side * TILE) for i in range(2))
    if width > 0 and height > 0:
        scaled = source.resize((width, height), Image.Resampling.LANCZOS, box=part, reducing_gap=3)
        tile.paste(scaled, (round((part[0] - left) / side * TILE), round((part[1] - top) / side * TILE)))
    return np.asarray(tile, np.float32) / 255


def _outlined(photo: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """The photo with the edge of the mesh drawn over it."""
    down, right = np.gradient(coverage)
    edge = np.clip(2 * np.hypot(down, right), 0, 1)[..., None]
    return photo * (1 - edge) + np.array(_OUTLINE, np.float32) * edge

"""Pictures of the blend file: as a file that the worker can read, as an array, and from one."""

import re
import struct
import zlib
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..core.errors import InputError


def photo_file(image: bpy.types.Image, folder: Path) -> Path:
    """The image's own file when that shows the same, else a copy in `folder`: packed files as they are, everything else as PNG.

    The original is preferred because it holds what Blender drops: orientation and focal length. Raises InputError when there is no picture.
    """
    unchanged = image.source == "FILE" and not image.is_dirty
    path = Path(bpy.path.abspath(image.filepath, library=image.library))
    if unchanged and image.packed_file is None and path.is_file():
        return path
    stem = re.sub(r"[^\w\- ]+", "_", Path(image.name).stem) or "photo"
    if unchanged and image.packed_file is not None:
        copy = folder / f"{stem}{Path(image.filepath).suffix or '.png'}"
        copy.write_bytes(image.packed_file.data)
        return copy
    if image.source == "FILE" and not path.is_file() and not image.size[0]:
        raise InputError(f"The file of {image.name} is not there any more ({path}); choose the photo again.")
    copy = folder / f"{stem}.png"
    copy.write_bytes(png_bytes(pixels(image)))
    return copy


def pack_picture(name: str, picture: np.ndarray, space: str = "sRGB") -> bpy.types.Image:
    """A new packed image of (H, W, 3) or (H, W) uint8, row 0 at the top; no file on the artist's disk is needed."""
    height, width = picture.shape[:2]
    image = bpy.data.images.new(name, width, height, alpha=False)
    colours: Any = image.colorspace_settings
    colours.name = space
    values = np.ones((height, width, 4), np.float32)
    values[..., :3] = picture.reshape(height, width, -1)[::-1] / np.float32(255)  # Blender's rows start at the bottom
    _values(image).foreach_set(values.ravel())
    image.pack()
    return image


def pack_heights(name: str, heights: np.ndarray) -> bpy.types.Image:
    """A new packed float image of (H, W) float32, row 0 at the top: as precise as that, and of either sign."""
    image = bpy.data.images.new(name, heights.shape[1], heights.shape[0], alpha=False, float_buffer=True, is_data=True)
    values = np.ones((*heights.shape, 4), np.float32)
    values[..., :3] = heights[::-1, :, None]
    _values(image).foreach_set(values.ravel())
    image.pack()
    return image


def pixels(image: bpy.types.Image) -> np.ndarray:
    """(H, W, 4) uint8 sRGB with straight alpha, row 0 at the top. Raises InputError for an image without a picture in colour."""
    width, height = image.size
    if not width or not height or image.channels != 4:
        raise InputError(f"The image {image.name} has no colour picture to read; choose another one or load its file again.")
    values = np.empty(width * height * 4, np.float32)
    _values(image).foreach_get(values)
    values = values.reshape(height, width, 4)[::-1]
    colour, alpha = values[..., :3], values[..., 3:]
    if image.is_float:  # linear and premultiplied
        colour = colour / np.maximum(alpha, 1e-6)
        colour = np.where(colour <= 0.0031308, 12.92 * colour, 1.055 * np.maximum(colour, 0.0031308) ** (1 / 2.4) - 0.055)
    return np.round(np.concatenate([colour, alpha], axis=2).clip(0, 1) * 255).astype(np.uint8)


def _values(image: bpy.types.Image) -> Any:
    """All channels of all pixels, which the stubs of bpy take for floats alone."""
    return image.pixels


def png_bytes(pixels: np.ndarray) -> bytes:
    """A PNG file of (H, W, 4) uint8 (W3C PNG, third edition: 8-bit RGBA, no filter)."""
    height, width = pixels.shape[:2]

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes(), 1)) + chunk(b"IEND", b"")

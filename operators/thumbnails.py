"""Small pictures in the interface, which are no part of the blend file."""

from typing import Any

import bpy.utils.previews
import numpy as np

_previews: Any = None
_numbers: list[int] = []


def show(pictures: np.ndarray) -> None:
    """Let (N, S, S, 3) uint8 sRGB be the pictures."""
    global _previews
    forget()
    _previews = bpy.utils.previews.new()
    for index, picture in enumerate(pictures):
        preview = _previews.new(str(index))
        side = len(picture)
        values = np.ones((side, side, 4), np.float32)
        values[..., :3] = picture[::-1] / np.float32(255)
        for kind in ("image", "icon"):
            setattr(preview, f"{kind}_size", (side, side))
            getattr(preview, f"{kind}_pixels_float").foreach_set(values.ravel())
        _numbers.append(preview.icon_id)


def numbers() -> list[int]:
    """Icons of the pictures, by which panels draw them."""
    return list(_numbers)


def forget() -> None:
    """Free them: the extension is being disabled, or others come."""
    global _previews
    if _previews is not None:
        bpy.utils.previews.remove(_previews)
        _previews = None
    _numbers.clear()

"""Colour TIFF files of floating-point numbers, which Pillow does not read."""

import io

import cv2
import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from ..errors import InputError
from .srgb import profiled

_WIDTH, _HEIGHT, _BANDS, _PROFILE, _SAMPLE_FORMAT = 256, 257, 277, 34675, 339
_FLOAT = 3


class FloatTiff:
    """A TIFF file by its header: size (width, height), and whether it is present at all as a colour picture of floating-point numbers."""

    def __init__(self, data: bytes) -> None:
        """Raises almost anything for a damaged header."""
        start = 16 if data[2:4] in (b"+\0", b"\0+") else 8
        tags = ImageFileDirectory_v2(data[:start])
        with io.BytesIO(data) as file:
            file.seek(tags.next)
            tags.load(file)
        self.size = int(tags[_WIDTH]), int(tags[_HEIGHT])
        self._profile: bytes | None = tags.get(_PROFILE)
        formats = tags.get(_SAMPLE_FORMAT, 0)
        self.present = int(tags.get(_BANDS, 1)) >= 3 and _FLOAT in (formats if isinstance(formats, tuple) else (formats,))
        self._data = data

    def read(self, name: str, notes: list[str]) -> Image.Image:
        """An upright RGB picture with 8 bits a colour; transparency is left out. notes: sentences for the user, added to.

        As in Blender and Photoshop the numbers are light, 1 is white; where there is a colour profile its curve is used, not its primaries.
        Raises InputError.
        """
        picture = cv2.imdecode(np.frombuffer(self._data, np.uint8), cv2.IMREAD_UNCHANGED)  # turns it upright, too
        if picture is None or picture.ndim != 3 or picture.dtype.kind != "f":
            raise InputError(f"The floating-point colours of {name} cannot be read; save it as a 16-bit TIFF or PNG photo.")
        light = np.clip(np.nan_to_num(picture[..., 2::-1].astype(np.float32), posinf=1, neginf=0), 0, 1)
        greys = Image.fromarray(np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2))
        curve = profiled(greys, self._profile, name, notes)
        if curve is None:
            notes.append(f"The floating-point colours of {name} are taken as light, 1 being white; save 16-bit ones if they look wrong.")
            colours = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055)
        else:
            levels = np.asarray(curve)[0]
            colours = np.stack([np.interp(light[..., band] * 255, np.arange(256), levels[:, band]) for band in range(3)], axis=2)
        return Image.fromarray(np.round(colours).astype(np.uint8))

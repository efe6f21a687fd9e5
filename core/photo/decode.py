"""Reading photos that may be damaged or hostile: allow-listed formats, bounded sizes, 8-bit sRGB out, one sentence on failure."""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..errors import InputError
from .files import MAX_PIXELS, damaged, read_file
from .srgb import to_srgb

_X_DENSITY, _Y_DENSITY, _DENSITIES = 0x011A, 0x011B, ("aspect", "jfif_density", "dpi", "resolution")
_ORIENTATION, _EXIF_IFD, _FOCAL_35MM, _EXIF_WIDTH, _EXIF_HEIGHT = 0x0112, 0x8769, 0xA405, 0xA002, 0xA003
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_HIDDEN = 128  # grey that replaces whatever lies under fully transparent pixels


@dataclass(frozen=True)
class Photo:
    """A decoded photo.

    image: (H, W, 3) uint8 sRGB, upright by its EXIF orientation. alpha: (H, W) float32 in [0, 1], or None when the photo is opaque.
    focal_35mm: 35 mm-equivalent focal length, or None. name: file stem. warnings: sentences for the user.
    No other metadata (place, time, device) is kept.
    """

    image: np.ndarray
    alpha: np.ndarray | None
    focal_35mm: float | None
    name: str
    warnings: tuple[str, ...] = ()

    def save(self, path: Path) -> None:
        """As a PNG file, from which `read_photo` gets the same picture and focal length."""
        picture = Image.fromarray(self.image)
        if self.alpha is not None:
            picture.putalpha(Image.fromarray(np.round(self.alpha * 255).astype(np.uint8)))
        exif = Image.Exif()
        if self.focal_35mm is not None:
            exif.get_ifd(_EXIF_IFD)[_FOCAL_35MM] = round(self.focal_35mm)
        picture.save(path, "PNG", exif=exif.tobytes())


def read_photo(path: str | Path) -> Photo:
    """Decode one photo. Raises InputError, whose sentence names the file, for anything that is not a sound photo of bearable size."""
    path = Path(path)
    data, kind = read_file(path)
    notes: list[str] = []
    image = _open(path, data, kind, notes)
    orientation, focal = _read_exif(image, path, notes)
    try:
        colours, alpha = to_srgb(image, path.name, notes)
    except ValueError as error:
        raise InputError(f"{path.name} uses the colour mode {image.mode}, which is not supported; save it as an RGB photo.") from error
    if orientation in _TURNS:
        colours = colours.transpose(_TURNS[orientation])
        alpha = alpha and alpha.transpose(_TURNS[orientation])
    pixels = np.array(colours)
    return Photo(pixels, _usable_alpha(alpha, pixels, path, notes), focal, path.stem, tuple(notes))


def _open(path: Path, data: bytes, kind: str, notes: list[str]) -> Image.Image:
    """The first picture of the file, with its pixels."""
    if kind == "HEIF":
        _learn_heif(path)
    try:
        with warnings.catch_warnings():
            # Pillow remarks on sizes below our own limit, and on metadata that it could not read.
            warnings.simplefilter("ignore")
            if kind == "TIFF":
                from .float_tiff import FloatTiff  # brings OpenCV, for which a check of a photo need not wait

                file = FloatTiff(data)
                if file.present:
                    _check_size(path, file.size)
                    return file.read(path.name, notes)
            image = Image.open(io.BytesIO(data), formats=(kind,))
        _check_size(path, image.size)
        image.load()
        if image.format != "MPO" and _picture_count(image) > 1:
            notes.append(f"{path.name} holds several pictures; only the first is used.")
    except InputError:
        raise
    except Image.DecompressionBombError as error:
        raise InputError(_too_large(path)) from error
    except Image.UnidentifiedImageError as error:
        raise InputError(f"{path.name} is damaged, or a {kind} file of a kind that cannot be read; save it as JPEG or PNG.") from error
    except Exception as error:  # decoders of damaged files raise almost anything, from struct.error to SyntaxError
        raise damaged(path.name) from error
    return image


def _picture_count(image: Image.Image) -> int:
    try:
        return getattr(image, "n_frames", 1)
    except Exception:  # noqa: BLE001 - counting reads what follows the first picture, which may be damaged
        return 1


def _learn_heif(path: Path) -> None:
    """Teach Pillow HEIC. Raises InputError where the package for it is missing."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise InputError(
            f"{path.name} is a HEIC photo, which this Python cannot read; set up the environment of Likeness again, or save the photo as "
            "JPEG (on an iPhone: Settings, Camera, Formats, Most Compatible)."
        ) from error
    register_heif_opener()


def _too_large(path: Path) -> str:
    return f"{path.name} has more than {MAX_PIXELS // 1_000_000} megapixels; save a smaller copy."


def _check_size(path: Path, size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise InputError(_too_large(path))


def _read_exif(image: Image.Image, path: Path, notes: list[str]) -> tuple[int, float | None]:
    """Orientation (1..8) and 35 mm-equivalent focal length; the latter is dropped when the photo was evidently cropped afterwards."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on what it could not read
            exif = image.getexif()
            orientation = int(exif.get(_ORIENTATION, 1))
            details = exif.get_ifd(_EXIF_IFD)
            ratio = _pixel_ratio([(exif.get(_X_DENSITY), exif.get(_Y_DENSITY)), *(image.info.get(name) for name in _DENSITIES)])
        focal = float(details.get(_FOCAL_35MM, 0))
        recorded = sorted((float(details.get(_EXIF_WIDTH, 0)), float(details.get(_EXIF_HEIGHT, 0))))
    except Exception:  # noqa: BLE001 - as with pixels, damaged EXIF raises almost anything
        notes.append(f"The EXIF data of {path.name} is damaged and was ignored.")
        return 1, None
    if ratio is not None:
        notes.append(
            f"{path.name} says that its pixels are not square (by a factor of {ratio:.2f}), which is left alone; if the head comes out too "
            "wide or too narrow, save the photo with square pixels."
        )
    actual = sorted(image.size)
    cropped = recorded[0] > 0 and abs(recorded[1] / recorded[0] - actual[1] / actual[0]) > 0.02
    return orientation, focal if 6 <= focal <= 1200 and not cropped else None


def _pixel_ratio(densities: list[tuple[Any, Any] | None]) -> float | None:
    """By how much pixels are longer one way, if believable, of pairs of densities across and down.

    Which way is not told: programs disagree about what the two numbers of a JPEG or PNG file without a unit mean.
    """
    for pair in densities:
        try:
            low, high = sorted(map(float, pair or ()))
        except (TypeError, ValueError):  # missing, or nonsense
            continue
        if 0 < low * 1.02 < high < low * 4:
            return high / low
    return None


def _usable_alpha(alpha: Image.Image | None, pixels: np.ndarray, path: Path, notes: list[str]) -> np.ndarray | None:
    """Alpha as (H, W) float32; None when it hides nothing or everything. Colours under fully transparent pixels are blanked in place."""
    if alpha is None:
        return None
    values = np.asarray(alpha)
    if values.min() == 255:
        return None
    if values.max() < 128:
        notes.append(f"{path.name} is transparent everywhere; its transparency was ignored.")
        return None
    pixels[values == 0] = _HIDDEN
    return values.astype(np.float32) / 255

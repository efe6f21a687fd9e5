"""Reading photos that may be damaged or hostile: allow-listed formats, bounded sizes, 8-bit sRGB out, one sentence on failure."""

import io
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from ..errors import InputError

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
MAX_BYTES = 256 * 2**20
MAX_PIXELS = 100_000_000

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
_MAX_PROFILE = 8 * 2**20
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


def read_photo(path: str | Path) -> Photo:
    """Decode one photo. Raises InputError, whose sentence names the file, for anything that is not a sound photo of bearable size."""
    path = Path(path)
    data = _read_bytes(path)
    notes: list[str] = []
    try:
        with warnings.catch_warnings():
            # Pillow remarks on sizes below our own limit, and on metadata that it could not read.
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=FORMATS)
        _check_size(path, image.size)
        image.load()
    except InputError:
        raise
    except Image.DecompressionBombError as error:
        raise InputError(_too_large(path)) from error
    except Image.UnidentifiedImageError as error:
        raise InputError(f"{path.name} is not a JPEG, PNG, WebP, TIFF or BMP photo; save it in one of these formats.") from error
    except Exception as error:  # decoders of damaged files raise almost anything, from struct.error to SyntaxError
        raise InputError(f"{path.name} is damaged or incomplete; export or copy the photo again.") from error
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        notes.append(f"{path.name} holds several pictures; only the first is used.")
    orientation, focal = _read_exif(image, path, notes)
    try:
        colours, alpha = _to_srgb(image, path, notes)
    except ValueError as error:
        raise InputError(f"{path.name} uses the colour mode {image.mode}, which is not supported; save it as an RGB photo.") from error
    if orientation in _TURNS:
        colours = colours.transpose(_TURNS[orientation])
        alpha = alpha and alpha.transpose(_TURNS[orientation])
    pixels = np.array(colours)
    return Photo(pixels, _usable_alpha(alpha, pixels, path, notes), focal, path.stem, tuple(notes))


def _read_bytes(path: Path) -> bytes:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"{path.name or path} is a folder; choose a photo in it.")
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path.name} is not a regular file; choose a photo.")
        if status.st_size > MAX_BYTES:
            raise InputError(f"{path.name} is larger than {MAX_BYTES // 2**20} MB; save a smaller copy.")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; check the path.") from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        raise InputError(f"{path.name!r} cannot be read; check the path and its permissions.") from error
    if not data:
        raise InputError(f"{path.name} is empty; export or copy the photo again.")
    return data


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
        focal = float(details.get(_FOCAL_35MM, 0))
        recorded = sorted((float(details.get(_EXIF_WIDTH, 0)), float(details.get(_EXIF_HEIGHT, 0))))
    except Exception:  # noqa: BLE001 - as with pixels, damaged EXIF raises almost anything
        notes.append(f"The EXIF data of {path.name} is damaged and was ignored.")
        return 1, None
    actual = sorted(image.size)
    cropped = recorded[0] > 0 and abs(recorded[1] / recorded[0] - actual[1] / actual[0]) > 0.02
    return orientation, focal if 6 <= focal <= 1200 and not cropped else None


def _to_srgb(image: Image.Image, path: Path, notes: list[str]) -> tuple[Image.Image, Image.Image | None]:
    """An RGB picture in sRGB and the alpha channel, if any."""
    alpha = None
    if image.has_transparency_data:
        image = image.convert("RGBA") if image.mode not in ("LA", "RGBA") else image
        alpha = image.getchannel("A")
        image = image.convert("L" if image.mode == "LA" else "RGB")
    elif image.mode in ("F", "I") or image.mode.startswith("I;16"):
        image = _eight_bits(image)
    elif image.mode in ("P", "1"):
        image = image.convert("RGB")
    profile = image.info.get("icc_profile")
    if profile and len(profile) <= _MAX_PROFILE and image.mode in ("RGB", "L", "CMYK"):
        try:
            return _apply_profile(image, profile), alpha
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            notes.append(f"The colour profile of {path.name} cannot be used; its colours are taken as sRGB.")
    return image if image.mode == "RGB" else image.convert("RGB"), alpha


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    converted = ImageCms.profileToProfile(
        image,
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    if converted is None:
        raise ValueError("no picture came out of the colour conversion")
    return converted


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey pictures of 16 or 32 bits, integer or float, as 8 bits."""
    values = np.nan_to_num(np.asarray(image, np.float32), posinf=0, neginf=0)
    if image.mode == "F":
        # Float pictures have no declared white: 1 by custom, 255 or the brightest value where that is exceeded.
        peak = float(values.max())
        white = 1.0 if peak <= 1 else max(peak, 255.0)
    else:
        white = max(65535.0, float(values.max()))
    return Image.fromarray(np.clip(values * (255 / white) + 0.5, 0, 255).astype(np.uint8))


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

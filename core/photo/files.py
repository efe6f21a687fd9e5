"""Checks of a photo file before it is decoded: that it can be opened, is not too large, and is of a known format.

Standard library only, because Blender's process checks files too.
"""

import stat
from pathlib import Path

from ..errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".heic", ".heif", ".avif", ".tif", ".tiff", ".bmp")
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP")
"""What Pillow reads by itself, in its own words; HEIC needs a package, see decode.py."""
MAX_BYTES = 256 * 2**20
MAX_PIXELS = 100_000_000
KINDS = "JPEG, PNG, WebP, HEIC, AVIF, TIFF or BMP"
_BEGINNINGS = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",  # with 64-bit offsets
    b"MM\0+": "TIFF",
}
_AVIF = {b"avif", b"avis"}
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def read_file(path: Path) -> tuple[bytes, str]:
    """A photo's bytes and what kind it is by its first bytes, as Pillow calls it. Raises InputError, whose sentence names the file."""
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
    kind = _kind(data)
    if kind is None:
        raise InputError(f"{path.name} is not a {KINDS} photo; save it in one of these formats.")
    return data, kind


def damaged(name: str) -> InputError:
    """For a file of the right kind that cannot be decoded."""
    return InputError(f"{name} is damaged or incomplete; export or copy the photo again.")


def _kind(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":  # ISO/IEC 14496-12: the main brand, a version, then the brands that it can be read as
        box = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
        brands = {box[i : i + 4] for i in range(0, len(box), 4)}
        return "AVIF" if brands & _AVIF else "HEIF" if brands & _HEIF else None
    return next((kind for beginning, kind in _BEGINNINGS.items() if data.startswith(beginning)), None)

"""Checks of the user's files that are quick enough to make before anything is loaded."""

import os
import stat
import warnings
from pathlib import Path

from ..core.errors import InputError
from ..core.settings import Settings


def check_photo(path: Path) -> None:
    """Raises InputError when the file is no photo, going by its beginning: whatever looks odd is read as the worker would read it."""
    if not _is_readable(path) or not _has_bearable_header(path):
        from ..core.photo.decode import read_photo

        read_photo(path)


def check_file(path: Path, what: str) -> None:
    """Raises InputError when a file of the user's own is missing or cannot be read; what: as in "FLAME file"."""
    if not _is_readable(path):
        raise InputError(f"{path} cannot be read; check that the {what} is there.")


def check_detector(settings: Settings) -> None:
    """Raises AssetError when the chosen detector's package or weights are missing."""
    if settings.detector == "face-alignment":
        from ..core.photo.face_alignment_provider import check_face_alignment

        check_face_alignment(settings.detector_weights)


def check_exists(path: Path) -> None:
    """Raises InputError."""
    if not os.path.exists(path):
        raise InputError(f"{path} does not exist; check the path.")


def check_folder(path: Path) -> None:
    """Raises InputError."""
    check_exists(path)
    if not path.is_dir():
        raise InputError(f"{path} is a file; give a folder.")


def _is_readable(path: Path) -> bool:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # to open a pipe would mean to wait for its other end
            return False
        with path.open("rb") as file:
            return bool(file.read(1))
    except OSError:
        return False


def _has_bearable_header(path: Path) -> bool:
    from PIL import Image

    from ..core.photo.files import FORMATS, MAX_BYTES, MAX_PIXELS

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as image:
                return image.width * image.height <= MAX_PIXELS and path.stat().st_size <= MAX_BYTES
    except Exception:  # noqa: BLE001 - readers of damaged files raise almost anything; read_photo finds the sentence
        return False

"""Photos as PNG files, by the real program in a Python of its own."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likeness.core.errors import InputError, WorkerError
from likeness.core.photo.decode import read_photo
from likeness.worker.picture import as_png

PYTHON = Path(sys.executable)


def test_a_photo_becomes_a_png_of_the_same_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 35
    path = tmp_path / "Ünï 顔.avif"
    Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(path, exif=exif.tobytes(), quality=90)
    (tmp_path / "made").mkdir()
    made, notes = as_png(PYTHON, path, tmp_path / "made")
    photo, again = read_photo(path), read_photo(made)
    assert made.name == "Ünï 顔.png" and made.read_bytes().startswith(b"\x89PNG") and notes == []
    assert np.array_equal(again.image, photo.image) and again.focal_35mm == photo.focal_35mm == 35


def test_what_is_wrong_with_a_photo_is_the_decoders_sentence(tmp_path: Path) -> None:
    path = tmp_path / "ß.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(50))
    with pytest.raises(InputError, match=r"^ß\.heic is damaged"):
        as_png(PYTHON, path, tmp_path)


def test_a_python_that_cannot_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="cannot be started"):
        as_png(tmp_path / "none", tmp_path / "a.heic", tmp_path)
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no module >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(WorkerError, match=r"a\.heic could not be read \(no module\)"):
        as_png(broken, tmp_path / "a.heic", tmp_path)

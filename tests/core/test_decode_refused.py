"""Files that are no photos, damaged or too large: one sentence each, and no harm."""

import os
import zlib

import numpy as np
import pytest
from PIL import Image

from likeness.core.errors import InputError
from likeness.core.photo.decode import read_photo
from likeness.core.photo.files import MAX_BYTES

from .png_files import png, png_chunk


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "bmp"])
@pytest.mark.parametrize("share", [0.1, 0.6])
def test_truncated_files_are_refused(tmp_path, suffix, share):
    path = tmp_path / f"half.{suffix}"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=rf"half\.{suffix} is (damaged|not a)"):
        read_photo(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a\1\0\1\0\0\0\0;",
        b"%PDF-1.7",
        b"\0\0\0\x14ftypqt  \0\0\0\0qt  ",
        b"8BPS\0\1",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"\xff\xd8\xff\xe0" + bytes(200),
        png(0, 0),
        png(65535, 0),
        bytes(range(256)) * 16,
    ],
)
def test_what_is_no_photo_is_refused_whatever_its_name(tmp_path, content):
    path = tmp_path / "photo.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"photo\.png"):
        read_photo(path)


def test_real_gif_named_png_is_refused(tmp_path, scene):
    Image.fromarray(scene).save(tmp_path / "a.gif")
    (tmp_path / "a.gif").rename(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png is not a JPEG, PNG"):
        read_photo(tmp_path / "a.png")


@pytest.mark.parametrize(("width", "height"), [(12000, 12000), (60000, 60000), (2**31 - 1, 2**31 - 1)])
def test_decompression_bombs_are_refused_before_decoding(tmp_path, width, height):
    path = tmp_path / "bomb.png"
    path.write_bytes(png(width, height))
    with pytest.raises(InputError, match=r"bomb\.png has more than 100 megapixels"):
        read_photo(path)


def test_huge_text_and_profile_chunks_do_no_harm(tmp_path):
    text = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000)))
    profile = png_chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(50_000_000)))
    plain = png(40, 40, rows=bytes(40 * 121))
    for chunk in (text, profile):
        (tmp_path / "a.png").write_bytes(plain[:33] + chunk + plain[33:])
        try:
            assert read_photo(tmp_path / "a.png").image.shape == (40, 40, 3)
        except InputError as error:
            assert "a.png" in str(error)


def test_too_large_files_are_refused_unread(tmp_path):
    path = tmp_path / "big.jpg"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(InputError, match=r"big\.jpg is larger than 256 MB"):
        read_photo(path)


def test_missing_files_folders_and_pipes(tmp_path):
    with pytest.raises(InputError, match=r"does not exist"):
        read_photo(tmp_path / "nothing.jpg")
    with pytest.raises(InputError, match=r"is a folder"):
        read_photo(tmp_path)
    with pytest.raises(InputError, match=r"cannot be read"):
        read_photo("a\0b.jpg")
    with pytest.raises(InputError, match=r"cannot be read"):
        read_photo(tmp_path / ("x" * 5000))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.jpg")
        with pytest.raises(InputError, match=r"pipe\.jpg is not a regular file"):
            read_photo(tmp_path / "pipe.jpg")
        (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
        with pytest.raises(InputError, match=r"loop\.jpg"):
            read_photo(tmp_path / "loop.jpg")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "bmp"])
def test_damaged_bytes_give_a_picture_or_one_sentence(tmp_path, scene, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(scene).save(path)
    sound = np.frombuffer(path.read_bytes(), np.uint8)
    random = np.random.default_rng(7)
    for _ in range(60):
        mutant = sound.copy()
        mutant[random.integers(0, len(mutant), 8)] = random.integers(0, 256, 8)
        path.write_bytes(mutant.tobytes())
        try:
            assert read_photo(path).image.ndim == 3
        except InputError as error:
            assert str(error).count(path.name) == 1
